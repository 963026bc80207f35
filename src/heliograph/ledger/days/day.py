"""A day and what was charged on it. Pure."""

import datetime
from collections.abc import Iterable
from typing import NamedTuple


class Day(NamedTuple):
    """What an account was charged on a day (UTC), and for how many tasks."""

    date: datetime.date
    charged_micros: int
    tasks: int


def every_day(found: Iterable[Day], last: datetime.date, count: int) -> list[Day]:
    """The `count` days up to `last`, the oldest first; nothing was charged on those not `found`."""
    known = {day.date: day for day in found}
    dates = (last - datetime.timedelta(days=back) for back in reversed(range(count)))
    return [known.get(date, Day(date, 0, 0)) for date in dates]
