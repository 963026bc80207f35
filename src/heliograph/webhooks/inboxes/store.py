"""The inboxes in the database, with their messages. Both go when the inbox has expired."""

import datetime

from heliograph.base.changes import CHANNEL
from heliograph.base.database import Connection
from heliograph.webhooks.inboxes.inbox import (
    MOST_FETCHED,
    MOST_INBOXES,
    MOST_MESSAGES,
    Inbox,
    Message,
    Posted,
    topic_of,
)


async def create_inbox(
    conn: Connection,
    inbox_id: str,
    account_id: str,
    *,
    now: datetime.datetime,
    expires_at: datetime.datetime,
) -> None:
    """Add an inbox; beyond the limit the account's oldest ones go."""
    await conn.execute(
        """WITH dropped AS (
            DELETE FROM inboxes WHERE inbox_id IN (
                SELECT inbox_id FROM inboxes WHERE account_id = $2
                ORDER BY created_at DESC, inbox_id OFFSET $5)
        )
        INSERT INTO inboxes (inbox_id, account_id, created_at, expires_at)
        VALUES ($1, $2, $3, $4)""",
        inbox_id,
        account_id,
        now,
        expires_at,
        MOST_INBOXES - 1,
    )


async def read_inbox(
    conn: Connection, inbox_id: str, account_id: str, *, now: datetime.datetime
) -> Inbox | None:
    """An inbox of the account that has not expired, with the secrets that sign its notices."""
    row = await conn.fetchrow(
        """SELECT inbox_id, account_id, expires_at, webhook_secret,
            CASE WHEN previous_secret_until > $3 THEN previous_webhook_secret END AS previous
        FROM inboxes JOIN accounts USING (account_id)
        WHERE inbox_id = $1 AND account_id = $2 AND expires_at > $3""",
        inbox_id,
        account_id,
        now,
    )
    if row is None:
        return None
    secrets = tuple(one for one in (row["webhook_secret"], row["previous"]) if one is not None)
    return Inbox(row["inbox_id"], row["account_id"], row["expires_at"], secrets)


async def add_message(
    conn: Connection, inbox_id: str, posted: Posted, *, most_a_minute: int | None = None
) -> bool | None:
    """Put a message into an inbox and wake whoever waits for it.

    None when there is no such inbox, False when it had `most_a_minute` in the last minute. The
    inbox is locked until the end, so that ids grow in the order in which readers see them.
    """
    row = await conn.fetchrow(
        """WITH inbox AS (
            SELECT inbox_id FROM inboxes WHERE inbox_id = $1 AND expires_at > $4 FOR UPDATE
        ), lately AS (
            SELECT count(*) AS posts FROM inbox_messages
            WHERE inbox_id = $1 AND received_at > $4 - interval '1 minute'
        ), added AS (
            INSERT INTO inbox_messages (inbox_id, headers, body, received_at)
            SELECT inbox_id, $2, $3, $4 FROM inbox
            WHERE $5::int IS NULL OR $5 > (SELECT posts FROM lately)
            RETURNING message_id
        ), dropped AS (
            DELETE FROM inbox_messages WHERE inbox_id = $1 AND message_id <= (
                SELECT message_id FROM inbox_messages WHERE inbox_id = $1
                ORDER BY message_id DESC OFFSET $6 LIMIT 1)
        )
        SELECT message_id IS NOT NULL AS added,
            CASE WHEN message_id IS NOT NULL THEN pg_notify($7, $8) END
        FROM inbox LEFT JOIN added ON true""",
        inbox_id,
        posted.headers,
        posted.body,
        posted.received_at,
        most_a_minute,
        MOST_MESSAGES - 1,
        CHANNEL,
        topic_of(inbox_id),
    )
    return None if row is None else bool(row["added"])


async def read_messages(conn: Connection, inbox_id: str, *, after: int) -> list[Message]:
    """At most MOST_FETCHED messages whose ids are beyond `after`, the oldest first."""
    rows = await conn.fetch(
        """SELECT message_id, headers, body, received_at FROM inbox_messages
        WHERE inbox_id = $1 AND message_id > $2 ORDER BY message_id LIMIT $3""",
        inbox_id,
        after,
        MOST_FETCHED,
    )
    return [Message(**row) for row in rows]


async def delete_expired(conn: Connection, now: datetime.datetime, limit: int) -> int:
    """Delete at most `limit` inboxes whose time is over, with their messages; gives how many."""
    status = await conn.execute(
        """DELETE FROM inboxes WHERE inbox_id IN (
            SELECT inbox_id FROM inboxes WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)""",
        now,
        limit,
    )
    return int(status.removeprefix("DELETE "))
