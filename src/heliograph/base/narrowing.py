"""Statements whose plans suit them, although PostgreSQL makes a plan once and keeps it.

The WHERE clause of a list that may be narrowed in many ways has only what was asked for, so that each
combination has a plan of its own. One statement for all of them, with `$1 IS NULL OR …`, would soon have
one plan for all of them.
"""

from collections.abc import Iterable

#: A condition with a `{}` for each of its values. Its text comes from the code, never from a caller.
Condition = tuple[str, tuple[object, ...]]


def in_state(state: str, of: str = "") -> str:
    """SQL: a row that is looked up by its id, perhaps `of` a table, is in `state`. No index is used for it.

    A plan that was made while few tasks were open might look one up among all that are open, and would
    read through all of them as long as it is kept, however many they are by then.
    """
    column = f"{of}.state" if of else "state"
    return f"{column} || '' = '{state}'"


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
