"""The end of a batch: with its last item, in the very transaction that ends that."""

import datetime
import uuid

from heliograph.base.database import Connection
from heliograph.base.log import log
from heliograph.runtime import Runtime
from heliograph.tasks.batches.batch import batch_data
from heliograph.tasks.batches.store import end_item, mark_notice, read_items
from heliograph.webhooks.event import add_event

EVENT = "batch.completed"


async def finish_item(
    runtime: Runtime, connection: Connection, batch_id: uuid.UUID, now: datetime.datetime
) -> None:
    """Count an item as ended, with the caller's transaction; after the last one tell the receiver."""
    batch = await end_item(connection, batch_id, now)
    if batch.ended_at is None:
        return
    log.info("batch.completed", batch_id=batch_id.hex, items=batch.items)
    if batch.webhook_url is not None:
        items = await read_items(connection, batch_id)
        data = batch_data(batch, items, runtime.settings.public_url)
        url = batch.webhook_url
        notice_id = await add_event(connection, batch.account_id, url, EVENT, data, now)
        await mark_notice(connection, notice_id, batch_id)
