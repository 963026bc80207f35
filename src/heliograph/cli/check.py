"""What a check of `heliograph doctor` found, and how it is told."""

import os
from dataclasses import dataclass

import typer

from heliograph.base.terminal import harmless_lines
from heliograph.cli.spoken import in_locale
from heliograph.cli.usage import columns_of

STATE_COLUMNS = 5


@dataclass(frozen=True)
class Check:
    """One finding: clauses with `; ` between them. `remedy` is None when nothing is to be done."""

    what: str
    ok: bool
    found: str
    remedy: str | None = None


def show_check(check: Check) -> None:
    """Print a finding and its remedy in the language of the terminal."""
    state = _said("ok" if check.ok else "WRONG")
    colour = "green" if check.ok else "red"
    typer.secho(state + " " * (STATE_COLUMNS - columns_of(state)), fg=colour, nl=False)
    typer.echo(harmless_lines(f"  {_said(check.what)}{_said(': ')}{_clauses(check.found)}"))
    if check.remedy:
        typer.echo(harmless_lines(f"       {_clauses(check.remedy)}"))


def _clauses(words: str) -> str:
    """What was found, said clause by clause; as a whole if it is a sentence with a `; ` of its own."""
    clauses = words.split("; ")
    said = [_said(clause) for clause in clauses]
    return _said(words) if said == clauses else "; ".join(said)


def _said(words: str) -> str:
    return in_locale(words, os.environ)
