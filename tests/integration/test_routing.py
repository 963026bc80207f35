"""Several providers behind one task: failover before acceptance, places, turns, look-ups, costs."""

import asyncio
import contextlib
import dataclasses
import datetime
import uuid

import msgspec
import pytest

from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.base.errors import Forbidden
from heliograph.ledger.audit import audit
from heliograph.providers.health.store import note_failure, read_health
from heliograph.providers.provider import Failed, Limits, Refused, Running, Started, Unknown
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.rescue import sweep
from heliograph.tasks.routing.lookup import LOOK_UP_AFTER_SECONDS
from heliograph.tasks.run import advance
from support.spine import ScriptedEngine, open_spine, pictures

FULL = Refused("RateLimitExceeded", "The engine is full", 4)
BROKEN = Refused("InternalError", "The model service failed; please try again")


@contextlib.asynccontextmanager
async def opened(database_url, folder, *engines):
    """A spine with `engines`, in the order in which they are asked."""
    names = tuple(engine.name for engine in engines)
    async with open_spine(database_url, folder) as spine:
        settings = msgspec.structs.replace(spine.runtime.settings, providers=names)
        providers = {engine.name: engine for engine in engines}
        rehearsal = {"rehearsal": spine.runtime.providers["rehearsal"]}
        runtime = dataclasses.replace(
            spine.runtime, settings=settings, providers=providers | rehearsal
        )
        yield dataclasses.replace(spine, runtime=runtime)
        assert await audit(runtime.pool) == []


@pytest.fixture
def first():
    return ScriptedEngine(name="first", queue="run", reruns=False, cost_micros=10_000)


@pytest.fixture
def second():
    return ScriptedEngine(name="second", queue="render", cost_micros=20_000)


@pytest.fixture
async def spine(database_url, tmp_path, first, second):
    async with opened(database_url, tmp_path, first, second) as spine:
        yield spine


async def attempts(spine, task_id):
    rows = await spine.runtime.pool.fetch(
        "SELECT provider, outcome, cost_micros FROM attempts WHERE task_id = $1 ORDER BY claim_no",
        task_id,
    )
    return [tuple(row) for row in rows]


async def key_of(spine, routing):
    key = await spine.key()
    wish = KeyWish(key.account_id, "test", False, routing, 10_000)
    minted = await issue_key(spine.runtime.pool, wish, now=spine.clock.now())
    return await spine.key_again(minted.key_id)


async def test_a_refused_task_goes_to_the_next_provider_in_a_slot_of_its_queue(
    spine, first, second
):
    first.outcomes.append(BROKEN)
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "run")
    assert (await spine.jobs())[-1] == ("render", task_id.hex)
    await advance(spine.runtime, task_id, "render")
    row = await spine.row(task_id)
    assert (row["state"], row["provider"]) == ("success", "second")
    assert await attempts(spine, task_id) == [
        ("first", "refused", None),
        ("second", "finished", 80_000),
    ]


async def test_a_slot_of_the_wrong_queue_only_hands_the_task_over(spine, second):
    task_id = await spine.submit(await spine.key())
    await spine.runtime.pool.execute("TRUNCATE pgqueuer")
    await note_failure(spine.runtime.pool, "first", "down", spine.clock.now(), pause=60)
    await advance(spine.runtime, task_id, "run")
    assert second.starts == []
    assert await spine.jobs() == [("render", task_id.hex)]
    await advance(spine.runtime, task_id, "render")
    assert (await spine.row(task_id))["state"] == "success"


async def test_when_all_refuse_for_good_the_task_fails_with_the_last_word_and_is_refunded(
    spine, first, second
):
    first.outcomes.append(BROKEN)
    second.outcomes.append(Refused("InternalError", "Out of memory"))
    key = await spine.key()
    task_id = await spine.submit(key)
    await advance(spine.runtime, task_id, "run")
    await advance(spine.runtime, task_id, "render")
    row = await spine.row(task_id)
    assert (row["fail_code"], row["fail_message"]) == ("InternalError", "Out of memory")
    assert await spine.balance(key) == (1000, 0, 0)


