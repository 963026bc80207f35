"""The help of the command line in the language of the terminal; typer itself writes it in English only."""

import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

import typer

from heliograph.cli.spoken import in_locale

MOST_COLUMNS: Final = 78
LEAST_COLUMNS: Final = 50
MOST_COLUMNS_OF_A_NAME: Final = 30

#: What a line is not broken within: a word of letters, and what may not begin a line (stops and closing marks).
_UNBROKEN: Final = re.compile(r"\s+|(?:[!-~…]+|.)[\u3001\u3002\uff0c\uff1a\uff1b\uff09\u201d]*")

#: What typer puts behind the help of an option: `[default: 4; required]`.
_DESCRIPTION: Final = re.compile(r"(?P<help>.*?) *(?:\[(?P<rules>[^\[\]]+)\])?", re.DOTALL)

Row = tuple[str, str]


class _Context(typer.Context):
    """A call of a command whose help is ours."""

    def get_help(self) -> str:
        return "\n".join(_help(self))


def translate_help(command: Any) -> None:
    """Have `command`, and all commands below it, show their help in the language of the terminal."""
    command.context_class = _Context
    for one in getattr(command, "commands", {}).values():
        translate_help(one)


def _help(context: Any) -> Iterator[str]:
    command = context.command
    columns = max(min(shutil.get_terminal_size().columns - 2, MOST_COLUMNS), LEAST_COLUMNS)
    pieces = [_said(piece) for piece in command.collect_usage_pieces(context)]
    yield _said(f"Usage: {' '.join([context.command_path, *pieces])}")
    yield ""
    yield from (f"  {line}" for line in wrap(_said(command.help or ""), columns - 2))
    for heading, rows in _parts(context):
        if rows:
            yield f"\n{_said(heading)}"
            yield from _listed(rows, columns)


def _parts(context: Any) -> Iterator[tuple[str, Sequence[Row]]]:
    """What follows the words about a command: each heading, with a name and a text in each row."""
    command = context.command
    for heading, kind in (("Arguments:", "argument"), ("Options:", "option")):
        of_kind = (one for one in command.get_params(context) if one.param_type_name == kind)
        records = (one.get_help_record(context) for one in of_kind)
        yield heading, [(name, _described(text)) for name, text in filter(None, records)]
    below = getattr(command, "commands", {})
    yield "Commands:", [(name, _first_sentence(one.help or "")) for name, one in below.items()]


def _described(text: str) -> str:
    found = _DESCRIPTION.fullmatch(text)
    if found is None or found["rules"] is None:
        return _said(text)
    rules = "; ".join(_said(rule) for rule in found["rules"].split("; "))
    return f"{_said(found['help'])}  [{rules}]".strip()


def _first_sentence(words: str) -> str:
    return _said(words).partition("。")[0]


def _said(words: str) -> str:
    """The English `words`, which may be broken into lines, in the language of the terminal."""
    return in_locale(" ".join(words.split()), os.environ)


def _listed(rows: Sequence[Row], columns: int) -> Iterator[str]:
    indent = min(max(columns_of(name) for name, _ in rows), MOST_COLUMNS_OF_A_NAME) + 4
    for name, text in rows:
        lines = wrap(text, columns - indent)
        if columns_of(name) + 4 > indent:
            yield f"  {name}"
        else:
            yield f"  {name}{' ' * (indent - 2 - columns_of(name))}{lines.pop(0)}".rstrip()
        yield from (f"{' ' * indent}{line}" for line in lines if line)


def wrap(text: str, columns: int) -> list[str]:
    """`text` in lines of at most `columns`; Chinese is broken between any two characters."""
    lines = [""]
    for part in _UNBROKEN.findall(text):
        if lines[-1] and columns_of(lines[-1] + part.rstrip()) > columns:
            lines[-1] = lines[-1].rstrip()
            lines.append(part.lstrip())
        else:
            lines[-1] += part
    return lines


def columns_of(text: str) -> int:
    """How wide `text` is in a terminal, where a Chinese character takes two columns."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
