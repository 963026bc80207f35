"""Tasks that begin in the process that accepted them: they never were a job, and are never lost."""

import asyncio
import contextlib

import pytest

from heliograph import worker
from heliograph.base.errors import PaymentRequired
from heliograph.base.slots import AtOnce, Crew, Slots
from heliograph.tasks.rescue import sweep
from heliograph.tasks.submit import submit_tasks
from heliograph.tasks.task import GRACE_SECONDS, LEASE_SECONDS

WAIT_SECONDS = 20


@contextlib.contextmanager
def crew(spine, *, most=1, jobs_wait=False):
    """A worker beside the API that notes what it begins, and its slots."""
    begun, slots = [], Slots(most)

    def begin(task_id, queue):
        begun.append((task_id.hex, queue))

    hands = Crew(slots, lambda: jobs_wait, begin)
    with spine.runtime.at_once.serving(["render"], hands):
        yield begun, slots


@contextlib.asynccontextmanager
async def working(spine):
    """The worker itself, once it serves the queue; told to stop at the end of the block, and waited for."""
    stop = asyncio.Event()
    async with asyncio.timeout(WAIT_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(worker.work(spine.runtime, stop, ["render"]))
        while (promised := spine.runtime.at_once.promise("render")) is None:
            await asyncio.sleep(0.01)
        promised.slots.release()
        yield stop
        stop.set()


async def until(spine, task_id, state):
    async with asyncio.timeout(WAIT_SECONDS):
        while (row := await spine.row(task_id))["state"] != state:
            await asyncio.sleep(0.01)
    return row


async def jobs_ever(spine):
    return await spine.runtime.pool.fetchval(
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM pgqueuer_id_seq"
    )


async def test_a_task_begins_where_a_slot_is_free_and_the_next_waits_as_a_job(spine):
    key = await spine.key()
    with crew(spine) as (begun, slots):
        asked = [spine.asked(key), spine.asked(key), spine.asked(key)]
        first, *others = [one.task_id for one in await submit_tasks(spine.runtime, asked)]
        assert begun == [(first, "render")]
        assert slots.free == 1
    assert await spine.jobs() == [("render", task_id) for task_id in others]


@pytest.mark.parametrize("named", [{}, {"idempotency_key": "a"}], ids=["plain", "named"])
async def test_a_task_that_begins_at_once_has_no_job(spine, named):
    with crew(spine) as (begun, _):
        task_id = await spine.submit(await spine.key(), **named)
        assert begun == [(task_id.hex, "render")]
        assert await spine.jobs() == []


async def test_nobody_goes_past_jobs_that_wait(spine):
    with crew(spine, jobs_wait=True) as (begun, _):
        task_id = await spine.submit(await spine.key())
        assert begun == []
    assert await spine.jobs() == [("render", task_id.hex)]


async def test_what_is_refused_or_repeated_begins_nothing_and_frees_its_slot(spine):
    key, poor = await spine.key(), await spine.key(dollars=0)
    task_id = await spine.submit(key, idempotency_key="a")
    with crew(spine) as (begun, slots):
        assert await spine.submit(key, idempotency_key="a") == task_id
        with pytest.raises(PaymentRequired):
            await spine.submit(poor)
        assert (begun, slots.free) == ([], 1)


async def test_a_submit_that_breaks_frees_its_slot(spine):
    key, pool = await spine.key(), spine.runtime.pool
    with crew(spine) as (begun, slots):
        await pool.execute("ALTER TABLE tasks RENAME TO away")
        with pytest.raises(Exception, match="tasks"):
            await submit_tasks(spine.runtime, [spine.asked(key)])
        await pool.execute("ALTER TABLE away RENAME TO tasks")
        assert (begun, slots.free) == ([], 1)


async def test_one_that_nobody_began_after_all_is_found_by_the_sweep(spine):
    with crew(spine):
        task_id = await spine.submit(await spine.key())
    spine.clock.advance(LEASE_SECONDS + GRACE_SECONDS - 1)
    assert await sweep(spine.runtime) == 0
    spine.clock.advance(2)
    assert await sweep(spine.runtime) == 1
    assert await spine.jobs() == [("render", task_id.hex)]


async def test_the_worker_makes_what_is_accepted_beside_it_without_a_job(spine):
    spine.engine.slots = 4
    async with working(spine):
        task_id = await spine.submit(await spine.key(), num_images=2)
        row = await until(spine, task_id, "success")
        assert (len(row["images"]), row["claim_no"]) == (2, 1)
    assert await jobs_ever(spine) == 0


async def test_what_is_in_work_when_the_worker_stops_is_handed_back(spine, monkeypatch):
    monkeypatch.setattr(worker, "DRAIN_SECONDS", 0)
    spine.engine.slots = 4
    spine.engine.outcomes.append(asyncio.Event())
    async with working(spine):
        task_id = await spine.submit(await spine.key())
        async with asyncio.timeout(WAIT_SECONDS):
            while not spine.engine.starts:
                await asyncio.sleep(0.01)
    row = await spine.row(task_id)
    assert (row["state"], row["starts"], row["due_at"]) == ("processing", 0, spine.clock.now())
    assert await spine.jobs() == [("render", task_id.hex)]


async def test_a_worker_that_stops_ends_what_it_has_begun_and_begins_no_more(spine):
    spine.engine.slots = 4
    spine.engine.outcomes.append(drawn := asyncio.Event())
    async with working(spine) as stop:
        first = await spine.submit(await spine.key())
        await until(spine, first, "processing")
        stop.set()
        second = await spine.submit(await spine.key())
        assert await spine.jobs() == [("render", second.hex)]
        drawn.set()
    assert (await spine.row(first))["state"] == "success"


async def test_a_process_without_a_worker_begins_nothing():
    at_once = AtOnce()
    hands = Crew(Slots(1), lambda: False, lambda *_: None)
    with at_once.serving(["render"], hands):
        assert at_once.promise("run") is None
        assert at_once.promise("render") is hands
        assert at_once.promise("render") is None
    assert at_once.promise("render") is None
