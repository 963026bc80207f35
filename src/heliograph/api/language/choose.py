"""Which language the sender of a request asks for."""

import re

LANGUAGES = ("en", "zh")

_WISH = re.compile(r"\s*([a-zA-Z]{1,8})[\w-]*\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?")


def choose_language(accept_language: str) -> str:
    """The one of LANGUAGES that the header asks for most, English when it asks for none."""
    wishes = [_WISH.fullmatch(wish) for wish in accept_language[:500].split(",")]
    known = [wish for wish in wishes if wish and wish[1].lower() in LANGUAGES]
    most = max(known, key=lambda wish: float(wish[2] or 1), default=None)
    return most[1].lower() if most and float(most[2] or 1) else LANGUAGES[0]
