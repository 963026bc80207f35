"""Submit a batch: every item is an ordinary task, and all of them are accepted or none (one T1)."""

import datetime
import os
import uuid
from collections.abc import Sequence

import msgspec

from heliograph.accounts.account import Key
from heliograph.base.clock import unix_ms
from heliograph.base.database import Connection, transaction
from heliograph.base.errors import Busy, Fault, UnprocessableEntity
from heliograph.catalog.batch import BatchItem, BatchRequest
from heliograph.runtime import Runtime
from heliograph.tasks.admit import Books, Draft, admit_together
from heliograph.tasks.batches.batch import Batch
from heliograph.tasks.batches.store import insert_batch
from heliograph.tasks.idempotency.key import Remembered, check_repetition, name_of, request_sha256
from heliograph.tasks.idempotency.store import remember
from heliograph.tasks.submit import (
    NewTask,
    draft_of,
    lock_books,
    still_being_written,
    write_admitted,
)
from heliograph.tasks.task import task_id_at

ROUTE = "batches"


class NewBatch(msgspec.Struct, frozen=True):
    """A checked batch, the key that pays for it, and the idempotency key that came with it."""

    key: Key
    request: BatchRequest
    idempotency_key: str

    @property
    def sha256(self) -> bytes:
        """What tells it from another batch with the same idempotency key."""
        return request_sha256(ROUTE, self.request)

    def name(self, idempotency_key: str) -> tuple[str, str]:
        """Under which its account remembers a key."""
        return name_of(self.key, idempotency_key)


class AcceptedBatch(msgspec.Struct, frozen=True):
    """The id of the batch; `replayed`: of the one that was accepted before."""

    batch_id: uuid.UUID
    replayed: bool


async def submit_batch(runtime: Runtime, new: NewBatch) -> AcceptedBatch:
    """Accept all items of a batch in one transaction, or find the batch that was accepted before.

    Raises the Fault (402, 403, 422, 429) that keeps one item or all of them from being accepted,
    Conflict when another request of the account takes too long to be written, and Busy; then
    nothing is written and nothing held.
    """
    await runtime.switches.refresh()
    now = runtime.clock.now()
    batch_id = task_id_at(unix_ms(now), os.urandom(10))
    drafts = [_draft(runtime, new, item, batch_id, now) for item in new.request.items]
    try:
        async with transaction(runtime.pool) as connection:
            return await _accept(connection, new, drafts, now)
    except Busy as busy:
        if not busy.locked:
            raise
        raise still_being_written(busy) from busy


def _draft(
    runtime: Runtime, new: NewBatch, item: BatchItem, batch_id: uuid.UUID, now: datetime.datetime
) -> Draft:
    task = NewTask(new.key, item.submission, item.idempotency_key, ROUTE)
    draft = draft_of(runtime, task, now)
    if isinstance(draft, Fault):
        raise draft
    return msgspec.structs.replace(draft, batch_id=batch_id)


async def _accept(
    connection: Connection, new: NewBatch, drafts: Sequence[Draft], now: datetime.datetime
) -> AcceptedBatch:
    keys = [new.idempotency_key, *(item.idempotency_key for item in new.request.items)]
    books = await lock_books(connection, [new.key], [new.name(key) for key in keys], now)
    known = books.remembered.get(new.name(new.idempotency_key))
    if known is not None:
        check_repetition(new.idempotency_key, known, new.sha256)
        assert known.batch_id is not None, "the hash of a task is never that of a batch"
        return AcceptedBatch(known.batch_id, replayed=True)
    _check_items_are_new(new, books)
    admitted = admit_together(drafts, books)
    await write_admitted(connection, admitted, books, now)
    return await _write_batch(connection, new, drafts, now)


def _check_items_are_new(new: NewBatch, books: Books) -> None:
    for index, item in enumerate(new.request.items):
        if new.name(item.idempotency_key) in books.remembered:
            raise UnprocessableEntity(
                f"items[{index}].idempotency_key {item.idempotency_key} has been used by another"
                " request. Leave out what was accepted before, or choose a new key."
            )


async def _write_batch(
    connection: Connection, new: NewBatch, drafts: Sequence[Draft], now: datetime.datetime
) -> AcceptedBatch:
    batch_id = drafts[0].batch_id
    assert batch_id is not None
    request, count = new.request, len(drafts)
    batch = Batch(
        batch_id, new.key.account_id, request.model, request.webhook_url, count, count, now, None
    )
    pairs = list(zip(request.items, drafts, strict=True))
    items = [(item.client_item_id, draft.task_id) for item, draft in pairs]
    await insert_batch(connection, batch, new.key.key_id, items)
    used = {
        new.name(item.idempotency_key): Remembered(draft.request_sha256, task_id=draft.task_id)
        for item, draft in pairs
    }
    used[new.name(new.idempotency_key)] = Remembered(new.sha256, batch_id=batch_id)
    await remember(connection, used, now)
    return AcceptedBatch(batch_id, replayed=False)
