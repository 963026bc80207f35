"""Many calls, one round trip: what arrives while runs are in flight shares the next run."""

import asyncio
import contextvars
import math
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from heliograph.base.errors import Busy

In = TypeVar("In")
Out = TypeVar("Out")

WAITING_LIMIT = 10_000


class Batch(Generic[In, Out]):
    """`await batch(item)` is the result of `run` for `item`, which may share its run with others.

    `run` takes 1 to `limit` items and returns their results in the same order. At most `runs` are in
    flight at a time, each with its share of the items, so that one is prepared while another waits
    for the database; an item that finds a run free waits for nothing. What `run` raises reaches every
    caller of that run, and only those. An item whose caller is cancelled before its run is dropped;
    cancelled later, it is run, and the others notice nothing.
    """

    def __init__(
        self, run: Callable[[list[In]], Awaitable[list[Out]]], limit: int, *, runs: int = 1
    ) -> None:
        assert limit > 0
        assert runs > 0
        self._run = run
        self._limit = limit
        self._runs = runs
        self._waiting: list[tuple[In, asyncio.Future[Out]]] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._in_flight = 0

    async def __call__(self, item: In) -> Out:
        """Raise Busy when more than WAITING_LIMIT items wait already."""
        if len(self._waiting) >= WAITING_LIMIT:
            raise Busy("Too many requests are waiting for the database")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Out] = loop.create_future()
        self._waiting.append((item, future))
        if len(self._workers) < self._runs:
            # A run is nobody's own: it must not log under the name of the first caller's request.
            worker = loop.create_task(self._work(), context=contextvars.Context())
            self._workers.add(worker)
        return await future

    async def _work(self) -> None:
        worker = asyncio.current_task()
        assert worker is not None
        try:
            while self._waiting:
                next_run = self._take_share()
                self._in_flight += len(next_run)
                try:
                    await self._serve([entry for entry in next_run if not entry[1].done()])
                finally:
                    self._in_flight -= len(next_run)
        finally:
            # at once, and not when the loop comes to it: what arrives next must find a run free
            self._workers.discard(worker)

    def _take_share(self) -> list[tuple[In, asyncio.Future[Out]]]:
        share = math.ceil((len(self._waiting) + self._in_flight) / self._runs)
        next_run = self._waiting[: min(share, self._limit)]
        del self._waiting[: len(next_run)]
        return next_run

    async def _serve(self, entries: list[tuple[In, asyncio.Future[Out]]]) -> None:
        if not entries:
            return
        try:
            results = await self._run([item for item, _ in entries])
            assert len(results) == len(entries), "run must return one result for each item"
        except asyncio.CancelledError:  # the loop is closing
            for _, future in entries + self._waiting:
                future.cancel()
            self._waiting.clear()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the callers' to handle
            _settle(entries, error)
        else:
            for (_, future), result in zip(entries, results, strict=True):
                if not future.done():
                    future.set_result(result)


def _settle(entries: list[tuple[In, asyncio.Future[Out]]], error: Exception) -> None:
    for _, future in entries:
        if not future.done():
            future.set_exception(error)
