"""How a worker looks for jobs: what it hears, and what it asks until it sleeps."""

import asyncio
import contextlib
import json
import uuid
from datetime import timedelta

import pytest
from pgqueuer import PgQueuer
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.ports.repository import EntrypointExecutionParameter

from heliograph.base.database import transaction
from heliograph.base.jobs import Job, enqueue
from heliograph.base.listening import ListeningDriver
from heliograph.base.looking import PatientLogBuffer, SparingQueries
from heliograph.base.slots import Slots

INSERTED = '{"operation": "insert", "type": "table_changed_event"}'
DELETED = '{"operation": "delete", "type": "table_changed_event"}'
PROBE = '{"channel": "ch_pgqueuer", "id": "1", "type": "health_check_event"}'


class CountingDriver(ListeningDriver):
    """Keeps what is asked."""

    def __init__(self, pool):
        super().__init__(pool, pool)
        self.asked = []

    async def fetch(self, query, *args):
        """As the real one."""
        self.asked.append(query)
        return await super().fetch(query, *args)


@pytest.fixture
def driver(pool):
    return CountingDriver(pool)


async def queue(pool, *jobs):
    async with transaction(pool) as connection:
        await enqueue(connection, jobs)


async def look(queries):
    """What PgQueuer asks before it sleeps, in its order."""
    asked = ["run"]
    waiting = await queries.eligible_queued_work(asked)
    return waiting, await queries.next_deferred_eta(asked), await queries.queued_work(asked)


async def take(queries, queue="run"):
    """The look for jobs itself."""
    limit = EntrypointExecutionParameter(concurrency_limit=0)
    return await queries.dequeue(10, {queue: limit}, uuid.uuid4(), None, timedelta(seconds=9))


async def take_none(queries):
    """A look for jobs of a queue that has none."""
    assert not await take(queries, "none")


async def test_one_statement_tells_what_waits_and_when_the_next_may_be_done(pool, driver):
    queries = SparingQueries(driver, ["run"], Slots(100))
    assert await look(queries) == (0, None, 0)
    await queue(pool, Job("elsewhere", "a"), Job("run", "b", after_seconds=50))
    waiting, next_in, queued = await look(queries)
    assert (waiting, queued) == (0, 1)
    assert timedelta(seconds=40) < next_in <= timedelta(seconds=50)
    await queue(pool, Job("run", "c"))
    assert (await look(queries))[0] == 1
    assert len(driver.asked) == 3


async def test_jobs_that_are_removed_are_heard_of_only_while_one_waits_for_a_slot(pool, driver):
    queries = SparingQueries(driver, ["run"], Slots(100))
    assert [driver.hears(event) for event in (INSERTED, DELETED, PROBE)] == [True, False, True]
    await queue(pool, Job("run", "a"))
    await look(queries)
    await take_none(queries)
    assert driver.hears(DELETED)


@contextlib.asynccontextmanager
async def hearing(driver):
    """What a worker of `run` and `check` hears of the table of jobs."""
    SparingQueries(driver, ["run", "check"], Slots(100))
    heard = asyncio.Queue()
    async with driver:
        await driver.add_listener("ch_pgqueuer", heard.put_nowait)
        yield heard


async def test_only_who_has_something_to_do_hears_of_it(pool, driver):
    async with hearing(driver) as heard:
        await queue(pool, Job("elsewhere", "a"))
        # as many as the sweep may queue, of which PostgreSQL could not tell one by one
        await queue(pool, Job("elsewhere", "b"), *[Job("check", "c")] * 2000)
        event = json.loads(await heard.get())
        assert (event["operation"], event["entrypoints"]) == ("insert", ["check", "elsewhere"])
        assert heard.empty()


async def test_of_a_job_that_came_another_way_everybody_hears(pool, driver):
    async with hearing(driver) as heard:
        await Queries(driver).enqueue("elsewhere", None)
        assert json.loads(await heard.get())["entrypoints"] is None


async def test_of_many_changes_between_two_looks_one_is_heard_of(pool, driver):
    queries = SparingQueries(driver, ["run"], Slots(100))
    for _ in range(2):
        assert [driver.hears(INSERTED) for _ in range(3)] == [True, False, False]
        assert driver.hears(PROBE)
        await take_none(queries)


