"""Every statement on batches and their items."""

import datetime
import uuid
from collections.abc import Sequence

from heliograph.base.database import Connection
from heliograph.tasks.batches.batch import Batch, Item
from heliograph.tasks.task import TaskStatus

BATCH_COLUMNS = ", ".join(Batch.__struct_fields__)
STATUS_COLUMNS = ", ".join(TaskStatus.__struct_fields__)


async def insert_batch(
    connection: Connection, batch: Batch, key_id: str, items: Sequence[tuple[str, uuid.UUID]]
) -> None:
    """Write a new batch and its `items`: the client's name and the task of each, in their order."""
    await connection.execute(
        f"""
        WITH batch AS (
            INSERT INTO batches ({BATCH_COLUMNS}, key_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        )
        INSERT INTO batch_items (batch_id, position, client_item_id, task_id)
        SELECT $1, position, client_item_id, task_id FROM unnest($10::text[], $11::uuid[])
            WITH ORDINALITY AS item (client_item_id, task_id, position)
        """,
        *(getattr(batch, name) for name in Batch.__struct_fields__),
        key_id,
        [client_item_id for client_item_id, _ in items],
        [task_id for _, task_id in items],
    )


async def end_item(connection: Connection, batch_id: uuid.UUID, now: datetime.datetime) -> Batch:
    """Count one item more as ended; the last one ends the batch. Once for each item, by its ending."""
    row = await connection.fetchrow(
        f"""
        UPDATE batches SET open_items = open_items - 1,
            ended_at = CASE open_items WHEN 1 THEN $2::timestamptz END
        WHERE batch_id = $1 RETURNING {BATCH_COLUMNS}
        """,
        batch_id,
        now,
    )
    return Batch(*row)


async def read_batch(connection: Connection, batch_id: uuid.UUID) -> Batch | None:
    """One batch, or None."""
    row = await connection.fetchrow(
        f"SELECT {BATCH_COLUMNS} FROM batches WHERE batch_id = $1", batch_id
    )
    return None if row is None else Batch(*row)


async def read_items(connection: Connection, batch_id: uuid.UUID) -> list[Item]:
    """The items of a batch in their order, with the status of each."""
    rows = await connection.fetch(
        f"""
        SELECT client_item_id, {STATUS_COLUMNS} FROM batch_items JOIN tasks USING (task_id)
        WHERE batch_items.batch_id = $1 ORDER BY position
        """,
        batch_id,
    )
    return [Item(client_item_id, TaskStatus(*status)) for client_item_id, *status in rows]


async def read_whole(
    connection: Connection, batch_id: uuid.UUID
) -> tuple[Batch | None, list[Item]]:
    """One batch, or None, and its items, as they are at one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await read_batch(connection, batch_id), await read_items(connection, batch_id)


async def mark_notice(connection: Connection, notice_id: uuid.UUID, batch_id: uuid.UUID) -> None:
    """Note that a notice tells the end of a batch, for the audit."""
    await connection.execute(
        "UPDATE notices SET batch_id = $2 WHERE notice_id = $1", notice_id, batch_id
    )