async def test_when_all_are_full_the_task_waits_and_is_asked_for_again(spine, first, second):
    first.outcomes.append(FULL)
    second.outcomes.append(dataclasses.replace(FULL, retry_after_seconds=9))
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "run")
    await advance(spine.runtime, task_id, "render")
    assert (await spine.row(task_id))["state"] == "processing"
    await advance(spine.runtime, task_id, "run")
    assert len(first.starts) == 1
    spine.clock.advance(4)
    await advance(spine.runtime, task_id, "run")
    assert (await spine.row(task_id))["state"] == "success"
    assert [name for name, *_ in await attempts(spine, task_id)] == ["first", "second", "first"]


async def test_a_task_that_nobody_took_in_time_hears_why(spine, first, second):
    key = await spine.key()
    first.outcomes.append(BROKEN)
    second.outcomes.append(FULL)
    task_id = await spine.submit(key)
    await advance(spine.runtime, task_id, "run")
    await advance(spine.runtime, task_id, "render")
    spine.clock.advance(3600)
    await advance(spine.runtime, task_id, "render")
    assert (await spine.row(task_id))["fail_code"] == "RateLimitExceeded"
    assert await spine.balance(key) == (1000, 0, 0)


@pytest.mark.parametrize(
    "outcome", [Unknown("no answer"), Failed("PromptInvalid", "No."), Started("a", 5)]
)
async def test_after_acceptance_and_after_a_verdict_nobody_else_is_asked(
    spine, first, second, outcome
):
    first.outcomes.append(outcome)
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "run")
    spine.clock.advance(3600)
    await advance(spine.runtime, task_id, "run")
    assert (await spine.row(task_id))["state"] == "failed"
    assert second.starts == []


async def test_a_paid_task_that_failed_upstream_for_free_may_go_to_the_next(spine, first, second):
    first.outcomes.extend([Started("ref", 5), BROKEN])
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "run")
    spine.clock.advance(5)
    await advance(spine.runtime, task_id, "check")
    await advance(spine.runtime, task_id, "render")
    assert (await spine.row(task_id))["state"] == "success"
    assert len(second.starts) == 1


@pytest.mark.parametrize(
    ("routing", "asked"), [("auto", ["cheap", "dear"]), ("value", ["cheap"]), ("official", [])]
)
async def test_the_cheapest_is_asked_first_and_a_key_can_be_bound(
    database_url, tmp_path, routing, asked
):
    dear = ScriptedEngine(name="dear", cost_micros=30_000)
    cheap = ScriptedEngine(name="cheap", cost_micros=10_000)
    async with opened(database_url, tmp_path, dear, cheap) as spine:
        key = await key_of(spine, routing)
        if not asked:
            with pytest.raises(Forbidden, match="'official' has no provider"):
                await spine.submit(key)
            return
        for engine in (cheap, dear):
            engine.outcomes.append(BROKEN)
        task_id = await spine.submit(key)
        for _ in asked:
            await advance(spine.runtime, task_id, "render")
        assert (await spine.row(task_id))["state"] == "failed"
        assert [len(engine.starts) for engine in (cheap, dear)] == [1, len(asked) - 1]


async def test_official_is_dashscope_and_a_provider_is_asked_only_for_what_it_can(
    database_url, tmp_path
):
    text = ScriptedEngine(name="text", modes=frozenset({"text-to-image"}))
    official = ScriptedEngine(name="dashscope", cost_micros=30_000)
    async with opened(database_url, tmp_path, text, official) as spine:
        runtime = spine.runtime
        route = runtime.route(test=False, routing="auto", mode="image-to-image")
        assert [one.name for one in route] == ["dashscope"]
        route = runtime.route(test=False, routing="official", mode="text-to-image")
        assert [one.name for one in route] == ["dashscope"]


async def test_three_failures_open_the_circuit_and_a_success_closes_it(spine, first, second):
    key = await spine.key()
    first.outcomes.extend([Refused("InternalError", "Cannot be reached", 1)] * 3)
    for _ in range(3):
        await advance(spine.runtime, await spine.submit(key), "run")
    now = spine.clock.now()
    assert (await read_health(spine.runtime.pool))["first"].is_open(now)
    await advance(spine.runtime, await spine.submit(key), "run")
    assert len(first.starts) == 3
    spine.clock.advance(10)
    await advance(spine.runtime, await spine.submit(key), "run")
    health = (await read_health(spine.runtime.pool))["first"]
    assert (len(first.starts), health.failures, health.open_until) == (4, 0, None)


