"""The one ending of a task: what it writes beside state and money, and whom it tells."""

import asyncio
import dataclasses
import datetime

import asyncpg
import pytest

from heliograph.base import database
from heliograph.base.errors import Busy
from heliograph.providers.provider import Failed, Started
from heliograph.tasks import store
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.finish import finish
from heliograph.tasks.low_balance import Watch, watch_account
from heliograph.tasks.run import advance
from heliograph.tasks.task import LEASE_SECONDS, failed
from support.spine import CENT_MICROS, ScriptedEngine, open_spine, pictures

LOST = Failed("InternalError", "Broken.")


class Unreachable(ScriptedEngine):
    """Takes a job and is never heard of again."""

    async def cancel(self, job, ref):
        self.cancels.append(ref)
        raise ConnectionResetError(ref)


async def started_remotely(spine, **fields):
    """A task whose job runs at a provider that is paid, under the ref `job-1`."""
    spine.engine.queue, spine.engine.reruns = "run", False
    spine.engine.outcomes.append(Started("job-1", 5))
    task_id = await spine.submit(await spine.key(), **fields)
    await advance(spine.runtime, task_id, "run")
    return task_id


async def claimed(spine, task_id):
    """The task as the worker has it that made a call and waits for the answer."""
    pool, now = spine.runtime.pool, spine.clock.now()
    [task] = await store.claim_tasks(pool, [task_id], now, LEASE_SECONDS)
    call = store.Call(task_id, task.claim_no, spine.engine.name)
    assert await store.begin_attempts(pool, [call], now) == [True]
    return task


async def attempt(spine, task_id):
    """The only call of a task."""
    (row,) = await spine.runtime.pool.fetch("SELECT * FROM attempts WHERE task_id = $1", task_id)
    return row


async def test_a_job_past_its_deadline_is_called_off(spine):
    task_id = await started_remotely(spine)
    spine.clock.advance(24 * 3600)
    await advance(spine.runtime, task_id, "run")
    assert (await spine.row(task_id))["fail_code"] == "Timeout"
    assert spine.engine.cancels == ["job-1"]


@pytest.mark.parametrize("outcome", [pictures(4), LOST])
async def test_a_job_that_has_answered_is_not_called_off(spine, outcome):
    task_id = await started_remotely(spine)
    spine.engine.outcomes.append(outcome)
    spine.clock.advance(5)
    await advance(spine.runtime, task_id, "run")
    assert (await spine.row(task_id))["completed_at"] == spine.clock.now()
    assert spine.engine.cancels == []


async def test_without_a_reference_there_is_nothing_to_call_off(spine):
    task_id = await spine.submit(await spine.key())
    await claimed(spine, task_id)
    await cancel_task(spine.runtime, task_id)
    assert spine.engine.cancels == []


async def test_a_provider_that_cannot_be_reached_delays_no_ending(spine):
    unreachable = Unreachable()
    spine.runtime.providers["studio"] = spine.runtime.providers["scripted"] = unreachable
    spine = dataclasses.replace(spine, engine=unreachable)
    task_id = await started_remotely(spine)
    assert (await cancel_task(spine.runtime, task_id)).fail_code == "Cancelled"
    assert unreachable.cancels == ["job-1"]


async def test_a_job_of_a_provider_that_is_no_more_ends_all_the_same(spine):
    task_id = await started_remotely(spine)
    del spine.runtime.providers["scripted"]
    assert (await cancel_task(spine.runtime, task_id)).fail_code == "Cancelled"
    assert spine.engine.cancels == []


@pytest.mark.parametrize(
    ("reruns", "ending", "outcome"),
    [
        (False, failed("Cancelled", "Nobody waits."), "unknown"),
        (False, failed("Timeout", "Too late."), "unknown"),
        (True, failed("Cancelled", "Nobody waits."), "failed"),
        (False, failed("InternalError", "A defect."), "failed"),
    ],
)
async def test_a_paid_call_that_was_cut_off_may_have_been_accepted(spine, reruns, ending, outcome):
    spine.engine.reruns = reruns
    task_id = await spine.submit(await spine.key())
    task = await claimed(spine, task_id)
    assert (await finish(spine.runtime, task, ending)).state == "failed"
    row = await attempt(spine, task_id)
    assert (row["outcome"], row["detail"]) == (outcome, ending.fail_message)
    assert row["ended_at"] == spine.clock.now()


@pytest.mark.parametrize(
    ("outcome", "word", "cost_micros"),
    [(pictures(1, missing=3), "finished", 7), (LOST, "failed", 0)],
)
async def test_a_call_is_noted_with_its_end_and_what_it_cost(spine, outcome, word, cost_micros):
    spine.engine.cost_micros = 7
    spine.engine.outcomes.append(outcome)
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "render")
    row = await attempt(spine, task_id)
    assert (row["outcome"], row["cost_micros"]) == (word, cost_micros)


