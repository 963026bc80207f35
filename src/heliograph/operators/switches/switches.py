"""What a process remembers of the switches: for a second, so that a submit need not ask."""

import asyncio
import datetime
from collections.abc import Mapping

from heliograph.base.clock import Clock
from heliograph.base.database import Pool, borrow
from heliograph.base.errors import Forbidden
from heliograph.operators.switches.store import Off, read_off

KEPT_SECONDS = 1


class Switches:
    """Which models are off."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._reading = asyncio.Lock()
        self._off: Mapping[str, Off] = {}
        self._asked_at: datetime.datetime | None = None

    async def refresh(self) -> None:
        """Read the switches, unless they were read within the last second. Raises Busy."""
        if self._is_fresh():
            return
        async with self._reading:
            if self._is_fresh():
                return
            # From the moment of asking: what is switched after the answer was read is not in it.
            asked_at = self._clock.now()
            async with borrow(self._pool) as connection:
                self._off = await read_off(connection)
            self._asked_at = asked_at

    def forget(self) -> None:
        """Read them anew for the next caller: this process has just turned one."""
        self._asked_at = None

    def check(self, model: str) -> None:
        """Raise Forbidden, with the operator's reason, when `model` was off when last read."""
        off = self._off.get(model)
        if off is not None:
            raise Forbidden(
                f"{model} is switched off on this server: {off.reason}"
                " Tasks that were accepted go on. Use another model, or come back later."
            )

    def _is_fresh(self) -> bool:
        if self._asked_at is None:
            return False
        # Both sides, because a clock that is set back must not make an answer last.
        age_seconds = (self._clock.now() - self._asked_at).total_seconds()
        return 0 <= age_seconds < KEPT_SECONDS
