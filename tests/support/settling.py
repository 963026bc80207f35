"""Endings as the ledger alone sees them: what the statement that ends tasks does with their money."""

import datetime
import uuid

from heliograph.base.database import Connection
from heliograph.ledger.money import Settlement
from heliograph.ledger.store import BOOKED, SETTLE_ENDED

END = f"""
WITH given AS (
    SELECT $1::text AS account_id, $2::uuid AS task_id, $3::bigint AS charge_micros,
        $4::bigint AS release_micros, $5::timestamptz AS completed_at
), {BOOKED}, ended AS (
    SELECT given.* FROM given JOIN booked USING (task_id) WHERE agrees
), {SETTLE_ENDED}
SELECT count(*) FROM ended
"""


async def settle(
    connection: Connection,
    account_id: str,
    task_id: uuid.UUID,
    settlement: Settlement,
    now: datetime.datetime,
) -> bool:
    """Whether the money of the task agreed with its hold, and was moved."""
    charge_micros, release_micros = settlement.charge_micros, settlement.release_micros
    row = (account_id, task_id, charge_micros, release_micros, now)
    return await connection.fetchval(END, *row) == 1
