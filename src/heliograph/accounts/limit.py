"""Change the limits of a key that exists."""

import dataclasses
import datetime

import msgspec
from msgspec import UNSET, UnsetType

from heliograph.accounts import store
from heliograph.accounts.account import Key
from heliograph.accounts.keys import check_room
from heliograph.accounts.spending.store import lock_spending, recount_spending
from heliograph.base.database import Pool, transaction
from heliograph.base.errors import NotFound


class KeyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The name and limits of a key that shall change; None takes a limit away. What is UNSET stays."""

    name: str | UnsetType = UNSET
    monthly_cap_micros: int | UnsetType | None = UNSET
    total_cap_micros: int | UnsetType | None = UNSET
    models: tuple[str, ...] | UnsetType | None = UNSET
    networks: tuple[str, ...] | UnsetType | None = UNSET
    expires_at: datetime.datetime | UnsetType | None = UNSET

    def applied_to(self, key: Key) -> Key:
        """The key with this name and these limits."""
        given = msgspec.structs.asdict(self)
        changes = {name: limit for name, limit in given.items() if limit is not UNSET}
        return dataclasses.replace(key, **changes)


async def limit_key(
    pool: Pool,
    key_id: str,
    limits: KeyLimits,
    *,
    account_id: str | None = None,
    now: datetime.datetime | None = None,
) -> Key:
    """Change a key; gives it as it is now.

    With `account_id` it is the account's owner who asks, `now`: only a key of that account is there,
    and one that has ended works again only where no more than MOST_KEYS do, else Conflict.

    Caps hold at once and count what was spent before; they are shared with the keys that replaced
    each other by rotation. All else is known to every process within a second. Raises NotFound.
    """
    async with transaction(pool) as connection:
        stored = await store.lock_key(connection, key_id)
        await lock_spending(connection, key_id)
        if stored is None or account_id not in (None, stored.key.account_id):
            raise NotFound(f"There is no key {key_id}. heliograph key list names all.")
        key = limits.applied_to(stored.key)
        await store.write_limits(connection, key)
        if account_id is not None and now is not None:
            turn = await store.read_turn(connection, account_id, now=now)
            if key.usable_at(turn) and not stored.key.usable_at(turn):
                await check_room(connection, account_id, now=turn)
        if key.has_cap != stored.key.has_cap:
            await recount_spending(connection, key)
    return key
