"""Writing down, for all processes, which providers and engines work and which fail."""

import datetime

from heliograph.base.clock import Clock
from heliograph.base.database import Pool, borrow, transaction
from heliograph.providers.health.health import Health
from heliograph.providers.health.store import note_failure, note_success

#: A success is no news to this process when it has noted one since, and no failure in between.
FRESH_SECONDS = 1


class HealthNotes:
    """What this process sees of others, noted in the database. Each call raises Busy when it is away."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._worked_at: dict[str, datetime.datetime] = {}

    async def success(self, name: str) -> None:
        """`name` works."""
        now = self._clock.now()
        last = self._worked_at.get(name)
        if last is not None and (now - last).total_seconds() < FRESH_SECONDS:
            return
        async with borrow(self._pool) as connection:
            await note_success(connection, name, now)
        self._worked_at[name] = now

    async def failure(self, name: str, error: str, pause_seconds: float | None = None) -> Health:
        """`name` has failed, and is left alone for `pause_seconds`, or once that happens often."""
        self._worked_at.pop(name, None)
        async with transaction(self._pool) as connection:
            return await note_failure(
                connection, name, error, self._clock.now(), pause=pause_seconds
            )
