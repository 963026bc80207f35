"""Batches: all items or none, however they race; one end, told once."""

import asyncio
import json
import uuid
from collections import Counter

import pytest

from heliograph.accounts.limit import KeyLimits
from heliograph.base.errors import (
    Conflict,
    Forbidden,
    PaymentRequired,
    TooManyRequests,
    UnprocessableEntity,
)
from heliograph.catalog.batch import read_batch
from heliograph.ledger.audit import audit
from heliograph.providers.provider import Failed
from heliograph.tasks.batches.batch import batch_data
from heliograph.tasks.batches.store import read_items, read_whole
from heliograph.tasks.batches.submit import NewBatch, submit_batch
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.retention.delete import delete_data
from heliograph.tasks.retention.store import FORGOTTEN
from heliograph.tasks.run import advance
from heliograph.tasks.submit import submit_tasks
from support.spine import pictures

HOOK = "https://example.com/batches"


def item(number, *, images=1, **fields):
    """One item of a body; `fields` stand beside or in place of the usual ones."""
    sent = {"mode": "text-to-image", "prompt": f"panda {number}", "num_images": images}
    return {
        "client_item_id": f"row-{number}",
        "idempotency_key": f"k-{number}",
        "input": sent,
    } | fields


def read(spine, items, name="batch-1", **fields):
    return read_batch(
        json.dumps({"items": items, **fields}).encode(),
        spine.runtime.models["wan-2-5-image"],
        name,
        check_callback=spine.runtime.check_callback,
        check_image_url=spine.runtime.check_image_url,
    )


async def submit(spine, key, items, name="batch-1", **fields):
    return await submit_batch(
        spine.runtime, NewBatch(key, read(spine, items, name, **fields), name)
    )


async def task_ids(spine, accepted):
    found = await read_items(spine.runtime.pool, accepted.batch_id)
    return [one.task.task_id for one in found]


async def view(spine, accepted):
    async with spine.runtime.pool.acquire() as connection:
        batch, items = await read_whole(connection, accepted.batch_id)
    return batch_data(batch, items, "http://public")


async def count(spine, table):
    return await spine.runtime.pool.fetchval(f"SELECT count(*) FROM {table}")


async def test_every_item_is_an_ordinary_task_with_its_own_hold_and_job(spine):
    key = await spine.key()
    accepted = await submit(spine, key, [item(1), item(2, images=3)])
    first, second = await task_ids(spine, accepted)
    assert await spine.balance(key) == (988, 12, 0)
    assert await spine.jobs() == [("render", first.hex), ("render", second.hex)]
    row = await spine.row(second)
    assert (row["batch_id"], row["num_images"], row["callback_url"]) == (accepted.batch_id, 3, None)


async def test_a_batch_shows_the_state_of_each_item_until_all_have_ended(spine):
    key = await spine.key()
    accepted = await submit(spine, key, [item(number, images=2) for number in range(3)])
    ids = await task_ids(spine, accepted)
    await advance(spine.runtime, ids[1], "render")
    spine.engine.outcomes.append(Failed("PromptInvalid", "no"))
    await advance(spine.runtime, ids[0], "render")
    half = await view(spine, accepted)
    assert (half.state, half.complete_time) == ("processing", None)
    assert (half.counts.pending, half.counts.success, half.counts.failed) == (1, 1, 1)
    assert [one.client_item_id for one in half.items] == ["row-0", "row-1", "row-2"]
    assert [one.fail_code for one in half.items] == ["PromptInvalid", None, None]
    spine.clock.advance(5)
    await cancel_task(spine.runtime, ids[2])
    whole = await view(spine, accepted)
    assert (whole.state, whole.complete_time - whole.create_time) == ("completed", 5000)
    assert await spine.balance(key) == (994, 0, 6)


