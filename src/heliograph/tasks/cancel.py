"""Cancel: take the task away from whoever works on it, and end it."""

import uuid

from heliograph.base.database import borrow
from heliograph.base.errors import Conflict, NotFound
from heliograph.runtime import Runtime
from heliograph.tasks import store
from heliograph.tasks.finish import finish
from heliograph.tasks.observe.store import read_statuses
from heliograph.tasks.task import LEASE_SECONDS, TaskStatus, failed


async def cancel_task(runtime: Runtime, task_id: uuid.UUID) -> TaskStatus:
    """End an open task as `Cancelled` with a full refund; gives its final state.

    The worker that holds it notices that its claim is gone and stops. Raises NotFound for an unknown
    task and Conflict, naming the state, for one that has ended.
    """
    now = runtime.clock.now()
    async with borrow(runtime.pool) as connection:
        task = await store.take_over(connection, task_id, now, LEASE_SECONDS)
        if task is None:
            statuses = await read_statuses(connection, [task_id])
            raise _refusal(task_id, statuses.get(task_id))
    ending = failed(
        "Cancelled", "The task was cancelled. What was held for it has been given back."
    )
    ended = await finish(runtime, task, ending)
    if ended is None:
        statuses = await read_statuses(runtime.pool, [task_id])
        raise _refusal(task_id, statuses.get(task_id))
    return ended


def _refusal(task_id: uuid.UUID, status: TaskStatus | None) -> NotFound | Conflict:
    if status is None:
        return NotFound(f"There is no task {task_id.hex}.")
    return Conflict(f"The task cannot be cancelled: its state is {status.state}.")
