"""Calls that are written down with the claim: where a new task has one provider, free and at once."""

import dataclasses

import msgspec
import pytest

from heliograph.providers.provider import Limits
from heliograph.tasks import store
from heliograph.tasks.routing.turn import sure_calls
from heliograph.tasks.run import advance
from heliograph.tasks.task import LEASE_SECONDS, MOST_STARTS
from support.spine import ScriptedEngine

PANDA = {"mode": "text-to-image"}
EDIT = {"mode": "image-to-image", "image_urls": ["https://93.184.216.34/a.png"]}


async def claim(spine, task_id, queue="render"):
    calls = sure_calls(spine.runtime, queue)
    now = spine.clock.now()
    [task] = await store.claim_tasks(spine.runtime.pool, [task_id], now, LEASE_SECONDS, calls)
    return task


async def attempts(spine):
    rows = await spine.runtime.pool.fetch(
        "SELECT claim_no, provider, outcome FROM attempts ORDER BY claim_no"
    )
    return [tuple(row) for row in rows]


async def test_a_claim_writes_down_the_call_and_the_call_is_made_once(spine):
    task_id = await spine.submit(await spine.key())
    await advance(spine.runtime, task_id, "render")
    assert await attempts(spine) == [(1, "scripted", "finished")]
    assert len(spine.engine.starts) == 1
    row = await spine.row(task_id)
    assert (row["state"], row["starts"], row["claim_no"]) == ("success", 1, 1)


async def test_what_was_written_down_counts_when_its_worker_dies(spine):
    task_id = await spine.submit(await spine.key())
    for number in range(1, MOST_STARTS):
        task = await claim(spine, task_id)
        assert (task.begun, task.starts) == (number == 1, 1)
        spine.clock.advance(LEASE_SECONDS + 1)
    await advance(spine.runtime, task_id, "render")
    assert await attempts(spine) == [(1, "scripted", "failed"), (3, "scripted", "finished")]
    assert (await spine.row(task_id))["starts"] == 2


@pytest.mark.parametrize(
    ("queue", "fields", "late_seconds"),
    [("run", PANDA, 0), ("render", EDIT, 0), ("render", PANDA, 100_000)],
    ids=["elsewhere", "with references", "after the deadline"],
)
async def test_nothing_is_written_down_that_may_not_be_called_for(
    spine, queue, fields, late_seconds
):
    task_id = await spine.submit(await spine.key(), **fields)
    spine.clock.advance(late_seconds)
    task = await claim(spine, task_id, queue)
    assert (task.begun, task.provider, task.starts) == (False, None, 0)
    assert await attempts(spine) == []


@pytest.mark.parametrize(
    "change",
    [
        {"reruns": False},
        {"limits": Limits(tasks_in_flight=1)},
        {"limits": Limits(starts_per_second=2.0)},
    ],
    ids=str,
)
async def test_a_call_that_costs_or_waits_for_its_turn_is_not_sure(spine, change):
    assert [call.provider for call in sure_calls(spine.runtime, "render")] == ["scripted"] * 2
    for name, value in change.items():
        setattr(spine.engine, name, value)
    assert sure_calls(spine.runtime, "render") == []


async def test_only_a_key_of_one_provider_has_sure_calls(spine):
    runtime = spine.runtime
    two = dataclasses.replace(
        runtime,
        settings=msgspec.structs.replace(runtime.settings, providers=("studio", "other")),
        providers={**runtime.providers, "other": ScriptedEngine(name="other", cost_micros=1)},
    )
    calls = sure_calls(two, "render")
    assert [(call.routing, call.provider) for call in calls] == [("value", "scripted")]
