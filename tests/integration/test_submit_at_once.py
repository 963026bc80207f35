"""A submit in a single statement: it writes everything or nothing, also when others pay meanwhile."""

import asyncio

from heliograph.base.database import borrow, transaction
from heliograph.base.errors import PaymentRequired, TooManyRequests
from heliograph.ledger.store import lock_balance
from heliograph.tasks.new import store
from heliograph.tasks.submit import Accepted, draft_of, submit_tasks

WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


async def at_once(spine, *asked):
    now = spine.clock.now()
    drafts = [draft_of(spine.runtime, one, now) for one in asked]
    async with borrow(spine.runtime.pool) as connection:
        return await store.submit_if_payable(connection, drafts, now, 500)


async def written(spine):
    counts = "SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM pgqueuer), (SELECT count(*) FROM transfers WHERE kind = 'hold')"
    return tuple(await spine.runtime.pool.fetchrow(counts))


async def test_everything_of_every_task_is_written(spine):
    rich, other = await spine.key(dollars=1), await spine.key(dollars=1)
    asked = [spine.asked(key, num_images=2) for key in (rich, other, rich)]
    assert await at_once(spine, *asked)
    assert await written(spine) == (3, 3, 3)
    assert await spine.balance(rich) == (88, 12, 0)
    assert await spine.balance(other) == (94, 6, 0)


async def test_the_jobs_of_a_crowd_come_after_those_of_others(spine):
    crowd, single = await spine.key(dollars=1), await spine.key(dollars=1)
    await spine.submit(crowd, num_images=1)
    assert await at_once(
        spine, *(spine.asked(key, num_images=1) for key in (crowd, crowd, single, crowd))
    )
    rows = await spine.runtime.pool.fetch("SELECT priority FROM pgqueuer ORDER BY id")
    assert [row["priority"] for row in rows] == [0, -1, -2, 0, -3]


async def test_one_that_cannot_pay_keeps_everything_from_being_written(spine):
    rich, poor = await spine.key(dollars=1), await spine.key(dollars=0.05)
    asked = [spine.asked(rich, num_images=1), spine.asked(poor, num_images=2)]
    assert not await at_once(spine, *asked)
    assert await written(spine) == (0, 0, 0)
    accepted, refused = await submit_tasks(spine.runtime, asked)
    assert (type(accepted), type(refused)) == (Accepted, PaymentRequired)
    assert await written(spine) == (1, 1, 1)


async def test_two_that_can_pay_alone_and_not_together_are_not_written_at_once(spine):
    key = await spine.key(dollars=0.05)
    assert not await at_once(spine, *[spine.asked(key, num_images=1)] * 2)
    assert await at_once(spine, spine.asked(key, num_images=1))


async def test_the_limit_of_live_tasks_is_kept(spine):
    key = await spine.key(dollars=1)
    await spine.runtime.pool.execute("UPDATE accounts SET max_live_tasks = 2")
    asked = [spine.asked(key, num_images=1) for _ in range(3)]
    assert not await at_once(spine, *asked)
    answers = await submit_tasks(spine.runtime, asked)
    assert [type(answer) for answer in answers] == [Accepted, Accepted, TooManyRequests]
    assert not await at_once(spine, asked[0])


async def test_test_keys_hold_nothing_and_are_counted(spine):
    key = await spine.key(test=True)
    assert await at_once(spine, spine.asked(key, num_images=4))
    assert await written(spine) == (1, 1, 0)
    assert await spine.runtime.pool.fetchval("SELECT sum(live_tasks) FROM balances") == 1


async def test_what_was_spent_while_the_statement_waited_is_gone(spine):
    key = await spine.key(dollars=0.12)
    asked = spine.asked(key, num_images=4)
    async with transaction(spine.runtime.pool) as connection:
        await lock_balance(connection, key.account_id)
        first, second = (
            asyncio.create_task(submit_tasks(spine.runtime, [asked])) for _ in range(2)
        )
        while await spine.runtime.pool.fetchval(WAITING) < 2:
            await asyncio.sleep(0)
    answers = [*await first, *await second]
    assert sorted(type(answer).__name__ for answer in answers) == ["Accepted", "PaymentRequired"]
    assert await spine.balance(key) == (0, 12, 0)


async def test_many_accounts_in_any_order_at_once_never_wait_in_a_circle(spine):
    keys = [await spine.key(dollars=10) for _ in range(6)]

    async def some(number):
        turned = keys[number % 6 :] + keys[: number % 6]
        return await submit_tasks(spine.runtime, [spine.asked(key, num_images=1) for key in turned])

    answers = await asyncio.gather(*(some(number) for number in range(40)))
    assert {type(answer) for part in answers for answer in part} == {Accepted}
    assert await written(spine) == (240, 240, 240)
    for key in keys:
        assert await spine.balance(key) == (880, 120, 0)
