"""Every statement on workers. Times are the database's, so that clocks need not agree."""

import datetime
import uuid
from dataclasses import dataclass

from heliograph.base.database import Connection


@dataclass(frozen=True)
class Worker:
    """A worker process: where it runs, which queues it serves, and when it was heard of last."""

    worker_id: uuid.UUID
    host: str
    process_id: int
    queues: list[str]
    started_at: datetime.datetime
    seen_at: datetime.datetime
    silent_seconds: float


async def note_alive(
    connection: Connection, worker_id: uuid.UUID, host: str, process_id: int, queues: list[str]
) -> None:
    """The worker lives. Those that were killed long ago are forgotten."""
    await connection.execute(
        """
        WITH forgotten AS (DELETE FROM workers WHERE seen_at < now() - interval '1 day')
        INSERT INTO workers (worker_id, host, process_id, queues, started_at, seen_at)
        VALUES ($1, $2, $3, $4, now(), now())
        ON CONFLICT (worker_id) DO UPDATE SET seen_at = now()
        """,
        worker_id,
        host,
        process_id,
        queues,
    )


async def note_gone(connection: Connection, worker_id: uuid.UUID) -> None:
    """The worker has ended in good order."""
    await connection.execute("DELETE FROM workers WHERE worker_id = $1", worker_id)


async def list_workers(connection: Connection) -> list[Worker]:
    """Those that were heard of within a day, the last one first."""
    rows = await connection.fetch(
        """
        SELECT worker_id, host, process_id, queues, started_at, seen_at,
            extract(epoch FROM now() - seen_at)::float8 AS silent_seconds
        FROM workers WHERE seen_at > now() - interval '1 day' ORDER BY seen_at DESC, worker_id
        """
    )
    return [Worker(**row) for row in rows]
