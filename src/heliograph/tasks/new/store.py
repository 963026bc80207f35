"""Every statement that writes new tasks and their jobs."""

import datetime
import uuid
from collections.abc import Sequence

import msgspec

from heliograph.base.database import Connection
from heliograph.base.jobs import Job, enqueue
from heliograph.ledger.store import HOLD_IF_PAYABLE
from heliograph.tasks.admit import Draft
from heliograph.tasks.task import LEASE_SECONDS, PENDING_NUDGE_SECONDS

#: The columns of a new task. One JSON parameter costs a third less than an array for each column.
NEW_COLUMNS = {
    "task_id": "uuid",
    "account_id": "text",
    "key_id": "text",
    "model": "text",
    "mode": "text",
    "test": "boolean",
    "routing": "text",
    "request": "jsonb",
    "num_images": "smallint",
    "unit_price_micros": "bigint",
    "callback_url": "text",
    "source": "text",
    "retention_hours": "integer",
    "due_at": "timestamptz",
    "created_at": "timestamptz",
    "deadline_at": "timestamptz",
    "batch_id": "uuid",
    "traceparent": "text",
}
#: What comes with each: the money it holds, and the queue of its job, if it needs one.
ROW_COLUMNS = {**NEW_COLUMNS, "hold_micros": "bigint", "queue": "text"}

NAMES = ", ".join(NEW_COLUMNS)
NEW_TYPES = ", ".join(f"{name} {kind}" for name, kind in NEW_COLUMNS.items())
ROW_TYPES = ", ".join(f"{name} {kind}" for name, kind in ROW_COLUMNS.items())
INSERT_TASKS = f"""
INSERT INTO tasks ({NAMES}, state) SELECT new.*, 'pending'
FROM json_to_recordset($1::json) AS new ({NEW_TYPES})
"""

#: All of a submit in one round trip: $1 now, $2 the rows, $3 for how long a lock is waited for. A crowd waits for others: see Admitted.priority.
SUBMIT_IF_PAYABLE = f"""
WITH patience AS MATERIALIZED (
    SELECT set_config('lock_timeout', $3, true) AS set
), new AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY account_id ORDER BY ordinality) - 1 AS before
    FROM patience, ROWS FROM (json_to_recordset($2::json) AS ({ROW_TYPES}))
        WITH ORDINALITY
), hold AS (
    SELECT account_id, task_id, hold_micros AS amount_micros FROM new
), {HOLD_IF_PAYABLE}, task AS (
    INSERT INTO tasks ({NAMES}, state) SELECT {NAMES}, 'pending'
    FROM verdict, new WHERE payable
), job AS (
    SELECT array_agg(-(live_tasks + before)::integer) AS priorities,
        array_agg(queue) AS queues,
        array_agg(convert_to(replace(task_id::text, '-', ''), 'UTF8')) AS payloads,
        array_fill(interval '0', ARRAY[count(*)::integer]) AS delays,
        array_fill(NULL::text, ARRAY[count(*)::integer]) AS dedupe_keys,
        array_fill(jsonb 'null', ARRAY[count(*)::integer]) AS headers
    FROM (SELECT * FROM new JOIN locked USING (account_id) WHERE queue IS NOT NULL ORDER BY ordinality) AS asked
)
SELECT CASE WHEN payable AND queues IS NOT NULL
    THEN enqueue_jobs(priorities, queues, payloads, delays, dedupe_keys, headers) >= 0
    ELSE payable
END FROM verdict, job
"""


async def insert_tasks(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Write the admitted `drafts` as pending tasks."""
    await connection.execute(INSERT_TASKS, _new_rows(drafts))


async def submit_if_payable(
    connection: Connection, drafts: Sequence[Draft], now: datetime.datetime, patience_ms: int
) -> bool:
    """Write tasks, holds and jobs of all `drafts`, or nothing; False: some need a closer look.

    A statement of its own, committed with it, which waits for no lock longer than `patience_ms`.
    """
    written = await connection.fetchval(
        SUBMIT_IF_PAYABLE, now, _new_rows(drafts), f"{patience_ms}ms"
    )
    return bool(written)


def _new_rows(drafts: Sequence[Draft]) -> str:
    rows = [dict(zip(ROW_COLUMNS, _new_row(draft), strict=True)) for draft in drafts]
    return msgspec.json.encode(rows).decode()


def _new_row(draft: Draft) -> tuple[object, ...]:
    key, submission = draft.key, draft.submission
    image = submission.image
    # nobody comes for it sooner than for one whose worker has died
    nudge_seconds = LEASE_SECONDS if draft.at_once else PENDING_NUDGE_SECONDS
    return (
        draft.task_id,
        key.account_id,
        key.key_id,
        submission.model,
        image.mode,
        key.test,
        key.routing,
        image,
        image.num_images,
        draft.unit_price_micros,
        submission.callback_url,
        submission.source,
        submission.retention_hours,
        draft.created_at + datetime.timedelta(seconds=nudge_seconds),
        draft.created_at,
        draft.deadline_at,
        draft.batch_id,
        draft.traceparent,
        draft.hold_micros,
        None if draft.at_once else draft.queue,
    )


async def enqueue_tasks(connection: Connection, jobs: Sequence[tuple[str, uuid.UUID, int]]) -> None:
    """Queue a job for each (queue, task id, priority)."""
    await enqueue(
        connection, [Job(queue, task_id.hex, priority) for queue, task_id, priority in jobs]
    )
