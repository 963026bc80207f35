"""What comes late, twice or to the wrong place in a task's life: nothing is lost, and nothing paid twice."""

import asyncio
import contextlib
import dataclasses
import uuid

import asyncpg
import msgspec
import pytest

from heliograph.base.errors import Busy
from heliograph.providers.health.store import note_failure
from heliograph.providers.openai_images.store import Wish, begin_calls
from heliograph.providers.provider import Limits, Refused, Started, Unknown
from heliograph.tasks import run as run_module
from heliograph.tasks import store
from heliograph.tasks.ended.store import end_tasks
from heliograph.tasks.retention.expire import expire_files
from heliograph.tasks.routing.lookup import LOOK_UP_AFTER_SECONDS
from heliograph.tasks.routing.turn import wait_for_turn
from heliograph.tasks.run import advance
from heliograph.tasks.task import LEASE_SECONDS
from support.spine import ScriptedEngine, open_spine, pictures

UUID_1, UUID_2 = uuid.UUID(int=1), uuid.UUID(int=2)
BROKEN = Refused("InternalError", "The model service failed; please try again")
ONE_AT_A_TIME = Limits(tasks_in_flight=1)


@contextlib.asynccontextmanager
async def opened(database_url, folder, *engines):
    async with open_spine(database_url, folder) as spine:
        names = tuple(engine.name for engine in engines)
        settings = msgspec.structs.replace(spine.runtime.settings, providers=names)
        providers = {engine.name: engine for engine in engines}
        runtime = dataclasses.replace(
            spine.runtime, settings=settings, providers=spine.runtime.providers | providers
        )
        yield dataclasses.replace(spine, runtime=runtime)


class Held(ScriptedEngine):
    """An engine that gives an outcome after an event, if that is what is scripted."""

    async def start(self, job, report):
        self.starts.append(job)
        outcome = self.outcomes.popleft()
        if isinstance(outcome, tuple):
            event, outcome = outcome
            await event.wait()
        return outcome


async def asked(engine, times=1):
    """Until the engine was asked so often."""
    async with asyncio.timeout(10):
        while len(engine.starts) < times:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("reruns", [False, True])
async def test_a_task_that_has_left_a_line_is_not_taken_out_of_its_workers_hands(
    database_url, tmp_path, reruns
):
    first = ScriptedEngine(
        name="first", queue="run", reruns=False, cost_micros=10_000, limits=ONE_AT_A_TIME
    )
    second = ScriptedEngine(name="second", reruns=reruns, cost_micros=20_000)
    async with opened(database_url, tmp_path, first, second) as spine:
        key, answer = await spine.key(), asyncio.Event()
        first.outcomes.extend([Started("a", 5), pictures(4)])
        one = await spine.submit(key)
        spine.clock.advance(0.001)
        other = await spine.submit(key)
        await advance(spine.runtime, one, "run")
        await advance(spine.runtime, other, "run")
        assert (await spine.row(other))["waits_for"] == "first"
        await note_failure(spine.runtime.pool, "first", "arrears", spine.clock.now(), pause=60)
        spine.clock.advance(31)
        await advance(spine.runtime, other, "run")
        second.outcomes.append(answer)
        worker = asyncio.create_task(advance(spine.runtime, other, "render"))
        await asked(second)
        held = await spine.row(other)
        await advance(spine.runtime, one, "check")  # a place at the first is free
        assert await spine.row(other) == held
        assert held["waits_for"] is None
        answer.set()
        await worker
        assert (await spine.row(other))["state"] == "success"
        assert len(second.starts) == 1


async def test_a_task_that_was_handed_back_keeps_no_place_where_it_is_not_made(
    database_url, tmp_path
):
    first = ScriptedEngine(
        name="first", queue="run", reruns=False, cost_micros=10_000, limits=ONE_AT_A_TIME
    )
    second = ScriptedEngine(name="second", queue="run", reruns=False, cost_micros=20_000)
    async with opened(database_url, tmp_path, first, second) as spine:
        key, now = await spine.key(), spine.clock.now()
        one = await spine.submit(key)
        [task] = await store.claim_tasks(spine.runtime.pool, [one], now, LEASE_SECONDS)
        assert await wait_for_turn(spine.runtime, task, first)
        await run_module._hand_back(spine.runtime, task, 0)
        await note_failure(spine.runtime.pool, "first", "down", now, pause=60)
        second.outcomes.append(Started("b", 300))
        await advance(spine.runtime, one, "run")
        spine.clock.advance(61)
        first.outcomes.append(Started("a", 300))
        other = await spine.submit(key)
        await advance(spine.runtime, other, "run")
        assert (await spine.row(one))["provider"] == "second"
        assert (await spine.row(other))["provider_ref"] == "a"


