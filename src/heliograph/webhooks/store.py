"""The notices in the database, with their attempts and the jobs that nudge them.

A notice is `pending` until its end. `due_at` is the moment from which anyone may take it up:
taking it up moves `due_at` past the timeout of the POST, so that two jobs make one POST, and
a notice whose process died comes back by itself. `attempts` is the fence: whoever notes an
answer names the attempt it belongs to. `ended_at` stays when a notice is sent again by hand:
the tries of the new schedule are the attempts from that moment on.
"""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from heliograph.base.database import Connection
from heliograph.base.jobs import Job, enqueue
from heliograph.webhooks.notice import Dead, Delivered, Notice, Reply, RetryAt, Verdict

ENTRYPOINT = "deliver"

STATES = ("pending", "delivered", "dead")


@dataclass(frozen=True)
class Waiting:
    """A pending notice as far as it must be known to decide who may take it up, and when."""

    url: str
    due_at: datetime.datetime


@dataclass(frozen=True)
class Claim:
    """The right to make one POST, under the number `attempt_no`, until the lease runs out.

    `answered` and `lost` count the earlier attempts of the present schedule.
    """

    notice_id: uuid.UUID
    task_id: uuid.UUID | None
    account_id: str
    url: str
    body: bytes
    attempt_no: int
    webhook_secret: str
    answered: int
    lost: int


@dataclass(frozen=True)
class Attempt:
    """One POST. Without `latency_ms` it is under way, or was lost with its process."""

    attempt_no: int
    started_at: datetime.datetime
    latency_ms: int | None
    status: int | None
    error: str | None
    answer: str | None


@dataclass(frozen=True)
class Delivery:
    """A notice as its owner sees it. `ended_at` is None while it is pending."""

    notice_id: uuid.UUID
    task_id: uuid.UUID | None
    event: str | None
    account_id: str
    url: str
    state: str
    due_at: datetime.datetime
    created_at: datetime.datetime
    ended_at: datetime.datetime | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Filter:
    """Which notices to list; None means all. `after` continues behind a (created_at, id)."""

    account_id: str | None = None
    task_id: uuid.UUID | None = None
    state: str | None = None
    after: tuple[datetime.datetime, uuid.UUID] | None = None


@dataclass(frozen=True)
class Backlog:
    """For the metrics: how many notices are pending, and how late the latest of them is."""

    pending: int
    overdue: int
    oldest_overdue_seconds: float


async def add_notice(conn: Connection, notice: Notice, *, priority: int = 0) -> None:
    """Write `notice` and the job that delivers it, both in the caller's transaction.

    A second notice for the same task is refused by the database (UniqueViolationError).
    """
    await conn.execute(
        """INSERT INTO notices
            (notice_id, task_id, account_id, url, body, state, due_at, created_at, event)
        VALUES ($1, $2, $3, $4, $5, 'pending', $6, $6, $7)""",
        notice.notice_id,
        notice.task_id,
        notice.account_id,
        notice.url,
        notice.body,
        notice.created_at,
        notice.event,
    )
    await enqueue(conn, [Job(ENTRYPOINT, notice.notice_id.hex, priority)])


async def nudge(conn: Connection, notice_ids: Sequence[uuid.UUID]) -> None:
    """Enqueue a job for each notice, unless an earlier nudge of it still waits for its turn."""
    keys = [f"{ENTRYPOINT}:{notice_id.hex}" for notice_id in notice_ids]
    pairs = zip(notice_ids, keys, strict=True)
    await enqueue(
        conn, [Job(ENTRYPOINT, notice_id.hex, dedupe_key=key) for notice_id, key in pairs]
    )


async def overdue(conn: Connection, *, before: datetime.datetime, limit: int) -> list[uuid.UUID]:
    """Pending notices that were due `before` that moment, the longest overdue first."""
    rows = await conn.fetch(
        """SELECT notice_id FROM notices WHERE state = 'pending' AND due_at < $1
        ORDER BY due_at LIMIT $2""",
        before,
        limit,
    )
    return [row["notice_id"] for row in rows]


async def read_waiting(conn: Connection, notice_id: uuid.UUID) -> Waiting | None:
    """Where and when a pending notice is due; None when it has ended or never was."""
    row = await conn.fetchrow(
        "SELECT url, due_at FROM notices WHERE notice_id = $1 AND state = 'pending'", notice_id
    )
    return None if row is None else Waiting(**row)


async def claim_notice(
    conn: Connection,
    notice_id: uuid.UUID,
    *,
    now: datetime.datetime,
    lease_until: datetime.datetime,
) -> Claim | None:
    """Take the notice up and write its next attempt as started; None when it is not due.

    The attempt stands before the POST is made, so that one whose process died can be seen.
    """
    row = await conn.fetchrow(
        """WITH claimed AS (
            UPDATE notices SET attempts = attempts + 1, due_at = $3
            WHERE notice_id = $1 AND state = 'pending' AND due_at <= $2
            RETURNING notice_id, task_id, account_id, url, body, attempts, ended_at
        ), started AS (
            INSERT INTO notice_attempts (notice_id, attempt_no, started_at)
            SELECT notice_id, attempts, $2 FROM claimed
        ), earlier AS (
            SELECT count(latency_ms) AS answered, count(*) - count(latency_ms) AS lost
            FROM notice_attempts JOIN claimed USING (notice_id)
            WHERE started_at >= coalesce(ended_at, '-infinity')
        )
        SELECT notice_id, task_id, account_id, url, body, attempts AS attempt_no,
            webhook_secret, answered, lost
        FROM claimed JOIN accounts USING (account_id) CROSS JOIN earlier""",
        notice_id,
        now,
        lease_until,
    )
    return None if row is None else Claim(**row)


