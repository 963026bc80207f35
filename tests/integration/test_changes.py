"""Hearing of changes: one connection for everybody, and nobody left waiting when it is lost."""

import asyncio

import pytest

from heliograph.base.changes import CHANNEL, Changes
from heliograph.base.database import open_pool


@pytest.fixture
async def pool(database_url):
    pool = await open_pool(database_url, size=4)
    yield pool
    await pool.close()


@pytest.fixture
async def changes(pool):
    changes = Changes(pool)
    yield changes
    await changes.close()


async def tell(pool, topic):
    await pool.execute("SELECT pg_notify($1, $2)", CHANNEL, topic)


async def listeners(pool):
    """The processes of the server that serve a connection which listens to this database."""
    return await pool.fetch(
        "SELECT pid FROM pg_stat_activity WHERE query = $1 AND datname = current_database()",
        f'LISTEN "{CHANNEL}"',
    )


async def test_a_watcher_hears_of_its_topic_and_of_no_other(pool, changes):
    async with changes.watch("mine") as mine, changes.watch("other") as other:
        mine.clear()
        other.clear()
        await tell(pool, "mine")
        await asyncio.wait_for(mine.wait(), 10)
        assert not other.is_set()


async def test_a_thousand_watchers_share_one_connection(pool, changes):
    heard = 0

    async def wait(number):
        nonlocal heard
        async with changes.watch(f"topic {number % 10}") as changed:
            changed.clear()
            ready.release()
            await asyncio.wait_for(changed.wait(), 20)
            heard += 1

    ready = asyncio.Semaphore(0)
    waiting = [asyncio.create_task(wait(number)) for number in range(1000)]
    for _ in waiting:
        await ready.acquire()
    assert len(await listeners(pool)) == 1
    for number in range(10):
        await tell(pool, f"topic {number}")
    await asyncio.gather(*waiting)
    assert heard == 1000


async def test_when_the_connection_is_lost_everybody_is_woken_and_hears_again(pool, changes):
    async with changes.watch("topic") as changed:
        changed.clear()
        ((pid,),) = await listeners(pool)
        await pool.execute("SELECT pg_terminate_backend($1)", pid)
        await asyncio.wait_for(changed.wait(), 10)
        changed.clear()
        await tell(pool, "topic")
        await asyncio.wait_for(changed.wait(), 10)


async def test_when_the_service_stops_nobody_waits_on(changes):
    async with changes.watch("topic") as changed:
        changed.clear()
        changes.stop_waiting()
        assert changed.is_set()
        assert changes.over
