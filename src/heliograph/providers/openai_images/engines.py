"""Which engine makes the next picture: the one with the fewest calls, over all our processes.

Every call is a row with a lease, so that two processes do not overbook an engine, and the places of
a process that was killed are free again after the lease. What begins and ends at the same time is
written together.
"""

import asyncio
import contextlib
import datetime
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from heliograph.base.batch import Batch
from heliograph.base.clock import Clock
from heliograph.base.database import Connection, Pool, borrow, transaction
from heliograph.base.errors import Busy
from heliograph.providers.health.health import Health
from heliograph.providers.health.store import note_failure, note_successes, read_health
from heliograph.providers.openai_images import store
from heliograph.providers.openai_images.engine import Engine

RENEWAL_SECONDS: Final = 5.0
#: Between two looks for a free place, while all are taken.
LOOK_SECONDS: Final = 0.2
#: Until the next look, while the database is away.
BUSY_SECONDS: Final = 1.0
#: Of those who wait for the same engines, so many ask.
MOST_ASKING: Final = 16
MOST_PER_RUN: Final = 100

log = structlog.get_logger()


class Begin(NamedTuple):
    """A call wants a place at one of the engines `names`."""

    call_id: uuid.UUID
    names: frozenset[str]


class End(NamedTuple):
    """A call is over, whether it had a place or not."""

    call_id: uuid.UUID


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
        self._suspects: set[str] = set()
        self._freed = asyncio.Event()
        # Only the first in each line ask the database, or many that wait would keep it busy.
        self._lines: dict[frozenset[str], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MOST_ASKING)
        )
        # One run at a time: a call that was cancelled while it began ends in a later run.
        self._write: Batch[Begin | End, str | None] = Batch(self._write_all, MOST_PER_RUN)
        self._succeeded: Batch[str, None] = Batch(self._note_successes, MOST_PER_RUN)
        self._renewal: asyncio.Task[None] | None = None
        self._freeing: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def place(self, names: Collection[str]) -> AsyncIterator[Place]:
        """A place at one of the engines `names`, waited for if need be, and free soon after the block."""
        call_id = uuid.uuid4()
        try:
            async with self._lines[frozenset(names)]:
                place = await self._wait(call_id, names)
            self._keep(call_id)
            yield place
        finally:
            # whoever has the picture need not wait until that is written
            self._calls.discard(call_id)
            freeing = asyncio.create_task(self._free(call_id))
            self._freeing.add(freeing)
            freeing.add_done_callback(self._freeing.discard)

    async def note_success(self, engine: Engine) -> None:
        """`engine` has made a picture."""
        with _unless_busy():
            await self._succeeded(engine.name)

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
        """Frees what is being freed, and stops the renewal of leases."""
        await asyncio.gather(*self._freeing, return_exceptions=True)
        if self._renewal is not None:
            self._renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewal

    async def _wait(self, call_id: uuid.UUID, names: Collection[str]) -> Place:
        while True:
            self._freed.clear()
            seconds = LOOK_SECONDS
            try:
                name = await self._write(Begin(call_id, frozenset(names)))
                if name is not None:
                    return Place(self._by_name[name], name in self._suspects)
            except Busy:
                seconds = BUSY_SECONDS
            with contextlib.suppress(TimeoutError):
                jittered_seconds = seconds * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
                await asyncio.wait_for(self._freed.wait(), jittered_seconds)

    async def _write_all(self, changes: Sequence[Begin | End]) -> list[str | None]:
        ended = [change.call_id for change in changes if isinstance(change, End)]
        if len(ended) == len(changes):
            async with borrow(self._pool) as connection:
                await store.end_calls(connection, ended)
            return [None] * len(changes)
        async with transaction(self._pool) as connection:
            health = await read_health(connection, self._by_name)
            self._suspects = {name for name, known in health.items() if known.open_until}
            await store.lock_engines(connection)
            await store.end_calls(connection, ended)
            full: set[frozenset[str]] = set()
            return [await self._begin(connection, change, health, full) for change in changes]

    async def _begin(
        self,
        connection: Connection,
        change: Begin | End,
        health: Mapping[str, Health],
        full: set[frozenset[str]],
    ) -> str | None:
        """The engine that has the place; None for what ends, and where there is none, as in `full`."""
        if isinstance(change, End) or change.names in full:
            return None
        now = self._clock.now()
        names = working(change.names, health, now)
        taken = await store.take_engine(connection, change.call_id, names, self._most, now)
        if taken is None:
            full.add(change.names)
        return taken

    async def _note_successes(self, names: Sequence[str]) -> list[None]:
        async with borrow(self._pool) as connection:
            await note_successes(connection, names, self._clock.now())
        return [None] * len(names)

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
        with _unless_busy():
            await self._write(End(call_id))
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
