"""Somebody holds the balance of one account: a frozen process, or an operator. Nobody else notices."""

import asyncio
import contextlib
from functools import partial

import asyncpg
import pytest

from heliograph.api.routes import RUNS_AT_ONCE
from heliograph.base.batch import Batch
from heliograph.base.clock import SettableClock
from heliograph.base.errors import Busy, Conflict, ServerFault
from heliograph.ledger.audit import audit
from heliograph.ledger.held_up import APART_SECONDS, SHORT_SECONDS, HeldUp
from heliograph.tasks import store
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.run import advance
from heliograph.tasks.submit import Accepted, submit_tasks
from heliograph.tasks.task import LEASE_SECONDS
from support.spine import START, open_spine


@contextlib.asynccontextmanager
async def held(database_url, key):
    holder = await asyncpg.connect(database_url)
    async with holder.transaction():
        await holder.execute(
            "SELECT FROM balances WHERE account_id = $1 FOR UPDATE", key.account_id
        )
        yield
    await holder.close()


async def until(happened):
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("names", [(None, None), ("a", "b")])
async def test_the_submits_of_others_are_accepted(database_url, tmp_path, names):
    async with open_spine(database_url, tmp_path) as spine:
        stuck, other = await spine.key(), await spine.key()
        submit = Batch(partial(submit_tasks, spine.runtime), 100, runs=RUNS_AT_ONCE)

        async def ask(key):
            return [await submit(spine.asked(key, idempotency_key=name)) for name in names]

        async with held(database_url, stuck):
            waiting = []
            for _ in range(RUNS_AT_ONCE):
                waiting.append(asyncio.create_task(ask(stuck)))
                await asyncio.sleep(0.05)
            accepted = await ask(other)
            refused = await asyncio.gather(*waiting)
        assert [type(one) for one in accepted] == [Accepted, Accepted]
        kind = Busy if names[0] is None else Conflict
        assert {type(one) for answers in refused for one in answers} == {kind}
        assert await spine.balance(stuck) == (1000, 0, 0)
        assert await spine.balance(other) == (976, 24, 0)
        assert await audit(spine.runtime.pool) == []


async def test_who_was_waited_for_in_vain_is_not_waited_for_again_until_it_has_time(
    spine, database_url
):
    held_up, stuck, other = spine.runtime.held_up, await spine.key(), await spine.key()
    both = [spine.asked(stuck), spine.asked(other)]
    async with held(database_url, stuck):
        await submit_tasks(spine.runtime, both)
        assert (stuck.account_id in held_up, other.account_id in held_up) == (True, False)
        with held_up.waiting(stuck.account_id) as short, held_up.waiting("other") as full:
            assert short < full
        await submit_tasks(spine.runtime, both)
        answers = await submit_tasks(spine.runtime, both)
        assert [type(one) for one in answers] == [Busy, Accepted]
    answers = await submit_tasks(spine.runtime, both)
    assert [type(one) for one in answers] == [Accepted, Accepted]
    assert stuck.account_id not in held_up


def test_who_waited_in_vain_soon_waits_in_full_again_and_later_with_the_others():
    clock = SettableClock(START)
    held_up = HeldUp(clock)
    waits_ms = []
    for _ in range(6):
        with contextlib.suppress(Busy), held_up.waiting("a") as patience_ms:
            waits_ms.append(patience_ms)
            raise Busy("locked", locked=True)
        clock.advance(SHORT_SECONDS / 2)
    assert waits_ms == [1500, 100, 500, 100, 500, 100]
    clock.advance(APART_SECONDS - SHORT_SECONDS - 0.1)
    assert "a" in held_up
    clock.advance(0.1)
    assert "a" not in held_up


def test_other_trouble_than_a_lock_is_not_put_down_to_the_account():
    held_up = HeldUp(SettableClock(START))
    with pytest.raises(Busy), held_up.waiting("a"):
        raise Busy("away")
    assert "a" not in held_up


async def test_a_balance_that_many_ask_for_is_soon_to_be_had_again_after_a_stall(
    spine, database_url
):
    key = await spine.key()
    async with held(database_url, key):
        assert isinstance((await submit_tasks(spine.runtime, [spine.asked(key)]))[0], Busy)
    async with asyncio.TaskGroup() as others:
        crowd = [others.create_task(hold_shortly(database_url, key)) for _ in range(5)]
        await asyncio.sleep(0.1)
        answers = []
        for _ in range(20):
            spine.clock.advance(0.2)
            answers += await submit_tasks(spine.runtime, [spine.asked(key)])
        for one in crowd:
            one.cancel()
    assert sum(isinstance(one, Accepted) for one in answers) > 10


