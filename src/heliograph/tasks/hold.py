"""Holding a claim: renew it while the work goes on, and stop the work when it is lost."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass

from heliograph.base.log import log
from heliograph.runtime import Runtime
from heliograph.tasks import store
from heliograph.tasks.task import LEASE_SECONDS, RENEW_SECONDS, Task


class LostClaim(Exception):
    """Another worker has taken the task up, or it has ended."""


@dataclass
class Hold:
    """What the holder of a claim reports: who was asked, and how far each image is, from 0 to 1."""

    provider: str | None = None
    progress: tuple[float, ...] | None = None
    lost: bool = False

    def report(self, progress: tuple[float, ...]) -> None:
        """Note the progress; it is written with the next renewal."""
        self.progress = progress


@contextlib.asynccontextmanager
async def holding(runtime: Runtime, task: Task) -> AsyncIterator[Hold]:
    """Keep the claim on `task` alive inside the block; raises LostClaim out of it when it is lost."""
    hold = Hold()
    worker = asyncio.current_task()
    assert worker is not None
    renewer = asyncio.create_task(_renew(runtime, task, hold, worker))
    try:
        yield hold
    except asyncio.CancelledError:
        if not hold.lost:
            raise
        worker.uncancel()
        raise LostClaim from None
    finally:
        renewer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewer


async def _renew(runtime: Runtime, task: Task, hold: Hold, worker: "asyncio.Task[object]") -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        due_at = runtime.clock.now() + datetime.timedelta(seconds=LEASE_SECONDS)
        try:
            kept = await store.renew_claim(runtime.pool, task, due_at, hold.progress)
        except Exception as error:  # noqa: BLE001 - the fence guards the task while the database is away
            log.warning("task.renewal_failed", error=str(error))
            continue
        if not kept:
            hold.lost = True
            worker.cancel()
            return
