"""Whether the work of the whole deployment goes on: workers, queues and open tasks, wherever they run."""

import datetime
from collections.abc import AsyncIterator, Sequence

from heliograph.base.database import borrow
from heliograph.cli.check import Check
from heliograph.operators.store import OpenTasks, Queue, read_open_tasks, read_queues
from heliograph.operators.workers.store import Worker, list_workers
from heliograph.runtime import Runtime

#: A worker writes that it lives far more often.
SILENT_SECONDS = 60.0

#: Jobs that wait for longer mean that more is asked for than the workers can do.
LONG_SECONDS = 60.0

#: The sweep ends a task that is past its deadline; one that is still open long after it is stuck.
LATE_SECONDS = 300.0


async def check_work(runtime: Runtime) -> AsyncIterator[Check]:
    """Look at what all processes on this database have written of themselves and of their work."""
    async with borrow(runtime.pool) as connection:
        workers = await list_workers(connection)
        queues = await read_queues(connection)
        tasks = await read_open_tasks(connection)
    yield _check_workers(workers, queues)
    for queue in queues:
        yield _check_queue(queue)
    yield _check_tasks(tasks, runtime)


def _check_workers(workers: Sequence[Worker], queues: Sequence[Queue]) -> Check:
    alive = [worker for worker in workers if worker.silent_seconds < SILENT_SECONDS]
    served = {name for worker in alive for name in worker.queues}
    left = sorted(queue.name for queue in queues if queue.waiting and queue.name not in served)
    found = f"{len(alive)} alive on {len({worker.host for worker in alive})} hosts"
    if not left:
        return Check("workers", True, found)
    queues_left = ", ".join(left)
    return Check(
        "workers",
        False,
        f"{found}, none of them for {queues_left}, where jobs wait",
        "Start one: heliograph worker (or heliograph serve, which has one beside it).",
    )


def _check_queue(queue: Queue) -> Check:
    oldest_seconds = queue.oldest_seconds or 0
    found = (
        f"{queue.waiting} wait, the oldest for {oldest_seconds:.0f} s; {queue.taken} in work,"
        f" {queue.later} for later"
    )
    if oldest_seconds < LONG_SECONDS:
        return Check(f"queue {queue.name}", True, found)
    remedy = f"Add workers: heliograph worker --queues {queue.name}, here or on another host."
    return Check(f"queue {queue.name}", False, found, remedy)


def _check_tasks(open_tasks: Sequence[OpenTasks], runtime: Runtime) -> Check:
    deadlines = (model.deadline_seconds for model in runtime.models.values())
    allowed = max(runtime.settings.task_deadline_seconds, *(one or 0 for one in deadlines))
    stuck_before = runtime.clock.now() - datetime.timedelta(seconds=allowed + LATE_SECONDS)
    found = ", ".join(f"{one.tasks} {one.state}" for one in open_tasks) or "none open"
    if all(one.oldest_at > stuck_before for one in open_tasks):
        return Check("tasks", True, found)
    oldest = min(one.oldest_at for one in open_tasks)
    return Check(
        "tasks",
        False,
        f"{found}; one has been open since {oldest:%Y-%m-%d %H:%M:%S} UTC, long past its deadline",
        "A running worker ends it by itself. If one runs, its log says why it cannot:"
        " look for the events task.provider_absent and sweep.nudged.",
    )