async def hold_shortly(database_url, key):
    """Hold the balance for 8 ms, again and again, as a process does that commits."""
    holder = await asyncpg.connect(database_url)
    try:
        while True:
            async with holder.transaction():
                await holder.execute(
                    "SELECT FROM balances WHERE account_id = $1 FOR UPDATE", key.account_id
                )
                await asyncio.sleep(0.008)
    finally:
        await holder.close()


@pytest.mark.parametrize("reruns", [False, True])
async def test_what_is_made_is_made_once_and_ends_when_the_balance_is_to_be_had(
    spine, database_url, reruns
):
    spine.engine.reruns = reruns
    key, other = await spine.key(), await spine.key()
    stuck = await spine.submit(key)
    async with held(database_url, key):
        worker = asyncio.create_task(advance(spine.runtime, stuck, "render"))
        await until(lambda: key.account_id in spine.runtime.held_up)
        for _ in range(3):
            spine.clock.advance(LEASE_SECONDS - 1)
            before = await spine.row(stuck)
            async with asyncio.timeout(10):
                while (await spine.row(stuck))["due_at"] == before["due_at"]:
                    await asyncio.sleep(0.05)
            await advance(spine.runtime, stuck, "render")
        quick = await spine.submit(other)
        async with asyncio.timeout(1):
            await advance(spine.runtime, quick, "render")
    await worker
    assert [(await spine.row(one))["state"] for one in (stuck, quick)] == ["success"] * 2
    assert (await spine.row(stuck))["claim_no"] == 1
    assert len(spine.engine.starts) == 2


async def test_a_defect_with_one_account_is_no_matter_of_those_that_were_accepted(
    spine, database_url, monkeypatch
):
    stuck, other = await spine.key(), await spine.key()
    async with held(database_url, stuck):
        await submit_tasks(spine.runtime, [spine.asked(stuck)])

    async def broken(*_arguments, **_more):
        raise AssertionError

    asked = [spine.asked(other), spine.asked(stuck, idempotency_key="again")]
    monkeypatch.setattr("heliograph.tasks.submit.lock_books", broken)
    accepted, failed = await submit_tasks(spine.runtime, asked)
    assert (type(accepted), type(failed)) == (Accepted, ServerFault)


async def test_a_database_that_goes_away_between_two_accounts_takes_nothing_back(
    spine, database_url, monkeypatch
):
    stuck, other = await spine.key(), await spine.key()
    async with held(database_url, stuck):
        await submit_tasks(spine.runtime, [spine.asked(stuck)])

    async def away(*_arguments, **_more):
        raise Busy("The database cannot be reached")

    asked = [spine.asked(other), spine.asked(stuck, idempotency_key="again")]
    monkeypatch.setattr("heliograph.tasks.submit.lock_books", away)
    accepted, refused = await submit_tasks(spine.runtime, asked)
    assert (type(accepted), type(refused)) == (Accepted, Busy)


async def test_a_cancel_that_cannot_be_written_leaves_the_worker_its_task(spine, database_url):
    key, made = await spine.key(), asyncio.Event()
    spine.engine.outcomes.append(made)
    task_id = await spine.submit(key, num_images=1)
    worker = asyncio.create_task(advance(spine.runtime, task_id, "render"))
    await until(lambda: spine.engine.starts)
    claimed = await spine.row(task_id)
    async with held(database_url, key):
        with pytest.raises(Busy):
            await cancel_task(spine.runtime, task_id)
        assert await spine.row(task_id) == claimed
    made.set()
    await worker
    assert (await spine.row(task_id))["state"] == "success"
    assert len(spine.engine.starts) == 1


async def test_a_cancel_sees_the_call_that_was_written_down_while_it_waited(spine):
    spine.engine.reruns = False
    task_id = await spine.submit(await spine.key())
    now, pool = spine.clock.now(), spine.runtime.pool
    [task] = await store.claim_tasks(pool, [task_id], now, 15)
    async with pool.acquire() as connection, connection.transaction():
        call = store.Call(task_id, task.claim_no, "scripted")
        assert await store.begin_attempts(connection, [call], now) == [True]
        cancel = asyncio.create_task(cancel_task(spine.runtime, task_id))
        await asyncio.sleep(0.2)
        assert not cancel.done()
    assert (await cancel).fail_code == "Cancelled"
    assert await pool.fetchval("SELECT outcome FROM attempts") == "unknown"
