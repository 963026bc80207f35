"""Endings that share a statement: each is whole or not at all, whatever the others are."""

import asyncio
import uuid

import msgspec
import pytest

from heliograph.accounts.limit import KeyLimits
from heliograph.base.database import transaction
from heliograph.base.jobs import Job, enqueue
from heliograph.ledger.store import lock_balance
from heliograph.tasks import store
from heliograph.tasks.finish import finish
from heliograph.tasks.low_balance import Watch, watch_account
from heliograph.tasks.observe.store import read_statuses
from heliograph.tasks.task import LEASE_SECONDS, Ending, failed
from heliograph.tasks.view import status_body

PICTURE = {"width": 64, "height": 64, "size_bytes": 9, "sha256": "ab"}
WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def made(number):
    return Ending(
        tuple({"path": f"results/{uuid.uuid4().hex}.png", **PICTURE} for _ in range(number))
    )


async def claimed(spine, key, **fields):
    """A task of which the call has begun."""
    task_id = await spine.submit(key, **fields)
    pool, now = spine.runtime.pool, spine.clock.now()
    [task] = await store.claim_tasks(pool, [task_id], now, LEASE_SECONDS)
    call = store.Call(task_id, task.claim_no, spine.engine.name)
    assert await store.begin_attempts(pool, [call], now) == [True]
    return task


async def finished(spine, *endings):
    """What comes of (task, ending), all in one moment; in the database ids of transactions that ended them."""
    results = await asyncio.gather(
        *(finish(spine.runtime, *ending) for ending in endings), return_exceptions=True
    )
    ids = [task.task_id for task, _ in endings]
    rows = await spine.runtime.pool.fetch(
        "SELECT DISTINCT xmin::text FROM tasks WHERE task_id = ANY($1) AND completed_at IS NOT NULL",
        ids,
    )
    return results, len(rows)


async def test_many_end_in_few_commits_and_each_gets_its_own(spine):
    keys = [await spine.key() for _ in range(3)]
    url = "https://93.184.216.34/hook"
    tasks = [
        await claimed(
            spine, keys[number % 3], num_images=2, callback_url=url if number % 2 else None
        )
        for number in range(30)
    ]
    endings = [
        failed("Timeout", "late") if number % 5 == 0 else made(1 + number % 2)
        for number in range(30)
    ]
    results, commits = await finished(spine, *zip(tasks, endings, strict=True))
    assert commits <= 2
    pool, public_url = spine.runtime.pool, spine.runtime.settings.public_url
    read = await read_statuses(pool, [task.task_id for task in tasks])
    assert list(map(read.get, (task.task_id for task in tasks))) == results
    notices = {row["task_id"]: row["body"] for row in await pool.fetch("SELECT * FROM notices")}
    assert notices == {
        task.task_id: status_body(result, public_url)
        for task, result in zip(tasks, results, strict=True)
        if task.callback_url
    }
    assert sum(name == "deliver" for name, _ in await spine.jobs()) == 15
    outcomes = [ending.made for ending in endings]
    assert await pool.fetchval(
        "SELECT sum(amount_micros) FROM transfers WHERE kind = 'charge'"
    ) == (sum(outcomes) * 30_000)
    states = await pool.fetch("SELECT outcome, count(*) FROM attempts GROUP BY outcome ORDER BY 1")
    assert [tuple(row) for row in states] == [("failed", 6), ("finished", 24)]


async def test_who_needs_a_closer_look_ends_beside_the_others(spine):
    plain = await spine.key()
    capped = await spine.key(limits=KeyLimits(monthly_cap_micros=10_000_000))
    watched = await spine.key(dollars=1)
    await watch_account(
        spine.runtime.pool,
        watched.account_id,
        Watch(low_balance_micros=990_000, webhook_url="https://93.184.216.34/low"),
    )
    tasks = [await claimed(spine, key, num_images=2) for key in (plain, capped, watched, plain)]
    results, _ = await finished(spine, *((task, made(1)) for task in tasks))
    assert [result.state for result in results] == ["success"] * 4
    spent = await spine.runtime.pool.fetchval("SELECT spent_micros FROM key_spending")
    assert spent == 30_000
    assert await spine.balance(watched) == (97, 0, 3)
    events = await spine.runtime.pool.fetch("SELECT event FROM notices")
    assert [row["event"] for row in events] == ["balance.low"]


async def test_a_lost_claim_writes_nothing_and_hurts_nobody(spine):
    key = await spine.key()
    lost, kept = await claimed(spine, key), await claimed(spine, key)
    spine.clock.advance(LEASE_SECONDS + 1)
    [again] = await store.claim_tasks(
        spine.runtime.pool, [lost.task_id], spine.clock.now(), LEASE_SECONDS
    )
    results, _ = await finished(spine, (lost, made(4)), (kept, made(4)))
    assert [result and result.state for result in results] == [None, "success"]
    assert (await spine.row(lost.task_id))["state"] == "processing"
    results, _ = await finished(spine, (again, made(4)), (again, failed("Timeout", "late")))
    assert sorted(result is None for result in results) == [False, True]


async def test_money_that_does_not_agree_stops_only_its_own_task(spine):
    key = await spine.key()
    wrong, right = await claimed(spine, key), await claimed(spine, key)
    dearer = msgspec.structs.replace(wrong, unit_price_micros=60_000)
    (error, result), _ = await finished(spine, (dearer, made(4)), (right, made(4)))
    assert isinstance(error, AssertionError)
    assert str(wrong.task_id) in str(error)
    assert result.state == "success"
    assert (await spine.row(wrong.task_id))["state"] == "processing"
    results, _ = await finished(spine, (wrong, made(4)))
    assert results[0].state == "success"