async def test_a_job_whose_reference_is_kept_is_not_called_off_when_the_answer_to_that_was_lost(
    database_url, tmp_path
):
    first = ScriptedEngine(name="first", queue="run", reruns=False)
    async with opened(database_url, tmp_path, first) as spine:
        key, now = await spine.key(), spine.clock.now()
        task_id = await spine.submit(key)
        [task] = await store.claim_tasks(spine.runtime.pool, [task_id], now, LEASE_SECONDS)
        call = store.Call(task_id, task.claim_no, "first")
        assert await store.begin_attempts(spine.runtime.pool, [call], now) == [True]
        for _ in range(2):
            await run_module._keep_ref(spine.runtime, task, Started("ref", 5), "first")
        assert (await spine.row(task_id))["provider_ref"] == "ref"
        assert first.cancels == []
        await run_module._keep_ref(spine.runtime, task, Started("another", 5), "first")
        assert first.cancels == ["another"]


async def lost_and_found(spine, engine):
    """A task whose job was found while the worker that had started it still waits for the answer."""
    task = await spine.submit(await spine.key())
    worker = asyncio.create_task(advance(spine.runtime, task, "run"))
    await asked(engine)
    spine.clock.advance(LEASE_SECONDS + 1)
    await advance(spine.runtime, task, "run")
    engine.found = ("job",)
    spine.clock.advance(LOOK_UP_AFTER_SECONDS)
    await advance(spine.runtime, task, "check")
    return task, worker


async def test_a_job_that_was_found_is_not_called_off_when_its_answer_comes_after_all(
    database_url, tmp_path
):
    first = Held(name="first", queue="run", reruns=False)
    async with opened(database_url, tmp_path, first) as spine:
        late = asyncio.Event()
        first.outcomes.append((late, Started("job", 5)))
        task, worker = await lost_and_found(spine, first)
        found = (await spine.row(task))["provider_ref"]
        late.set()
        await worker
        assert (await spine.row(task))["provider_ref"] == found == "found:job"
        assert first.cancels == []


async def test_a_late_cry_that_nobody_knows_changes_nothing(database_url, tmp_path):
    first = Held(name="first", queue="run", reruns=False, cost_micros=10_000)
    async with opened(database_url, tmp_path, first) as spine:
        late = asyncio.Event()
        first.outcomes.extend([(late, Unknown("the line went dead")), pictures(4)])
        task, worker = await lost_and_found(spine, first)
        late.set()
        await worker
        spine.clock.advance(LEASE_SECONDS)
        await advance(spine.runtime, task, "check")
        query = "SELECT outcome, cost_micros FROM attempts"
        assert [tuple(row) for row in await spine.runtime.pool.fetch(query)] == [
            ("finished", 40_000)
        ]


async def test_a_late_reference_is_not_kept_for_another_provider(database_url, tmp_path):
    first = Held(name="first", queue="run")
    second = Held(name="second", queue="run", reruns=False, cost_micros=30_000)
    async with opened(database_url, tmp_path, first, second) as spine:
        late, paid = asyncio.Event(), asyncio.Event()
        first.outcomes.extend([(late, Started("job-of-first", 5)), BROKEN])
        second.outcomes.append((paid, Started("job-of-second", 5)))
        task = await spine.submit(await spine.key())
        sleeper = asyncio.create_task(advance(spine.runtime, task, "run"))
        await asked(first)
        spine.clock.advance(LEASE_SECONDS + 1)
        await advance(spine.runtime, task, "run")
        payer = asyncio.create_task(advance(spine.runtime, task, "run"))
        await asked(second)
        late.set()
        await sleeper
        paid.set()
        await payer
        row = await spine.row(task)
        assert (row["provider"], row["provider_ref"]) == ("second", "job-of-second")
        assert (first.cancels, second.cancels) == (["job-of-first"], [])


async def test_who_comes_second_with_a_claim_changes_nothing(database_url, tmp_path):
    async with open_spine(database_url, tmp_path) as spine:
        task_id, now = await spine.submit(await spine.key()), spine.clock.now()
        await store.claim_tasks(spine.runtime.pool, [task_id], now, LEASE_SECONDS)
        first, second = (store.Call(task_id, 1, name) for name in ("first", "second"))
        assert await store.begin_attempts(spine.runtime.pool, [first], now) == [True]
        assert await store.begin_attempts(spine.runtime.pool, [second], now) == [False]
        row = await spine.row(task_id)
        assert (row["provider"], row["starts"]) == ("first", 1)


