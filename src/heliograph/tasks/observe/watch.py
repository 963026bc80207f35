"""Waiting for a task: until something about it changed, or until it has ended."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from heliograph.runtime import Runtime
from heliograph.tasks.observe import store
from heliograph.tasks.task import TaskStatus

Seen = TypeVar("Seen", bound=TaskStatus)

Read = Callable[[], Awaitable[Seen | None]]


async def changes_of(
    runtime: Runtime,
    task_id: uuid.UUID,
    read: Read[Seen],
    seconds: float,
    *,
    end_only: bool = False,
) -> AsyncGenerator[Seen, None]:
    """What `read` gives now and after each change of the task, the end of the task last.

    With `end_only` what comes between is passed over. Ends after `seconds` too, when the service
    stops, and when there is no such task (any more). Two changes that come together may be seen as
    one. Raises Busy when the database is away.
    """
    until = asyncio.get_running_loop().time() + seconds
    topic = f"{task_id.hex} ended" if end_only else task_id.hex
    async with runtime.changes.watch(topic) as changed:
        while True:
            changed.clear()
            task = await read()
            if task is None:
                return
            yield task
            if task.ended or runtime.changes.over:
                return
            try:
                async with asyncio.timeout_at(until):
                    await changed.wait()
            except TimeoutError:
                return


async def wait_for_end(
    runtime: Runtime, task_id: uuid.UUID, seconds: float, read: Read[TaskStatus] | None = None
) -> TaskStatus | None:
    """The status of a task as soon as it has ended, or after `seconds`; None if there is none."""

    async def read_status() -> TaskStatus | None:
        return (await store.read_statuses(runtime.pool, [task_id])).get(task_id)

    last = None
    watching = changes_of(runtime, task_id, read or read_status, seconds, end_only=True)
    async with contextlib.aclosing(watching):
        async for task in watching:
            last = task
    return last
