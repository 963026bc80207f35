"""A line of a statement. Pure."""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from heliograph.ledger.money import Transfer


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
