"""A new key for an account."""

import datetime
from dataclasses import dataclass, field

from heliograph.accounts import store
from heliograph.accounts.account import Key
from heliograph.accounts.keys import MintedKey, check_room, mint_key
from heliograph.accounts.limit import KeyLimits
from heliograph.base.database import Pool, transaction
from heliograph.base.errors import NotFound


@dataclass(frozen=True)
class KeyWish:
    """What a key shall be: whose, for what, on which route, and within which limits."""

    account_id: str
    name: str
    test: bool
    routing: str
    rate_limit_per_minute: int
    limits: KeyLimits = field(default_factory=KeyLimits)


async def issue_key(
    pool: Pool, wish: KeyWish, *, now: datetime.datetime, by_owner: bool = False
) -> MintedKey:
    """Give an account a new key; the full key is in the answer and nowhere else.

    Raises NotFound when there is no such account. `by_owner`: it is not an operator who wants it, so
    an account with MOST_KEYS that can be used has no other: raises Conflict.
    """
    async with transaction(pool) as connection:
        if await store.read_account(connection, wish.account_id) is None:
            raise NotFound(f"There is no account {wish.account_id}.")
        await store.lock_keys_of(connection, wish.account_id)
        minted = mint_key(test=wish.test)
        key = Key(
            key_id=minted.key_id,
            account_id=wish.account_id,
            name=wish.name,
            test=wish.test,
            routing=wish.routing,
            rate_limit_per_minute=wish.rate_limit_per_minute,
            created_at=now,
            expires_at=None,
            revoked_at=None,
        )
        await store.create_key(connection, wish.limits.applied_to(key), minted.secret_sha256)
        if by_owner:
            await check_room(connection, wish.account_id, now=now)
    return minted
