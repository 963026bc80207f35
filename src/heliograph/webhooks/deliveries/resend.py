"""Send again what was lost, on a fresh schedule, with the same ids and bodies."""

import datetime
import uuid

from heliograph.base.database import Connection
from heliograph.base.errors import Conflict, NotFound
from heliograph.webhooks.deliveries import store
from heliograph.webhooks.deliveries.store import Delivery, Lost, read_delivery
from heliograph.webhooks.receivers.store import read_closed

MOST_RESENT = 1000


async def resend(
    connection: Connection,
    notice_id: uuid.UUID,
    *,
    now: datetime.datetime,
    account_id: str | None = None,
) -> Delivery:
    """Send a notice again, whatever became of it; one that is being sent is left alone.

    Raises NotFound when there is none, or not in that account, and Conflict when its receiver is
    paused or disabled.
    """
    delivery = await read_delivery(connection, notice_id, account_id=account_id)
    if delivery is None:
        raise no_such_delivery(notice_id)
    await refuse_closed(connection, delivery.account_id, delivery.url)
    return await store.resend(connection, delivery, now=now)


async def resend_lost(connection: Connection, lost: Lost, *, now: datetime.datetime) -> int:
    """Send dead notices again, the oldest first, at most MOST_RESENT at a time; gives how many.

    Raises Conflict when they are of one receiver and that is paused or disabled.
    """
    if lost.account_id is not None and lost.url is not None:
        await refuse_closed(connection, lost.account_id, lost.url)
    return len(await store.resend_dead(connection, lost, now=now, limit=MOST_RESENT))


def no_such_delivery(notice_id: uuid.UUID) -> NotFound:
    """What is said of a delivery that is not there, and of another account's."""
    return NotFound(f"There is no delivery {notice_id.hex}")


async def refuse_closed(connection: Connection, account_id: str, url: str) -> None:
    """Raise Conflict, with the reason and the cure, when the receiver is paused or disabled."""
    closed = await read_closed(connection, account_id, url)
    if closed is not None:
        raise Conflict(str(closed.reason))
