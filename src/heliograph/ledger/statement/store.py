"""What is read of the ledger for a statement."""

import datetime
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from heliograph.base.database import Connection, Pool, borrow
from heliograph.base.narrowing import Condition, narrow
from heliograph.ledger.money import Transfer
from heliograph.ledger.statement.line import Line, Period, lines_of

TRANSFER_COLUMNS = ", ".join(Transfer.__dataclass_fields__)

LINES_A_READ = 1000

#: Transfers have the order of their times, but for what is written at once, and by other clocks.
DISORDER = datetime.timedelta(days=1)

CHANGE = """coalesce(sum(CASE 'available' WHEN credit THEN amount_micros
    WHEN debit THEN -amount_micros ELSE 0 END), 0)"""


@dataclass(frozen=True)
class Search:
    """Which transfers are asked for: those of `account_id` in `period`, between two ids."""

    account_id: str
    period: Period
    first_id: int | None
    last_id: int | None

    def conditions(self, after: int) -> Iterator[Condition]:
        """What must hold of a transfer behind `after`."""
        yield "account_id = {}", (self.account_id,)
        yield "transfer_id > {}", (after,)
        yield "transfer_id >= {} AND created_at >= {}", (self.first_id, self.period.since)
        yield "transfer_id <= {} AND created_at < {}", (self.last_id, self.period.before)


async def read_lines(
    connection: Connection, account_id: str, period: Period, *, after: int = 0, limit: int
) -> list[Line]:
    """The first lines of `period` behind the transfer `after`, at most `limit`, the oldest first."""
    search = await _search(connection, account_id, period)
    transfers = await _read(connection, search, after, limit)
    if not transfers:
        return []
    return lines_of(transfers, await _available_before(connection, transfers[0]))


async def read_all_lines(
    pool: Pool, account_id: str, period: Period, *, after: int = 0
) -> AsyncIterator[list[Line]]:
    """Every line of `period`, some at a time, so that no statement is too long."""
    async with borrow(pool) as connection:
        search = await _search(connection, account_id, period)
        lines = await read_lines(connection, account_id, period, after=after, limit=LINES_A_READ)
    yield lines
    while len(lines) == LINES_A_READ:
        async with borrow(pool) as connection:
            lines = await _read_on(connection, search, lines[-1])
        yield lines


async def _read_on(connection: Connection, search: Search, last: Line) -> list[Line]:
    transfers = await _read(connection, search, last.transfer.transfer_id, LINES_A_READ)
    if not transfers:
        return []
    # a line may be missing in between whose time is not in the period
    between: int = await connection.fetchval(
        f"""
        SELECT {CHANGE}::bigint FROM transfers
        WHERE account_id = $1 AND transfer_id > $2 AND transfer_id < $3
        """,
        search.account_id,
        last.transfer.transfer_id,
        transfers[0].transfer_id,
    )
    return lines_of(transfers, last.balance_micros + between)


async def _read(connection: Connection, search: Search, after: int, limit: int) -> list[Transfer]:
    where, values = narrow(search.conditions(after), first=2)
    rows = await connection.fetch(
        f"SELECT {TRANSFER_COLUMNS} FROM transfers {where} ORDER BY transfer_id LIMIT $1",
        limit,
        *values,
    )
    return [Transfer(**row) for row in rows]


async def _search(connection: Connection, account_id: str, period: Period) -> Search:
    since, before = period
    first_id = None if since is None else await _find(connection, since - DISORDER)
    last_id = None if before is None else await _find(connection, before + DISORDER)
    return Search(account_id, period, first_id, last_id)


async def _find(connection: Connection, moment: datetime.datetime) -> int:
    """The first transfer from `moment` on, by halves: there is no index of times and ids together."""
    found: int = await connection.fetchval(
        """
        WITH RECURSIVE step AS (
            SELECT coalesce(min(transfer_id), 0) AS low, coalesce(max(transfer_id), 0) + 1 AS high
            FROM transfers
            UNION ALL
            SELECT CASE WHEN earlier THEN middle + 1 ELSE low END,
                CASE WHEN earlier THEN high ELSE middle END
            FROM step CROSS JOIN LATERAL (SELECT (low + high) / 2 AS middle) AS half
            CROSS JOIN LATERAL (SELECT created_at < $1 AS earlier FROM transfers
                WHERE transfer_id >= middle ORDER BY transfer_id LIMIT 1) AS probe
            WHERE low < high
        )
        SELECT max(low) FROM step
        """,
        moment,
    )
    return found


async def _available_before(connection: Connection, transfer: Transfer) -> int:
    """What was available to the account before `transfer`, in micros.

    Counted from the beginning, or back from what is available now, whichever is likely to be nearer.
    """
    available: int = await connection.fetchval(
        f"""
        SELECT CASE WHEN $2 <= max(transfer_id) / 2 THEN
            (SELECT {CHANGE} FROM transfers WHERE account_id = $1 AND transfer_id < $2)
        ELSE
            (SELECT available_micros FROM balances WHERE account_id = $1)
            - (SELECT {CHANGE} FROM transfers WHERE account_id = $1 AND transfer_id >= $2)
        END::bigint
        FROM transfers WHERE account_id = $1
        """,
        transfer.account_id,
        transfer.transfer_id,
    )
    return available
