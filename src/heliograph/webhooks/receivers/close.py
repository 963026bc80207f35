"""Close a receiver: what is open for it is dead, and the account is told."""

import datetime

from heliograph.base.clock import unix_ms
from heliograph.base.database import Connection
from heliograph.base.log import log
from heliograph.webhooks.event import add_event
from heliograph.webhooks.notice import place_of
from heliograph.webhooks.receivers import store
from heliograph.webhooks.receivers.receiver import Closing, Receiver
from heliograph.webhooks.store import bury_waiting

PAUSED = "receiver.paused"


async def close(
    connection: Connection, account_id: str, url: str, closing: Closing, *, now: datetime.datetime
) -> None:
    """Carry out `closing` in the caller's transaction; nothing when somebody else was faster.

    Notices being sent at this moment have their own end; all others that wait are dead.
    """
    closed = await store.close_receiver(connection, account_id, url, closing, now=now)
    if closed is None:
        return
    buried = await bury_waiting(connection, account_id, url, reason=closing.reason, now=now)
    log.warning(
        "webhook receiver closed",
        account_id=account_id,
        place=place_of(url),
        state=closing.state,
        notices=buried,
    )
    if closing.state == "paused":
        await _tell(connection, closed, now)


async def _tell(connection: Connection, closed: Receiver, now: datetime.datetime) -> None:
    webhook_url = await store.read_webhook_url(connection, closed.account_id)
    if webhook_url is None or webhook_url == closed.url:
        return
    data = {
        "url": closed.url,
        "failingSince": unix_ms(closed.failing_since),
        "reason": closed.reason,
    }
    await add_event(connection, closed.account_id, webhook_url, PAUSED, data, now)
