"""Which engine makes the next picture: the one with the fewest calls, over all our processes.

Every call is a row with a lease, so that two processes do not overbook an engine, and the places of
a process that was killed are free again after the lease. What begins and ends at the same time is
written together.
"""

import asyncio
import contextlib
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from heliograph.base.batch import Batch
from heliograph.base.clock import Clock
from heliograph.base.database import Pool, borrow, transaction
from heliograph.base.errors import Busy
from heliograph.providers.openai_images import store
from heliograph.providers.openai_images.engine import Engine
from heliograph.providers.openai_images.store import Wish

RENEWAL_SECONDS: Final = 5.0
#: Between two looks for a free place, while all are taken.
LOOK_SECONDS: Final = 0.2
#: Until the next look, while the database is away.
BUSY_SECONDS: Final = 1.0
#: Of those who wait for the same engines, so many ask.
MOST_ASKING: Final = 16
MOST_PER_RUN: Final = 100

log = structlog.get_logger()


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
        self._freed = asyncio.Event()
        # Only the first in each line ask the database, or many that wait would keep it busy.
        self._lines: dict[frozenset[str], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MOST_ASKING)
        )
        # One run at a time: a call that was cancelled while it began ends in a later run.
        self._write: Batch[Wish | End, Place | None] = Batch(self._write_all, MOST_PER_RUN)
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
                place = await self._write(Wish(call_id, names))
                if place is not None:
                    return place
            except Busy:
                seconds = BUSY_SECONDS
            with contextlib.suppress(TimeoutError):
                jittered_seconds = seconds * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
                await asyncio.wait_for(self._freed.wait(), jittered_seconds)

    async def _write_all(self, changes: Sequence[Wish | End]) -> list[Place | None]:
        ended = [change.call_id for change in changes if isinstance(change, End)]
        wishes = [change for change in changes if isinstance(change, Wish)]
        async with borrow(self._pool) as connection:
            if not wishes:
                await store.end_calls(connection, ended)
                return [None] * len(changes)
            begun = await store.begin_calls(
                connection, wishes, ended=ended, most=self._most, now=self._clock.now()
            )
        places = {
            call_id: Place(self._by_name[name], bad) for call_id, (name, bad) in begun.items()
        }
        return [places.get(change.call_id) for change in changes]

    def _keep(self, call_id: uuid.UUID) -> None:
        self._calls.add(call_id)
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            if not self._calls:
                return
            with unless_busy():
                now = self._clock.now()
                async with transaction(self._pool) as connection:
                    await store.renew_calls(connection, self._calls, now)
                    await store.sweep_calls(connection, now)

    async def _free(self, call_id: uuid.UUID) -> None:
        with unless_busy():
            await self._write(End(call_id))
        self._freed.set()


@contextlib.contextmanager
def unless_busy() -> Iterator[None]:
    """What is not noted now is no loss: leases run out, and health is noted again."""
    try:
        yield
    except Busy as busy:
        log.warning("provider.not_noted", provider="openai-images", reason=busy.message)
