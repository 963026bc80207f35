"""The notices in the database as their owners see them: read, and sent again."""

import datetime
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from heliograph.base.database import Connection
from heliograph.base.jobs import Job, enqueue
from heliograph.base.narrowing import Condition, narrow
from heliograph.webhooks.notice import TEST
from heliograph.webhooks.store import ENTRYPOINT, IN_FLIGHT

DeliveryState = Literal["pending", "delivered", "dead"]

STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)

#: Written out and no parameter, for the rare ones have indexes of their own.
STATE_IS: dict[str, str] = {state: f"state = '{state}'" for state in STATES}

#: All but the body, which may be long.
COLUMNS = "notice_id, task_id, event, account_id, url, state, due_at, created_at, ended_at, reason"


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
    """A notice as its owner sees it. `ended_at` is None while it is pending.

    `reason` is why it is dead when the attempts do not say it.
    """

    notice_id: uuid.UUID
    task_id: uuid.UUID | None
    event: str | None
    account_id: str
    url: str
    state: DeliveryState
    due_at: datetime.datetime
    created_at: datetime.datetime
    ended_at: datetime.datetime | None
    reason: str | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Filter:
    """Which notices to list; None means all. `after` continues behind a (created_at, id)."""

    account_id: str | None = None
    task_id: uuid.UUID | None = None
    state: str | None = None
    after: tuple[datetime.datetime, uuid.UUID] | None = None


@dataclass(frozen=True)
class Lost:
    """Which dead notices to send again: those that died at `since` or later; None means all."""

    since: datetime.datetime
    account_id: str | None = None
    url: str | None = None


async def resend(conn: Connection, delivery: Delivery, *, now: datetime.datetime) -> Delivery:
    """Send a notice again from `now` on a fresh schedule, whatever became of it; gives its new state.

    The earlier attempts stay, and the numbers go on. One that is being sent at this moment is
    left alone. In the caller's transaction.
    """
    # first, and alone: the next statement sees what whoever had the lock before has written
    await conn.execute("SELECT FROM notices WHERE notice_id = $1 FOR UPDATE", delivery.notice_id)
    row = await conn.fetchrow(
        f"""UPDATE notices n SET state = 'pending', due_at = $2, ended_at = $2, reason = NULL
        WHERE notice_id = $1 AND NOT (state = 'pending' AND {IN_FLIGHT.format(now="$2")})
        RETURNING {COLUMNS}""",
        delivery.notice_id,
        now,
    )
    if row is None:
        return delivery
    await enqueue(conn, [Job(ENTRYPOINT, delivery.notice_id.hex)])
    return _delivery(row, delivery.attempts)


async def resend_dead(
    conn: Connection, lost: Lost, *, now: datetime.datetime, limit: int
) -> list[uuid.UUID]:
    """Send dead notices again on a fresh schedule, at most `limit`, the longest dead; gives their ids.

    Left out are tests, what has died after `now`, and what closed receivers would get.
    """
    rows = await conn.fetch(
        """UPDATE notices SET state = 'pending', due_at = $4, ended_at = $4, reason = NULL
        WHERE notice_id IN (
            SELECT notice_id FROM notices n
            LEFT JOIN receivers r ON r.account_id = n.account_id AND url_md5 = md5(n.url)
            WHERE n.state = 'dead' AND ended_at BETWEEN $2 AND $4
            AND ($1::text IS NULL OR n.account_id = $1) AND ($3::text IS NULL OR n.url = $3)
            AND event IS DISTINCT FROM $6 AND r.reason IS NULL
            ORDER BY ended_at LIMIT $5 FOR UPDATE OF n SKIP LOCKED)
        RETURNING notice_id""",
        lost.account_id,
        lost.since,
        lost.url,
        now,
        limit,
        TEST,
    )
    ids = [row["notice_id"] for row in rows]
    await enqueue(conn, [Job(ENTRYPOINT, notice_id.hex) for notice_id in ids])
    return ids


async def read_delivery(
    conn: Connection, notice_id: uuid.UUID, *, account_id: str | None = None
) -> Delivery | None:
    """Read the notice with its attempts; None when there is none, or not in that account."""
    rows = await conn.fetch(
        f"""SELECT {COLUMNS} FROM notices WHERE notice_id = $1
        AND ($2::text IS NULL OR account_id = $2)""",
        notice_id,
        account_id,
    )
    found = await _with_attempts(conn, rows)
    return found[0] if found else None


async def list_deliveries(conn: Connection, wanted: Filter, *, limit: int = 50) -> list[Delivery]:
    """Notices with their attempts, the youngest first."""
    where, values = narrow(_conditions(wanted), first=2)
    rows = await conn.fetch(
        f"""SELECT {COLUMNS} FROM notices {where}
        ORDER BY created_at DESC, notice_id DESC LIMIT $1""",
        limit,
        *values,
    )
    return await _with_attempts(conn, rows)


def _conditions(wanted: Filter) -> Iterator[Condition]:
    yield "account_id = {}", (wanted.account_id,)
    yield "task_id = {}", (wanted.task_id,)
    if wanted.after is not None:
        yield "(created_at, notice_id) < ({}, {})", wanted.after
    if wanted.state is not None:
        yield STATE_IS[wanted.state], ()


async def keep_since(conn: Connection, since: datetime.datetime) -> None:
    """Note that notices from before `since` may be deleted from now on: the audit asks for none of them."""
    await conn.execute(
        """INSERT INTO kept_since (what, since) VALUES ('deliveries', $1)
        ON CONFLICT (what) DO UPDATE SET since = greatest(kept_since.since, excluded.since)""",
        since,
    )


async def delete_old(conn: Connection, before: datetime.datetime, *, limit: int) -> int:
    """Delete at most `limit` notices written `before`, with their attempts, the oldest; gives how many.

    One that is still to be sent stays.
    """
    status = await conn.execute(
        """WITH old AS (
            SELECT notice_id FROM notices WHERE created_at < $1 AND state <> 'pending'
            ORDER BY created_at, notice_id LIMIT $2 FOR UPDATE SKIP LOCKED
        ), tried AS (
            DELETE FROM notice_attempts USING old WHERE notice_attempts.notice_id = old.notice_id
        )
        DELETE FROM notices USING old WHERE notices.notice_id = old.notice_id""",
        before,
        limit,
    )
    return int(status.removeprefix("DELETE "))


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
        reason=row["reason"],
        attempts=tuple(attempts),
    )
