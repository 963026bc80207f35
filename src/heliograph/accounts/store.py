"""Every statement of the accounts and their keys.

Each takes the connection of a transaction, or a pool for a statement on its own.
"""

import base64
import dataclasses
import datetime
import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any

from heliograph.accounts.account import Account, Key
from heliograph.base import errors
from heliograph.base.database import Connection

ACCOUNT_COLUMNS = ", ".join(field.name for field in dataclasses.fields(Account))
USABLE = "(revoked_at IS NULL AND (expires_at IS NULL OR expires_at > {now}))"
KEY_COLUMNS = ", ".join(field.name for field in dataclasses.fields(Key))


@dataclasses.dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with the SHA-256 (32 bytes) that its owner's secret must have."""

    key: Key
    secret_sha256: bytes = dataclasses.field(repr=False)


async def create_account(
    connection: Connection, name: str, *, max_live_tasks: int, now: datetime.datetime
) -> Account:
    """Add an account with an empty balance and a new secret for its notices."""
    row = await connection.fetchrow(
        f"""
        WITH account AS (
            INSERT INTO accounts (account_id, name, webhook_secret, max_live_tasks, created_at)
            VALUES ($1, $2, $3, $4, $5)
            RETURNING {ACCOUNT_COLUMNS}
        ), balance AS (
            INSERT INTO balances (account_id) SELECT account_id FROM account
        )
        SELECT * FROM account
        """,
        _new_account_id(),
        name,
        _new_webhook_secret(),
        max_live_tasks,
        now,
    )
    return Account(**row)


async def list_accounts(connection: Connection) -> list[Account]:
    """Every account, the oldest first."""
    rows = await connection.fetch(
        f"SELECT {ACCOUNT_COLUMNS} FROM accounts ORDER BY created_at, account_id"
    )
    return [Account(**row) for row in rows]


async def read_account(connection: Connection, account_id: str) -> Account | None:
    """One account, or None."""
    return (await read_accounts(connection, [account_id])).get(account_id)


async def read_accounts(
    connection: Connection, account_ids: Sequence[str]
) -> Mapping[str, Account]:
    """The accounts among `account_ids` that exist, by id."""
    rows = await connection.fetch(
        f"SELECT {ACCOUNT_COLUMNS} FROM accounts WHERE account_id = ANY($1)", list(account_ids)
    )
    return {row["account_id"]: Account(**row) for row in rows}


async def set_webhook_url(connection: Connection, account_id: str, url: str | None) -> None:
    """Where notices about the account itself go from now on."""
    await connection.execute(
        "UPDATE accounts SET webhook_url = $2 WHERE account_id = $1", account_id, url
    )


async def set_max_live_tasks(
    connection: Connection, account_id: str, max_live_tasks: int
) -> int | None:
    """How many tasks an account may have under way from now on; gives what it was, None without one."""
    before: int | None = await connection.fetchval(
        """
        UPDATE accounts SET max_live_tasks = $2
        FROM (SELECT max_live_tasks FROM accounts WHERE account_id = $1 FOR UPDATE) AS before
        WHERE account_id = $1 RETURNING before.max_live_tasks
        """,
        account_id,
        max_live_tasks,
    )
    return before


async def create_key(connection: Connection, key: Key, secret_sha256: bytes) -> None:
    """Add a key; what it spends is counted from now on if it has a cap.

    Raises NotFound when there is no such account.
    """
    status = await connection.execute(
        f"""
        WITH capped AS (
            UPDATE balances SET has_caps = true
            WHERE account_id = $2 AND ($10::bigint IS NOT NULL OR $11::bigint IS NOT NULL)
        )
        INSERT INTO api_keys ({KEY_COLUMNS}, secret_sha256)
        SELECT $1, account_id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, coalesce($14, $1),
            $15, $16
        FROM accounts WHERE account_id = $2
        """,
        *dataclasses.astuple(key),
        secret_sha256,
    )
    if status != "INSERT 0 1":
        raise errors.NotFound(f"There is no account {key.account_id}")


async def list_keys(connection: Connection, account_id: str | None = None) -> list[Key]:
    """The keys of one account, or of all, the oldest first; revoked and expired ones too."""
    rows = await connection.fetch(
        f"""
        SELECT {KEY_COLUMNS} FROM api_keys WHERE $1::text IS NULL OR account_id = $1
        ORDER BY created_at, key_id
        """,
        account_id,
    )
    return [_key(dict(row)) for row in rows]


async def list_recent_keys(
    connection: Connection, account_id: str, *, now: datetime.datetime, limit: int
) -> list[Key]:
    """The keys of an account: those that can be used, then those that have ended, the youngest first."""
    rows = await connection.fetch(
        f"""
        SELECT {KEY_COLUMNS} FROM api_keys WHERE account_id = $1
        ORDER BY {USABLE.format(now="$2")} DESC, created_at DESC, key_id LIMIT $3
        """,
        account_id,
        now,
        limit,
    )
    return [_key(dict(row)) for row in rows]


