"""What operators look at: statements across rooms, which change nothing."""

import datetime
from dataclasses import dataclass

from heliograph.base.clock import first_id_at
from heliograph.base.database import Connection


@dataclass(frozen=True)
class AccountSummary:
    """An account in the list. `keys` counts those that can be used."""

    account_id: str
    name: str
    created_at: datetime.datetime
    available_micros: int
    held_micros: int
    charged_micros: int
    live_tasks: int
    max_live_tasks: int
    keys: int


@dataclass(frozen=True)
class Queue:
    """A queue of jobs: those that could be done now, with the age of the oldest; later ones; taken ones."""

    name: str
    waiting: int
    later: int
    taken: int
    oldest_seconds: float | None


@dataclass(frozen=True)
class OpenTasks:
    """Tasks in one of the states before the end."""

    state: str
    tasks: int
    oldest_at: datetime.datetime


@dataclass(frozen=True)
class Calls:
    """Calls of a provider with one outcome, and what they have cost."""

    provider: str
    outcome: str
    calls: int
    cost_micros: int


SUMMARY = """
SELECT account_id, accounts.name, accounts.created_at, available_micros, held_micros, charged_micros,
    live_tasks, max_live_tasks,
    (SELECT count(*) FROM api_keys WHERE api_keys.account_id = accounts.account_id
        AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)) AS keys
FROM accounts JOIN balances USING (account_id)
"""

Place = tuple[datetime.datetime, str]

#: No task is open for longer: what was charged later is of a task whose id is younger.
LONGEST_LIFE = datetime.timedelta(days=7)


async def list_accounts(
    connection: Connection,
    search: str | None,
    *,
    after: Place | None,
    limit: int,
    now: datetime.datetime,
) -> list[AccountSummary]:
    """Accounts behind the place `after`, the youngest first.

    `search` is part of a name, part of an account's id, or the id of a key.
    """
    after_moment, after_id = after or (None, None)
    rows = await connection.fetch(
        f"""{SUMMARY}
        WHERE ($2::text IS NULL OR position(lower($2) IN lower(accounts.name)) > 0
            OR position($2 IN account_id) > 0
            OR account_id = (SELECT account_id FROM api_keys WHERE key_id = $2))
        AND ($3::timestamptz IS NULL OR (accounts.created_at, account_id) < ($3, $4))
        ORDER BY accounts.created_at DESC, account_id DESC LIMIT $5""",
        now,
        search,
        after_moment,
        after_id,
        limit,
    )
    return [AccountSummary(**row) for row in rows]


async def read_summary(
    connection: Connection, account_id: str, *, now: datetime.datetime
) -> AccountSummary | None:
    """One account, or None."""
    row = await connection.fetchrow(f"{SUMMARY} WHERE account_id = $2", now, account_id)
    return None if row is None else AccountSummary(**row)


async def read_queues(connection: Connection) -> list[Queue]:
    """The queues that have jobs, by name."""
    rows = await connection.fetch(
        """
        SELECT entrypoint AS name,
            count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()) AS waiting,
            count(*) FILTER (WHERE status = 'queued' AND execute_after > now()) AS later,
            count(*) FILTER (WHERE status = 'picked') AS taken,
            extract(epoch FROM now() - min(execute_after)
                FILTER (WHERE status = 'queued' AND execute_after <= now()))::float8 AS oldest_seconds
        FROM pgqueuer GROUP BY entrypoint ORDER BY entrypoint
        """
    )
    return [Queue(**row) for row in rows]


async def read_open_tasks(connection: Connection) -> list[OpenTasks]:
    """The tasks that have not ended, by state."""
    rows = await connection.fetch(
        """
        SELECT state, count(*) AS tasks, min(created_at) AS oldest_at FROM tasks
        WHERE state IN ('pending', 'processing') GROUP BY state ORDER BY state
        """
    )
    return [OpenTasks(**row) for row in rows]


async def read_calls(connection: Connection, since: datetime.datetime) -> list[Calls]:
    """What providers were asked since a moment, by provider and outcome."""
    rows = await connection.fetch(
        """
        SELECT provider, outcome, count(*) AS calls,
            coalesce(sum(cost_micros), 0)::bigint AS cost_micros
        FROM attempts WHERE intended_at >= $1 GROUP BY provider, outcome
        """,
        since,
    )
    return [Calls(**row) for row in rows]


async def read_charges(connection: Connection, since: datetime.datetime) -> dict[str, int]:
    """What customers were charged since a moment for pictures of each provider, in micros."""
    rows = await connection.fetch(
        """
        SELECT provider, sum(amount_micros)::bigint AS micros
        FROM transfers JOIN tasks USING (task_id)
        WHERE kind = 'charge' AND transfers.created_at >= $1 AND provider IS NOT NULL
            AND task_id >= $2
        GROUP BY provider
        """,
        since,
        first_id_at(since - LONGEST_LIFE),
    )
    return {row["provider"]: row["micros"] for row in rows}
