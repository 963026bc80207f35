"""Which engine makes the next picture: places, leases, circuits, and replicas that come and go."""

import asyncio
import contextlib
import datetime
import signal
import uuid

import aiohttp
import pytest

from heliograph.base.clock import Clock, SettableClock
from heliograph.providers.health.store import note_failure
from heliograph.providers.openai_images import engines, store
from heliograph.providers.openai_images.provider import OpenAIImagesProvider
from heliograph.providers.openai_images.store import Wish
from heliograph.providers.provider import Finished, Refused
from support.image_jobs import ignore, image_job
from support.openai_images_emulator import Emulator, process, serving, serving_all

SIZE = (96, 64)
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
CALL_ID = "00000000-0000-0000-0000-00000000000"


@pytest.fixture
def clock():
    return SettableClock(NOW)


@contextlib.asynccontextmanager
async def provider_of(pool, clock, urls, calls_per_engine=1):
    async def alarm(*_):
        raise AssertionError("nothing here is the operator's fault")

    provider = OpenAIImagesProvider(
        pool,
        clock,
        base_urls=tuple(urls),
        edits_base_urls=(),
        api_key=None,
        model=None,
        dialect="vllm-omni",
        calls_per_engine=calls_per_engine,
        alarm=alarm,
    )
    try:
        yield provider
    finally:
        await provider.close()


def a_job(prompt="a lake", **settings):
    return image_job(prompt, size=SIZE, **settings)


def name_of(base_url):
    return f"openai-images {base_url}"


def after(seconds):
    return NOW + datetime.timedelta(seconds=seconds)


async def calls_at(pool):
    rows = await pool.fetch("SELECT engine, count(*) FROM engine_calls GROUP BY engine")
    return dict(row.values() for row in rows)


async def health_of(pool, base_url):
    row = await pool.fetchrow(
        "SELECT failures, open_until FROM provider_health WHERE name = $1", name_of(base_url)
    )
    return tuple(row)


# -- places ------------------------------------------------------------------------------------


async def take(connection, number, names, most=1, now=NOW):
    """The engine that has the call with this number, if any."""
    call_id = uuid.UUID(f"{CALL_ID}{number}")
    begun = await store.begin_calls(connection, [Wish(call_id, names)], most=most, now=now)
    return begun[call_id][0] if begun else None


async def test_the_engine_with_the_fewest_calls_is_taken_until_all_are_full(pool):
    wishes = [Wish(uuid.UUID(f"{CALL_ID}{number}"), ["a", "b"]) for number in range(5)]
    async with pool.acquire() as connection:
        begun = await store.begin_calls(connection, wishes, most=2, now=NOW)
    taken = [begun[wish.call_id][0] for wish in wishes[:4]]
    assert {taken[0], taken[1]} == {taken[2], taken[3]} == {"a", "b"}
    assert wishes[4].call_id not in begun


async def test_equal_engines_are_taken_at_random(pool):
    async with pool.acquire() as connection:
        taken = set()
        for _ in range(40):
            taken.add(await take(connection, 1, ["a", "b"]))
            await store.end_calls(connection, [f"{CALL_ID}1"])
    assert taken == {"a", "b"}


async def test_a_place_that_ends_is_had_by_who_begins_in_the_same_statement(pool):
    first, second = (uuid.UUID(f"{CALL_ID}{number}") for number in (1, 2))
    async with pool.acquire() as connection:
        assert await take(connection, 1, ["a"]) == "a"
        wishes = [Wish(second, ["a"])]
        begun = await store.begin_calls(connection, wishes, ended=[first], most=1, now=NOW)
    assert begun == {second: ("a", False)}
    assert await calls_at(pool) == {"a": 1}


async def test_a_call_counts_until_its_lease_has_run_out_and_not_longer(pool):
    async with pool.acquire() as connection:
        await take(connection, 1, ["a"])
        assert await take(connection, 2, ["a"], now=after(14)) is None
        await store.renew_calls(connection, [f"{CALL_ID}1"], after(14))
        assert await take(connection, 2, ["a"], now=after(28)) is None
        assert await take(connection, 2, ["a"], now=after(29)) == "a"
        await store.sweep_calls(connection, after(29))
    assert await calls_at(pool) == {"a": 1}