@pytest.mark.parametrize(
    ("account", "items", "fault", "words"),
    [
        ({"dollars": 0.08}, 3, PaymentRequired, "the batch needs $0.09, available is $0.08"),
        (
            {"limits": KeyLimits(total_cap_micros=80_000)},
            3,
            PaymentRequired,
            "total cap of $0.08 would be passed: $0.00 is spent, the batch needs $0.09",
        ),
        (
            {"max_live_tasks": 2},
            3,
            TooManyRequests,
            "0 unfinished tasks of at most 2, and the batch",
        ),
        ({"limits": KeyLimits(models=("other",))}, 1, Forbidden, "only other"),
    ],
)
async def test_a_batch_that_cannot_be_accepted_whole_leaves_nothing(
    spine, account, items, fault, words
):
    key = await spine.key(**account)
    before = await spine.balance(key)
    with pytest.raises(fault) as refused:
        await submit(spine, key, [item(number) for number in range(items)])
    assert words in refused.value.message
    for table in ("tasks", "batches", "idempotency_keys", "pgqueuer"):
        assert await count(spine, table) == 0
    assert await spine.balance(key) == before


async def test_the_same_batch_again_is_the_same_batch(spine):
    key = await spine.key()
    first = await submit(spine, key, [item(1), item(2)])
    await advance(spine.runtime, (await task_ids(spine, first))[0], "render")
    again = await submit(spine, key, [item(1), item(2)])
    assert (again.batch_id, first.replayed, again.replayed) == (first.batch_id, False, True)
    assert await count(spine, "tasks") == 2


async def test_another_batch_under_the_same_key_is_refused(spine):
    key = await spine.key()
    await submit(spine, key, [item(1), item(2)])
    for items in ([item(1)], [item(2), item(1)], [item(1), item(2, images=2)]):
        with pytest.raises(UnprocessableEntity):
            await submit(spine, key, items)
    with pytest.raises(UnprocessableEntity):
        await submit(spine, key, [item(1), item(2)], webhook_url=HOOK)
    assert await count(spine, "tasks") == 2


async def test_an_item_whose_key_was_used_before_refuses_the_batch_and_is_named(spine):
    key = await spine.key()
    await submit_tasks(spine.runtime, [spine.asked(key, idempotency_key="k-2")])
    with pytest.raises(UnprocessableEntity, match=r"items\[1\].idempotency_key k-2"):
        await submit(spine, key, [item(1), item(2)])
    await submit(spine, key, [item(1)])
    with pytest.raises(UnprocessableEntity, match=r"items\[0\].idempotency_key k-1"):
        await submit(spine, key, [item(1)], name="batch-2")
    for name in ("batch-1", "k-1"):
        (answer,) = await submit_tasks(spine.runtime, [spine.asked(key, idempotency_key=name)])
        assert isinstance(answer, UnprocessableEntity)
    assert await count(spine, "tasks") == 2


async def test_a_key_is_free_again_after_a_day(spine):
    key = await spine.key()
    first = await submit(spine, key, [item(1)])
    spine.clock.advance(24 * 3600)
    assert (await submit(spine, key, [item(1)])).batch_id != first.batch_id


async def test_the_receiver_is_told_of_each_item_and_once_of_the_whole(spine):
    key = await spine.key()
    accepted = await submit(spine, key, [item(1), item(2)], webhook_url=HOOK)
    ids = await task_ids(spine, accepted)
    await advance(spine.runtime, ids[0], "render")
    assert [body.get("type") for body in await told(spine)] == [None]
    spine.engine.outcomes.append(pictures(0, missing=1))
    await advance(spine.runtime, ids[1], "render")
    *ends, whole = await told(spine)
    assert {one["data"]["taskId"] for one in ends} == {one.hex for one in ids}
    assert whole["type"] == "batch.completed"
    assert whole["data"]["counts"] == {"pending": 0, "processing": 0, "success": 1, "failed": 1}
    shown = await view(spine, accepted)
    assert whole["data"]["batchId"] == shown.batch_id
    assert [one["state"] for one in whole["data"]["items"]] == ["success", "failed"]
    await advance(spine.runtime, ids[1], "render")
    assert len(await told(spine)) == 3


async def told(spine):
    """The bodies of all notices, those of tasks first."""
    rows = await spine.runtime.pool.fetch(
        "SELECT body FROM notices WHERE url = $1 ORDER BY event NULLS FIRST, task_id", HOOK
    )
    return [json.loads(row["body"]) for row in rows]


