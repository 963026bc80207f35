"""A line of a statement, and how it stands in a CSV file. Pure."""

import csv
import datetime
import decimal
import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from heliograph.ledger.money import Transfer

CSV_NAMES = ("time", "kind", "amount", "moved", "balance", "task_id", "note")


class Period(NamedTuple):
    """From one moment on and before another; None: without end on that side."""

    since: datetime.datetime | None = None
    before: datetime.datetime | None = None


class Line(NamedTuple):
    """A movement, and what is available after it.

    `amount_micros` is the change of what is available: a charge moves what was held, so it is 0.
    """

    transfer: Transfer
    amount_micros: int
    balance_micros: int


def lines_of(transfers: Sequence[Transfer], balance_micros: int) -> list[Line]:
    """The lines of `transfers`, before which `balance_micros` were available."""
    lines = []
    for transfer in transfers:
        amount_micros = change_of(transfer)
        balance_micros += amount_micros
        lines.append(Line(transfer, amount_micros, balance_micros))
    return lines


def change_of(transfer: Transfer) -> int:
    """By how many micros `transfer` changes what is available."""
    inward, outward = transfer.credit == "available", transfer.debit == "available"
    return (inward - outward) * transfer.amount_micros


def csv_head() -> str:
    """The first line of the file."""
    return _csv([CSV_NAMES])


def csv_lines(lines: Iterable[Line]) -> str:
    """Lines of the file: times in UTC (ISO 8601), dollars with six decimals."""
    return _csv(_cells(line) for line in lines)


def _cells(line: Line) -> Sequence[str]:
    moment = line.transfer.created_at.astimezone(datetime.UTC)
    return (
        moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        line.transfer.kind,
        _dollars(line.amount_micros),
        _dollars(line.transfer.amount_micros),
        _dollars(line.balance_micros),
        line.transfer.task_id.hex if line.transfer.task_id else "",
        line.transfer.note or "",
    )


def _dollars(micros: int) -> str:
    return format(decimal.Decimal(micros).scaleb(-6), "f")


def _csv(rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()
