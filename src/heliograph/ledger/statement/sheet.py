"""A statement as a CSV file."""

import csv
import datetime
import decimal
import io
from collections.abc import Iterable, Sequence

from heliograph.ledger.statement.line import Line

NAMES = ("time", "kind", "amount", "moved", "balance", "task_id", "note")


def csv_head() -> str:
    """The first line of the file."""
    return _csv([NAMES])


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
