"""What is read of tasks without changing them: status, lists, detail, and how long they took."""

import datetime
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from heliograph.base.clock import first_id_at
from heliograph.base.database import Connection, Pool
from heliograph.base.narrowing import Condition, narrow
from heliograph.tasks.task import TaskDetail, TaskState, TaskStatus

MILLISECOND = datetime.timedelta(milliseconds=1)

#: Written out and no parameter, for the rare ones have indexes of their own.
STATE_IS = {state: f"state = '{state}'" for state in get_args(TaskState)}
STATUS_COLUMNS = ", ".join(TaskStatus.__struct_fields__)
DETAIL_COLUMNS = ", ".join(TaskDetail.__struct_fields__)


async def read_statuses(pool: Pool, task_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, TaskStatus]:
    """The status rows of those of `task_ids` that exist, in one query.

    One by one by the key: for `= ANY`, a plan that is made while the table is small reads through it, and
    is kept while it grows. By their places in the array: of one that is unnested PostgreSQL looks at the
    length, and plans anew for each, which takes longer than to read.
    """
    rows = await pool.fetch(
        f"""
        SELECT found.* FROM generate_subscripts($1::uuid[], 1) AS place CROSS JOIN LATERAL (
          SELECT {STATUS_COLUMNS} FROM tasks WHERE task_id = ($1::uuid[])[place] LIMIT 1) AS found
        """,
        task_ids,
    )
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
    """At most `wanted.limit` tasks, the youngest first; `words` stand in their prompts.

    Looking for words reads the tasks of the account one by one.
    """
    where, values = narrow(_conditions(wanted), first=2)
    rows = await connection.fetch(
        f"SELECT {DETAIL_COLUMNS} FROM tasks {where} ORDER BY task_id DESC LIMIT $1",
        wanted.limit,
        *values,
    )
    return [TaskDetail(*row) for row in rows]


def _conditions(wanted: Wanted) -> Iterator[Condition]:
    yield "account_id = {}", (wanted.account_id,)
    yield "task_id < {}", (wanted.before,)
    yield "model = {}", (wanted.model,)
    yield "mode = {}", (wanted.mode,)
    yield (
        "task_id IN (SELECT task_id FROM batch_items WHERE batch_id = {})",
        (wanted.batch_id,),
    )
    yield "strpos(lower(request ->> 'prompt'), lower({})) > 0", (wanted.words,)
    # ids begin with the milliseconds of their time, so that an index leads to a time
    if wanted.created_after is not None:
        first_id = first_id_at(wanted.created_after)
        yield "task_id >= {} AND created_at >= {}", (first_id, wanted.created_after)
    if wanted.created_before is not None:
        first_id = first_id_at(wanted.created_before + MILLISECOND)
        yield "task_id < {} AND created_at < {}", (first_id, wanted.created_before)
    if wanted.state is not None:
        yield STATE_IS[wanted.state], ()


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

    Taken from the youngest `limit` successes of each since `since`; test tasks do not count. The
    kinds are found by steps from one to the next, not by a look at all tasks.
    """
    rows = await connection.fetch(
        """
        WITH RECURSIVE kind AS (
          (SELECT model, mode FROM tasks WHERE state = 'success' AND NOT test
          ORDER BY model, mode LIMIT 1)
          UNION ALL
          SELECT following.* FROM kind CROSS JOIN LATERAL (
            SELECT model, mode FROM tasks WHERE state = 'success' AND NOT test
              AND (model, mode) > (kind.model, kind.mode)
            ORDER BY model, mode LIMIT 1) AS following
        )
        SELECT model, mode, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
          percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds)
        FROM kind CROSS JOIN LATERAL (
          SELECT extract(epoch FROM completed_at - created_at)::float8 AS seconds
          FROM tasks WHERE state = 'success' AND NOT test AND completed_at > $1
            AND tasks.model = kind.model AND tasks.mode = kind.mode
          ORDER BY completed_at DESC LIMIT $2) AS made
        GROUP BY model, mode
        """,
        since,
        limit,
    )
    return [tuple(row) for row in rows]
