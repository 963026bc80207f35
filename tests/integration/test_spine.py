"""The life of a task, step by step, on a real database with a clock that is set."""

import asyncio
import dataclasses
import json

import pytest

from heliograph.base.errors import Conflict, PaymentRequired, TooManyRequests
from heliograph.catalog.prices import load_prices
from heliograph.ledger.audit import audit
from heliograph.providers.provider import Failed, Running, Started, Unknown
from heliograph.tasks import store
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.finish import finish
from heliograph.tasks.pictures import store_pictures
from heliograph.tasks.rescue import sweep
from heliograph.tasks.retention.expire import expire_files
from heliograph.tasks.run import advance
from heliograph.tasks.submit import Accepted, submit_tasks
from heliograph.tasks.task import GRACE_SECONDS, LEASE_SECONDS, failed
from support.spine import open_spine, pictures


async def outcomes(spine):
    rows = await spine.runtime.pool.fetch("SELECT outcome FROM attempts ORDER BY claim_no")
    return [row["outcome"] for row in rows]


async def files(spine):
    root = spine.runtime.settings.data_dir / "files" / "results"
    return sorted(path.name for path in root.rglob("*") if path.is_file())


async def test_a_submitted_task_waits_with_its_money_held_and_a_job_queued(spine):
    key = await spine.key(dollars=10)
    task_id = await spine.submit(key, num_images=4)
    assert (await spine.row(task_id))["state"] == "pending"
    assert await spine.balance(key) == (988, 12, 0)
    assert await spine.jobs() == [("render", task_id.hex)]


async def test_of_tasks_in_one_commit_only_those_that_cannot_pay_are_refused(spine):
    rich, poor = await spine.key(dollars=1), await spine.key(dollars=0.05)
    asked = [
        spine.asked(poor, num_images=2),
        spine.asked(rich, num_images=4),
        spine.asked(poor, num_images=1),
        spine.asked(poor, num_images=1),
    ]
    answers = await submit_tasks(spine.runtime, asked)
    assert [type(answer) for answer in answers] == [
        PaymentRequired,
        Accepted,
        Accepted,
        PaymentRequired,
    ]
    assert answers[3].message.startswith(
        "Insufficient balance: the task needs $0.03, available is $0.02"
    )
    assert await spine.balance(poor) == (2, 3, 0)


async def test_the_limit_of_live_tasks_is_judged_before_the_money(spine):
    key = await spine.key(dollars=0.04, max_live_tasks=1)
    await spine.submit(key, num_images=1)
    with pytest.raises(TooManyRequests) as refused:
        await spine.submit(key, num_images=1)
    assert refused.value.headers["Retry-After"] == "5"


async def test_a_crowd_of_one_account_waits_behind_the_first_task_of_another(spine):
    crowd, other = await spine.key(), await spine.key()
    for _ in range(3):
        await spine.submit(crowd)
    await spine.submit(other)
    rows = await spine.runtime.pool.fetch("SELECT priority FROM pgqueuer ORDER BY id")
    assert [row["priority"] for row in rows] == [0, -1, -2, 0]


async def test_a_finished_task_has_its_files_its_charge_and_its_notice(spine):
    key = await spine.key()
    task_id = await spine.submit(key, num_images=2, callback_url="https://example.com/hook")
    spine.clock.advance(7)
    await advance(spine.runtime, task_id, "render")
    row = await spine.row(task_id)
    assert (row["state"], row["provider"]) == ("success", "scripted")
    assert await spine.balance(key) == (994, 0, 6)
    assert len(await files(spine)) == 2
    body = json.loads(await spine.runtime.pool.fetchval("SELECT body FROM notices"))
    assert body["data"]["costTime"] == 7000
    assert len(json.loads(body["data"]["resultJson"])["resultUrls"]) == 2
    assert (
        "deliver",
        (await spine.runtime.pool.fetchval("SELECT notice_id FROM notices")).hex,
    ) in (await spine.jobs())


