"""What `heliograph doctor` says of the work of a deployment."""

import uuid

from heliograph.cli.check_work import LATE_SECONDS, check_work
from heliograph.operators.workers.store import note_alive


async def found(spine):
    return {check.what: check async for check in check_work(spine.runtime)}


async def worker(spine, *queues):
    worker_id = uuid.uuid4()
    await note_alive(spine.runtime.pool, worker_id, "host", 1, list(queues))
    return worker_id


async def test_where_nothing_is_asked_for_nothing_is_wrong(spine):
    checks = await found(spine)
    assert all(check.ok for check in checks.values())
    assert checks["tasks"].found == "none open"


async def test_jobs_that_no_worker_serves_are_named_with_the_remedy(spine):
    await spine.submit(await spine.key(), num_images=1)
    assert not (await found(spine))["workers"].ok
    await worker(spine, "deliver")
    checks = await found(spine)
    assert "render" in checks["workers"].found
    assert "heliograph worker" in checks["workers"].remedy
    await worker(spine, "render")
    assert (await found(spine))["workers"].ok


async def test_a_worker_that_has_been_silent_is_none(spine):
    await spine.submit(await spine.key(), num_images=1)
    await worker(spine, "render")
    await spine.runtime.pool.execute("UPDATE workers SET seen_at = seen_at - interval '2 minutes'")
    assert not (await found(spine))["workers"].ok


async def test_a_queue_whose_oldest_job_waits_for_long_asks_for_workers(spine):
    await spine.submit(await spine.key(), num_images=1)
    assert (await found(spine))["queue render"].ok
    await spine.runtime.pool.execute(
        "UPDATE pgqueuer SET execute_after = execute_after - interval '5 minutes'"
    )
    check = (await found(spine))["queue render"]
    assert not check.ok
    assert "the oldest for 30" in check.found
    assert "--queues render" in check.remedy


async def test_a_task_long_past_its_deadline_is_stuck(spine):
    await spine.submit(await spine.key(), num_images=1)
    deadline_seconds = spine.runtime.settings.task_deadline_seconds
    spine.clock.advance(deadline_seconds + LATE_SECONDS - 1)
    assert (await found(spine))["tasks"].ok
    spine.clock.advance(2)
    check = (await found(spine))["tasks"]
    assert not check.ok
    assert "open since 2026-11-22 12:00:00" in check.found
