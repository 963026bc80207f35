"""Sign people in and out."""

import datetime
import secrets
from typing import NamedTuple

from heliograph.accounts.account import Key
from heliograph.accounts.sessions import store
from heliograph.accounts.sessions.session import (
    LINK_LIFE,
    LINK_PREFIX,
    MOST_PER_KEY,
    SESSION_LIFE,
    SESSION_PREFIX,
    Session,
    hash_token,
    is_link_token,
    is_session_token,
)
from heliograph.accounts.store import read_account
from heliograph.base.database import Connection, Pool, borrow, in_steps, transaction
from heliograph.base.errors import NotFound

MOST_FORGOTTEN = 10_000


class Link(NamedTuple):
    """A link that signs in once. `token` is in its address and kept nowhere."""

    token: str
    expires_at: datetime.datetime

    def address(self, public_url: str) -> str:
        """Where it leads."""
        return f"{public_url}/sign-in/{self.token}"


class Opened(NamedTuple):
    """A new session. `token` goes into the cookie and is kept nowhere else."""

    token: str
    session: Session


async def offer_account_link(pool: Pool, account_id: str, *, now: datetime.datetime) -> Link:
    """A link that signs in for an account. Raises NotFound when there is no such account."""
    async with transaction(pool) as connection:
        if await read_account(connection, account_id) is None:
            raise NotFound(f"There is no account {account_id}. heliograph account list names all.")
        return await _offer(connection, now, account_id=account_id)


async def offer_operator_link(pool: Pool, name: str, *, now: datetime.datetime) -> Link:
    """A link that signs in as the operator `name`."""
    async with borrow(pool) as connection:
        return await _offer(connection, now, operator=name)


async def use_link(pool: Pool, token: str, *, now: datetime.datetime) -> Opened | None:
    """Open a session with a link, which is used up by that; None when it is over or never was."""
    if not is_link_token(token):
        return None
    async with transaction(pool) as connection:
        owner = await store.take_link(connection, hash_token(token), now)
        if owner is None:
            return None
        account_id, operator = owner
        return await _open(connection, Session(account_id, operator, now + SESSION_LIFE))


async def open_with_key(pool: Pool, key: Key, *, now: datetime.datetime) -> Opened:
    """Open a session that may what `key` may, which is good; the oldest of too many ends."""
    async with transaction(pool) as connection:
        await store.delete_oldest(connection, key.key_id, MOST_PER_KEY - 1)
        return await _open(connection, Session(key.account_id, None, now + SESSION_LIFE, key))


async def find_session(pool: Pool, token: str, *, now: datetime.datetime) -> Session | None:
    """The session of a cookie; None when it has ended, with its key at the latest, or never was."""
    if not is_session_token(token):
        return None
    async with borrow(pool) as connection:
        session = await store.read_session(connection, hash_token(token))
    return session if session is not None and session.usable_at(now) else None


async def close_session(pool: Pool, token: str) -> None:
    """End the session of a cookie for good; harmless when it has ended before."""
    async with borrow(pool) as connection:
        await store.delete_session(connection, hash_token(token))


async def forget_expired(pool: Pool, *, now: datetime.datetime) -> None:
    """Forget what nobody can use any more."""
    await in_steps(
        pool,
        lambda connection: store.delete_expired(connection, now, MOST_FORGOTTEN),
        MOST_FORGOTTEN,
    )


async def _offer(
    connection: Connection,
    now: datetime.datetime,
    *,
    account_id: str | None = None,
    operator: str | None = None,
) -> Link:
    link = Link(LINK_PREFIX + secrets.token_urlsafe(32), now + LINK_LIFE)
    await store.add_link(
        connection,
        hash_token(link.token),
        account_id=account_id,
        operator=operator,
        expires_at=link.expires_at,
    )
    return link


async def _open(connection: Connection, session: Session) -> Opened:
    opened = Opened(SESSION_PREFIX + secrets.token_urlsafe(32), session)
    await store.add_session(connection, hash_token(opened.token), session)
    return opened