async def lock_keys_of(connection: Connection, account_id: str) -> None:
    """Until the end of the transaction no other changes the keys of the account; before any balance."""
    await connection.execute(
        "SELECT FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE", account_id
    )


async def lock_key(connection: Connection, key_id: str) -> StoredKey | None:
    """A key as it is now, which no other changes until the end of the transaction. None: there is none."""
    stored = (await read_keys_by_id(connection, [key_id])).get(key_id)
    if stored is None:
        return None
    await lock_keys_of(connection, stored.key.account_id)
    # again, for it may have been changed while we waited
    return (await read_keys_by_id(connection, [key_id]))[key_id]


async def read_turn(
    connection: Connection, account_id: str, *, now: datetime.datetime
) -> datetime.datetime:
    """When it is the turn of who came `now` and has locked the account's keys: not before the youngest was made.

    Who came before us may have read the clock after us; the key that it replaced has ended all the same.
    """
    turn: datetime.datetime = await connection.fetchval(
        "SELECT greatest($2, max(created_at)) FROM api_keys WHERE account_id = $1", account_id, now
    )
    return turn


async def count_usable_keys(
    connection: Connection, account_id: str, *, now: datetime.datetime
) -> int:
    """How many keys of an account can be used."""
    count: int = await connection.fetchval(
        f"SELECT count(*) FROM api_keys WHERE account_id = $1 AND {USABLE.format(now='$2')}",
        account_id,
        now,
    )
    return count


async def read_keys_by_id(
    connection: Connection, key_ids: Sequence[str]
) -> Mapping[str, StoredKey]:
    """The keys among `key_ids` that exist, by id."""
    rows = await connection.fetch(
        f"SELECT {KEY_COLUMNS}, secret_sha256 FROM api_keys WHERE key_id = ANY($1)", list(key_ids)
    )
    return {row["key_id"]: _stored_key(dict(row)) for row in rows}


async def write_limits(connection: Connection, key: Key) -> None:
    """Write the caps of `key` for it and for all that share them; its name and other limits for it alone."""
    await connection.execute(
        """
        UPDATE api_keys SET monthly_cap_micros = $3, total_cap_micros = $4,
            name = CASE WHEN key_id = $1 THEN $8 ELSE name END,
            models = CASE WHEN key_id = $1 THEN $5 ELSE models END,
            networks = CASE WHEN key_id = $1 THEN $6 ELSE networks END,
            expires_at = CASE WHEN key_id = $1 THEN $7 ELSE expires_at END
        WHERE first_key_id = $2
        """,
        key.key_id,
        key.first_key_id,
        key.monthly_cap_micros,
        key.total_cap_micros,
        key.models,
        key.networks,
        key.expires_at,
        key.name,
    )


async def write_uses(connection: Connection, used: Mapping[str, datetime.datetime]) -> None:
    """Write when keys were used, by id; not for one whose last use was written less than a minute before."""
    # who finds a key being written by another process leaves it alone: that one knows as much
    await connection.execute(
        """
        WITH due AS (
            SELECT key_id, used_at
            FROM unnest($1::text[], $2::timestamptz[]) AS used (key_id, used_at)
            JOIN api_keys USING (key_id)
            WHERE last_used_at IS NULL OR last_used_at <= used_at - interval '1 minute'
            FOR NO KEY UPDATE OF api_keys SKIP LOCKED
        )
        UPDATE api_keys SET last_used_at = used_at FROM due WHERE api_keys.key_id = due.key_id
        """,
        list(used),
        list(used.values()),
    )


async def revoke_key(connection: Connection, key_id: str, *, now: datetime.datetime) -> bool:
    """End a key for good. Done twice, the first moment stays. False when there is no such key."""
    status = await connection.execute(
        "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE key_id = $1", key_id, now
    )
    return bool(status == "UPDATE 1")


async def expire_key(connection: Connection, key_id: str, *, expires_at: datetime.datetime) -> bool:
    """Let a key end at `expires_at`, or sooner if it would anyway. False when there is none."""
    status = await connection.execute(
        "UPDATE api_keys SET expires_at = LEAST(expires_at, $2) WHERE key_id = $1",
        key_id,
        expires_at,
    )
    return bool(status == "UPDATE 1")


def _stored_key(row: dict[str, Any]) -> StoredKey:
    secret_sha256 = row.pop("secret_sha256")
    return StoredKey(_key(row), secret_sha256)


def _key(row: dict[str, Any]) -> Key:
    lists = {name: row[name] and tuple(row[name]) for name in ("models", "networks")}
    return Key(**row | lists)


def _new_account_id() -> str:
    alphabet = string.digits + string.ascii_lowercase
    return "acc_" + "".join(secrets.choice(alphabet) for _ in range(12))


def _new_webhook_secret() -> str:
    # Standard Webhooks 1.0 asks for at least 24 random bytes, in base64 after the prefix.
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
