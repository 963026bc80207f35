"""Send webhooks again that did not arrive, whosever they are."""

import datetime
import uuid

from heliograph.base.database import Pool, transaction
from heliograph.operators.log.store import Deed, note_deed
from heliograph.webhooks.deliveries import resend
from heliograph.webhooks.deliveries.store import Delivery, Lost, read_delivery


async def resend_one(
    pool: Pool, operator: str, notice_id: uuid.UUID, *, now: datetime.datetime
) -> Delivery:
    """Send one again and log it. Raises NotFound, and Conflict when its receiver is closed."""
    async with transaction(pool) as connection:
        before = await read_delivery(connection, notice_id)
        after = await resend.resend(connection, notice_id, now=now)
        assert before is not None, "what is not there is not sent"
        deed = Deed(
            operator=operator,
            action="resend",
            subject=notice_id.hex,
            account_id=after.account_id,
            before={"state": before.state},
            after={"state": after.state},
        )
        await note_deed(connection, deed, now=now)
    return after


async def resend_since(pool: Pool, operator: str, lost: Lost, *, now: datetime.datetime) -> int:
    """Send all again that are `lost`, some in each transaction, and log each; gives how many."""
    resent = 0
    while True:
        async with transaction(pool) as connection:
            some = await resend.resend_lost(connection, lost, now=now)
            if some:
                await note_deed(connection, _deed(operator, lost, some), now=now)
        resent += some
        if some < resend.MOST_RESENT:
            return resent


def _deed(operator: str, lost: Lost, resent: int) -> Deed:
    return Deed(
        operator=operator,
        action="resend",
        subject=lost.url or lost.account_id or "all that failed",
        account_id=lost.account_id,
        after={"resent": resent, "since": lost.since.isoformat()},
    )
