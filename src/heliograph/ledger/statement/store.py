"""What is read of the ledger for a statement."""

from collections.abc import AsyncIterator

from heliograph.base.database import Connection, Pool, borrow
from heliograph.ledger.money import Transfer
from heliograph.ledger.statement.line import Line, Period, lines_of

TRANSFER_COLUMNS = ", ".join(Transfer.__dataclass_fields__)

LINES_A_READ = 1000


async def read_lines(
    connection: Connection, account_id: str, period: Period, *, after: int = 0, limit: int
) -> list[Line]:
    """The first lines of `period` behind the transfer `after`, at most `limit`, the oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {TRANSFER_COLUMNS} FROM transfers
        WHERE account_id = $1 AND transfer_id > $2
            AND ($3::timestamptz IS NULL OR created_at >= $3)
            AND ($4::timestamptz IS NULL OR created_at < $4)
        ORDER BY transfer_id LIMIT $5
        """,
        account_id,
        after,
        *period,
        limit,
    )
    transfers = [Transfer(**row) for row in rows]
    if not transfers:
        return []
    before = await _available_before(connection, transfers[0])
    return lines_of(transfers, before)


async def read_all_lines(
    pool: Pool, account_id: str, period: Period, *, after: int = 0
) -> AsyncIterator[list[Line]]:
    """Every line of `period`, some at a time, so that no statement is too long."""
    while True:
        async with borrow(pool) as connection:
            lines = await read_lines(
                connection, account_id, period, after=after, limit=LINES_A_READ
            )
        yield lines
        if len(lines) < LINES_A_READ:
            return
        after = lines[-1].transfer.transfer_id


async def _available_before(connection: Connection, transfer: Transfer) -> int:
    """What was available to the account before `transfer`, in micros."""
    available: int = await connection.fetchval(
        """
        SELECT coalesce(sum(CASE 'available' WHEN credit THEN amount_micros
            WHEN debit THEN -amount_micros ELSE 0 END), 0)::bigint
        FROM transfers WHERE account_id = $1 AND transfer_id < $2
        """,
        transfer.account_id,
        transfer.transfer_id,
    )
    return available