async def test_pictures_that_were_stored_before_the_deadline_struck_are_deleted(
    database_url, tmp_path
):
    class SlowSecond:
        """Of its writes all but the first never end."""

        def __init__(self, real):
            self.real, self.writes = real, 0

        def __getattr__(self, name):
            return getattr(self.real, name)

        async def write(self, path, data):
            self.writes += 1
            if self.writes > 1:
                await asyncio.Event().wait()
            await self.real.write(path, data)

    async with open_spine(database_url, tmp_path, task_deadline_seconds=1) as spine:
        slow = dataclasses.replace(spine.runtime, storage=SlowSecond(spine.runtime.storage))
        task = await spine.submit(await spine.key(), num_images=2)
        await advance(slow, task, "render")
        assert (await spine.row(task))["fail_code"] == "Timeout"
        assert len(list(tmp_path.rglob("*.png"))) == 1
        spine.clock.advance(LEASE_SECONDS)
        await expire_files(spine.runtime)
        assert list(tmp_path.rglob("*.png")) == []


async def test_a_folder_that_cannot_be_deleted_keeps_no_other(database_url, tmp_path):
    async with open_spine(database_url, tmp_path) as spine:
        key = await spine.key()
        tasks = [await spine.submit(key, num_images=1) for _ in range(3)]
        for task in tasks:
            await advance(spine.runtime, task, "render")
        real = spine.runtime.storage

        class Stuck:
            """One of its folders is held."""

            def __getattr__(self, name):
                return getattr(real, name)

            async def delete_folder(self, path):
                if path.endswith(tasks[0].hex):
                    raise Busy("The storage for pictures does not work")
                await real.delete_folder(path)

        spine.clock.advance(30 * 24 * 3600)
        stuck = dataclasses.replace(spine.runtime, storage=Stuck())
        assert [await expire_files(stuck) for _ in range(2)] == [2, 0]
        assert await expire_files(spine.runtime) == 1


@pytest.mark.parametrize("reruns", [False, True])
async def test_a_locked_balance_keeps_no_ending_of_another_account(database_url, tmp_path, reruns):
    engine = ScriptedEngine(name="hosted", reruns=reruns, slots=4)
    async with opened(database_url, tmp_path, engine) as spine:
        keys = [await spine.key() for _ in range(2)]
        locked, other = [await spine.submit(key) for key in keys]
        holder = await asyncpg.connect(database_url)
        async with holder.transaction():
            await holder.execute(
                "SELECT FROM balances WHERE account_id = $1 FOR UPDATE", keys[0].account_id
            )
            waiting = [
                asyncio.create_task(advance(spine.runtime, task, "render"))
                for task in (locked, other)
            ]
            await waiting[1]  # after as long as a lock is waited for
            assert (await spine.row(other))["state"] == "success"
            assert not waiting[0].done()
        await waiting[0]
        await holder.close()
        assert (await spine.row(locked))["state"] == "success"
        assert len(engine.starts) == 2


async def test_a_place_whose_answer_was_lost_is_noted_anew_and_spoils_no_neighbour(
    database_url, tmp_path
):
    async with open_spine(database_url, tmp_path) as spine:
        wishes = [Wish(id_, ["engine"]) for id_ in (UUID_1, UUID_2)]
        for wanted in (wishes[:1], wishes):
            begun = await begin_calls(spine.runtime.pool, wanted, most=2, now=spine.clock.now())
        assert set(begun) == {UUID_1, UUID_2}


async def test_the_pictures_of_an_ending_whose_answer_was_lost_are_kept(
    database_url, tmp_path, monkeypatch
):
    lost = []

    async def end_and_lose_the_answer(*arguments, **options):
        ended = await end_tasks(*arguments, **options)
        if not lost:
            lost.append(ended)
            raise Busy("The database cannot be reached")
        return ended

    monkeypatch.setattr("heliograph.tasks.finish.end_tasks", end_and_lose_the_answer)
    async with open_spine(database_url, tmp_path) as spine:
        key = await spine.key()
        task = await spine.submit(key, num_images=2)
        await advance(spine.runtime, task, "render")
        row = await spine.row(task)
        assert (row["state"], len(lost)) == ("success", 1)
        assert all(spine.runtime.storage.local_path(image["path"]) for image in row["images"])
        assert await spine.balance(key) == (994, 0, 6)
