"""What a key may still spend under its caps. Pure arithmetic."""

import datetime
from typing import NamedTuple

import msgspec


class Overrun(NamedTuple):
    """A cap that would be passed: `monthly` or `total`, its limit, and what is spent of it."""

    name: str
    cap_micros: int
    spent_micros: int


class Budget(msgspec.Struct, frozen=True):
    """The caps of a key, and what the tasks hold or were charged that it pays for.

    `key_id` is the first of the keys that share them. `month_micros` belongs to the tasks that were
    submitted in the month in question, `total_micros` to all.
    """

    key_id: str
    monthly_cap_micros: int | None
    total_cap_micros: int | None
    month_micros: int
    total_micros: int

    def overrun(self, needed_micros: int) -> Overrun | None:
        """The cap that spending `needed_micros` more would pass, the monthly one first.

        What costs nothing passes none, not even one that was set below what is spent.
        """
        for name, cap_micros, spent_micros in (
            ("monthly", self.monthly_cap_micros, self.month_micros),
            ("total", self.total_cap_micros, self.total_micros),
        ):
            if cap_micros is None or not needed_micros:
                continue
            if spent_micros + needed_micros > cap_micros:
                return Overrun(name, cap_micros, spent_micros)
        return None

    def after(self, spent_micros: int) -> "Budget":
        """The budget when `spent_micros` more are spent."""
        return msgspec.structs.replace(
            self,
            month_micros=self.month_micros + spent_micros,
            total_micros=self.total_micros + spent_micros,
        )


def month_of(moment: datetime.datetime) -> datetime.date:
    """The first day of the month of `moment` in UTC."""
    return moment.astimezone(datetime.UTC).date().replace(day=1)
