"""Every statement on what keys spend. It is exact because each runs under the lock of the account's balance.

Only a key with a cap is counted: what its tasks hold or were charged, by the month of their
submission in UTC, under the id of the first of the keys that share the cap.
"""

import datetime
import uuid
from collections.abc import Mapping, Sequence

from heliograph.accounts.account import Key
from heliograph.accounts.spending.budget import Budget
from heliograph.base.database import Connection

CAPPED = "(monthly_cap_micros IS NOT NULL OR total_cap_micros IS NOT NULL)"


async def lock_spending(connection: Connection, key_id: str) -> None:
    """Lock the balance of the key's account, and so all that its keys spend."""
    await connection.execute(
        """
        SELECT FROM api_keys JOIN balances USING (account_id) WHERE key_id = $1
        FOR UPDATE OF balances
        """,
        key_id,
    )


async def read_budgets(
    connection: Connection, key_ids: Sequence[str], month: datetime.date
) -> Mapping[str, Budget]:
    """The budgets of those of `key_ids` that have a cap, by the id that was asked for."""
    rows = await connection.fetch(
        f"""
        SELECT asked.key_id, first_key_id, monthly_cap_micros, total_cap_micros,
            coalesce(sum(spent_micros) FILTER (WHERE month = $2), 0)::bigint,
            coalesce(sum(spent_micros), 0)::bigint
        FROM api_keys AS asked LEFT JOIN key_spending ON key_spending.key_id = first_key_id
        WHERE asked.key_id = ANY($1) AND {CAPPED}
        GROUP BY asked.key_id
        """,
        list(key_ids),
        month,
    )
    return {key_id: Budget(*budget) for key_id, *budget in rows}


async def add_spending(
    connection: Connection, micros: Mapping[str, int], month: datetime.date
) -> None:
    """Count what new tasks hold: `micros` by the id of the first of the keys that share a cap."""
    await connection.execute(
        """
        INSERT INTO key_spending (key_id, month, spent_micros)
        SELECT key_id, $3, micros FROM unnest($1::text[], $2::bigint[]) AS held (key_id, micros)
        ON CONFLICT (key_id, month)
        DO UPDATE SET spent_micros = key_spending.spent_micros + excluded.spent_micros
        """,
        list(micros),
        list(micros.values()),
        month,
    )


async def take_back_spending(connection: Connection, task_id: uuid.UUID, micros: int) -> None:
    """Count what an ended task gives back, if its key is counted."""
    await connection.execute(
        """
        UPDATE key_spending SET spent_micros = spent_micros - $2
        FROM tasks JOIN api_keys USING (key_id)
        WHERE task_id = $1 AND key_spending.key_id = first_key_id
            AND month = date_trunc('month', tasks.created_at AT TIME ZONE 'UTC')::date
        """,
        task_id,
        micros,
    )


async def recount_spending(connection: Connection, key: Key) -> None:
    """Count anew from the ledger what `key` and those that share its caps spend, or count no more.

    The caller has locked the balance with `lock_spending` and written the caps. A long history takes
    a while (a second for each hundred thousand tasks), in which the account's submits wait.
    """
    await connection.execute("SET LOCAL statement_timeout = 0")
    await connection.execute("DELETE FROM key_spending WHERE key_id = $1", key.first_key_id)
    if key.has_cap:
        await connection.execute(
            """
            INSERT INTO key_spending (key_id, month, spent_micros)
            SELECT $2, date_trunc('month', tasks.created_at AT TIME ZONE 'UTC')::date AS month,
                sum(CASE kind WHEN 'hold' THEN amount_micros ELSE -amount_micros END)
            FROM tasks JOIN api_keys USING (key_id) JOIN transfers USING (task_id)
            WHERE tasks.account_id = $1 AND first_key_id = $2 AND kind IN ('hold', 'release')
            GROUP BY month
            """,
            key.account_id,
            key.first_key_id,
        )
    await connection.execute(
        f"""
        UPDATE balances SET has_caps = EXISTS (
            SELECT FROM api_keys WHERE account_id = $1 AND {CAPPED})
        WHERE account_id = $1
        """,
        key.account_id,
    )
