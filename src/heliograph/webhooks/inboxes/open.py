"""Open an inbox, and wait for what arrives in it."""

import asyncio
import datetime
import secrets

from heliograph.base.changes import Changes
from heliograph.base.database import Pool, borrow, transaction
from heliograph.webhooks.inboxes import store
from heliograph.webhooks.inboxes.inbox import KEPT_HOURS, Message, topic_of

ID_BYTES = 24


async def open_inbox(
    pool: Pool, account_id: str, *, now: datetime.datetime
) -> tuple[str, datetime.datetime]:
    """A new inbox of the account: its id, and when it expires."""
    inbox_id = secrets.token_urlsafe(ID_BYTES)
    expires_at = now + datetime.timedelta(hours=KEPT_HOURS)
    async with transaction(pool) as conn:
        await store.create_inbox(conn, inbox_id, account_id, now=now, expires_at=expires_at)
    return inbox_id, expires_at


async def wait_for_messages(
    pool: Pool, changes: Changes, inbox_id: str, *, after: int, seconds: float
) -> list[Message]:
    """Messages beyond `after`, as soon as there are any; none after `seconds`.

    No connection is held meanwhile. Raises Busy when the database is away.
    """
    until = asyncio.get_running_loop().time() + seconds
    async with changes.watch(topic_of(inbox_id)) as changed:
        while True:
            changed.clear()
            async with borrow(pool) as conn:
                messages = await store.read_messages(conn, inbox_id, after=after)
            if messages or changes.over:
                return messages
            try:
                async with asyncio.timeout_at(until):
                    await changed.wait()
            except TimeoutError:
                return []
