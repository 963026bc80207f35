"""Cancel: take the task away from whoever works on it, and end it, in one transaction."""

import asyncio
import uuid

from heliograph.base.database import borrow, transaction
from heliograph.base.errors import Conflict, NotFound
from heliograph.ledger.store import lock_balance
from heliograph.runtime import Runtime
from heliograph.tasks import store
from heliograph.tasks.finish import after_end, end_now
from heliograph.tasks.observe.store import read_statuses
from heliograph.tasks.task import LEASE_SECONDS, TaskStatus, failed

CANCELLED = failed("Cancelled", "The task was cancelled. What was held for it has been given back.")


async def cancel_task(runtime: Runtime, task_id: uuid.UUID) -> TaskStatus:
    """End an open task as `Cancelled` with a full refund; gives its final state.

    The worker that holds it notices that its claim is gone and stops. Raises NotFound for an unknown
    task, Conflict, naming the state, for one that has ended, and Busy when the database cannot take it
    now: then the worker goes on.
    """
    async with borrow(runtime.pool) as connection:
        known = (await read_statuses(connection, [task_id])).get(task_id)
    if known is None:
        raise NotFound(f"There is no task {task_id.hex}.")
    # whoever asks may leave: what is committed has its consequences all the same
    return await asyncio.shield(_cancel(runtime, task_id, known.account_id))


async def _cancel(runtime: Runtime, task_id: uuid.UUID, account_id: str) -> TaskStatus:
    async with transaction(runtime.pool) as connection:
        # before the task, here as everywhere, so that nobody waits in a circle
        await lock_balance(connection, account_id)
        now = runtime.clock.now()
        task = await store.take_over(connection, task_id, now, LEASE_SECONDS)
        if task is None:
            ended = (await read_statuses(connection, [task_id]))[task_id]
            raise Conflict(f"The task cannot be cancelled: its state is {ended.state}.")
        ended = await end_now(runtime, connection, task, CANCELLED)
    await after_end(runtime, task, CANCELLED)
    return ended