async def test_racing_batches_and_tasks_are_each_accepted_whole_or_not_at_all(spine):
    key = await spine.key(dollars=1.5, max_live_tasks=30)

    async def batch(number):
        items = [item(f"{number}-{one}") for one in range(7)]
        try:
            return await submit(spine, key, items, name=f"batch-{number}")
        except (PaymentRequired, TooManyRequests) as fault:
            return fault

    async def single():
        return (await submit_tasks(spine.runtime, [spine.asked(key, num_images=1)]))[0]

    answers = await asyncio.gather(*(batch(n) for n in range(8)), *(single() for _ in range(8)))
    rows = await spine.runtime.pool.fetch("SELECT batch_id FROM tasks")
    sizes = Counter(row["batch_id"] for row in rows)
    alone = sizes.pop(None, 0)
    accepted = [one for one in answers[:8] if hasattr(one, "batch_id")]
    assert sizes == {one.batch_id: 7 for one in accepted}
    assert len(rows) <= 30
    assert alone + 7 * len(accepted) == len(rows)
    assert 30 - len(rows) < 7


async def test_racing_duplicates_of_a_batch_are_one_batch(spine):
    key = await spine.key()
    items = [item(number) for number in range(5)]
    answers = await asyncio.gather(*(submit(spine, key, items) for _ in range(12)))
    assert len({one.batch_id for one in answers}) == 1
    assert [one.replayed for one in answers].count(False) == 1
    assert await spine.balance(key) == (985, 15, 0)


async def test_when_the_account_is_held_too_long_a_batch_may_safely_come_back(spine):
    key = await spine.key()
    pool = spine.runtime.pool
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute("SELECT FROM balances FOR UPDATE")
        # the connection that is free is the one that the submit will get
        async with pool.acquire() as impatient:
            await impatient.execute("SET lock_timeout = '20ms'")
        with pytest.raises(Conflict, match="Repeat it with the same key"):
            await submit(spine, key, [item(1)])
    assert not (await submit(spine, key, [item(1)])).replayed


async def test_items_that_end_at_once_end_the_batch_once(spine):
    key = await spine.key()
    accepted = await submit(spine, key, [item(n) for n in range(12)], webhook_url=HOOK)
    ids = await task_ids(spine, accepted)
    rivals = [advance(spine.runtime, one, "render") for one in ids]
    rivals += [cancelled(spine, one) for one in ids[::2]]
    await asyncio.gather(*rivals)
    for task_id in ids:
        await advance(spine.runtime, task_id, "render")
    assert (await view(spine, accepted)).state == "completed"
    assert [one.get("type") for one in await told(spine)].count("batch.completed") == 1


async def cancelled(spine, task_id: uuid.UUID):
    try:
        await cancel_task(spine.runtime, task_id)
    except Conflict:
        """It has ended already."""


async def test_the_audit_names_a_batch_that_does_not_agree_with_its_items(spine):
    pool = spine.runtime.pool
    accepted = await submit(spine, await spine.key(), [item(1), item(2)], webhook_url=HOOK)
    await pool.execute("UPDATE batches SET open_items = 1, items = 3")
    found = [(one.subject, one.problem) for one in await audit(pool)]
    assert found == [
        (f"batch {accepted.batch_id.hex}", "must have 3 items, has 2"),
        (f"batch {accepted.batch_id.hex}", "counts 1 open items, has 2"),
    ]
    await pool.execute("UPDATE batches SET open_items = 0, items = 2, ended_at = now()")
    assert [one.problem for one in await audit(pool)] == [
        "counts 0 open items, has 2",
        "has told its end 0 times",
    ]
    await pool.execute("UPDATE batches SET open_items = 2, ended_at = NULL")


async def test_what_was_told_of_a_failed_item_goes_with_its_data(spine):
    accepted = await submit(spine, await spine.key(), [item(1), item(2), item(3)], webhook_url=HOOK)
    made, forgotten, kept = await task_ids(spine, accepted)
    spine.engine.outcomes.extend(
        [pictures(1), Failed("PromptInvalid", "not this"), Failed("PromptInvalid", "nor that")]
    )
    for task_id in (made, forgotten, kept):
        await advance(spine.runtime, task_id, "render")
    await delete_data(spine.runtime, made)
    await delete_data(spine.runtime, forgotten)
    told = json.loads(
        await spine.runtime.pool.fetchval("SELECT body FROM notices WHERE batch_id IS NOT NULL")
    )["data"]
    assert [one["client_item_id"] for one in told["items"]] == ["row-1", "row-2", "row-3"]
    assert [one.get("failMsg") for one in told["items"]] == [None, FORGOTTEN, "nor that"]
