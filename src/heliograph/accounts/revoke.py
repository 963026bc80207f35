"""End a key of an account for good."""

import datetime

from heliograph.accounts import store
from heliograph.accounts.account import Key
from heliograph.base.database import Pool, transaction
from heliograph.base.errors import NotFound


async def revoke_own_key(
    pool: Pool, key_id: str, *, account_id: str, now: datetime.datetime
) -> Key:
    """End a key of the account, and give it as it is now; done twice, the first moment stays.

    Within a second no process accepts it any more. Raises NotFound.
    """
    async with transaction(pool) as connection:
        stored = await store.lock_key(connection, key_id)
        if stored is None or stored.key.account_id != account_id:
            raise NotFound(f"There is no key {key_id}.")
        await store.revoke_key(connection, key_id, now=now)
        revoked = await store.read_keys_by_id(connection, [key_id])
    return revoked[key_id].key
