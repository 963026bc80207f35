"""What nobody needs any more: old deliveries, inboxes past their time, receivers long unused."""

import datetime

from heliograph.base.database import Pool, in_steps, transaction
from heliograph.webhooks.deliveries.store import delete_old, keep_since
from heliograph.webhooks.inboxes.store import delete_expired
from heliograph.webhooks.notice import Rules
from heliograph.webhooks.receivers.store import forget_receivers

#: A failing receiver that was not even tried for this long, after it could have been paused, is
#: judged anew.
UNTRIED = datetime.timedelta(days=7)

MOST_DELIVERIES = 1_000

#: An inbox takes its messages with it, each up to the size of a notice.
MOST_INBOXES = 100


async def prune(pool: Pool, rules: Rules, *, now: datetime.datetime) -> None:
    """Delete old deliveries, expired inboxes with their messages, and failures of long ago."""
    kept_since = now - datetime.timedelta(days=rules.keep_days)
    failing_before = now - datetime.timedelta(hours=rules.pause_hours) - UNTRIED
    async with transaction(pool) as connection:
        await keep_since(connection, kept_since)
        await forget_receivers(connection, failing_before)
    await in_steps(
        pool,
        lambda connection: delete_old(connection, kept_since, limit=MOST_DELIVERIES),
        MOST_DELIVERIES,
    )
    await in_steps(
        pool, lambda connection: delete_expired(connection, now, MOST_INBOXES), MOST_INBOXES
    )
