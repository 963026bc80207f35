"""How a worker looks for jobs: PgQueuer's own way, with fewer looks that find nothing.

PgQueuer wakes every worker at each job that is added or removed, and asks four times until it sleeps. Ten
times a second it looks whether a job has ended, which costs an idle service half of what it uses.
"""

import asyncio
import contextlib
from collections.abc import Collection
from datetime import timedelta
from typing import TypeAlias

import msgspec
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core import buffers
from pgqueuer.domain.models import Job, TracebackRecord
from pgqueuer.domain.types import JOB_STATUS, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from heliograph.base.listening import ListeningDriver, Payload
from heliograph.base.slots import Slots

_LOOK = """
SELECT EXISTS (SELECT FROM pgqueuer
        WHERE status = 'queued' AND entrypoint = ANY($1) AND execute_after <= now()) AS waiting,
    (SELECT execute_after - now() FROM pgqueuer
        WHERE status = 'queued' AND entrypoint = ANY($1) AND execute_after > now()
        ORDER BY execute_after LIMIT 1) AS next_in
"""


class _Event(msgspec.Struct):
    operation: str = ""
    entrypoints: list[str] | None = None


class SparingQueries(Queries):
    """One statement tells all that is asked between two looks for jobs.

    Jobs for others wake nobody, nor do those that are removed, unless one was seen that waits for their
    slot. Of the changes between two looks the first is told: PgQueuer keeps each that it has not come to,
    and under load it would have more of them with every minute.
    """

    def __init__(self, driver: ListeningDriver, entrypoints: Collection[str], slots: Slots) -> None:
        super().__init__(driver)
        self._slots = slots
        self._entrypoints = frozenset(entrypoints)
        self._waiting = False
        self._told = False
        self._took_all = False
        self._next_in: timedelta | None = None
        driver.hears = self._is_news

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Job]:
        """The next jobs, taken. What is changed from now on may not be among them, and is news.

        After fewer than there was room for PgQueuer asks once more: without news that finds nothing.
        """
        if self._took_all and not self._told:
            self._took_all = False
            return []
        self._told = False
        most = min(batch_size, self._slots.free)
        if not most:
            return []
        jobs = await super().dequeue(
            most, entrypoints, queue_manager_id, global_concurrency_limit, heartbeat_timeout
        )
        self._took_all = 0 < len(jobs) < most
        return jobs

    def has_jobs(self) -> bool:
        """Whether jobs wait for a slot, or may do so: news has come that nobody has looked at."""
        return self._waiting or self._told

    async def eligible_queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        """1 if a job could be done now, else 0. What is asked next is read as well."""
        row = (await self.driver.fetch(_LOOK, entrypoints))[0]
        next_in = row["next_in"]
        assert next_in is None or isinstance(next_in, timedelta)
        self._waiting, self._next_in = bool(row["waiting"]), next_in
        return int(self._waiting)

    async def next_deferred_eta(self, entrypoints: list[QueueEntrypoint]) -> timedelta | None:  # noqa: ARG002 - PgQueuer's signature; the look has asked for them
        """In how much time the next job may be done that may not yet; None: there is none."""
        return self._next_in

    async def queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:  # noqa: ARG002 - PgQueuer's signature; the look has asked for them
        """1 if there was any job at that look, else 0."""
        return int(self._waiting or self._next_in is not None)

    def _is_news(self, payload: Payload) -> bool:
        event = msgspec.json.decode(payload, type=_Event)
        if not event.operation:
            return True  # PgQueuer asks itself whether it hears
        if self._told or (event.operation == "delete" and not self._waiting):
            return False
        if event.entrypoints is not None and self._entrypoints.isdisjoint(event.entrypoints):
            return False
        self._told = True
        return True


_Ended: TypeAlias = tuple[Job, JOB_STATUS, TracebackRecord | None]


class PatientLogBuffer(buffers.JobStatusLogBuffer):
    """Jobs that have ended, written together after `timeout` or when `max_size` of them are there.

    Without any it waits for the first, where PgQueuer's own looks every `timeout`.
    """

    _writing: asyncio.Task[None] | None = None

    async def periodic_flush(self) -> None:
        """Nothing: `add` begins what there is to do."""

    async def add(self, item: _Ended) -> None:
        """Take `item`, to be written soon."""
        await super().add(item)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
            self.add_task(self._writing)

    async def _write_all(self) -> None:
        while not self.events.empty() and not self.shutdown.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.shutdown.wait(), self.timeout.total_seconds())
            await self.flush()


# PgQueuer makes its buffer by this name, and has no setting for another
buffers.JobStatusLogBuffer = PatientLogBuffer  # type: ignore[misc]  # one class under the name of its parent