async def test_a_full_or_strict_provider_is_not_ill(spine, first):
    first.outcomes.extend([FULL, Failed("SensitiveContentDetected", "No.")])
    key = await spine.key()
    for _ in range(2):
        await advance(spine.runtime, await spine.submit(key), "run")
    assert "first" not in await read_health(spine.runtime.pool)


@pytest.fixture
async def narrow(database_url, tmp_path, first):
    """A spine whose paid provider has two places."""
    first.limits = Limits(tasks_in_flight=2, starts_per_second=1000)
    async with opened(database_url, tmp_path, first) as spine:
        yield spine


async def submit_in_turn(spine, key, number):
    tasks = []
    for _ in range(number):
        tasks.append(await spine.submit(key))
        spine.clock.advance(0.001)
    return tasks


async def run_all(spine, queue):
    """Every queued job of `queue`, as a worker would."""
    rows = await spine.runtime.pool.fetch(
        "DELETE FROM pgqueuer WHERE entrypoint = $1 RETURNING payload", queue
    )
    for row in rows:
        await advance(spine.runtime, uuid.UUID(row["payload"].decode()), queue)


async def test_no_more_tasks_are_in_flight_than_the_account_takes_and_an_ending_wakes_the_next(
    narrow, first
):
    key = await narrow.key()
    first.outcomes.extend([Started("a", 5), Started("b", 5), pictures(4), Started("c", 5)])
    tasks = await submit_in_turn(narrow, key, 4)
    await run_all(narrow, "run")
    assert len(first.starts) == 2
    waiting = [(await narrow.row(task_id))["waits_for"] for task_id in tasks]
    assert waiting == [None, None, "first", "first"]
    narrow.clock.advance(5)
    await advance(narrow.runtime, tasks[0], "check")
    assert await narrow.jobs() == [
        *[job for job in await narrow.jobs() if job[0] == "check"],
        ("run", tasks[2].hex),
    ]
    await run_all(narrow, "run")
    assert [job.task_id for job in first.starts[2:]] == [tasks[2].hex]


async def test_whoever_came_first_gets_the_place_that_is_free(narrow, first):
    key = await narrow.key()
    first.outcomes.extend([Started("a", 5), Started("b", 5)])
    early = await submit_in_turn(narrow, key, 3)
    await run_all(narrow, "run")
    await narrow.runtime.pool.execute("UPDATE tasks SET turn_of = NULL WHERE turn_of = 'first'")
    narrow.clock.advance(1)
    late = await narrow.submit(key)
    await run_all(narrow, "run")
    assert (await narrow.row(late))["waits_for"] == "first"
    assert (await narrow.row(early[2]))["waits_for"] == "first"
    narrow.clock.advance(40)
    await sweep(narrow.runtime)
    first.outcomes.extend([Started("c", 5), Started("d", 5)])
    for _ in range(2):
        await run_all(narrow, "run")
    assert [job.task_id for job in first.starts[2:4]] == [early[2].hex, late.hex]


async def test_a_waiting_task_can_be_cancelled_and_ends_at_its_deadline(narrow, first):
    key = await narrow.key()
    first.outcomes.extend([Started("a", 5), Started("b", 5)])
    tasks = [await narrow.submit(key) for _ in range(4)]
    await run_all(narrow, "run")
    await cancel_task(narrow.runtime, tasks[2])
    narrow.clock.advance(3600)
    await advance(narrow.runtime, tasks[3], "run")
    assert (await narrow.row(tasks[3]))["fail_code"] == "Timeout"
    assert len(first.starts) == 2


async def test_starts_and_checks_keep_their_distance_whatever_the_number_of_workers(
    database_url, tmp_path, first
):
    first.limits = Limits(starts_per_second=20)
    first.outcomes.extend([Started(f"ref-{number}", 5) for number in range(6)])
    async with opened(database_url, tmp_path, first) as spine:
        key = await spine.key()
        tasks = [await spine.submit(key) for _ in range(6)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(advance(spine.runtime, task_id, "run") for task_id in tasks))
        assert loop.time() - began >= 5 / 20
        next_at = await spine.runtime.pool.fetchval("SELECT next_at FROM turns")
        assert next_at - spine.clock.now() == datetime.timedelta(seconds=6 / 20)