async def test_a_worker_that_is_full_takes_the_next_job_when_one_ends(pool, driver):
    app = PgQueuer(driver, queries=SparingQueries(driver, ["run"], Slots(100)))
    app.qm.min_dequeue_poll_interval = timedelta(seconds=60)
    done, ended = asyncio.Queue(), asyncio.Event()

    @app.entrypoint("run")
    async def step(job):
        await ended.wait()
        await done.put(job.payload)

    await queue(pool, *(Job("run", name) for name in "abc"))
    running = asyncio.create_task(
        app.qm.run(batch_size=1, max_concurrent_tasks=2, dequeue_timeout=timedelta(seconds=60))
    )
    async with asyncio.timeout(20):
        while await pool.fetchval("SELECT count(*) FROM pgqueuer WHERE status = 'picked'") < 2:
            await asyncio.sleep(0.01)
        while "next_in" not in driver.asked[-1]:
            await asyncio.sleep(0.01)
        ended.set()
        assert {await done.get() for _ in "abc"} == {b"a", b"b", b"c"}
    app.shutdown.set()
    await running


@contextlib.asynccontextmanager
async def working(driver):
    """A worker of the queue `run`, which sleeps long between its looks; gives what it has done."""
    app = PgQueuer(driver, queries=SparingQueries(driver, ["run"], Slots(100)))
    done = asyncio.Queue()

    @app.entrypoint("run")
    async def step(job):
        await done.put(job.payload)

    running = asyncio.create_task(app.qm.run(dequeue_timeout=timedelta(seconds=60)))
    async with asyncio.timeout(20):
        yield done
    app.shutdown.set()
    await running


async def do(pool, done, name):
    """Queue a job, and wait until it is done and gone."""
    await queue(pool, Job("run", name))
    assert await done.get() == name.encode()
    while await pool.fetchval("SELECT count(*) FROM pgqueuer"):
        await asyncio.sleep(0.01)


async def test_a_job_takes_two_statements_of_its_worker_and_none_of_another(pool, driver):
    async with working(driver) as done:
        while not any("next_in" in query for query in driver.asked):
            await asyncio.sleep(0.01)
        driver.asked.clear()
        await do(pool, done, "a")
        assert [("next_in" in query) for query in driver.asked] == [False, True]
        assert await pool.fetchval("SELECT count(*) FROM pgqueuer_log") == 0
        driver.asked.clear()
        await queue(pool, Job("elsewhere", "b"))
        await pool.execute("DELETE FROM pgqueuer")
        await do(pool, done, "c")
        assert [("next_in" in query) for query in driver.asked] == [False, True]


async def test_an_idle_worker_does_not_look_for_jobs_that_have_ended(pool, driver):
    def looking():
        names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
        return [name for name in names if "flush" in name or "write_all" in name]

    async with working(driver) as done:
        for name in "ab":
            await do(pool, done, name)
            while len(looking()) > 1:
                await asyncio.sleep(0.01)
            # what is left is of the heartbeats, and looks each four seconds
            assert looking() == ["TimedOverflowBuffer.periodic_flush"]


async def test_what_could_not_be_written_of_a_job_is_written_later():
    refused, written = [], asyncio.Queue()

    class Sink:
        """Refuses once."""

        async def log_jobs(self, items):
            if not refused:
                refused.extend(items)
                raise ConnectionError
            await written.put(items)

    job = object()
    async with PatientLogBuffer(max_size=10, repository=Sink(), timeout=timedelta(0)) as buffer:
        await buffer.add((job, "successful", None))
        assert await written.get() == refused == [(job, "successful", None)]


async def test_no_more_jobs_are_taken_than_slots_are_free(pool, driver):
    slots = Slots(2)
    queries = SparingQueries(driver, ["run"], slots)
    await queue(pool, *(Job("run", name) for name in "abc"))
    assert len(await take(queries)) == 2
    at_work = [asyncio.create_task(asyncio.sleep(0)) for _ in range(2)]
    slots.at_work.update(at_work)
    assert await take(queries) == []
    assert (await look(queries))[0] == 1
    assert queries.has_jobs()
    slots.at_work.clear()
    assert len(await take(queries)) == 1
    await look(queries)
    assert not queries.has_jobs()
    assert driver.hears(INSERTED)
    assert queries.has_jobs(), "news of jobs that nobody has looked for"
    await asyncio.gather(*at_work)
