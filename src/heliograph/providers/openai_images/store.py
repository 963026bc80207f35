"""Every statement on the calls that are in flight at the engines, over all processes."""

import datetime
import uuid
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from heliograph.base.database import Connection

LEASE: Final = datetime.timedelta(seconds=15)


class Wish(NamedTuple):
    """A call wants a place at one of the engines `names`."""

    call_id: uuid.UUID
    names: Collection[str]


async def begin_calls(
    connection: Connection,
    wishes: Sequence[Wish],
    *,
    ended: Sequence[uuid.UUID] = (),
    most: int,
    now: datetime.datetime,
) -> dict[uuid.UUID, tuple[str, bool]]:
    """End the calls `ended`, then note each wish at that of its engines that has the fewest calls.

    Gives the engine of each call that has a place, and whether it must show first that it is well;
    a call is missing when all its engines have `most`. Engines whose circuit is open are left out; if
    all are, the one that closes first is taken. Processes choose one after the other. The commit does
    not wait for the disk: calls that a crash of the database forgets were cut off by it, or an engine
    has a call too many until they end. A wish that was noted before, and the answer lost, is noted anew.
    """
    rows = await connection.fetch(
        "SELECT call_id, engine, suspect FROM begin_engine_calls($1, $2, $3, $4, $5)",
        [*ended, *(wish.call_id for wish in wishes)],
        [{"call_id": wish.call_id, "names": list(wish.names)} for wish in wishes],
        most,
        now,
        now + LEASE,
    )
    return {row["call_id"]: (row["engine"], row["suspect"]) for row in rows}


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
