"""What the command line says, in the language of the terminal."""

import io
import os
import re
from collections.abc import Mapping
from typing import Any

import typer

_STATUS = re.compile(r"(.+)( \(HTTP [^()]+\))", re.DOTALL)
"""What the client and `heliograph webhook listen` put behind the sentence of a server."""

_BAD_VALUE = re.compile(r"Invalid value for (.+?): (?:Value error, )?(.+)", re.DOTALL)
"""What typer says of the value of an option or argument; we say it as of any other field."""


def tell(sentence: str, *, err: bool = False) -> None:
    """Print the English `sentence` in the language of the terminal, if it can be said in it."""
    typer.echo(in_locale(sentence, os.environ), err=err)


def show_usage(error: Any) -> str:
    """Show how a command is meant that was written wrongly, as typer does; gives what is wrong.

    That is nothing when the whole help was shown instead.
    """
    shown = io.StringIO()
    error.show(shown)
    usage, error_follows, rest = shown.getvalue().rpartition("Error: ")
    for line in (usage if error_follows else rest).rstrip().splitlines():
        tell(line, err=True)
    if not error_follows:
        return ""
    sentence = str(error.format_message())
    bad_value = _BAD_VALUE.fullmatch(sentence)
    if bad_value is None:
        return sentence
    name = re.sub("[' ]", "", bad_value[1])
    return f"{name}: {bad_value[2]}"


def in_locale(sentence: str, environ: Mapping[str, str]) -> str:
    """The English `sentence` in the language of the locale in `environ`, if it can be said in it."""
    language = locale_language(environ)
    if language == "en":
        return sentence
    from heliograph.api.language.wording import say

    ended = _STATUS.fullmatch(sentence)
    words, status = ended.groups() if ended else (sentence, "")
    return (say(words, language) or words) + status


def locale_language(environ: Mapping[str, str]) -> str:
    """The code of the language that the locale in `environ` is for: `zh`, else `en`."""
    settings = (environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((setting for setting in settings if setting), "")
    return "zh" if re.match(r"zh(?![a-z])", locale) else "en"
