"""Which engine makes the next picture: the one with the fewest calls, over all our processes.

Every call is a row with a lease, so that two processes do not overbook an engine, and the places of
a process that was killed are free again after the lease.
"""

import asyncio
import contextlib
import datetime
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from heliograph.base.clock import Clock
from heliograph.base.database import Pool, borrow, transaction
from heliograph.base.errors import Busy
from heliograph.providers.health.health import Health
from heliograph.providers.health.store import note_failure, note_success, read_health
from heliograph.providers.openai_images import store
from heliograph.providers.openai_images.engine import Engine

RENEWAL_SECONDS: Final = 5.0
#: Between two looks for a free place, while all are taken.
LOOK_SECONDS: Final = 0.2
#: Until the next look, while the database is away.
BUSY_SECONDS: Final = 1.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Place:
    """A place at `engine`, which has failed lately if `suspect` and shall show first that it is well."""

    engine: Engine
    suspect: bool


class Engines:
    """The places at some engines, `calls_per_engine` at each, and what is known of their health."""

    def __init__(
        self, pool: Pool, clock: Clock, engines: Collection[Engine], calls_per_engine: int
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._by_name: Mapping[str, Engine] = {engine.name: engine for engine in engines}
        self._most = calls_per_engine
        self._calls: set[uuid.UUID] = set()
        self._freed = asyncio.Event()
        # Only the first in each line asks the database, or many that wait would keep it busy.
        self._lines: dict[frozenset[str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._renewal: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def place(self, names: Collection[str]) -> AsyncIterator[Place]:
        """A place at one of the engines `names`, waited for if need be, and free after the block."""
        call_id = uuid.uuid4()
        try:
            async with self._lines[frozenset(names)]:
                place = await self._wait(call_id, names)
            self._keep(call_id)
            yield place
        finally:
            await self._free(call_id)

    async def note_success(self, engine: Engine) -> None:
        """`engine` has made a picture."""
        with _unless_busy():
            async with borrow(self._pool) as connection:
                await note_success(connection, engine.name, self._clock.now())

    async def note_failure(
        self, engine: Engine, why: str, pause_seconds: float | None = None
    ) -> None:
        """`engine` has failed; it is left alone for `pause_seconds`, or once that happens often."""
        log.warning("provider.engine_failed", engine=engine.name, reason=why)
        with _unless_busy():
            async with transaction(self._pool) as connection:
                now = self._clock.now()
                await note_failure(connection, engine.name, why, now, pause=pause_seconds)

    async def close(self) -> None:
        """Stops the renewal of leases."""
        if self._renewal is not None:
            self._renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewal

    async def _wait(self, call_id: uuid.UUID, names: Collection[str]) -> Place:
        while True:
            self._freed.clear()
            seconds = LOOK_SECONDS
            try:
                place = await self._take(call_id, names)
                if place is not None:
                    return place
            except Busy:
                seconds = BUSY_SECONDS
            with contextlib.suppress(TimeoutError):
                jittered_seconds = seconds * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
                await asyncio.wait_for(self._freed.wait(), jittered_seconds)

    async def _take(self, call_id: uuid.UUID, names: Collection[str]) -> Place | None:
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            health = await read_health(connection, names)
            await store.lock_engines(connection)
            name = await store.take_engine(
                connection,
                call_id,
                working(names, health, now),
                self._most,
                now,
            )
        if name is None:
            return None
        known = health.get(name)
        return Place(self._by_name[name], known is not None and known.open_until is not None)

    def _keep(self, call_id: uuid.UUID) -> None:
        self._calls.add(call_id)
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            if not self._calls:
                return
            with _unless_busy():
                now = self._clock.now()
                async with transaction(self._pool) as connection:
                    await store.renew_calls(connection, self._calls, now)
                    await store.sweep_calls(connection, now)

    async def _free(self, call_id: uuid.UUID) -> None:
        self._calls.discard(call_id)
        with _unless_busy():
            async with borrow(self._pool) as connection:
                await store.end_call(connection, call_id)
        self._freed.set()


@contextlib.contextmanager
def _unless_busy() -> Iterator[None]:
    """What is not noted now is no loss: leases run out, and health is noted again."""
    try:
        yield
    except Busy as busy:
        log.warning("provider.not_noted", provider="openai-images", reason=busy.message)


def working(
    names: Collection[str], health: Mapping[str, Health], now: datetime.datetime
) -> list[str]:
    """Those of `names` whose circuit is closed; if none is, the one whose circuit closes first."""
    opened = {
        name: known.open_until
        for name in names
        if (known := health.get(name)) and known.open_until and known.is_open(now)
    }
    closed = [name for name in names if name not in opened]
    return closed or [min(opened, key=lambda name: opened[name])]
