"""How commands speak: JSON for programs, short lines and tables for people."""

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from heliograph.base.terminal import harmless, harmless_lines
from heliograph.cli.spoken import tell

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def print_json(value: object) -> None:
    """Print `value` as one JSON document; times in Unix milliseconds."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def print_record(record: Mapping[str, object], *, as_json: bool) -> None:
    """Print one thing: JSON, or a line for each field."""
    if as_json:
        print_json(record)
        return
    width = max(map(len, record), default=0)
    for name, value in record.items():
        typer.echo(f"{name:<{width}}  {_shown(value)}")


def print_table(rows: Sequence[Mapping[str, object]], *, as_json: bool, nothing: str) -> None:
    """Print a list of things: JSON, or a table; `nothing` is what an empty one says."""
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        tell(nothing)
        return
    names = list(rows[0])
    cells = [[_shown(row[name]) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    for line in (names, *cells):
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(padded).rstrip())


def explain(error: Exception) -> str | None:
    """The sentence for an error that is no defect of ours, else None."""
    from heliograph.base.errors import Fault, OperatorError
    from heliograph_client import HeliographClientError

    if isinstance(error, typer.Abort):
        return "Aborted."
    if isinstance(error, Fault):
        return harmless(error.message)
    if isinstance(error, HeliographClientError):
        return harmless(str(error))
    if isinstance(error, OperatorError):
        return harmless_lines(str(error))
    return None


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime.datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) or "-"
    return harmless(str(value))


def _plain(value: object) -> object:
    if isinstance(value, datetime.datetime):
        return int(value.timestamp() * 1000)
    return str(value)
