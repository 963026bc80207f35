"""Every statement that writes new tasks and their jobs."""

import datetime
import uuid
from collections.abc import Sequence

import msgspec

from heliograph.base.database import Connection
from heliograph.base.jobs import Job, enqueue
from heliograph.ledger.store import HOLD_IF_PAYABLE
from heliograph.tasks.admit import Draft
from heliograph.tasks.task import PENDING_NUDGE_SECONDS

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
}
NEW_TYPES = ", ".join(f"{name} {kind}" for name, kind in NEW_COLUMNS.items())
INSERT_TASKS = f"""
INSERT INTO tasks ({", ".join(NEW_COLUMNS)}, state) SELECT new.*, 'pending'
FROM json_to_recordset($1::json) AS new ({NEW_TYPES})
"""

#: All of a submit in one round trip. A crowd waits for others: see Admitted.priority.
SUBMIT_IF_PAYABLE = f"""
WITH {HOLD_IF_PAYABLE}, task AS (
    INSERT INTO tasks ({", ".join(NEW_COLUMNS)}, state) SELECT new.*, 'pending'
    FROM verdict, json_to_recordset($5::json) AS new ({NEW_TYPES})
    WHERE payable
), job AS (
    SELECT array_agg(-(live_tasks + before)::integer ORDER BY place) AS priorities,
        array_fill(interval '0', ARRAY[count(*)::integer]) AS delays,
        array_fill(NULL::text, ARRAY[count(*)::integer]) AS dedupe_keys,
        array_fill(jsonb 'null', ARRAY[count(*)::integer]) AS headers
    FROM (
        SELECT account_id, place,
            row_number() OVER (PARTITION BY account_id ORDER BY place) - 1 AS before
        FROM unnest($1::text[]) WITH ORDINALITY AS asked (account_id, place)
    ) AS asked JOIN locked USING (account_id)
)
SELECT CASE WHEN payable
    THEN enqueue_jobs(priorities, $6::text[], $7::bytea[], delays, dedupe_keys, headers)
END FROM verdict, job
"""


async def insert_tasks(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Write the admitted `drafts` as pending tasks."""
    await connection.execute(INSERT_TASKS, _new_rows(drafts))


async def submit_if_payable(
    connection: Connection, drafts: Sequence[Draft], now: datetime.datetime
) -> bool:
    """Write tasks, holds and jobs of all `drafts`, or nothing; False: some need a closer look.

    A statement of its own, committed with it.
    """
    written = await connection.fetchval(
        SUBMIT_IF_PAYABLE,
        [draft.key.account_id for draft in drafts],
        [draft.task_id for draft in drafts],
        [draft.hold_micros for draft in drafts],
        now,
        _new_rows(drafts),
        [draft.queue for draft in drafts],
        [draft.task_id.hex.encode() for draft in drafts],
    )
    return written is not None


def _new_rows(drafts: Sequence[Draft]) -> str:
    rows = [dict(zip(NEW_COLUMNS, _new_row(draft), strict=True)) for draft in drafts]
    return msgspec.json.encode(rows).decode()


def _new_row(draft: Draft) -> tuple[object, ...]:
    key, submission = draft.key, draft.submission
    image = submission.image
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
        draft.created_at + datetime.timedelta(seconds=PENDING_NUDGE_SECONDS),
        draft.created_at,
        draft.deadline_at,
        draft.batch_id,
    )


async def enqueue_tasks(connection: Connection, jobs: Sequence[tuple[str, uuid.UUID, int]]) -> None:
    """Queue a job for each (queue, task id, priority)."""
    await enqueue(
        connection, [Job(queue, task_id.hex, priority) for queue, task_id, priority in jobs]
    )
