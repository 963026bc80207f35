"""What is read of the ledger day by day."""

import datetime

from heliograph.base.database import Connection
from heliograph.ledger.days.day import Day


async def read_days(connection: Connection, account_id: str, first: datetime.date) -> list[Day]:
    """The days from `first` on (UTC) on which the account was charged."""
    rows = await connection.fetch(
        """
        SELECT (created_at AT TIME ZONE 'UTC')::date AS date,
            sum(amount_micros)::bigint AS charged_micros, count(*) AS tasks
        FROM transfers
        WHERE account_id = $1 AND kind = 'charge' AND created_at >= $2::date AT TIME ZONE 'UTC'
        GROUP BY 1
        """,
        account_id,
        first,
    )
    return [Day(**row) for row in rows]