@pytest.mark.parametrize(
    ("outcome", "own_hours", "hours"),
    [(pictures(1, missing=3), None, 168), (pictures(4), 2, 2), (LOST, None, None), (LOST, 2, None)],
)
async def test_files_are_kept_as_long_as_was_asked_for_or_as_all_are(
    spine, outcome, own_hours, hours
):
    task_id = await spine.submit(await spine.key())
    await spine.runtime.pool.execute("UPDATE tasks SET retention_hours = $1", own_hours)
    spine.engine.outcomes.append(outcome)
    await advance(spine.runtime, task_id, "render")
    until = None if hours is None else spine.clock.now() + datetime.timedelta(hours=hours)
    assert (await spine.row(task_id))["files_expire_at"] == until


async def test_what_an_earlier_worker_may_have_left_expires_when_it_has_let_go(spine):
    task_id = await spine.submit(await spine.key())
    await claimed(spine, task_id)
    spine.clock.advance(LEASE_SECONDS)
    spine.engine.outcomes.append(LOST)
    await advance(spine.runtime, task_id, "render")
    row = await spine.row(task_id)
    assert (row["claim_no"], row["fail_code"]) == (2, "InternalError")
    let_go = datetime.timedelta(seconds=LEASE_SECONDS)
    assert row["files_expire_at"] == spine.clock.now() + let_go


async def test_a_balance_at_its_threshold_is_not_low(spine):
    key = await spine.key(dollars=1)
    await spine.submit(key, num_images=1)
    task_id = await spine.submit(key, num_images=1)
    watch = Watch(webhook_url="https://example.com/hook", low_balance_micros=94 * CENT_MICROS)
    await watch_account(spine.runtime.pool, key.account_id, watch)
    await advance(spine.runtime, task_id, "render")
    assert await spine.balance(key) == (94, 3, 3)
    assert await spine.runtime.pool.fetchval("SELECT count(*) FROM notices") == 0


async def test_nobody_is_told_who_did_not_ask_for_it(spine):
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "render")
    assert await spine.runtime.pool.fetchval("SELECT count(*) FROM notices") == 0


async def test_an_ending_that_has_begun_is_written_though_its_worker_is_told_to_stop(
    database_url, tmp_path
):
    async with open_spine(database_url, tmp_path) as spine:
        key = await spine.key()
        task_id = await spine.submit(key, num_images=1)
        task = await claimed(spine, task_id)
        async with spine.runtime.pool.acquire() as other, other.transaction():
            await other.execute("SELECT FROM tasks WHERE task_id = $1 FOR UPDATE", task_id)
            ending = asyncio.create_task(finish(spine.runtime, task, failed("BadRequest", "No.")))
            await until_somebody_waits(spine)
            ending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await ending
        async with asyncio.timeout(10):
            while (await spine.row(task_id))["state"] != "failed":
                await asyncio.sleep(0.01)
        assert await spine.balance(key) == (1000, 0, 0)


async def test_an_ending_that_cannot_be_written_keeps_no_other_from_it(spine):
    key = await spine.key()
    at_fault, other = [await claimed(spine, await spine.submit(key)) for _ in range(2)]
    await spine.runtime.pool.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN RAISE EXCEPTION ''refused''; END';
        CREATE TRIGGER refused BEFORE UPDATE ON tasks FOR EACH ROW
            WHEN (NEW.fail_message = 'at fault') EXECUTE FUNCTION refuse();
        """
    )
    raised, ended = await asyncio.gather(
        finish(spine.runtime, at_fault, failed("BadRequest", "at fault")),
        finish(spine.runtime, other, failed("BadRequest", "No.")),
        return_exceptions=True,
    )
    assert isinstance(raised, asyncpg.RaiseError)
    assert (ended.task_id, ended.fail_message) == (other.task_id, "No.")
    assert (await spine.row(at_fault.task_id))["state"] == "processing"
    assert await spine.balance(key) == (988, 12, 0)


async def test_without_a_connection_nothing_is_ended_and_may_be_tried_again(spine, monkeypatch):
    monkeypatch.setattr(database, "ACQUIRE_SECONDS", 0.1)
    key = await spine.key()
    task = await claimed(spine, await spine.submit(key))
    pool = spine.runtime.pool
    held = [await pool.acquire() for _ in range(pool.get_max_size())]
    with pytest.raises(Busy, match="no connection to spare"):
        await finish(spine.runtime, task, failed("BadRequest", "No."))
    for connection in held:
        await pool.release(connection)
    assert (await finish(spine.runtime, task, failed("BadRequest", "No."))).state == "failed"
    assert await spine.balance(key) == (1000, 0, 0)


async def until_somebody_waits(spine):
    """Until a statement waits for a lock."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
        """
    async with asyncio.timeout(10):
        while not await spine.runtime.pool.fetchval(waiting):
            await asyncio.sleep(0.01)
