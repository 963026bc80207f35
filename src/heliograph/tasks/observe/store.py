"""What is read of tasks without changing them: status, lists, detail, and how long they took."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from heliograph.base.database import Connection, Pool
from heliograph.tasks.task import TaskDetail, TaskStatus

STATUS_COLUMNS = ", ".join(TaskStatus.__struct_fields__)
DETAIL_COLUMNS = ", ".join(TaskDetail.__struct_fields__)


async def read_statuses(pool: Pool, task_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, TaskStatus]:
    """The status rows of those of `task_ids` that exist, in one query."""
    rows = await pool.fetch(f"SELECT {STATUS_COLUMNS} FROM tasks WHERE task_id = ANY($1)", task_ids)
    return {row[0]: TaskStatus(*row) for row in rows}


@dataclass(frozen=True)
class Wanted:
    """Which tasks to list; None means all. `before` continues behind a task of the page before."""

    limit: int
    account_id: str | None = None
    before: uuid.UUID | None = None
    state: str | None = None
    model: str | None = None
    mode: str | None = None
    batch_id: uuid.UUID | None = None
    created_after: datetime.datetime | None = None
    created_before: datetime.datetime | None = None
    words: str | None = None


async def list_details(connection: Connection, wanted: Wanted) -> list[TaskDetail]:
    """At most `wanted.limit` tasks, the youngest first; `words` stand in their prompts."""
    rows = await connection.fetch(
        f"""
        SELECT {DETAIL_COLUMNS} FROM tasks
        WHERE ($2::text IS NULL OR account_id = $2) AND ($3::uuid IS NULL OR task_id < $3)
          AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR model = $5)
          AND ($6::text IS NULL OR mode = $6) AND ($7::uuid IS NULL OR batch_id = $7)
          AND ($8::timestamptz IS NULL OR created_at >= $8)
          AND ($9::timestamptz IS NULL OR created_at < $9)
          AND ($10::text IS NULL OR strpos(lower(request ->> 'prompt'), lower($10)) > 0)
        ORDER BY task_id DESC LIMIT $1
        """,
        *astuple(wanted),
    )
    return [TaskDetail(*row) for row in rows]


async def read_detail(connection: Connection, task_id: uuid.UUID) -> TaskDetail | None:
    """Everything about one task, or None."""
    row = await connection.fetchrow(
        f"SELECT {DETAIL_COLUMNS} FROM tasks WHERE task_id = $1", task_id
    )
    return None if row is None else TaskDetail(*row)


async def read_attempts(connection: Connection, task_id: uuid.UUID) -> list[dict[str, Any]]:
    """The calls to providers for one task, in their order."""
    rows = await connection.fetch(
        """
        SELECT claim_no, provider, outcome, provider_ref, fail_code, detail, cost_micros,
          intended_at, ended_at, retry_at
        FROM attempts WHERE task_id = $1 ORDER BY claim_no
        """,
        task_id,
    )
    return [dict(row) for row in rows]


async def count_ahead(connection: Connection, task_id: uuid.UUID) -> int:
    """How many tasks wait that were submitted before `task_id`."""
    ahead: int = await connection.fetchval(
        "SELECT count(*) FROM tasks WHERE state = 'pending' AND task_id < $1", task_id
    )
    return ahead


async def read_durations(
    connection: Connection, since: datetime.datetime, limit: int
) -> list[tuple[str, str, float, float]]:
    """Model, mode, median and 90th percentile of the seconds from submit to success.

    Taken from the youngest `limit` successes of each since `since`; test tasks do not count.
    """
    rows = await connection.fetch(
        """
        SELECT model, mode, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
          percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds)
        FROM (
          SELECT model, mode, extract(epoch FROM completed_at - created_at)::float8 AS seconds,
            row_number() OVER (PARTITION BY model, mode ORDER BY completed_at DESC) AS place
          FROM tasks WHERE state = 'success' AND NOT test AND completed_at > $1) AS made
        WHERE place <= $2 GROUP BY model, mode
        """,
        since,
        limit,
    )
    return [tuple(row) for row in rows]
