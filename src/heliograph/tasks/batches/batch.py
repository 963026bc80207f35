"""A batch as data, and its public face: what the API shows is what the notice at its end carries. Pure."""

import datetime
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from heliograph.base.clock import unix_ms
from heliograph.tasks.task import TaskState, TaskStatus
from heliograph.tasks.view import StatusData, status_data


class Batch(msgspec.Struct, frozen=True):
    """A row of `batches`; the order of the fields is the order of the columns that are read."""

    batch_id: uuid.UUID
    account_id: str
    model: str
    webhook_url: str | None
    items: int
    open_items: int
    created_at: datetime.datetime
    ended_at: datetime.datetime | None


class Item(msgspec.Struct, frozen=True):
    """One item in its place: the client's name for it, and the task it became."""

    client_item_id: str
    task: TaskStatus


class AcceptedItem(msgspec.Struct, frozen=True, rename="camel"):
    """One item as it was accepted."""

    client_item_id: str = msgspec.field(name="client_item_id")
    task_id: str
    state: TaskState


class BatchAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """The batch is accepted and paid for, with every item."""

    batch_id: str
    items: list[AcceptedItem]


class ItemData(StatusData, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """State and result of one item, as of any task."""

    client_item_id: str = msgspec.field(name="client_item_id")


class BatchCounts(msgspec.Struct, frozen=True):
    """How many items are in each state."""

    pending: int
    processing: int
    success: int
    failed: int


class BatchData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """State of a batch and of each item. It is completed when every item has ended, well or not."""

    batch_id: str
    state: Literal["processing", "completed"]
    create_time: int
    complete_time: int | None = None
    counts: BatchCounts
    items: list[ItemData]


def batch_accepted(batch_id: uuid.UUID, items: Sequence[Item]) -> BatchAccepted:
    """The answer to a submit, and to its repetition."""
    return BatchAccepted(
        batch_id.hex,
        [AcceptedItem(one.client_item_id, one.task.task_id.hex, one.task.state) for one in items],
    )


def batch_data(batch: Batch, items: Sequence[Item], public_url: str) -> BatchData:
    """The public detail of `batch`; result URLs start with `public_url`."""
    counts = Counter(one.task.state for one in items)
    return BatchData(
        batch_id=batch.batch_id.hex,
        state="completed" if batch.ended_at else "processing",
        create_time=unix_ms(batch.created_at),
        complete_time=unix_ms(batch.ended_at) if batch.ended_at else None,
        counts=BatchCounts(
            counts["pending"], counts["processing"], counts["success"], counts["failed"]
        ),
        items=[_item_data(one, public_url) for one in items],
    )


def _item_data(item: Item, public_url: str) -> ItemData:
    status = msgspec.structs.asdict(status_data(item.task, public_url))
    return ItemData(client_item_id=item.client_item_id, **status)
