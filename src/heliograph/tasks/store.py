"""Every statement on tasks and attempts. Writes name the state and the claim that they expect."""

import datetime
import uuid
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import asyncpg
import msgspec

from heliograph.base.database import Connection
from heliograph.base.jobs import waits_already
from heliograph.base.narrowing import in_state
from heliograph.catalog.request import ImageRequest
from heliograph.tasks.task import (
    PENDING_NUDGE_SECONDS,
    Task,
    TaskStatus,
)

#: Before the id in the name of a job that brings a task back to mind.
NUDGE = "nudge:"

Row = TypeVar("Row", Task, TaskStatus)

TASK_COLUMNS = ", ".join(Task.__struct_fields__)
STATUS_COLUMNS = ", ".join(TaskStatus.__struct_fields__)


class Call(NamedTuple):
    """A call to `provider` under a claim."""

    task_id: uuid.UUID
    claim_no: int
    provider: str


class SureCall(NamedTuple):
    """The call that a new task of some keys and a mode is sure to need: to `provider`, for nothing."""

    test: bool
    routing: str
    mode: str
    provider: str


#: Before a ref that was found, not given: the pictures must prove that they are the task's own.
FOUND = "found:"

#: T2b: the intention to make a call, written before it is made.
INTEND = """
INSERT INTO attempts (task_id, claim_no, provider, outcome, intended_at)
SELECT task_id, claim_no, provider, 'intended', {now} FROM {calls}
ON CONFLICT DO NOTHING RETURNING task_id, claim_no, provider
"""


async def claim_tasks(
    connection: Connection,
    task_ids: Sequence[uuid.UUID],
    now: datetime.datetime,
    lease_seconds: float,
    calls: Sequence[SureCall] = (),
) -> list[Task | None]:
    """Take tasks up: pending ones, and those in work that nobody has renewed. None: not to be had.

    For new ones that are sure to be called for as `calls` tell, the intention is written as well.
    One that is named twice is had once. Without `calls` the commit does not wait for the disk: a call
    waits for the commit of its intention, which comes after this one, and a claim that a crash has
    forgotten is lost.
    """
    rows = await connection.fetch(
        f"""
        WITH given AS (
          SELECT task_id, call.provider AS called
          FROM (SELECT DISTINCT unnest($1::uuid[]) AS task_id ORDER BY task_id) AS asked
          JOIN LATERAL (
            SELECT * FROM tasks WHERE tasks.task_id = asked.task_id AND ({in_state("pending")}
              OR ({in_state("processing")} AND due_at <= $2)) FOR UPDATE) AS found USING (task_id)
          LEFT JOIN jsonb_to_recordset($4)
            AS call (test boolean, routing text, mode text, provider text)
            ON claim_no = 0 AND deadline_at > $2 AND found.test = call.test
              AND found.routing = call.routing AND found.mode = call.mode),
        claimed AS (
          UPDATE tasks SET state = 'processing', claim_no = claim_no + 1, due_at = $3,
            version = version + (state = 'pending')::integer, claimed_at = coalesce(claimed_at, $2),
            provider = coalesce(called, provider), starts = starts + (called IS NOT NULL)::integer
          FROM given
          WHERE ($5 OR set_config('synchronous_commit', 'off', true) = 'off')
            AND tasks.task_id = given.task_id
          RETURNING tasks.*, called),
        begun AS ({INTEND.format(calls="claimed WHERE called IS NOT NULL", now="$2")})
        SELECT {TASK_COLUMNS} FROM claimed
        """,
        task_ids,
        now,
        now + datetime.timedelta(seconds=lease_seconds),
        [call._asdict() for call in calls],
        bool(calls),
    )
    claimed = {row["task_id"]: _read(Task, row) for row in rows}
    return [claimed.pop(task_id, None) for task_id in task_ids]


async def renew_claim(
    connection: Connection,
    task: Task,
    due_at: datetime.datetime,
    progress: Sequence[float] | None,
    *,
    checked_at: datetime.datetime | None = None,
) -> bool:
    """Keep a claim for longer and note each image's progress (0 to 1). False: the claim is lost.

    `checked_at` is when the provider was asked after the job, if it was.
    """
    return _one(
        await connection.execute(
            f"""
            UPDATE tasks SET due_at = $3, progress = coalesce($4, progress),
              version = version + ($4 IS NOT NULL AND $4 IS DISTINCT FROM progress)::integer,
              checks = checks + ($5::timestamptz IS NOT NULL)::integer,
              checked_at = coalesce($5, checked_at)
            WHERE task_id = $1 AND claim_no = $2 AND {in_state("processing")}
            """,
            task.task_id,
            task.claim_no,
            due_at,
            progress,
            checked_at,
        )
    )


async def begin_attempts(
    connection: Connection, calls: Sequence[Call], now: datetime.datetime
) -> list[bool]:
    """T2b: commit the intention to make `calls`, before they are made. False: the claim is lost.

    Of two who believe in one claim, because a crash has forgotten the first, one has it; of two under
    different claims, because a worker has slept through its own, the later. Both may come together.
    Whoever has it stands in no line any more, and holds no place but at its provider.
    """
    rows = await connection.fetch(
        f"""
        WITH held AS (
          SELECT given.* FROM (
            SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[])
              AS call (task_id, claim_no, provider) ORDER BY task_id) AS given
          JOIN LATERAL (
            SELECT task_id, claim_no FROM tasks WHERE tasks.task_id = given.task_id
              AND tasks.claim_no = given.claim_no AND {in_state("processing")} FOR UPDATE
          ) AS found USING (task_id, claim_no)),
        begun AS ({INTEND.format(calls="held", now="$4")})
        UPDATE tasks SET provider = begun.provider, starts = starts + 1, waits_for = NULL,
          turn_of = CASE WHEN turn_of = begun.provider THEN turn_of END
        FROM begun WHERE tasks.task_id = begun.task_id
        RETURNING begun.*
        """,
        *zip(*calls, strict=True),
        now,
    )
    begun = {Call(*row) for row in rows}
    answers = []
    for call in calls:
        answers.append(call in begun)
        begun.discard(call)
    return answers