async def test_one_that_the_database_cannot_take_stops_only_itself(spine):
    key = await spine.key()
    poisoned, right = await claimed(spine, key), await claimed(spine, key)
    (error, result), _ = await finished(
        spine, (poisoned, failed("InternalError", "a \0 in it")), (right, made(4))
    )
    assert isinstance(error, Exception)
    assert result.state == "success"
    results, _ = await finished(spine, (poisoned, failed("InternalError", "clean")))
    assert results[0].state == "failed"


async def test_endings_wait_for_the_account_and_nothing_else(spine):
    """Whoever holds the balance may end tasks too: it is locked first by all."""
    key = await spine.key()
    tasks = [await claimed(spine, key) for _ in range(3)]
    async with transaction(spine.runtime.pool) as connection:
        await lock_balance(connection, key.account_id)
        ending = asyncio.create_task(finished(spine, *((task, made(4)) for task in tasks)))
        while not await spine.runtime.pool.fetchval(WAITING):
            await asyncio.sleep(0.01)
        ids = [task.task_id for task in tasks]
        free = "SELECT count(*) FROM (SELECT FROM tasks WHERE task_id = ANY($1) FOR UPDATE SKIP LOCKED) AS free"
        assert await connection.fetchval(free, ids) == 3
    results, _ = await ending
    assert [result.state for result in results] == ["success"] * 3


@pytest.mark.parametrize("jobs", [2, 20])
async def test_of_many_jobs_for_one_task_one_gets_it(spine, jobs):
    task_id = await spine.submit(await spine.key())
    pool, now = spine.runtime.pool, spine.clock.now()
    once = await store.claim_tasks(pool, [task_id] * jobs, now, LEASE_SECONDS)
    assert [task is None for task in once] == [False] + [True] * (jobs - 1)


async def test_whose_claim_is_lost_begins_no_call(spine):
    task_id = await spine.submit(await spine.key())
    pool = spine.runtime.pool
    [late] = await store.claim_tasks(pool, [task_id], spine.clock.now(), LEASE_SECONDS)
    spine.clock.advance(LEASE_SECONDS + 1)
    [holder] = await store.claim_tasks(pool, [task_id], spine.clock.now(), LEASE_SECONDS)
    calls = [store.Call(task_id, one.claim_no, spine.engine.name) for one in (late, holder)]
    assert await store.begin_attempts(pool, calls[:1], spine.clock.now()) == [False]
    assert (await spine.row(task_id))["starts"] == 0
    assert await store.begin_attempts(pool, calls[1:], spine.clock.now()) == [True]


@pytest.mark.parametrize("who", [(0, 1), (1, 0), (1, 1), (1, 0, 1)])
async def test_of_several_who_begin_a_call_in_one_statement_the_holder_does_once(spine, who):
    task_id = await spine.submit(await spine.key())
    pool = spine.runtime.pool
    [late] = await store.claim_tasks(pool, [task_id], spine.clock.now(), LEASE_SECONDS)
    spine.clock.advance(LEASE_SECONDS + 1)
    [holder] = await store.claim_tasks(pool, [task_id], spine.clock.now(), LEASE_SECONDS)
    calls = [
        store.Call(task_id, (late, holder)[number].claim_no, spine.engine.name) for number in who
    ]
    answers = [number == 1 and index == who.index(1) for index, number in enumerate(who)]
    assert await store.begin_attempts(pool, calls, spine.clock.now()) == answers
    assert (await spine.row(task_id))["starts"] == 1


@pytest.mark.parametrize("late_first", [True, False])
async def test_of_a_late_ending_and_the_holders_in_one_moment_the_holders_counts(spine, late_first):
    late = await claimed(spine, await spine.key())
    spine.clock.advance(LEASE_SECONDS + 1)
    [holder] = await store.claim_tasks(
        spine.runtime.pool, [late.task_id], spine.clock.now(), LEASE_SECONDS
    )
    endings = [(late, made(4)), (holder, made(2))]
    results, _ = await finished(spine, *(endings if late_first else reversed(endings)))
    none, ended = results if late_first else reversed(results)
    assert none is None
    assert len(ended.images) == 2


async def test_of_two_who_believe_in_one_claim_one_makes_the_call(spine):
    key = await spine.key()
    task, other = await claimed(spine, key), await spine.submit(key)
    pool, now = spine.runtime.pool, spine.clock.now()
    [second] = await store.claim_tasks(pool, [other], now, LEASE_SECONDS)
    calls = [store.Call(one.task_id, 1, spine.engine.name) for one in (task, second)]
    assert await store.begin_attempts(pool, calls, now) == [False, True]


async def test_only_what_a_crash_may_forget_does_not_wait_for_the_disk(spine):
    task_id = await spine.submit(await spine.key())
    pool, now = spine.runtime.pool, spine.clock.now()

    async def waits(write):
        async with transaction(pool) as connection:
            await connection.execute("SET LOCAL synchronous_commit = 'on'")
            await write(connection)
            return await connection.fetchval("SHOW synchronous_commit") == "on"

    call = store.Call(task_id, 1, spine.engine.name)
    sure = [store.SureCall(False, "auto", "text-to-image", spine.engine.name)]
    assert not await waits(lambda db: store.claim_tasks(db, [task_id], now, LEASE_SECONDS))
    other = await spine.submit(await spine.key())
    assert await waits(lambda db: store.claim_tasks(db, [other], now, LEASE_SECONDS, sure))
    assert await waits(lambda db: store.begin_attempts(db, [call], now))
    assert await waits(lambda db: enqueue(db, [Job("check", task_id.hex)]))
    assert not await waits(lambda db: db.execute("UPDATE pgqueuer SET heartbeat = now()"))
    assert not await waits(lambda db: db.execute("DELETE FROM pgqueuer"))
