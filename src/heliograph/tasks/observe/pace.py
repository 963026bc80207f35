"""How long tasks take here: observed times of a model's mode, and what to advise who waits."""

import contextlib
import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass

from heliograph.base.database import Pool, borrow
from heliograph.base.errors import Busy
from heliograph.tasks.observe import store
from heliograph.tasks.task import TaskStatus

#: From how many of the youngest successes the times are taken, and how old those may be.
MOST_OBSERVED = 200
OBSERVED_HOURS = 24

#: For so long the times are believed before they are read again.
FRESH_SECONDS = 30

LONGEST_ADVICE_SECONDS = 30


@dataclass(frozen=True)
class Expected:
    """Seconds from submit to success: half of the tasks were faster than p50, nine of ten than p90."""

    p50_seconds: float
    p90_seconds: float


class Pace:
    """The observed times, read from the database now and then by whoever asks first."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._expected: Mapping[tuple[str, str], Expected] = {}
        self._read_at: datetime.datetime | None = None

    async def expected(self, model: str, mode: str, now: datetime.datetime) -> Expected | None:
        """What was observed for `mode` of `model`, at most FRESH_SECONDS ago; None: nothing was."""
        if self._read_at is None or (now - self._read_at).total_seconds() > FRESH_SECONDS:
            # the others go on with what was known, while this caller reads
            self._read_at = now
            with contextlib.suppress(Busy):
                await self._read(now)
        return self._expected.get((model, mode))

    async def _read(self, now: datetime.datetime) -> None:
        since = now - datetime.timedelta(hours=OBSERVED_HOURS)
        async with borrow(self._pool) as connection:
            rows = await store.read_durations(connection, since, MOST_OBSERVED)
        self._expected = {(model, mode): Expected(p50, p90) for model, mode, p50, p90 in rows}


def retry_after_seconds(
    task: TaskStatus, expected: Expected | None, now: datetime.datetime, default_seconds: int
) -> int:
    """When to ask again about an unfinished task: when half, then nine of ten like it have ended.

    Between 1 and LONGEST_ADVICE_SECONDS; `default_seconds` when nothing is known, or it takes longer.
    """
    if expected is None:
        return default_seconds
    elapsed = (now - task.created_at).total_seconds()
    for usual in (expected.p50_seconds, expected.p90_seconds):
        if elapsed < usual:
            return min(LONGEST_ADVICE_SECONDS, max(1, math.ceil(usual - elapsed)))
    return default_seconds
