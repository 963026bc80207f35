"""What stands still or is slow on the whole database: statements that change nothing."""

import datetime
from dataclasses import dataclass

import asyncpg

from heliograph.base.database import Connection

#: Of a statement's text so much is shown; values are not in it, for they are parameters.
SHOWN_CHARACTERS = 90


@dataclass(frozen=True)
class Overdue:
    """Rows of one kind at which nobody has looked since `due_at`, the earliest; `example` is its id."""

    kind: str
    number: int
    due_at: datetime.datetime
    example: str


@dataclass(frozen=True)
class Running:
    """A statement, or a transaction that waits for its next one, that has run for so long."""

    process_id: int
    seconds: float
    waits: bool
    statement: str


@dataclass(frozen=True)
class Slow:
    """A statement that has taken so long on average, over so many calls."""

    statement: str
    calls: int
    mean_ms: float


async def read_overdue(connection: Connection, before: datetime.datetime) -> list[Overdue]:
    """Open tasks and pending notices that were due `before` that moment, by kind."""
    rows = await connection.fetch(
        """
        WITH late AS (
            SELECT 'task' AS kind, task_id AS id, due_at FROM tasks
            WHERE state IN ('pending', 'processing') AND due_at < $1
            UNION ALL
            SELECT 'notice', notice_id, due_at FROM notices WHERE state = 'pending' AND due_at < $1
        )
        SELECT kind, count(*) AS number, min(due_at) AS due_at,
            replace((array_agg(id ORDER BY due_at))[1]::text, '-', '') AS example
        FROM late GROUP BY kind ORDER BY kind
        """,
        before,
    )
    return [Overdue(**row) for row in rows]


async def read_running(connection: Connection, seconds: float) -> list[Running]:
    """What clients of this database have had running for longer than `seconds`, the longest first."""
    rows = await connection.fetch(
        """
        SELECT pid AS process_id, state <> 'active' AS waits,
            extract(epoch FROM clock_timestamp() - coalesce(xact_start, query_start))::float8 AS seconds,
            left(regexp_replace(query, '\\s+', ' ', 'g'), $2) AS statement
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND backend_type = 'client backend' AND state <> 'idle'
            AND clock_timestamp() - coalesce(xact_start, query_start) > make_interval(secs => $1)
        ORDER BY seconds DESC
        """,
        seconds,
        SHOWN_CHARACTERS,
    )
    return [Running(**row) for row in rows]


async def read_slow(connection: Connection, mean_ms: float, calls: int) -> list[Slow] | None:
    """Statements that took longer than `mean_ms` over at least so many `calls`, the costliest first.

    None when the server does not count them: the extension pg_stat_statements does.
    """
    if not await connection.fetchval("SELECT to_regclass('pg_stat_statements') IS NOT NULL"):
        return None
    try:
        rows = await connection.fetch(
            """
            SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), $3) AS statement, calls,
                mean_exec_time AS mean_ms
            FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND mean_exec_time > $1 AND calls >= $2
            ORDER BY mean_exec_time * calls DESC LIMIT 3
            """,
            mean_ms,
            calls,
            SHOWN_CHARACTERS,
        )
    except asyncpg.ObjectNotInPrerequisiteStateError:
        return None  # installed, but the server was not started with it
    return [Slow(**row) for row in rows]