async def test_only_the_images_that_were_made_are_charged_and_the_rest_is_given_back(spine):
    key = await spine.key()
    spine.engine.outcomes.append(pictures(1, missing=3))
    task_id = await spine.submit(key, num_images=4)
    await advance(spine.runtime, task_id, "render")
    row = await spine.row(task_id)
    assert row["state"] == "success"
    assert [image.get("fail_code") for image in row["images"]] == [
        None,
        *["SensitiveContentDetected"] * 3,
    ]
    assert await spine.balance(key) == (997, 0, 3)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (pictures(0, missing=4), "SensitiveContentDetected"),
        (
            Failed("PromptInvalid", "Prompt is invalid or rejected by the model service"),
            "PromptInvalid",
        ),
        (RuntimeError("a defect"), "InternalError"),
    ],
)
async def test_a_task_of_which_nothing_was_made_fails_and_costs_nothing(spine, outcome, code):
    key = await spine.key()
    spine.engine.outcomes.append(outcome)
    task_id = await spine.submit(key)
    await advance(spine.runtime, task_id, "render")
    row = await spine.row(task_id)
    assert (row["state"], row["fail_code"]) == ("failed", code)
    assert row["fail_message"]
    assert await spine.balance(key) == (1000, 0, 0)


async def test_an_image_that_is_no_picture_is_not_charged(spine):
    key = await spine.key()
    broken = pictures(2)
    broken = dataclasses.replace(
        broken, images=(broken.images[0], dataclasses.replace(broken.images[1], data=b"<html>"))
    )
    spine.engine.outcomes.append(broken)
    await advance(spine.runtime, await spine.submit(key, num_images=2), "render")
    assert await spine.balance(key) == (997, 0, 3)


async def test_a_remote_job_is_checked_until_it_is_done_without_holding_a_slot(spine):
    spine.engine.queue, spine.engine.reruns = "run", False
    spine.engine.outcomes.extend([Started("job-1", 5), Running(5, 0.5), pictures(4)])
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "run")
    assert (await spine.row(task_id))["provider_ref"] == "job-1"
    assert ("check", task_id.hex) in await spine.jobs()
    await advance(spine.runtime, task_id, "run")
    assert spine.engine.checks == []
    spine.clock.advance(5)
    await advance(spine.runtime, task_id, "run")
    assert (await spine.row(task_id))["progress"] == [0.5] * 4
    spine.clock.advance(5)
    await advance(spine.runtime, task_id, "run")
    assert (await spine.row(task_id))["state"] == "success"
    assert (len(spine.engine.starts), spine.engine.checks) == (1, ["job-1", "job-1"])


@pytest.mark.parametrize("lost", [Unknown("the connection broke"), ConnectionResetError()])
async def test_after_an_unknown_outcome_a_paid_call_is_never_made_again(spine, lost):
    spine.engine.queue, spine.engine.reruns = "run", False
    key = await spine.key()
    spine.engine.outcomes.append(lost)
    task_id = await spine.submit(key)
    for seconds in (0, LEASE_SECONDS, 60, 600):
        spine.clock.advance(seconds)
        await advance(spine.runtime, task_id, "run")
    row = await spine.row(task_id)
    assert (row["state"], row["fail_code"]) == ("failed", "Timeout")
    assert len(spine.engine.starts) == 1
    assert await spine.balance(key) == (1000, 0, 0)
    assert await outcomes(spine) == ["unknown"]


async def crash_in_start(spine, task_id):
    """What a worker leaves behind that dies between the intention and the answer."""
    pool, now = spine.runtime.pool, spine.clock.now()
    [task] = await store.claim_tasks(pool, [task_id], now, LEASE_SECONDS)
    call = store.Call(task_id, task.claim_no, spine.engine.name)
    assert await store.begin_attempts(pool, [call], now) == [True]
    spine.clock.advance(LEASE_SECONDS)
    return task


async def test_a_worker_that_dies_in_a_paid_call_leaves_a_known_unknown(spine):
    spine.engine.reruns = False
    task_id = await spine.submit(await spine.key())
    await crash_in_start(spine, task_id)
    await advance(spine.runtime, task_id, "render")
    assert spine.engine.starts == []
    assert await outcomes(spine) == ["unknown"]
    assert ("check", task_id.hex) in await spine.jobs()


async def test_an_engine_of_our_own_is_asked_again_at_most_twice(spine):
    task_id = await spine.submit(await spine.key())
    for _ in range(3):
        await crash_in_start(spine, task_id)
    await advance(spine.runtime, task_id, "render")
    assert spine.engine.starts == []
    assert (await spine.row(task_id))["fail_code"] == "InternalError"


