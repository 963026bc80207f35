"""Many calls, one round trip: what arrives while runs are in flight shares the next run."""

import asyncio
import bisect
import contextvars
import math
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from heliograph.base.errors import Busy

In = TypeVar("In")
Out = TypeVar("Out")

WAITING_LIMIT = 10_000

#: While the first in the line has waited for so long, nobody may join it.
FULL_SECONDS = 2.0

#: Who has waited for so long is sent away: most clients give up soon, and would come back besides.
LONGEST_WAIT_SECONDS = 4.0

_FULL = "Too many requests are waiting for the database"


class _Entry(NamedTuple, Generic[In, Out]):
    item: In
    result: asyncio.Future[Out]
    since: float


class Batch(Generic[In, Out]):
    """`await batch(item)` is the result of `run` for `item`, which may share its run with others.

    `run` takes 1 to `limit` items and returns their results in the same order. At most `runs` are in
    flight at a time, each with its share of the items, so that one is prepared while another waits
    for the database; an item that finds a run free waits for nothing. What `run` raises reaches every
    caller of that run, and only those. An item whose caller is cancelled before its run is dropped;
    cancelled later, it is run, and the others notice nothing. An item that is sent away was not run;
    of callers who are `patient` nobody is.
    """

    def __init__(
        self,
        run: Callable[[list[In]], Awaitable[list[Out]]],
        limit: int,
        *,
        runs: int = 1,
        patient: bool = False,
    ) -> None:
        assert limit > 0
        assert runs > 0
        self._run = run
        self._limit = limit
        self._runs = runs
        self._patient = patient
        self._waiting: list[_Entry[In, Out]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._in_flight = 0

    async def __call__(self, item: In) -> Out:
        """Raise Busy, if not `patient`, when too many items wait, or the line stands still."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._patient and self._waiting and self._is_full(now):
            raise Busy(_FULL)
        result: asyncio.Future[Out] = loop.create_future()
        self._waiting.append(_Entry(item, result, now))
        if not self._patient and self._patience is None:
            self._patience = self._wait_until(now + LONGEST_WAIT_SECONDS)
        if len(self._workers) < self._runs:
            # A run is nobody's own: it must not log under the name of the first caller's request.
            worker = loop.create_task(self._work(), context=contextvars.Context())
            self._workers.add(worker)
        return await result

    def _is_full(self, now: float) -> bool:
        return len(self._waiting) >= WAITING_LIMIT or now - self._waiting[0].since > FULL_SECONDS

    def _wait_until(self, moment: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_at(moment, self._send_away, moment)

    def _send_away(self, moment: float) -> None:
        """Tell those who have waited longest to come back later, and look again when the next have."""
        # not by the clock, which may stand a hair before the moment that this was called for
        late = bisect.bisect_right(
            self._waiting, moment, key=lambda entry: entry.since + LONGEST_WAIT_SECONDS
        )
        _settle(self._waiting[:late], Busy(_FULL))
        del self._waiting[:late]
        self._patience = None
        if self._waiting:
            self._patience = self._wait_until(self._waiting[0].since + LONGEST_WAIT_SECONDS)

    async def _work(self) -> None:
        worker = asyncio.current_task()
        assert worker is not None
        try:
            while self._waiting:
                next_run = self._take_share()
                self._in_flight += len(next_run)
                try:
                    await self._serve([entry for entry in next_run if not entry.result.done()])
                finally:
                    self._in_flight -= len(next_run)
        finally:
            # at once, and not when the loop comes to it: what arrives next must find a run free
            self._workers.discard(worker)

    def _take_share(self) -> list[_Entry[In, Out]]:
        share = math.ceil((len(self._waiting) + self._in_flight) / self._runs)
        next_run = self._waiting[: min(share, self._limit)]
        del self._waiting[: len(next_run)]
        return next_run

    async def _serve(self, entries: list[_Entry[In, Out]]) -> None:
        if not entries:
            return
        try:
            results = await self._run([entry.item for entry in entries])
            assert len(results) == len(entries), "run must return one result for each item"
        except asyncio.CancelledError:  # the loop is closing
            for entry in entries + self._waiting:
                entry.result.cancel()
            self._waiting.clear()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the callers' to handle
            _settle(entries, error)
        else:
            for entry, result in zip(entries, results, strict=True):
                if not entry.result.done():
                    entry.result.set_result(result)


def _settle(entries: list[_Entry[In, Out]], error: Exception) -> None:
    for entry in entries:
        if not entry.result.done():
            entry.result.set_exception(error)
