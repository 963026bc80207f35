"""Every statement on the log of what operators have done."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliograph.base.database import Connection

COLUMNS = "action_id, operator, action, account_id, subject, before, after, note, created_at"


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What an operator does: `action` to `subject`, of an account if it is of one, and what it changes.

    `before` and `after` hold what is different, by name; never a secret. A deed with a `repeat_key` is
    done once, however often it is asked for.
    """

    operator: str
    action: str
    subject: str
    account_id: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    note: str | None = None
    repeat_key: str | None = None


@dataclass(frozen=True)
class Action:
    """A line of the log."""

    action_id: int
    operator: str
    action: str
    account_id: str | None
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    note: str | None
    created_at: datetime.datetime


async def note_deed(connection: Connection, deed: Deed, *, now: datetime.datetime) -> None:
    """Add `deed` to the log, with the transaction that does it."""
    await connection.execute(
        """
        INSERT INTO operator_actions
            (operator, action, account_id, subject, before, after, note, repeat_key, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        deed.operator,
        deed.action,
        deed.account_id,
        deed.subject,
        deed.before,
        deed.after,
        deed.note,
        deed.repeat_key,
        now,
    )


async def find_repeated(connection: Connection, repeat_key: str) -> Action | None:
    """What was done under this key before, or None; until the transaction ends nobody else asks."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", repeat_key)
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM operator_actions WHERE repeat_key = $1", repeat_key
    )
    return None if row is None else Action(**row)


async def list_actions(
    connection: Connection, account_id: str | None, *, before_id: int | None, limit: int
) -> list[Action]:
    """The log, the youngest first: all of it or that of one account, from below `before_id` on."""
    rows = await connection.fetch(
        f"""
        SELECT {COLUMNS} FROM operator_actions
        WHERE ($1::text IS NULL OR account_id = $1) AND ($2::bigint IS NULL OR action_id < $2)
        ORDER BY action_id DESC LIMIT $3
        """,
        account_id,
        before_id,
        limit,
    )
    return [Action(**row) for row in rows]