async def test_a_task_started_again_has_the_same_seed(spine):
    task_id = await spine.submit(await spine.key())
    spine.engine.outcomes.append(asyncio.Event())
    first = asyncio.create_task(advance(spine.runtime, task_id, "render"))
    await until(lambda: spine.engine.starts)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    row = await spine.row(task_id)
    assert (row["state"], row["starts"]) == ("processing", 0)
    await advance(spine.runtime, task_id, "render")
    assert len({job.seed for job in spine.engine.starts}) == 1
    assert (await spine.row(task_id))["state"] == "success"


async def test_the_first_reference_wins_whoever_holds_the_claim(spine):
    spine.engine.reruns = False
    task_id = await spine.submit(await spine.key())
    late = await crash_in_start(spine, task_id)
    [current] = await store.claim_tasks(spine.runtime.pool, [task_id], spine.clock.now(), 60)
    now = spine.clock.now()
    assert await store.save_ref(spine.runtime.pool, late, "first", now)
    assert not await store.save_ref(spine.runtime.pool, current, "second", now)
    assert (await spine.row(task_id))["provider_ref"] == "first"


async def test_a_late_worker_cannot_end_a_task_and_its_files_are_deleted_again(spine):
    key = await spine.key()
    task_id = await spine.submit(key)
    late = await crash_in_start(spine, task_id)
    await advance(spine.runtime, task_id, "render")
    kept = await files(spine)
    ending = await store_pictures(spine.runtime, late, pictures(4))
    assert len(await files(spine)) == 8
    assert await finish(spine.runtime, late, ending) is None
    assert await finish(spine.runtime, late, failed("Timeout", "late")) is None
    assert await files(spine) == kept
    assert await spine.balance(key) == (988, 0, 12)


async def test_two_workers_at_once_start_a_task_once(spine):
    task_id = await spine.submit(await spine.key())
    await asyncio.gather(*(advance(spine.runtime, task_id, "render") for _ in range(8)))
    assert len(spine.engine.starts) == 1
    assert (await spine.row(task_id))["claim_no"] == 1


async def test_a_task_whose_time_is_up_while_its_call_is_written_down_leaves_no_call_open(
    database_url, tmp_path
):
    async with open_spine(database_url, tmp_path, task_deadline_seconds=0.3) as spine:
        spine.engine.reruns = False
        task_id = await spine.submit(await spine.key())
        pool = spine.runtime.pool
        async with pool.acquire() as other:
            writing = other.transaction()
            await writing.start()
            # whoever writes the same row has to wait until this one is there or is not
            await other.execute(
                "INSERT INTO attempts (task_id, claim_no, provider, outcome, intended_at)"
                " VALUES ($1, 1, 'other', 'intended', now())",
                task_id,
            )
            step = asyncio.create_task(advance(spine.runtime, task_id, "render"))
            done, _ = await asyncio.wait({step}, timeout=1)
            assert not done
            await writing.rollback()
        await step
        row = await spine.row(task_id)
        assert (row["state"], row["fail_code"], spine.engine.starts) == ("failed", "Timeout", [])
        assert await pool.fetchval("SELECT outcome FROM attempts") == "unknown"


async def test_the_deadline_ends_a_task_that_is_being_worked_on(database_url, tmp_path):
    async with open_spine(database_url, tmp_path, task_deadline_seconds=0.2) as spine:
        key = await spine.key()
        spine.engine.outcomes.append(asyncio.Event())
        task_id = await spine.submit(key)
        await advance(spine.runtime, task_id, "render")
        assert (await spine.row(task_id))["fail_code"] == "Timeout"
        assert await spine.balance(key) == (1000, 0, 0)
        assert await audit(spine.runtime.pool) == []


async def test_a_pending_task_is_cancelled_at_once_and_costs_nothing(spine):
    key = await spine.key()
    task_id = await spine.submit(key)
    assert (await cancel_task(spine.runtime, task_id)).fail_code == "Cancelled"
    await advance(spine.runtime, task_id, "render")
    assert spine.engine.starts == []
    assert await spine.balance(key) == (1000, 0, 0)


async def test_cancelling_stops_the_worker_that_holds_the_task(spine):
    never = asyncio.Event()
    spine.engine.outcomes.append(never)
    task_id = await spine.submit(await spine.key())
    worker = asyncio.create_task(advance(spine.runtime, task_id, "render"))
    await until(lambda: spine.engine.starts)
    await cancel_task(spine.runtime, task_id)
    await asyncio.wait_for(worker, 10)
    assert (await spine.row(task_id))["fail_code"] == "Cancelled"
    with pytest.raises(Conflict, match="its state is failed"):
        await cancel_task(spine.runtime, task_id)


