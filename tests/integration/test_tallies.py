"""Figures that are added up once say the same as those that are counted, and do not fall."""

import dataclasses
import datetime

import pytest

from heliograph.base.metrics import Figures, read_figures
from heliograph.base.tallies import store
from heliograph.base.tallies.store import UNSETTLED, add_up
from heliograph.providers.provider import Failed
from heliograph.tasks.run import advance
from heliograph.webhooks.notice import Rules
from heliograph.webhooks.prune import prune
from support.spine import Spine, pictures

CALLBACK = "http://127.0.0.1:9/done"
SETTLED_SECONDS = UNSETTLED.total_seconds() + 1


async def work(spine: Spine) -> None:
    """Tasks that were made, in part too, one that failed, and what became of their notices."""
    key = await spine.key()
    for seconds, outcome in (
        (0.5, pictures(4)),
        (7, pictures(2, missing=2)),
        (300, Failed("InternalError", "No.")),
    ):
        task_id = await spine.submit(key, callback_url=CALLBACK)
        spine.engine.outcomes.append(outcome)
        spine.clock.advance(seconds)
        await advance(spine.runtime, task_id, "render")
    await spine.runtime.pool.execute(
        """
        INSERT INTO notice_attempts (notice_id, attempt_no, started_at, latency_ms, status, error)
        SELECT notice_id, number, created_at, 5, status, error FROM notices, (VALUES
            (1, 200, NULL), (2, 500, 'Answered 500.'), (3, NULL, 'No answer.')
        ) AS attempt (number, status, error) WHERE state = 'pending'
        """
    )
    await spine.runtime.pool.execute(
        "UPDATE notices SET state = 'delivered'; UPDATE attempts SET cost_micros = 7;"
        "UPDATE attempts SET outcome = 'unknown' WHERE task_id = (SELECT min(task_id::text)::uuid FROM tasks)"
    )


async def figures(spine: Spine) -> Figures:
    async with spine.runtime.pool.acquire() as connection:
        read = await read_figures(connection, 0)
    assert read.tasks
    return dataclasses.replace(read, queue_oldest_seconds=0)  # grows by itself


async def tallied(spine: Spine) -> int:
    return await spine.runtime.pool.fetchval("SELECT count(*) FROM tallies")


async def test_figures_are_the_same_before_they_are_added_up_and_after(spine: Spine):
    await work(spine)
    before = await figures(spine)
    assert before.webhook_attempts == {"delivered": 3, "refused": 3, "unreachable": 3}
    assert before.providers.costs_micros == {"scripted": 21}
    assert before.unknown_outcomes == {"scripted": 1}
    assert sum(before.providers.charged_micros.values()) == 6 * 30_000
    spine.clock.advance(SETTLED_SECONDS)
    await add_up(spine.runtime.pool, spine.clock.now())
    assert await tallied(spine) > 0
    assert await figures(spine) == before
    await add_up(spine.runtime.pool, spine.clock.now())
    assert await figures(spine) == before


async def test_what_comes_later_is_added_to_it(spine: Spine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "STEP_TASKS", 2)
    await work(spine)
    once = await figures(spine)
    spine.clock.advance(SETTLED_SECONDS)
    assert await add_up(spine.runtime.pool, spine.clock.now()) == 2
    await work(spine)
    spine.clock.advance(SETTLED_SECONDS)
    await add_up(spine.runtime.pool, spine.clock.now())
    twice = await figures(spine)
    assert twice.tasks == {labels: 2 * number for labels, number in once.tasks.items()}
    assert twice.task_seconds == [2 * number for number in once.task_seconds]
    assert twice.task_seconds_sum == 2 * once.task_seconds_sum


async def test_young_and_open_tasks_are_counted_and_not_added_up(spine: Spine):
    key = await spine.key()
    await spine.submit(key)
    spine.clock.advance(SETTLED_SECONDS)
    await work(spine)
    before = await figures(spine)
    await add_up(spine.runtime.pool, spine.clock.now() + datetime.timedelta(days=1))
    names = await spine.runtime.pool.fetch("SELECT DISTINCT figure FROM tallies")
    assert {row["figure"] for row in names} <= {"webhook_attempts"}, "an open task is older"
    assert await figures(spine) == before


async def test_counters_do_not_fall_when_old_deliveries_are_deleted(spine: Spine):
    await work(spine)
    before = await figures(spine)
    spine.clock.advance(91 * 24 * 3600)
    await add_up(spine.runtime.pool, spine.clock.now())
    await prune(spine.runtime.pool, Rules(), now=spine.clock.now())
    assert await spine.runtime.pool.fetchval("SELECT count(*) FROM notice_attempts") == 0
    assert await figures(spine) == before