async def test_two_processes_never_book_one_place_twice(pool, clock):
    emulator = Emulator(seconds=0.02)
    async with (
        serving(emulator) as url,
        provider_of(pool, clock, [url]) as one,
        provider_of(pool, clock, [url]) as other,
    ):
        jobs = [provider.start(a_job(num_images=3), ignore) for provider in (one, other) * 2]
        outcomes = await asyncio.gather(*jobs)
    assert all(isinstance(outcome, Finished) for outcome in outcomes)
    assert len(emulator.calls) == 12
    assert emulator.most_in_flight == 1
    assert await calls_at(pool) == {}


async def test_the_place_of_a_process_that_was_killed_is_free_after_its_lease(pool, clock):
    emulator = Emulator()
    async with serving(emulator) as url, provider_of(pool, clock, [url]) as provider:
        await pool.execute(
            "INSERT INTO engine_calls VALUES ($1, $2, $3)", f"{CALL_ID}1", name_of(url), after(15)
        )
        start = asyncio.create_task(provider.start(a_job(), ignore))
        done, _ = await asyncio.wait({start}, timeout=0.3)
        assert not done
        assert emulator.calls == []
        clock.advance(15)
        assert isinstance(await start, Finished)


async def test_the_lease_of_a_call_that_lasts_is_renewed(pool, clock, monkeypatch):
    monkeypatch.setattr(engines, "RENEWAL_SECONDS", 0.01)
    emulator = Emulator()
    async with serving(emulator) as url, provider_of(pool, clock, [url]) as provider:
        start = asyncio.create_task(provider.start(a_job("{{hang}}"), ignore))
        await emulator.busy.wait()
        clock.advance(10)
        while await pool.fetchval("SELECT max(lease_until) FROM engine_calls") < after(25):
            await asyncio.sleep(0.01)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
    assert await calls_at(pool) == {}


async def test_a_place_is_chosen_alone(pool, clock):
    emulator = Emulator()
    async with serving(emulator) as url, provider_of(pool, clock, [url]) as provider:
        async with asyncio.timeout(10), pool.acquire() as other, other.transaction():
            assert await take(other, 1, ["elsewhere"]) == "elsewhere"
            start = asyncio.create_task(provider.start(a_job(), ignore))
            while not await pool.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ):
                await asyncio.sleep(0.01)
            assert await calls_at(pool) == {}
        assert isinstance(await start, Finished)


async def test_a_place_that_is_freed_here_is_taken_at_once(pool, clock, monkeypatch):
    monkeypatch.setattr(engines, "LOOK_SECONDS", 60)
    async with serving(Emulator(seconds=0.05)) as url, provider_of(pool, clock, [url]) as provider:
        async with asyncio.timeout(20):
            assert isinstance(await provider.start(a_job(num_images=4), ignore), Finished)


async def test_a_place_is_taken_once_the_database_is_back(pool, clock, monkeypatch):
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.05)
    async with serving(Emulator()) as url, provider_of(pool, clock, [url]) as provider:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE engine_calls IN ACCESS EXCLUSIVE MODE")
            start = asyncio.create_task(provider.start(a_job(), ignore))
            while not await pool.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'engine_calls'::regclass"
            ):
                await asyncio.sleep(0.01)
            await pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE NOT granted AND relation = 'engine_calls'::regclass"
            )
        assert isinstance(await start, Finished)


# -- circuits ----------------------------------------------------------------------------------


async def open_circuit(pool, name, seconds):
    async with pool.acquire() as connection:
        await note_failure(connection, name, "down", NOW, pause=seconds)