async def note_reply(
    conn: Connection, claim: Claim, reply: Reply, *, verdict: Verdict, now: datetime.datetime
) -> bool:
    """Note the reply with its attempt and carry out the verdict; False when the claim was lost.

    The attempt keeps its reply in any case: it is history. A retry's job is written with it.
    """
    state, due_at = _after(verdict)
    row = await conn.fetchrow(
        """WITH noted AS (
            UPDATE notice_attempts SET latency_ms = $3, status = $4, error = $5, answer = $6
            WHERE notice_id = $1 AND attempt_no = $2
        )
        UPDATE notices SET state = $7, due_at = coalesce($8, due_at),
            ended_at = CASE WHEN $7 = 'pending' THEN ended_at ELSE $9 END
        WHERE notice_id = $1 AND attempts = $2 AND state = 'pending'
        RETURNING notice_id""",
        claim.notice_id,
        claim.attempt_no,
        reply.latency_ms,
        reply.status,
        reply.error,
        reply.answer,
        state,
        due_at,
        now,
    )
    if row is not None and due_at is not None:
        delay_seconds = (due_at - now).total_seconds()
        job = Job(ENTRYPOINT, claim.notice_id.hex, after_seconds=delay_seconds)
        await enqueue(conn, [job])
    return row is not None


def _after(verdict: Verdict) -> tuple[str, datetime.datetime | None]:
    match verdict:
        case Delivered():
            return "delivered", None
        case Dead():
            return "dead", None
        case RetryAt(moment):
            return "pending", moment


async def resend(
    conn: Connection,
    notice_id: uuid.UUID,
    *,
    now: datetime.datetime,
    account_id: str | None = None,
) -> Delivery | None:
    """Send the notice again from `now` on a fresh schedule, whatever became of it.

    The earlier attempts stay, and the numbers go on. One that is being sent at this moment is
    left alone. Gives the notice, or None when there is none, or not in that account.
    """
    row = await conn.fetchrow(
        """UPDATE notices n SET state = 'pending', due_at = $2, ended_at = $2
        WHERE notice_id = $1 AND ($3::text IS NULL OR account_id = $3)
        AND NOT (state = 'pending' AND due_at > $2 AND EXISTS (
            SELECT FROM notice_attempts a WHERE a.notice_id = n.notice_id
            AND attempt_no = n.attempts AND latency_ms IS NULL))
        RETURNING notice_id""",
        notice_id,
        now,
        account_id,
    )
    if row is not None:
        await enqueue(conn, [Job(ENTRYPOINT, notice_id.hex)])
    return await read_delivery(conn, notice_id, account_id=account_id)


async def read_delivery(
    conn: Connection, notice_id: uuid.UUID, *, account_id: str | None = None
) -> Delivery | None:
    """Read the notice with its attempts; None when there is none, or not in that account."""
    rows = await conn.fetch(
        """SELECT * FROM notices WHERE notice_id = $1
        AND ($2::text IS NULL OR account_id = $2)""",
        notice_id,
        account_id,
    )
    found = await _with_attempts(conn, rows)
    return found[0] if found else None


async def list_deliveries(conn: Connection, wanted: Filter, *, limit: int = 50) -> list[Delivery]:
    """Notices with their attempts, the youngest first."""
    after_moment, after_id = wanted.after or (None, None)
    rows = await conn.fetch(
        """SELECT * FROM notices
        WHERE ($1::text IS NULL OR account_id = $1) AND ($2::uuid IS NULL OR task_id = $2)
        AND ($3::text IS NULL OR state = $3)
        AND ($4::timestamptz IS NULL OR (created_at, notice_id) < ($4, $5::uuid))
        ORDER BY created_at DESC, notice_id DESC LIMIT $6""",
        wanted.account_id,
        wanted.task_id,
        wanted.state,
        after_moment,
        after_id,
        limit,
    )
    return await _with_attempts(conn, rows)


async def _with_attempts(conn: Connection, notices: Sequence[Any]) -> list[Delivery]:
    rows = await conn.fetch(
        "SELECT * FROM notice_attempts WHERE notice_id = ANY($1) ORDER BY attempt_no",
        [row["notice_id"] for row in notices],
    )
    attempts: dict[uuid.UUID, list[Attempt]] = {row["notice_id"]: [] for row in notices}
    for row in rows:
        attempts[row["notice_id"]].append(_attempt(row))
    return [_delivery(row, attempts[row["notice_id"]]) for row in notices]


def _attempt(row: Any) -> Attempt:
    names = ("attempt_no", "started_at", "latency_ms", "status", "error", "answer")
    return Attempt(*(row[name] for name in names))


def _delivery(row: Any, attempts: Iterable[Attempt]) -> Delivery:
    return Delivery(
        notice_id=row["notice_id"],
        task_id=row["task_id"],
        event=row["event"],
        account_id=row["account_id"],
        url=row["url"],
        state=row["state"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        ended_at=None if row["state"] == "pending" else row["ended_at"],
        attempts=tuple(attempts),
    )


async def measure_backlog(conn: Connection, now: datetime.datetime) -> Backlog:
    """Count what is pending and overdue at `now`, read from the index of pending notices alone."""
    row = await conn.fetchrow(
        """SELECT count(*) AS pending, count(*) FILTER (WHERE due_at <= $1) AS overdue,
            coalesce(extract(epoch FROM $1 - min(due_at)), 0)::float8 AS late_seconds
        FROM notices WHERE state = 'pending'""",
        now,
    )
    return Backlog(row["pending"], row["overdue"], max(0.0, row["late_seconds"]))
