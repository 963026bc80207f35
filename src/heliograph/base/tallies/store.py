"""Figures of what happened, counted once: those of the past are added up in a table, the rest is counted.

So the metrics cost as much after a million tasks as after the first, and do not fall when old rows
are deleted.
"""

import datetime
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from heliograph.base.clock import first_id_at
from heliograph.base.database import Connection, Pool, transaction

#: The lengths of tasks are counted by these. What was counted by others stays as it is: never change them.
TASK_LIMITS_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)

#: What is younger may still change, or have neighbours that are not committed yet: no transaction of ours
#: takes so long.
UNSETTLED = datetime.timedelta(minutes=10)

#: So many tasks are added up in one transaction.
STEP_TASKS = 20_000

LAST_ID = uuid.UUID(int=(1 << 128) - 1)

#: Every figure of the tasks from id {first} on and before {end}, and of the webhook attempts from the
#: moment {since} on and before {until}, as rows of figure, labels and number.
FIGURES = """
WITH task AS (
    SELECT task_id, model, mode, state, provider,
        extract(epoch FROM completed_at - created_at)::float8 AS seconds
    FROM tasks WHERE task_id >= {first} AND task_id < {end}
), life AS (
    SELECT ARRAY[model, mode, state, coalesce(width_bucket(-seconds, {limits}::float8[])::text, '')]
        AS labels, count(*) AS tasks, round(sum(seconds) * 1000)::bigint AS milliseconds
    FROM task GROUP BY 1
)
SELECT 'tasks' AS figure, labels, tasks AS number FROM life
UNION ALL
SELECT 'task_milliseconds', labels, milliseconds FROM life WHERE milliseconds IS NOT NULL
UNION ALL
SELECT 'charged_micros', ARRAY[provider], sum(amount_micros)::bigint
FROM transfers JOIN task USING (task_id)
WHERE kind = 'charge' AND provider IS NOT NULL AND task_id >= {first} AND task_id < {end}
GROUP BY provider
UNION ALL
SELECT figure, ARRAY[provider], sum(number)::bigint FROM attempts, LATERAL (VALUES
    ('cost_micros', cost_micros), ('unknown_outcomes', (outcome = 'unknown')::integer::bigint)
) AS told (figure, number)
WHERE number > 0 AND task_id >= {first} AND task_id < {end} GROUP BY figure, provider
UNION ALL
SELECT 'webhook_attempts', ARRAY[CASE WHEN error IS NULL THEN 'delivered'
    WHEN status IS NULL THEN 'unreachable' ELSE 'refused' END], count(*)
FROM notice_attempts
WHERE latency_ms IS NOT NULL AND started_at >= {since} AND started_at < {until} GROUP BY 2
"""

Labels = tuple[str, ...]
LIMITS = [-limit for limit in reversed(TASK_LIMITS_SECONDS)]


class Mark(NamedTuple):
    """Up to where figures are added up."""

    tasks_before: uuid.UUID
    attempts_before: datetime.datetime


async def read_totals(connection: Connection) -> Mapping[str, Mapping[Labels, int]]:
    """Every figure since the beginning: by name, then by labels."""
    recent = FIGURES.format(
        first="(SELECT tasks_before FROM tallied)",
        end="$2",
        since="(SELECT attempts_before FROM tallied)",
        until="'infinity'",
        limits="$1",
    )
    rows = await connection.fetch(
        f"""
        SELECT figure, labels, sum(number)::bigint AS number
        FROM (SELECT figure, labels, number FROM tallies UNION ALL ({recent})) AS told
        GROUP BY figure, labels
        """,
        LIMITS,
        LAST_ID,
    )
    totals: dict[str, dict[Labels, int]] = {}
    for row in rows:
        totals.setdefault(row["figure"], {})[tuple(row["labels"])] = row["number"]
    return totals


async def add_up(pool: Pool, now: datetime.datetime) -> int:
    """Add up what will not change any more; gives in how many steps."""
    steps = 0
    more = True
    while more:
        async with transaction(pool) as connection:
            more = await _add_up_some(connection, now)
        steps += 1
    return steps


async def _add_up_some(connection: Connection, now: datetime.datetime) -> bool:
    """One step; whether there is another. Nothing to do while somebody else is at it."""
    row = await connection.fetchrow(
        "SELECT tasks_before, attempts_before FROM tallied FOR UPDATE SKIP LOCKED"
    )
    if row is None:
        return False
    mark = Mark(*row)
    last = await read_settled(connection, now)
    end = await connection.fetchval(
        """
        SELECT task_id FROM tasks WHERE task_id >= $1 AND task_id < $2
        ORDER BY task_id OFFSET $3 LIMIT 1
        """,
        mark.tasks_before,
        last,
        STEP_TASKS,
    )
    following = Mark(
        max(mark.tasks_before, end or last), max(mark.attempts_before, now - UNSETTLED)
    )
    await _write(connection, mark, following)
    return end is not None


async def read_settled(connection: Connection, now: datetime.datetime) -> uuid.UUID:
    """The id before which every task has ended and is old enough for nothing to follow."""
    # materialized, or the ids would be gone through in order until one is open
    first_open: uuid.UUID | None = await connection.fetchval(
        """
        WITH open AS MATERIALIZED (
            SELECT task_id FROM tasks WHERE state IN ('pending', 'processing')
        )
        SELECT task_id FROM open ORDER BY task_id LIMIT 1
        """
    )
    settled = first_id_at(now - UNSETTLED)
    return settled if first_open is None else min(settled, first_open)


async def _write(connection: Connection, mark: Mark, following: Mark) -> None:
    figures = FIGURES.format(first="$2", end="$3", since="$4", until="$5", limits="$1")
    await connection.execute(
        f"""
        INSERT INTO tallies AS known (figure, labels, number) {figures}
        ON CONFLICT (figure, labels) DO UPDATE SET number = known.number + excluded.number
        """,
        LIMITS,
        mark.tasks_before,
        following.tasks_before,
        mark.attempts_before,
        following.attempts_before,
    )
    await connection.execute(
        "UPDATE tallied SET tasks_before = $1, attempts_before = $2", *following
    )
