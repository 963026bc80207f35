"""Every statement on the calls that are in flight at the engines, over all processes."""

import datetime
import uuid
from collections.abc import Collection
from typing import Final

from heliograph.base.database import Connection

#: Whoever chooses an engine holds the advisory lock of this key (any number, always the same).
LOCK_KEY: Final = 7_203_411_946
LEASE: Final = datetime.timedelta(seconds=15)


async def lock_engines(connection: Connection) -> None:
    """Choose alone until the transaction ends: two that counted at once would take the same place.

    The transaction does not wait for the disk: calls that a crash of the database forgets were cut
    off by it, or an engine has a call too many until they end.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1), set_config('synchronous_commit', 'off', true)", LOCK_KEY
    )


async def take_engine(
    connection: Connection,
    call_id: uuid.UUID,
    engines: Collection[str],
    most: int,
    now: datetime.datetime,
) -> str | None:
    """Note a call at that of `engines` with the fewest, and give its name; None if all have `most`."""
    engine: str | None = await connection.fetchval(
        """
        INSERT INTO engine_calls (call_id, engine, lease_until)
        SELECT $1, candidate, $5
        FROM unnest($2::text[]) AS candidates (candidate)
        CROSS JOIN LATERAL (
          SELECT count(*) AS calls FROM engine_calls WHERE engine = candidate AND lease_until > $4
        ) AS counted
        WHERE calls < $3
        ORDER BY calls, random() LIMIT 1
        RETURNING engine
        """,
        call_id,
        list(engines),
        most,
        now,
        now + LEASE,
    )
    return engine


async def renew_calls(
    connection: Connection, call_ids: Collection[uuid.UUID], now: datetime.datetime
) -> None:
    """These calls are still in flight."""
    await connection.execute(
        "UPDATE engine_calls SET lease_until = $2 WHERE call_id = ANY($1)",
        list(call_ids),
        now + LEASE,
    )


async def sweep_calls(connection: Connection, now: datetime.datetime) -> None:
    """Forget the calls of processes that are gone."""
    await connection.execute("DELETE FROM engine_calls WHERE lease_until <= $1", now)


async def end_calls(connection: Connection, call_ids: Collection[uuid.UUID]) -> None:
    """These calls are over; harmless when they were never noted. It does not wait for the disk."""
    await connection.execute(
        """
        DELETE FROM engine_calls WHERE call_id = ANY($1)
          AND set_config('synchronous_commit', 'off', true) IS NOT NULL
        """,
        list(call_ids),
    )