async def test_what_is_nudged_already_keeps_no_younger_task_from_the_sweep(spine, monkeypatch):
    monkeypatch.setattr("heliograph.tasks.rescue.MOST_NUDGES", 1)
    key = await spine.key()
    tasks = [await spine.submit(key) for _ in range(3)]
    for task in tasks:
        await store.claim_tasks(spine.runtime.pool, [task], spine.clock.now(), LEASE_SECONDS)
        spine.clock.advance(1)
    await spine.runtime.pool.execute("DELETE FROM pgqueuer")
    spine.clock.advance(LEASE_SECONDS + GRACE_SECONDS)
    assert [await sweep(spine.runtime) for _ in range(4)] == [1, 1, 1, 0]
    assert await spine.jobs() == [("render", task.hex) for task in tasks]


async def test_the_sweep_nudges_what_nobody_looks_after_and_nothing_else(spine):
    key = await spine.key()
    forgotten, held, fresh = [await spine.submit(key) for _ in range(3)]
    await spine.runtime.pool.execute("DELETE FROM pgqueuer")
    assert await sweep(spine.runtime) == 0
    await crash_in_start(spine, held)
    spine.clock.advance(5)
    assert await sweep(spine.runtime) == 1
    spine.clock.advance(60)
    await advance(spine.runtime, fresh, "render")
    await sweep(spine.runtime)
    await sweep(spine.runtime)
    assert sorted(await spine.jobs()) == sorted([("render", forgotten.hex), ("render", held.hex)])


async def test_files_are_deleted_when_their_time_is_over(spine):
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "render")
    spine.clock.advance(167 * 3600)
    assert await expire_files(spine.runtime) == 0
    spine.clock.advance(3600)
    assert await expire_files(spine.runtime) == 1
    assert await files(spine) == []
    row = await spine.row(task_id)
    assert (row["state"], row["files_deleted_at"]) == ("success", spine.clock.now())
    assert await expire_files(spine.runtime) == 0


@pytest.mark.parametrize("outcome", [pictures(4), Failed("InternalError", "Broken.")])
async def test_what_a_worker_left_that_was_killed_before_the_ending_is_deleted_too(spine, outcome):
    task_id = await spine.submit(await spine.key())
    now, pool = spine.clock.now(), spine.runtime.pool
    [killed] = await store.claim_tasks(pool, [task_id], now, LEASE_SECONDS)
    await store_pictures(spine.runtime, killed, pictures(4))
    spine.clock.advance(LEASE_SECONDS + 1)
    spine.engine.outcomes.append(outcome)
    await advance(spine.runtime, task_id, "render")
    assert len(await files(spine)) >= 4
    spine.clock.advance(168 * 3600)
    assert await expire_files(spine.runtime) == 1
    assert await files(spine) == []


async def test_a_bad_reference_image_fails_the_task_and_names_image_and_limit(spine):
    key = await spine.key()
    tiny = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
    task_id = await spine.submit(key, mode="image-to-image", image_urls=[tiny])
    await advance(spine.runtime, task_id, "render")
    row = await spine.row(task_id)
    assert row["fail_code"] == "BadRequest"
    assert "input.image_urls[0]" in row["fail_message"]
    assert "384" in row["fail_message"]
    assert spine.engine.starts == []
    assert await spine.balance(key) == (1000, 0, 0)


async def test_the_price_of_a_task_is_that_of_its_submit(spine):
    key = await spine.key()
    task_id = await spine.submit(key, num_images=1)
    dearer = load_prices("[wan-2-5-image.text-to-image]\ndefault = 1", spine.runtime.models)
    await advance(dataclasses.replace(spine.runtime, prices=dearer), task_id, "render")
    assert await spine.balance(key) == (997, 0, 3)


async def test_a_test_key_rehearses_and_pays_nothing(spine):
    key = await spine.key(dollars=0, test=True)
    task_id = await spine.submit(key, prompt="a panda [[partial:2]]")
    await advance(spine.runtime, task_id, "run")
    row = await spine.row(task_id)
    assert (row["state"], row["provider"]) == ("success", "rehearsal")
    assert sum("path" in image for image in row["images"]) == 2
    assert await spine.balance(key) == (0, 0, 0)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
