"""What nobody else looks after: overdue tasks and notices are nudged, what is past its time is deleted."""

import datetime
import uuid
from collections.abc import Mapping, Sequence

from heliograph.base.database import in_steps, transaction
from heliograph.base.jobs import Job, enqueue
from heliograph.base.log import log
from heliograph.runtime import Runtime
from heliograph.storage.expiry import delete_expired
from heliograph.tasks import store
from heliograph.tasks.idempotency.key import KEPT_HOURS
from heliograph.tasks.idempotency.store import forget
from heliograph.tasks.pictures import folder_of
from heliograph.tasks.retention import store as retention
from heliograph.tasks.task import GRACE_SECONDS
from heliograph.webhooks.store import nudge, overdue

MOST_NUDGES = 1000
MOST_TEXTS = 1_000
MOST_FORGOTTEN = 10_000
GRACE = datetime.timedelta(seconds=GRACE_SECONDS)


async def sweep(runtime: Runtime) -> int:
    """Queue a job for every open task and notice that is overdue; gives how many.

    So not even a lost job loses a task. A nudge that is queued already is not queued twice.
    """
    now = runtime.clock.now()
    async with transaction(runtime.pool) as connection:
        tasks = await store.nudge_overdue(connection, now, GRACE_SECONDS, MOST_NUDGES)
        notices = await overdue(connection, before=now - GRACE, limit=MOST_NUDGES)
        jobs = [
            Job(
                runtime.queue_of(
                    task.provider,
                    task.provider_ref,
                    test=task.test,
                    routing=task.routing,
                    mode=task.mode,
                ),
                task.hex,
                dedupe_key=f"{store.NUDGE}{task.hex}",
            )
            for task in tasks
        ]
        await enqueue(connection, jobs)
        await nudge(connection, notices)
    if tasks or notices:
        log.info("sweep.nudged", tasks=len(tasks), notices=len(notices))
    return len(tasks) + len(notices)


async def expire_files(runtime: Runtime) -> int:
    """Delete the files of tasks whose retention is over, up to a limit; gives the number of tasks."""
    now = runtime.clock.now()

    async def read(most: int, besides: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        expired = await retention.read_expired(runtime.pool, now, most, besides)
        return {task_id: folder_of(task_id) for task_id in expired}

    async def mark(task_ids: Sequence[uuid.UUID]) -> None:
        await retention.mark_files_deleted(runtime.pool, task_ids, now)

    return await delete_expired(read, runtime.storage.delete_folder, mark)


async def forget_idempotency_keys(runtime: Runtime) -> int:
    """Delete the idempotency keys whose time is over; gives how many."""
    before = runtime.clock.now() - datetime.timedelta(hours=KEPT_HOURS)
    return await in_steps(
        runtime.pool, lambda connection: forget(connection, before, MOST_FORGOTTEN), MOST_FORGOTTEN
    )


async def forget_texts(runtime: Runtime) -> int:
    """Take the texts out of tasks that are older than the operator keeps them; gives of how many."""
    days = runtime.settings.text_retention_days
    if days is None:
        return 0
    now = runtime.clock.now()
    before = now - datetime.timedelta(days=days)
    return await in_steps(
        runtime.pool,
        lambda connection: retention.forget_texts(connection, before, now, MOST_TEXTS),
        MOST_TEXTS,
    )
