"""Every statement on the health of providers and engines."""

import datetime
from collections.abc import Iterable

from heliograph.base.database import Connection
from heliograph.providers.health.health import Health, pause_seconds

COLUMNS = ", ".join(Health.__dataclass_fields__)


async def note_failure(
    connection: Connection,
    name: str,
    error: str,
    now: datetime.datetime,
    *,
    pause: float | None = None,
) -> Health:
    """Count one failure more of `name`; it is left alone as its failures in a row ask for.

    `pause` in seconds, for a fault that will not pass by itself, counts at once.
    """
    failures = await connection.fetchval(
        """
        INSERT INTO provider_health (name, failures, error, failed_at) VALUES ($1, 1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET failures = provider_health.failures + 1, error = $2,
          failed_at = $3
        RETURNING failures
        """,
        name,
        error,
        now,
    )
    seconds = max(pause or 0, pause_seconds(failures))
    row = await connection.fetchrow(
        f"UPDATE provider_health SET open_until = $2 WHERE name = $1 RETURNING {COLUMNS}",
        name,
        now + datetime.timedelta(seconds=seconds) if seconds else None,
    )
    return Health(*row)


async def note_success(connection: Connection, name: str, now: datetime.datetime) -> None:
    """`name` works. Written only where that is news, or the last time is a minute ago."""
    await connection.execute(
        """
        INSERT INTO provider_health (name, worked_at)
        SELECT $1, $2::timestamptz WHERE NOT EXISTS (
            SELECT FROM provider_health
            WHERE name = $1 AND failures = 0 AND worked_at >= $2 - interval '1 minute')
        ON CONFLICT (name) DO UPDATE SET failures = 0, open_until = NULL, worked_at = $2
        """,
        name,
        now,
    )


async def read_health(
    connection: Connection, names: Iterable[str] | None = None
) -> dict[str, Health]:
    """The health of those of `names` (None: of all) that were ever heard of, by name."""
    rows = await connection.fetch(
        f"""
        SELECT {COLUMNS} FROM provider_health WHERE $1::text[] IS NULL OR name = ANY($1)
        ORDER BY name
        """,
        None if names is None else list(names),
    )
    return {row["name"]: Health(*row) for row in rows}