async def note_unknown(
    connection: Connection, task: Task, detail: str, now: datetime.datetime
) -> None:
    """Note that nobody knows what became of the last call; earlier ones were lost with their workers.

    Not fenced: for whoever has just renewed the claim.
    """
    await connection.execute(
        """
        WITH last AS (SELECT max(claim_no) AS claim_no FROM attempts WHERE task_id = $1)
        UPDATE attempts SET ended_at = $4,
          outcome = CASE WHEN attempts.claim_no < last.claim_no THEN 'failed' ELSE 'unknown' END,
          detail = CASE WHEN attempts.claim_no < last.claim_no THEN 'lost with its worker' ELSE $3 END,
          cost_micros = 0
        FROM last
        WHERE task_id = $1 AND attempts.claim_no <= $2 AND outcome IN ('intended', 'started')
        """,
        task.task_id,
        task.claim_no,
        detail,
        now,
    )


async def save_ref(
    connection: Connection, task: Task, ref: str, check_at: datetime.datetime
) -> bool:
    """T3: keep the provider's reference. The first one wins, whoever holds the claim.

    It is not fenced, because it moves no money, and refusing a late one would only make the next
    worker start the job, and pay for it, again. One that is kept already is kept, for the answer to a
    commit may be lost. False: the task has ended, has another one, or has gone to another provider.
    """
    return _one(
        await connection.execute(
            f"""
            WITH attempt AS (
              UPDATE attempts SET outcome = 'started', provider_ref = $3
              WHERE task_id = $1 AND claim_no = (
                SELECT max(claim_no) FROM attempts WHERE task_id = $1 AND claim_no <= $2))
            UPDATE tasks SET provider_ref = coalesce(provider_ref, $3), due_at = $4
            WHERE task_id = $1 AND {in_state("processing")}
              AND (provider_ref IS NULL OR provider_ref IN ($3, '{FOUND}' || $3))
              AND provider = (SELECT provider FROM attempts
                WHERE task_id = $1 AND claim_no <= $2 ORDER BY claim_no DESC LIMIT 1)
            """,
            task.task_id,
            task.claim_no,
            ref,
            check_at,
        )
    )


async def hand_back(
    connection: Connection,
    task: Task,
    now: datetime.datetime,
    due_at: datetime.datetime,
    *,
    undo_at: Sequence[str],
) -> bool:
    """Let anyone take the task up from `due_at` on; undo its start at one of the providers `undo_at`."""
    return _one(
        await connection.execute(
            f"""
            WITH attempt AS (
              UPDATE attempts SET outcome = 'failed', detail = 'handed back', ended_at = $3
              WHERE task_id = $1 AND claim_no = $2 AND outcome = 'intended'
                AND provider = ANY($5::text[]) RETURNING 1)
            UPDATE tasks SET due_at = $4, progress = NULL,
              starts = starts - (SELECT count(*) FROM attempt)
            WHERE task_id = $1 AND claim_no = $2 AND {in_state("processing")}
            """,
            task.task_id,
            task.claim_no,
            now,
            due_at,
            undo_at,
        )
    )


async def nudge_overdue(
    connection: Connection, now: datetime.datetime, grace_seconds: float, limit: int
) -> list[Task]:
    """Open tasks that nobody has looked at in time; pending ones are not named again for a while.

    Those that are nudged already, and wait for a worker, do not keep younger ones from being named.
    """
    rows = await connection.fetch(
        f"""
        UPDATE tasks SET due_at = CASE state WHEN 'pending' THEN $3 ELSE due_at END
        WHERE task_id IN (
          SELECT task_id FROM tasks WHERE state IN ('pending', 'processing') AND due_at < $1
            AND NOT {waits_already(f"'{NUDGE}' || replace(task_id::text, '-', '')")}
          ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING {TASK_COLUMNS}
        """,
        now - datetime.timedelta(seconds=grace_seconds),
        limit,
        now + datetime.timedelta(seconds=PENDING_NUDGE_SECONDS),
    )
    return [task for row in rows if (task := _read(Task, row))]


async def take_over(
    connection: Connection, task_id: uuid.UUID, now: datetime.datetime, lease_seconds: float
) -> Task | None:
    """Claim an open task whoever holds it; the holder finds its claim lost. None: not open."""
    row = await connection.fetchrow(
        f"""
        UPDATE tasks SET state = 'processing', claim_no = claim_no + 1, due_at = $2,
          claimed_at = coalesce(claimed_at, $3)
        WHERE task_id = $1 AND ({in_state("pending")} OR {in_state("processing")})
        RETURNING {TASK_COLUMNS}
        """,
        task_id,
        now + datetime.timedelta(seconds=lease_seconds),
        now,
    )
    return _read(Task, row)


def _read(kind: type[Row], row: asyncpg.Record | None) -> Row | None:
    if row is None:
        return None
    values = dict(row)
    if kind is Task:
        values["request"] = msgspec.convert(values["request"], ImageRequest)
    return kind(**values)


def _one(status: str) -> bool:
    return status.endswith(" 1")
