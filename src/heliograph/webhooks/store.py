"""The notices in the database, with their attempts and the jobs that nudge them.

A notice is `pending` until its end. `due_at` is the moment from which anyone may take it up:
taking it up moves `due_at` past the timeout of the POST, so that two jobs make one POST, and
a notice whose process died comes back by itself. `attempts` is the fence: whoever notes an
answer names the attempt it belongs to. `ended_at` stays when a notice is sent again by hand:
the tries of the new schedule are the attempts from that moment on. What owners read and send again
is in `deliveries/`.
"""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from heliograph.base.database import Connection
from heliograph.base.jobs import Job, enqueue, waits_already
from heliograph.base.narrowing import in_state
from heliograph.webhooks.notice import TEST, Dead, Delivered, Notice, Reply, RetryAt, Verdict

ENTRYPOINT = "deliver"


@dataclass(frozen=True)
class Waiting:
    """A pending notice as far as it must be known to decide who may take it up, and when.

    `closed` is why its receiver gets nothing at present, or None.
    """

    url: str
    account_id: str
    due_at: datetime.datetime
    closed: str | None


@dataclass(frozen=True)
class Claim:
    """The right to make one POST, under the number `attempt_no`, until the lease runs out.

    `answered` and `lost` count the earlier attempts of the present schedule. `previous_secret` is
    set while a rotation's overlap lasts, `failing_since` after a failure of the receiver with no
    success since.
    """

    notice_id: uuid.UUID
    task_id: uuid.UUID | None
    account_id: str
    url: str
    body: bytes
    attempt_no: int
    webhook_secret: str = field(repr=False)
    previous_secret: str | None = field(repr=False)
    answered: int
    lost: int
    failing_since: datetime.datetime | None


#: Of a notice `n`: somebody is at it. Whoever did it otherwise would send it twice.
IN_FLIGHT = """(n.due_at > {now} AND EXISTS (SELECT FROM notice_attempts a
    WHERE a.notice_id = n.notice_id AND attempt_no = n.attempts AND latency_ms IS NULL))"""


async def add_notice(conn: Connection, notice: Notice, *, priority: int = 0) -> None:
    """Write `notice` and the job that delivers it, both in the caller's transaction.

    A second notice for the same task is refused by the database (UniqueViolationError).
    """
    await insert_notice(conn, notice)
    await enqueue(conn, [Job(ENTRYPOINT, notice.notice_id.hex, priority)])


async def insert_notice(conn: Connection, notice: Notice) -> None:
    """Write `notice` alone, for a caller who delivers it himself; the sweep does if he dies."""
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


async def nudge(conn: Connection, notice_ids: Sequence[uuid.UUID]) -> None:
    """Enqueue a job for each notice, unless an earlier nudge of it still waits for its turn."""
    keys = [f"{ENTRYPOINT}:{notice_id.hex}" for notice_id in notice_ids]
    pairs = zip(notice_ids, keys, strict=True)
    await enqueue(
        conn, [Job(ENTRYPOINT, notice_id.hex, dedupe_key=key) for notice_id, key in pairs]
    )


async def overdue(conn: Connection, *, before: datetime.datetime, limit: int) -> list[uuid.UUID]:
    """Pending notices that were due `before` that moment and wait for no nudge, the longest overdue first."""
    rows = await conn.fetch(
        f"""SELECT notice_id FROM notices WHERE state = 'pending' AND due_at < $1
        AND NOT {waits_already(f"'{ENTRYPOINT}:' || replace(notice_id::text, '-', '')")}
        ORDER BY due_at LIMIT $2""",
        before,
        limit,
    )
    return [row["notice_id"] for row in rows]


async def read_waiting(conn: Connection, notice_id: uuid.UUID) -> Waiting | None:
    """Where and when a pending notice is due; None when it has ended or never was."""
    row = await conn.fetchrow(
        f"""SELECT n.url, n.account_id, due_at, r.reason AS closed FROM notices n
        LEFT JOIN receivers r ON r.account_id = n.account_id AND url_md5 = md5(n.url)
        WHERE notice_id = $1 AND {in_state("pending", of="n")}""",
        notice_id,
    )
    return None if row is None else Waiting(**row)


async def bury(
    conn: Connection, notice_id: uuid.UUID, *, reason: str, now: datetime.datetime
) -> bool:
    """End a notice that nobody has in hand as dead, unsent; False when it is not pending or not due."""
    status = await conn.execute(
        f"""UPDATE notices SET state = 'dead', ended_at = $2, reason = $3
        WHERE notice_id = $1 AND {in_state("pending")} AND due_at <= $2""",
        notice_id,
        now,
        reason,
    )
    return bool(status == "UPDATE 1")