async def test_a_cancelled_task_is_called_off_at_its_provider(spine, first):
    first.outcomes.append(Started("ref-1", 5))
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "run")
    await cancel_task(spine.runtime, task_id)
    assert first.cancels == ["ref-1"]


async def test_a_job_that_is_accepted_after_its_task_was_cancelled_is_called_off(spine, first):
    task_id = await spine.submit(await spine.key())

    class Slow(ScriptedEngine):
        async def start(self, job, report):
            await cancel_task(spine.runtime, task_id)
            return Started("too late", 5)

    slow = Slow(name="first", queue="run", reruns=False)
    runtime = dataclasses.replace(
        spine.runtime, providers={**spine.runtime.providers, "first": slow}
    )
    await advance(runtime, task_id, "run")
    assert slow.cancels == ["too late"]
    assert (await spine.row(task_id))["fail_code"] == "Cancelled"


async def lose(spine, first, prompt="a panda"):
    """A task whose paid call was never answered, at the moment when it is looked for."""
    first.outcomes.append(Unknown("no answer"))
    task_id = await spine.submit(await spine.key(), prompt=prompt)
    await advance(spine.runtime, task_id, "run")
    return task_id


async def test_a_lost_call_is_looked_for_and_its_job_taken_up(spine, first):
    task_id = await lose(spine, first)
    first.found = ("ref-7",)
    spine.clock.advance(LOOK_UP_AFTER_SECONDS)
    await advance(spine.runtime, task_id, "check")
    first.outcomes.extend([Running(5), pictures(4)])
    for _ in range(2):
        await advance(spine.runtime, task_id, "check")
        spine.clock.advance(5)
    assert (await spine.row(task_id))["state"] == "success"
    assert (len(first.starts), first.checks) == (1, ["ref-7", "ref-7"])
    assert await attempts(spine, task_id) == [("first", "finished", 40_000)]


@pytest.mark.parametrize("found", [(), ("ref-7", "ref-8")])
async def test_what_cannot_be_told_is_not_taken_and_the_deadline_gives_the_money_back(
    spine, first, found
):
    task_id = await lose(spine, first)
    first.found = found
    for seconds in (LOOK_UP_AFTER_SECONDS, 60, 60, 600):
        spine.clock.advance(seconds)
        await advance(spine.runtime, task_id, "check")
    assert (await spine.row(task_id))["fail_code"] == "Timeout"
    assert len(first.looks) == 3
    assert len(first.starts) == 1


async def test_a_job_of_another_task_of_ours_is_never_taken_for_a_lost_one(spine, first):
    first.outcomes.append(Started("ref-7", 5))
    await advance(spine.runtime, await spine.submit(await spine.key()), "run")
    task_id = await lose(spine, first)
    first.found = ("ref-7",)
    spine.clock.advance(LOOK_UP_AFTER_SECONDS)
    await advance(spine.runtime, task_id, "check")
    assert (await spine.row(task_id))["provider_ref"] is None


async def test_of_two_lost_calls_of_one_moment_neither_takes_a_job(spine, first):
    both = [await lose(spine, first), await lose(spine, first)]
    first.found = ("ref-7",)
    spine.clock.advance(LOOK_UP_AFTER_SECONDS)
    for task_id in both:
        await advance(spine.runtime, task_id, "check")
    assert first.looks == []
    assert [(await spine.row(task_id))["provider_ref"] for task_id in both] == [None, None]


async def test_a_task_whose_jobs_are_lost_again_and_again_is_started_three_times(
    database_url, tmp_path
):
    forgetful = ScriptedEngine(name="forgetful", queue="run")
    lost = Refused("InternalError", "The server has lost the job", 0)
    forgetful.outcomes.extend([Started("a", 0), lost, Started("b", 0), lost, Started("c", 0), lost])
    async with opened(database_url, tmp_path, forgetful) as spine:
        task_id = await spine.submit(await spine.key())
        for _ in range(8):
            await advance(spine.runtime, task_id, "run")
        assert (await spine.row(task_id))["fail_code"] == "InternalError"
        assert len(forgetful.starts) == 3
