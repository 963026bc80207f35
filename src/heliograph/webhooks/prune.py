"""What nobody needs any more: inboxes past their time, and what is known of receivers long unused."""

import datetime

from heliograph.base.database import Pool, borrow
from heliograph.webhooks.inboxes.store import delete_expired
from heliograph.webhooks.notice import Rules
from heliograph.webhooks.receivers.store import forget_receivers

#: A failing receiver that was not even tried for this long, after it could have been paused, is
#: judged anew.
UNTRIED = datetime.timedelta(days=7)


async def prune(pool: Pool, rules: Rules, *, now: datetime.datetime) -> None:
    """Delete expired inboxes with their messages, and forget failures of long ago."""
    failing_before = now - datetime.timedelta(hours=rules.pause_hours) - UNTRIED
    async with borrow(pool) as connection:
        await delete_expired(connection, now)
        await forget_receivers(connection, failing_before)
