"""What nobody else looks after: overdue tasks and notices are nudged."""

import datetime

from heliograph.base.database import transaction
from heliograph.base.jobs import Job, enqueue
from heliograph.base.log import log
from heliograph.runtime import Runtime
from heliograph.tasks import store
from heliograph.tasks.task import GRACE_SECONDS
from heliograph.webhooks.store import nudge, overdue

MOST_NUDGES = 1000
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
