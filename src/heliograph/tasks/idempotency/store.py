"""Every statement on idempotency keys. They are read and written under the lock of the account's balance.

So a repetition that comes while the first request is being written waits for it, and then finds it.
"""

import datetime
from collections.abc import Mapping, Sequence

from heliograph.base.database import Connection
from heliograph.tasks.idempotency.key import Remembered

Pair = tuple[str, str]
"""An account id and the name under which the account remembers an idempotency key."""


async def recall(
    connection: Connection, pairs: Sequence[Pair], since: datetime.datetime
) -> Mapping[Pair, Remembered]:
    """What those of `pairs` were used for that were used after `since`."""
    rows = await connection.fetch(
        """
        SELECT account_id, idempotency_key, request_sha256, task_id, batch_id
        FROM idempotency_keys
        JOIN unnest($1::text[], $2::text[]) AS asked (account_id, idempotency_key)
            USING (account_id, idempotency_key)
        WHERE created_at > $3
        """,
        [account_id for account_id, _ in pairs],
        [key for _, key in pairs],
        since,
    )
    return {(account_id, key): Remembered(*rest) for account_id, key, *rest in rows}


async def remember(
    connection: Connection, used: Mapping[Pair, Remembered], now: datetime.datetime
) -> None:
    """Write what new keys were used for; one whose time was over starts anew."""
    await connection.execute(
        """
        INSERT INTO idempotency_keys
            (account_id, idempotency_key, request_sha256, task_id, batch_id, created_at)
        SELECT used.*, $6 FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $5::uuid[])
            AS used
        ON CONFLICT (account_id, idempotency_key) DO UPDATE SET
            request_sha256 = excluded.request_sha256, task_id = excluded.task_id,
            batch_id = excluded.batch_id, created_at = excluded.created_at
        """,
        [account_id for account_id, _ in used],
        [key for _, key in used],
        [one.request_sha256 for one in used.values()],
        [one.task_id for one in used.values()],
        [one.batch_id for one in used.values()],
        now,
    )


async def forget(connection: Connection, before: datetime.datetime, limit: int) -> int:
    """Delete at most `limit` keys that were used `before` that moment; gives how many."""
    status: str = await connection.execute(
        """
        DELETE FROM idempotency_keys WHERE (account_id, idempotency_key) IN (
            SELECT account_id, idempotency_key FROM idempotency_keys
            WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            AND created_at < $1
        """,
        before,
        limit,
    )
    return int(status.removeprefix("DELETE "))
