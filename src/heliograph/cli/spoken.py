"""What went wrong, in the language of the terminal."""

import re
from collections.abc import Mapping

from heliograph.api.language.wording import say

_STATUS = re.compile(r"(.+)( \(HTTP [^()]+\))", re.DOTALL)
"""What the client and `heliograph webhook listen` put behind the sentence of a server."""


def in_locale(sentence: str, environ: Mapping[str, str]) -> str:
    """The English `sentence` in the language of the locale in `environ`, if it can be said in it."""
    ended = _STATUS.fullmatch(sentence)
    words, status = ended.groups() if ended else (sentence, "")
    return (say(words, locale_language(environ)) or words) + status


def locale_language(environ: Mapping[str, str]) -> str:
    """The code of the language that the locale in `environ` is for: `zh`, else `en`."""
    settings = (environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((setting for setting in settings if setting), "")
    return "zh" if re.match(r"zh(?![a-z])", locale) else "en"
