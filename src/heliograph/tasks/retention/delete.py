"""Delete what a customer gave and got: the texts, the inputs and the files of an ended task."""

import uuid

from heliograph.base.errors import Conflict, NotFound
from heliograph.runtime import Runtime
from heliograph.tasks.observe.store import read_statuses
from heliograph.tasks.pictures import folder_of
from heliograph.tasks.retention import store


async def delete_data(runtime: Runtime, task_id: uuid.UUID) -> None:
    """Forget the content of an ended task; its row without texts, and its money, stay. Repeatable.

    The files are past their time from the first commit on, so the retention job deletes what a crash
    leaves here, and what a worker may still be writing for a task that was cut off. Raises NotFound for
    an unknown task and Conflict for one that has not ended.
    """
    now = runtime.clock.now()
    task = await store.forget_content(runtime.pool, task_id, now)
    if task is None:
        if task_id not in await read_statuses(runtime.pool, [task_id]):
            raise NotFound(f"There is no task {task_id.hex}.")
        raise Conflict("The task has not ended. Cancel it first, or wait for its end.")
    await runtime.storage.delete_folder(folder_of(task_id))
    if task.files_expire_at is None or task.files_expire_at <= now:
        await store.mark_files_deleted(runtime.pool, [task_id], now)
