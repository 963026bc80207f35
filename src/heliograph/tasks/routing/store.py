"""Every statement on turns, refusals and look-ups."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from heliograph.base.database import Connection
from heliograph.base.narrowing import in_state
from heliograph.tasks.routing.choice import Refusal
from heliograph.tasks.task import Task


async def read_refusals(connection: Connection, task_id: uuid.UUID) -> list[Refusal]:
    """Who has refused the task, in the order in which it was asked."""
    rows = await connection.fetch(
        """
        SELECT provider, fail_code, detail, retry_at FROM attempts
        WHERE task_id = $1 AND outcome = 'refused' ORDER BY claim_no
        """,
        task_id,
    )
    return [Refusal(*row) for row in rows]


async def note_refusal(
    connection: Connection,
    task: Task,
    refusal: Refusal,
    due_at: datetime.datetime,
    now: datetime.datetime,
) -> bool:
    """Write down the refusal; whoever is next may have the task at `due_at`. False: the claim is lost.

    A start that led to a job counts on: a task whose jobs always fail is not started for ever.
    """
    status: str = await connection.execute(
        f"""
        WITH held AS (
          UPDATE tasks SET provider = NULL, provider_ref = NULL, turn_of = NULL, progress = NULL,
            starts = CASE WHEN provider_ref IS NULL THEN 0 ELSE starts END, due_at = $7
          WHERE task_id = $1 AND claim_no = $2 AND {in_state("processing")} RETURNING 1),
        last AS (SELECT max(claim_no) AS claim_no FROM attempts, held WHERE task_id = $1)
        UPDATE attempts SET outcome = 'refused', fail_code = $3, detail = $4, retry_at = $5,
          ended_at = $6
        FROM last WHERE attempts.task_id = $1 AND attempts.claim_no = last.claim_no
        """,
        task.task_id,
        task.claim_no,
        refusal.code,
        refusal.message,
        refusal.retry_at,
        now,
        due_at,
    )
    return status.endswith(" 1")


async def take_place(
    connection: Connection,
    task: Task,
    provider: str,
    most: int | None,
    fallback_at: datetime.datetime,
) -> bool | None:
    """Take one of the `most` places at `provider`, or wait for one. None: the claim is lost.

    It needs a transaction of its own, whose end lets the next task try. Who came first goes first;
    one that waits is woken by an ending, and looks for itself at `fallback_at`.
    """
    await connection.execute(
        """
        INSERT INTO turns (name, next_at) VALUES ($1, '-infinity')
        ON CONFLICT (name) DO UPDATE SET name = excluded.name
        """,
        provider,
    )
    taken: bool | None = await connection.fetchval(
        f"""
        WITH place AS (
          SELECT ($4::integer IS NULL OR $4 > (
              SELECT count(*) FROM tasks
              WHERE turn_of = $3 AND state = 'processing' AND task_id <> $1))
            AND NOT EXISTS (
              SELECT FROM tasks WHERE waits_for = $3 AND state = 'processing' AND created_at < $6
            ) AS free)
        UPDATE tasks SET turn_of = CASE WHEN free THEN $3 END,
          waits_for = CASE WHEN NOT free THEN $3 END,
          due_at = CASE WHEN free THEN due_at ELSE $5 END
        FROM place WHERE task_id = $1 AND claim_no = $2 AND {in_state("processing")}
        RETURNING free
        """,
        task.task_id,
        task.claim_no,
        provider,
        most,
        fallback_at,
        task.created_at,
    )
    return taken


async def leave_place(connection: Connection, task: Task) -> None:
    """Give up the task's place: its job may never have been accepted, and others wait."""
    await connection.execute(
        "UPDATE tasks SET turn_of = NULL WHERE task_id = $1 AND claim_no = $2",
        task.task_id,
        task.claim_no,
    )


async def reserve(
    connection: Connection, name: str, per_second: float, now: datetime.datetime
) -> datetime.datetime:
    """The next free moment of a budget of `per_second` that all processes share; it is used up."""
    moment: datetime.datetime = await connection.fetchval(
        """
        INSERT INTO turns (name, next_at) VALUES ($1, $2::timestamptz + $3::interval)
        ON CONFLICT (name) DO UPDATE SET next_at = greatest(turns.next_at, $2) + $3
        RETURNING next_at - $3
        """,
        name,
        now,
        datetime.timedelta(seconds=1 / per_second),
    )
    return moment


async def wake_waiting(
    connection: Connection, provider: str, most: int, now: datetime.datetime
) -> list[uuid.UUID]:
    """Let as many tasks go on as there are places free at `provider`, those that came first."""
    rows = await connection.fetch(
        """
        UPDATE tasks SET due_at = $3, waits_for = NULL WHERE task_id IN (
          SELECT task_id FROM tasks WHERE waits_for = $1 AND state = 'processing'
          ORDER BY created_at LIMIT greatest(0, $2 - (
            SELECT count(*) FROM tasks WHERE turn_of = $1 AND state = 'processing'))
          FOR UPDATE SKIP LOCKED)
        RETURNING task_id
        """,
        provider,
        most,
        now,
    )
    return [row["task_id"] for row in rows]


@dataclass(frozen=True)
class LostCall:
    """A call that was never answered. `noted`: its outcome is written down as unknown.

    `ambiguous`: another call to that provider is as unclear. Two of the same minutes cannot be told
    apart by what the provider lists.
    """

    started_at: datetime.datetime
    noted: bool
    ambiguous: bool


async def read_lost_call(connection: Connection, task_id: uuid.UUID) -> LostCall:
    """The last call of a task that has made one."""
    row = await connection.fetchrow(
        """
        WITH mine AS (
          SELECT * FROM attempts WHERE task_id = $1 ORDER BY claim_no DESC LIMIT 1)
        SELECT mine.intended_at, mine.outcome = 'unknown', EXISTS (
          SELECT FROM attempts AS other
          WHERE other.provider = mine.provider AND other.task_id <> $1
            AND other.outcome IN ('intended', 'unknown')
            AND other.intended_at BETWEEN mine.intended_at - interval '2 minutes'
              AND mine.intended_at + interval '2 minutes')
        FROM mine
        """,
        task_id,
    )
    return LostCall(*row)


async def known_refs(connection: Connection, provider: str, refs: Sequence[str]) -> set[str]:
    """Those of `refs` that belong to tasks of ours."""
    rows = await connection.fetch(
        "SELECT provider_ref FROM attempts WHERE provider = $1 AND provider_ref = ANY($2)",
        provider,
        refs,
    )
    return {row["provider_ref"] for row in rows}
