"""Every statement on how far the books have been proved."""

import datetime
import uuid
from dataclasses import dataclass

import asyncpg

from heliograph.base.clock import LEAST_ID, first_id_at
from heliograph.base.database import Connection
from heliograph.base.tallies.store import UNSETTLED, read_settled

MILLISECOND = 1 << 80


@dataclass(frozen=True)
class Proven:
    """Up to where the books are right: the last transfer, and the tasks and batches before an id.

    What each balance was there stands in `proven_balances`. `at` is the moment of that proof.
    """

    transfer_id: int = 0
    tasks_before: uuid.UUID = LEAST_ID
    at: datetime.datetime | None = None

    @property
    def month(self) -> datetime.date | None:
        """The month of the first task that is not proven; what keys spent in earlier ones is."""
        if self.at is None:
            return None
        seconds = (self.tasks_before.int // MILLISECOND) / 1000
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().replace(day=1)

    @property
    def month_begins(self) -> uuid.UUID:
        """What no id of that month is below."""
        if self.month is None:
            return self.tasks_before
        midnight = datetime.time(tzinfo=datetime.UTC)
        return first_id_at(datetime.datetime.combine(self.month, midnight))


#: Before the first proof.
NOTHING = Proven()


async def read_proven(connection: Connection) -> Proven:
    """How far the last clean audit came; NOTHING before the first."""
    row = await connection.fetchrow("SELECT transfer_id, tasks_before, proven_at FROM proven")
    return NOTHING if row is None else Proven(*row)


async def find_next(connection: Connection, since: Proven) -> Proven:
    """How far the books as they are now will not change any more, once they are found right."""
    now: datetime.datetime = await connection.fetchval("SELECT now()")
    # not the number before the first that is young: it may be one that is still being written
    transfer_id: int | None = await connection.fetchval(
        """
        WITH young AS MATERIALIZED (
            SELECT transfer_id FROM transfers WHERE created_at >= $2
        )
        SELECT transfer_id FROM transfers WHERE transfer_id < coalesce(
            (SELECT min(transfer_id) FROM young WHERE transfer_id > $1), 9223372036854775807)
        ORDER BY transfer_id DESC LIMIT 1
        """,
        since.transfer_id,
        now - UNSETTLED,
    )
    first = await read_settled(connection, now)
    # a batch has the millisecond of its tasks: both shall be on the same side
    tasks_before = uuid.UUID(int=first.int // MILLISECOND * MILLISECOND)
    return Proven(transfer_id or 0, tasks_before, now)


async def remember_proven(connection: Connection, proven: Proven) -> None:
    """Go on from `proven` next time; nothing is written if another proof was faster.

    The caller has read the same snapshot and found it right, so that a balance less the transfers
    behind the mark is what it was there.
    """
    try:
        async with connection.transaction():
            await _remember(connection, proven)
    except (asyncpg.SerializationError, asyncpg.UniqueViolationError):
        return


async def _remember(connection: Connection, proven: Proven) -> None:
    await connection.execute(
        """
        INSERT INTO proven (transfer_id, tasks_before, proven_at) VALUES ($1, $2, $3)
        ON CONFLICT (single) DO UPDATE SET transfer_id = excluded.transfer_id,
            tasks_before = excluded.tasks_before, proven_at = excluded.proven_at
        """,
        proven.transfer_id,
        proven.tasks_before,
        proven.at,
    )
    await connection.execute(
        """
        WITH behind AS (
            SELECT account_id,
                sum(amount_micros * ((credit = 'available')::int - (debit = 'available')::int))
                    AS available,
                sum(amount_micros * ((credit = 'held')::int - (debit = 'held')::int)) AS held,
                sum(amount_micros * (credit = 'revenue')::int) AS charged,
                sum(amount_micros * ((debit = 'funding')::int - (credit = 'funding')::int)) AS funded
            FROM transfers WHERE transfer_id > $1 GROUP BY account_id
        )
        INSERT INTO proven_balances AS known
        SELECT account_id, available_micros - coalesce(available, 0), held_micros - coalesce(held, 0),
            charged_micros - coalesce(charged, 0), funded_micros - coalesce(funded, 0)
        FROM balances LEFT JOIN behind USING (account_id)
        ON CONFLICT (account_id) DO UPDATE SET available_micros = excluded.available_micros,
            held_micros = excluded.held_micros, charged_micros = excluded.charged_micros,
            funded_micros = excluded.funded_micros
        WHERE (known.available_micros, known.held_micros, known.charged_micros, known.funded_micros)
            <> (excluded.available_micros, excluded.held_micros, excluded.charged_micros,
                excluded.funded_micros)
        """,
        proven.transfer_id,
    )
