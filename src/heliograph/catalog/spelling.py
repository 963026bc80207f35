"""The known name that was probably meant: for sentences about a wrong one."""

import difflib
from collections.abc import Iterable

# Comparing costs the product of the lengths, and the names come from strangers.
MAX_NAME_CHARACTERS = 40


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that looks most like `name`, in whatever case, or None."""
    if len(name) > MAX_NAME_CHARACTERS:
        return None
    by_lower = {each.lower(): each for each in known if len(each) <= MAX_NAME_CHARACTERS}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean …?` to put behind a sentence, or the empty string."""
    meant = nearest(name, known)
    return f" Did you mean {meant}?" if meant else ""
