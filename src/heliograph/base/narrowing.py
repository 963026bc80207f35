"""The WHERE clause of a list that may be narrowed in many ways: only what was asked for stands in it.

So each combination has the plan that suits it. One statement for all of them, with `$1 IS NULL OR …`,
would soon have one plan for all of them.
"""

from collections.abc import Iterable

#: A condition with a `{}` for each of its values. Its text comes from the code, never from a caller.
Condition = tuple[str, tuple[object, ...]]


def narrow(conditions: Iterable[Condition], *, first: int) -> tuple[str, list[object]]:
    """The clause of those conditions of whose values none is None, and these values.

    Their parameters are numbered from `first` on.
    """
    texts = ["WHERE true"]
    values: list[object] = []
    for text, own in conditions:
        if None not in own:
            places = (f"${first + len(values) + place}" for place in range(len(own)))
            texts.append(text.format(*places))
            values += own
    return " AND ".join(texts), values
