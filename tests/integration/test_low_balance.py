"""An account that has little left is told so: once, and again after it had more in between."""

import json

import pytest

from heliograph.base.errors import NotFound
from heliograph.ledger.store import adjust, top_up
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.low_balance import Watch, watch_account
from heliograph.tasks.run import advance
from heliograph.tasks.submit import submit_tasks
from support.spine import pictures

HOOK = "https://example.com/account"
CENT = 10_000


async def watched(spine, *, dollars, low, url=HOOK):
    """A key of an account that wants to be told below `low` cents."""
    key = await spine.key(dollars=dollars)
    watch = Watch(webhook_url=url, low_balance_micros=low * CENT)
    await watch_account(spine.runtime.pool, key.account_id, watch)
    return key


async def told(spine):
    """The bodies of the notices of accounts, in order."""
    rows = await spine.runtime.pool.fetch(
        "SELECT body FROM notices WHERE event = 'balance.low' ORDER BY created_at, notice_id"
    )
    return [json.loads(row["body"]) for row in rows]


async def test_the_submit_that_crosses_the_threshold_tells_the_account_once(spine):
    key = await watched(spine, dollars=0.2, low=9)
    await spine.submit(key, num_images=3)
    assert await told(spine) == []
    await spine.submit(key, num_images=1)
    await spine.submit(key, num_images=1)
    (notice,) = await told(spine)
    assert notice["type"] == "balance.low"
    assert notice["data"] == {"accountId": key.account_id, "balance": 0.08, "threshold": 0.09}
    assert notice["timestamp"] == "2026-11-22T12:00:00Z"


async def test_tasks_of_one_commit_tell_it_once_and_with_what_is_left_after_all_of_them(spine):
    key = await watched(spine, dollars=0.2, low=15)
    asked = [spine.asked(key, num_images=1) for _ in range(4)]
    await submit_tasks(spine.runtime, asked)
    assert [one["data"]["balance"] for one in await told(spine)] == [0.08]


async def test_it_is_told_again_when_it_had_enough_in_between(spine):
    key = await watched(spine, dollars=0.2, low=10)
    pool, now = spine.runtime.pool, spine.clock.now()
    await spine.submit(key, num_images=4)
    await top_up(pool, key.account_id, 1 * CENT, note=None, now=now)
    await spine.submit(key, num_images=1)
    assert len(await told(spine)) == 1
    await top_up(pool, key.account_id, 4 * CENT, note=None, now=now)
    spine.clock.advance(1)
    await spine.submit(key, num_images=1)
    assert [one["data"]["balance"] for one in await told(spine)] == [0.08, 0.07]


async def test_a_refund_that_is_enough_lets_it_be_told_again(spine):
    key = await watched(spine, dollars=0.2, low=10)
    await cancel_task(spine.runtime, await spine.submit(key, num_images=4))
    spine.clock.advance(1)
    await spine.submit(key, num_images=4)
    assert len(await told(spine)) == 2


async def test_a_balance_that_became_low_otherwise_is_told_with_the_end_of_a_task(spine):
    key = await watched(spine, dollars=0.3, low=10)
    task_id = await spine.submit(key, num_images=2)
    await adjust(spine.runtime.pool, key.account_id, -20 * CENT, note="back", now=spine.clock.now())
    assert await told(spine) == []
    spine.engine.outcomes.append(pictures(1, missing=1))
    await advance(spine.runtime, task_id, "render")
    assert [one["data"]["balance"] for one in await told(spine)] == [0.07]


async def test_an_account_without_an_address_is_told_when_it_has_one(spine):
    key = await watched(spine, dollars=0.1, low=10, url=None)
    await spine.submit(key, num_images=1)
    assert await told(spine) == []
    await watch_account(spine.runtime.pool, key.account_id, Watch(webhook_url=HOOK))
    await spine.submit(key, num_images=1)
    assert [one["data"]["threshold"] for one in await told(spine)] == [0.1]


async def test_nobody_is_told_who_does_not_want_it(spine):
    key = await watched(spine, dollars=0.1, low=10)
    await watch_account(spine.runtime.pool, key.account_id, Watch(low_balance_micros=None))
    await spine.submit(key, num_images=3)
    assert await told(spine) == []
    with pytest.raises(NotFound):
        await watch_account(spine.runtime.pool, "acc_0", Watch())
