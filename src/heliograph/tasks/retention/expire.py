"""What is past its time is deleted: files, texts and idempotency keys."""

import datetime
import uuid
from collections.abc import Mapping, Sequence

from heliograph.base.database import in_steps
from heliograph.runtime import Runtime
from heliograph.storage.expiry import delete_expired
from heliograph.tasks.idempotency.key import KEPT_HOURS
from heliograph.tasks.idempotency.store import forget
from heliograph.tasks.pictures import folder_of
from heliograph.tasks.retention import store

MOST_TEXTS = 1_000
MOST_FORGOTTEN = 10_000


async def expire_files(runtime: Runtime) -> int:
    """Delete the files of tasks whose retention is over, up to a limit; gives the number of tasks."""
    now = runtime.clock.now()

    async def read(most: int, besides: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        expired = await store.read_expired(runtime.pool, now, most, besides)
        return {task_id: folder_of(task_id) for task_id in expired}

    async def mark(task_ids: Sequence[uuid.UUID]) -> None:
        await store.mark_files_deleted(runtime.pool, task_ids, now)

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
        lambda connection: store.forget_texts(connection, before, now, MOST_TEXTS),
        MOST_TEXTS,
    )
