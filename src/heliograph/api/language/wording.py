"""Refusals in the words of who is refused."""

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources

from heliograph.api.language.choose import choose_language
from heliograph.api.language.sentences import Sentences
from heliograph.base.errors import Fault, Unauthorized

DOCUMENTED = Unauthorized().message
"""The one sentence that is the same in every language: programs compare it, to the byte."""

Headers = Iterable[tuple[bytes, bytes]]
"""Names in lower case, and values."""


def word(fault: Fault, headers: Headers) -> Fault:
    """`fault` in the language that the `headers` of the request ask for, with headers that say so.

    It is `fault` itself in English, for a sentence that cannot be said otherwise, and for DOCUMENTED.
    """
    if fault.message == DOCUMENTED:
        return fault
    wishes = [value.decode("latin-1") for name, value in headers if name == b"accept-language"]
    language = choose_language(",".join(wishes))
    said = say(fault.message, language)
    return fault if said is None else _reworded(fault, said, language)


def say(sentence: str, language: str) -> str | None:
    """The English `sentence` in `language`; None for English, and when it cannot be said."""
    return _chinese().say(sentence) if language == "zh" else None


def _reworded(fault: Fault, said: str, language: str) -> Fault:
    # The same fault may be the answer to several requests, so it stays as it is.
    other = type(fault).__new__(type(fault), said)
    vars(other).update(vars(fault))
    other.message = said
    other.headers = fault.headers | {"Content-Language": language, "Vary": "Accept-Language"}
    error = (fault.data or {}).get("error")
    if fault.data and isinstance(error, str):
        other.data = {**fault.data, "error": say(error, language) or error}
    return other


@cache
def _chinese() -> Sentences:
    """Read when it is needed first: most servers never are asked for it."""
    table = resources.files(__package__) / "chinese.toml"
    return Sentences(tomllib.loads(table.read_text(encoding="utf-8")))
