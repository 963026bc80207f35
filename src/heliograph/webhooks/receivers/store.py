"""The receivers in the database. One in good order has no row: the first success removes it.

The deliverer's own statements (`webhooks/store.py`) add and remove rows with each attempt.
"""

import datetime

from heliograph.base.database import Connection
from heliograph.webhooks.receivers.receiver import Closing, Receiver

COLUMNS = "account_id, url, state, failing_since, reason, changed_at"


async def close_receiver(
    conn: Connection, account_id: str, url: str, closing: Closing, *, now: datetime.datetime
) -> Receiver | None:
    """Close an active receiver; None when it is closed already or does not fail any more."""
    row = await conn.fetchrow(
        f"""UPDATE receivers SET state = $3, reason = $4, changed_at = $5
        WHERE account_id = $1 AND url_md5 = md5($2) AND state = 'active' AND failing_since <= $6
        RETURNING {COLUMNS}""",
        account_id,
        url,
        closing.state,
        closing.reason,
        now,
        closing.failing_before,
    )
    return None if row is None else Receiver(**row)


async def open_receiver(conn: Connection, account_id: str, url: str) -> bool:
    """Forget all trouble with a receiver; False when there was none."""
    status = await conn.execute(
        "DELETE FROM receivers WHERE account_id = $1 AND url_md5 = md5($2)", account_id, url
    )
    return bool(status == "DELETE 1")


async def read_closed(conn: Connection, account_id: str, url: str) -> Receiver | None:
    """The receiver, if it is paused or disabled."""
    row = await conn.fetchrow(
        f"""SELECT {COLUMNS} FROM receivers
        WHERE account_id = $1 AND url_md5 = md5($2) AND state <> 'active'""",
        account_id,
        url,
    )
    return None if row is None else Receiver(**row)


async def list_receivers(
    conn: Connection, account_id: str, *, after: str | None = None, limit: int = 50
) -> list[Receiver]:
    """The account's receivers in trouble, by URL; `after` continues behind a URL."""
    rows = await conn.fetch(
        f"""SELECT {COLUMNS} FROM receivers
        WHERE account_id = $1 AND ($2::text IS NULL OR url > $2) ORDER BY url LIMIT $3""",
        account_id,
        after,
        limit,
    )
    return [Receiver(**row) for row in rows]


async def read_webhook_url(conn: Connection, account_id: str) -> str | None:
    """Where the account wants to be told of what is no task's end."""
    url: str | None = await conn.fetchval(
        "SELECT webhook_url FROM accounts WHERE account_id = $1", account_id
    )
    return url


async def forget_receivers(conn: Connection, failing_before: datetime.datetime) -> None:
    """Delete active receivers that failed `failing_before` and have not been tried for long.

    One that was tried would have been paused by then, or would have no row.
    """
    await conn.execute(
        "DELETE FROM receivers WHERE state = 'active' AND failing_since < $1", failing_before
    )
