"""Change the limits of a key that exists."""

import dataclasses
import datetime

import msgspec
from msgspec import UNSET, UnsetType

from heliograph.accounts import store
from heliograph.accounts.account import Key
from heliograph.accounts.spending.store import lock_spending, recount_spending
from heliograph.base.database import Pool, transaction
from heliograph.base.errors import NotFound


class KeyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a key that shall change; None takes one away. What is UNSET stays."""

    monthly_cap_micros: int | UnsetType | None = UNSET
    total_cap_micros: int | UnsetType | None = UNSET
    models: tuple[str, ...] | UnsetType | None = UNSET
    networks: tuple[str, ...] | UnsetType | None = UNSET
    expires_at: datetime.datetime | UnsetType | None = UNSET

    def applied_to(self, key: Key) -> Key:
        """The key with these limits."""
        given = msgspec.structs.asdict(self)
        changes = {name: limit for name, limit in given.items() if limit is not UNSET}
        return dataclasses.replace(key, **changes)


async def limit_key(
    pool: Pool,
    key_id: str,
    limits: KeyLimits,
    *,
    name: str | None = None,
    account_id: str | None = None,
) -> Key:
    """Change the limits of a key, and its name if one is given; gives the key as it is now.

    With `account_id`, only a key of that account is there.

    Caps hold at once and count what was spent before; they are shared with the keys that replaced
    each other by rotation. All else is known to every process within a second. Raises NotFound.
    """
    async with transaction(pool) as connection:
        await lock_spending(connection, key_id)
        stored = (await store.read_keys_by_id(connection, [key_id])).get(key_id)
        if stored is None or account_id not in (None, stored.key.account_id):
            raise NotFound(f"There is no key {key_id}. heliograph key list names all.")
        key = dataclasses.replace(limits.applied_to(stored.key), name=name or stored.key.name)
        await store.write_limits(connection, key)
        if key.has_cap != stored.key.has_cap:
            await recount_spending(connection, key)
    return key
