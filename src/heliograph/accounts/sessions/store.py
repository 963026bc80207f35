"""Every statement on links and sessions. Their secrets are known by SHA-256 alone."""

import datetime

from heliograph.accounts.sessions.session import Session
from heliograph.accounts.store import read_keys_by_id
from heliograph.base.database import Connection


async def add_link(
    connection: Connection,
    token_sha256: bytes,
    *,
    account_id: str | None,
    operator: str | None,
    expires_at: datetime.datetime,
) -> None:
    """Add a link for an account or an operator."""
    await connection.execute(
        """
        INSERT INTO sign_in_links (token_sha256, account_id, operator, expires_at)
        VALUES ($1, $2, $3, $4)
        """,
        token_sha256,
        account_id,
        operator,
        expires_at,
    )


async def take_link(
    connection: Connection, token_sha256: bytes, now: datetime.datetime
) -> tuple[str | None, str | None] | None:
    """Use a link up: the account and the operator that it is for, or None when it is over.

    Of several who use it at the same moment one has it.
    """
    row = await connection.fetchrow(
        """
        DELETE FROM sign_in_links WHERE token_sha256 = $1 AND expires_at > $2
        RETURNING account_id, operator
        """,
        token_sha256,
        now,
    )
    return None if row is None else (row["account_id"], row["operator"])


async def add_session(connection: Connection, token_sha256: bytes, session: Session) -> None:
    """Add a session."""
    await connection.execute(
        """
        INSERT INTO sessions (token_sha256, account_id, operator, key_id, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        token_sha256,
        session.account_id,
        session.operator,
        session.key.key_id if session.key else None,
        session.expires_at,
    )


async def delete_oldest(connection: Connection, key_id: str, most: int) -> None:
    """End the sessions of a key that are too many, the oldest."""
    await connection.execute(
        """
        DELETE FROM sessions WHERE token_sha256 IN (
            SELECT token_sha256 FROM sessions WHERE key_id = $1
            ORDER BY expires_at DESC, token_sha256 OFFSET $2)
        """,
        key_id,
        most,
    )


async def read_session(connection: Connection, token_sha256: bytes) -> Session | None:
    """A session with the key that it was opened with as it is now, or None."""
    row = await connection.fetchrow(
        "SELECT account_id, operator, key_id, expires_at FROM sessions WHERE token_sha256 = $1",
        token_sha256,
    )
    if row is None:
        return None
    account_id, operator, key_id, expires_at = row
    if key_id is None:
        return Session(account_id, operator, expires_at)
    stored = await read_keys_by_id(connection, [key_id])
    return Session(account_id, operator, expires_at, stored[key_id].key)


async def delete_session(connection: Connection, token_sha256: bytes) -> None:
    """End a session; harmless when there is none."""
    await connection.execute("DELETE FROM sessions WHERE token_sha256 = $1", token_sha256)


async def delete_expired(connection: Connection, now: datetime.datetime, limit: int) -> int:
    """Forget at most `limit` links and as many sessions whose time is over; gives the greater number."""
    numbers = []
    for table in ("sign_in_links", "sessions"):
        status: str = await connection.execute(
            f"""
            DELETE FROM {table} WHERE token_sha256 IN (
                SELECT token_sha256 FROM {table} WHERE expires_at <= $1
                ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            """,
            now,
            limit,
        )
        numbers.append(int(status.removeprefix("DELETE ")))
    return max(numbers)