async def test_engines_whose_circuit_is_open_are_left_out_while_another_is_not(pool):
    await open_circuit(pool, "a", 10)
    async with pool.acquire() as connection:
        assert [await take(connection, number, ["a", "b"]) for number in range(2)] == ["b", None]
        assert await take(connection, 2, ["a", "b"], now=after(10)) == "a"


async def test_when_all_circuits_are_open_the_one_that_closes_first_is_tried(pool):
    await open_circuit(pool, "a", 20)
    await open_circuit(pool, "b", 10)
    call_id = uuid.UUID(f"{CALL_ID}1")
    async with pool.acquire() as connection:
        begun = await store.begin_calls(connection, [Wish(call_id, ["a", "b"])], most=2, now=NOW)
        assert begun == {call_id: ("b", True)}


async def test_an_engine_that_keeps_failing_is_left_alone_until_it_says_that_it_is_well(
    pool, clock
):
    bad, good = Emulator(also="{{status:500}}"), Emulator()
    async with (
        serving_all(bad, good) as urls,
        provider_of(pool, clock, urls) as provider,
        provider_of(pool, clock, urls[:1]) as alone,
    ):
        for _ in range(3):
            assert isinstance(await alone.start(a_job(), ignore), Refused)
        assert await health_of(pool, urls[0]) == (3, after(10))
        outcomes = [await provider.start(a_job(num_images=4), ignore) for _ in range(3)]
        assert all(isinstance(outcome, Finished) for outcome in outcomes)
        assert (len(bad.calls), bad.looks) == (3, 0)

        bad.also, bad.sick = "", True
        clock.advance(10)
        assert isinstance(await alone.start(a_job(), ignore), Refused)
        assert (len(bad.calls), bad.looks) == (3, 1)
        assert await health_of(pool, urls[0]) == (4, after(30))

        bad.sick = False
        clock.advance(20)
        assert isinstance(await alone.start(a_job(), ignore), Finished)
        assert (len(bad.calls), bad.looks) == (4, 2)
        assert await health_of(pool, urls[0]) == (0, None)


async def test_when_all_circuits_are_open_an_engine_that_is_well_again_is_used_at_once(pool, clock):
    emulator = Emulator(also="{{status:500}}")
    async with serving(emulator) as url, provider_of(pool, clock, [url]) as provider:
        for _ in range(3):
            await provider.start(a_job(), ignore)
        emulator.also = ""
        assert isinstance(await provider.start(a_job(), ignore), Finished)
    assert emulator.looks == 1


# -- replicas ----------------------------------------------------------------------------------

JOBS = 40


async def test_no_task_is_lost_when_one_replica_is_killed_and_another_becomes_slow(pool):
    async with (
        process("--seconds", "0.05") as (doomed, victim),
        process("--seconds", "0.05") as (slow, _),
        process("--seconds", "0.05") as (fast, _),
        provider_of(pool, Clock(), [doomed, slow, fast]) as provider,
        aiohttp.ClientSession() as session,
    ):
        ended = 0

        async def run():
            nonlocal ended
            outcome = await provider.start(a_job(), ignore)
            ended += 1
            return outcome

        jobs = [asyncio.create_task(run()) for _ in range(JOBS)]
        while ended < JOBS // 4:
            await asyncio.sleep(0.01)
        before = await made_at(session, slow, fast)
        address = slow.removesuffix("/v1") + "/_emulator/seconds"
        async with session.post(address, data="0.6"):
            pass
        victim.send_signal(signal.SIGKILL)
        outcomes = await asyncio.gather(*jobs)
        made = await made_at(session, slow, fast)
        failures, _ = await health_of(pool, doomed)
    assert all(isinstance(outcome, Finished) for outcome in outcomes)
    assert made[0] - before[0] < (made[1] - before[1]) / 2
    assert failures >= 1
    assert await calls_at(pool) == {}


async def made_at(session, *urls):
    """How many pictures each of these replicas has made."""
    made = []
    for url in urls:
        async with session.get(url.removesuffix("/v1") + "/_emulator/calls") as answer:
            made.append((await answer.json())["ended"].get("made", 0))
    return made
