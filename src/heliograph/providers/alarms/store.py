"""Every statement on alarms."""

import datetime
from collections.abc import Sequence
from typing import Any

from heliograph.base.database import Connection


async def note_alarm(
    connection: Connection, provider: str, code: str, remedy: str, now: datetime.datetime
) -> int:
    """Count the alarm `code` of `provider`; gives how often it has come."""
    number: int = await connection.fetchval(
        """
        INSERT INTO alarms (provider, code, remedy, first_at, last_at) VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (provider, code) DO UPDATE
          SET number = alarms.number + 1, remedy = $3, last_at = $4
        RETURNING number
        """,
        provider,
        code,
        remedy,
        now,
    )
    return number


async def claim_telling(
    connection: Connection, provider: str, code: str, now: datetime.datetime, quiet_seconds: float
) -> bool:
    """Whether the caller, of all processes, is the one who tells: not again within `quiet_seconds`."""
    claimed = await connection.fetchval(
        """
        UPDATE alarms SET told_at = $3
        WHERE provider = $1 AND code = $2 AND (told_at IS NULL OR told_at <= $4) RETURNING true
        """,
        provider,
        code,
        now,
        now - datetime.timedelta(seconds=quiet_seconds),
    )
    return claimed is True


async def read_alarms(connection: Connection) -> Sequence[dict[str, Any]]:
    """All alarms ever raised: provider, code, remedy, number, first_at, last_at."""
    rows = await connection.fetch(
        """
        SELECT provider, code, remedy, number, first_at, last_at FROM alarms
        ORDER BY last_at DESC, provider, code
        """
    )
    return [dict(row) for row in rows]
