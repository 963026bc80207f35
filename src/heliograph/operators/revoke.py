"""End a key for good."""

import datetime

from heliograph.accounts.account import Key
from heliograph.accounts.store import lock_key, revoke_key
from heliograph.base.database import Pool, transaction
from heliograph.base.errors import NotFound
from heliograph.operators.log.store import Deed, note_deed


async def revoke(pool: Pool, operator: str, key_id: str, *, now: datetime.datetime) -> Key:
    """Revoke the key, and log it once; within a second no process accepts it any more.

    Gives the key as it was. Raises NotFound.
    """
    async with transaction(pool) as connection:
        stored = await lock_key(connection, key_id)
        if stored is None:
            raise NotFound(f"There is no key {key_id}. heliograph key list names all.")
        key = stored.key
        if key.revoked_at is None:
            await revoke_key(connection, key_id, now=now)
            deed = Deed(
                operator=operator,
                action="revoke",
                subject=key_id,
                account_id=key.account_id,
                before={"revoked": False},
                after={"revoked": True},
            )
            await note_deed(connection, deed, now=now)
    return key