async def bury_waiting(
    conn: Connection, account_id: str, url: str, *, reason: str, now: datetime.datetime
) -> int:
    """End the pending notices for a URL as dead, except those in flight; gives how many.

    One that is locked is left to its job, which finds the receiver closed: so this never waits. In the
    caller's transaction.
    """
    rows = await conn.fetch(
        """SELECT notice_id FROM notices WHERE account_id = $1 AND url = $2 AND state = 'pending'
        FOR UPDATE SKIP LOCKED""",
        account_id,
        url,
    )
    # a statement of its own: one that waited for a lock would not see the attempt written meanwhile
    status = await conn.execute(
        f"""UPDATE notices n SET state = 'dead', ended_at = $2, reason = $3
        WHERE notice_id = ANY($1) AND NOT {IN_FLIGHT.format(now="$2")}""",
        [row["notice_id"] for row in rows],
        now,
        reason,
    )
    return int(status.removeprefix("UPDATE "))


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
        f"""WITH claimed AS (
            UPDATE notices SET attempts = attempts + 1, due_at = $3
            WHERE notice_id = $1 AND {in_state("pending")} AND due_at <= $2
            RETURNING notice_id, task_id, account_id, url, body, attempts, ended_at
        ), started AS (
            INSERT INTO notice_attempts (notice_id, attempt_no, started_at)
            SELECT notice_id, attempts, $2 FROM claimed
        ), earlier AS (
            SELECT count(latency_ms) AS answered, count(*) - count(latency_ms) AS lost
            FROM notice_attempts JOIN claimed USING (notice_id)
            WHERE started_at >= coalesce(ended_at, '-infinity')
        )
        SELECT notice_id, task_id, c.account_id, c.url, body, attempts AS attempt_no,
            webhook_secret, CASE WHEN previous_secret_until > $2
                THEN previous_webhook_secret END AS previous_secret,
            answered, lost, failing_since
        FROM claimed c JOIN accounts USING (account_id) CROSS JOIN earlier
        LEFT JOIN receivers r ON r.account_id = c.account_id AND url_md5 = md5(c.url)""",
        notice_id,
        now,
        lease_until,
    )
    return None if row is None else Claim(**row)


async def read_traceparent(conn: Connection, claim: Claim) -> str | None:
    """The trace of the request that the notice goes back to, if that was traced."""
    found: str | None = await conn.fetchval(
        "SELECT traceparent FROM tasks WHERE task_id = $1", claim.task_id
    )
    return found


async def note_reply(
    conn: Connection,
    claim: Claim,
    reply: Reply,
    *,
    verdict: Verdict,
    now: datetime.datetime,
) -> bool:
    """Note the reply with its attempt and carry out the verdict; False when the claim was lost.

    The attempt keeps its reply in any case: it is history. A retry's job is written with it.
    A delivery removes what trouble of the receiver is on record, unless it is disabled; a failure,
    of anything but a test, puts it there.
    """
    state, due_at = _after(verdict)
    row = await conn.fetchrow(
        f"""WITH noted AS (
            UPDATE notice_attempts SET latency_ms = $3, status = $4, error = $5, answer = $6
            WHERE notice_id = $1 AND attempt_no = $2
        ), ended AS (
            UPDATE notices SET state = $7, due_at = coalesce($8, due_at),
                ended_at = CASE WHEN $7 = 'pending' THEN ended_at ELSE $9 END
            WHERE notice_id = $1 AND attempts = $2 AND {in_state("pending")}
            RETURNING notice_id, account_id, url, event
        ), well AS (
            DELETE FROM receivers r USING ended e WHERE $5::text IS NULL
            AND r.account_id = e.account_id AND url_md5 = md5(e.url) AND state <> 'disabled'
        ), failing AS (
            INSERT INTO receivers (account_id, url, state, failing_since, changed_at)
            SELECT account_id, url, 'active', $9, $9 FROM ended
            WHERE $5::text IS NOT NULL AND event IS DISTINCT FROM $10
            ON CONFLICT DO NOTHING
        )
        SELECT notice_id FROM ended""",
        claim.notice_id,
        claim.attempt_no,
        reply.latency_ms,
        reply.status,
        reply.error,
        reply.answer,
        state,
        due_at,
        now,
        TEST,
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


async def replace_secret(
    conn: Connection, account_id: str, secret: str, *, previous_until: datetime.datetime
) -> bool:
    """Sign with `secret` from now on, and with the present one too until `previous_until`.

    False when there is no such account.
    """
    status = await conn.execute(
        """UPDATE accounts SET previous_webhook_secret = webhook_secret,
            previous_secret_until = $3, webhook_secret = $2
        WHERE account_id = $1""",
        account_id,
        secret,
        previous_until,
    )
    return bool(status == "UPDATE 1")
