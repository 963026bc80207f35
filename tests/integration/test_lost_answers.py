"""Paid submits that are accepted and whose answers are lost, a hundred times: none is sent again."""

import contextlib
from collections import Counter

import pytest

from heliograph.base.clock import SettableClock
from heliograph.base.settings import load_settings
from heliograph.ledger.audit import audit
from heliograph.runtime import open_runtime
from heliograph.tasks.routing.lookup import LOOK_UP_AFTER_SECONDS
from heliograph.tasks.run import advance
from support.dashscope_emulator import Emulator, serving
from support.spine import START, ScriptedEngine, Spine

KEY = "sk-emulator"


@contextlib.asynccontextmanager
async def with_upstream(database_url, folder, emulator):
    """A spine whose provider is the real adapter, before `emulator`."""
    async with serving(emulator) as base_url:
        environ = {
            "HELIOGRAPH_DATABASE_URL": database_url,
            "HELIOGRAPH_DATA_DIR": str(folder),
            "HELIOGRAPH_PROVIDERS": "dashscope",
            "HELIOGRAPH_DASHSCOPE_API_KEY": KEY,
            "HELIOGRAPH_DASHSCOPE_BASE_URL": base_url,
            "HELIOGRAPH_DASHSCOPE_STARTS_PER_SECOND": "10000",  # the clock stands still here
        }
        async with open_runtime(load_settings(environ), emulator.clock) as runtime:
            yield Spine(runtime, emulator.clock, ScriptedEngine())


@pytest.fixture
def emulator():
    return Emulator(api_key=KEY, clock=SettableClock(START), seconds=30)


@pytest.fixture
async def spine(database_url, tmp_path, emulator):
    async with with_upstream(database_url, tmp_path, emulator) as spine:
        yield spine
        assert await audit(spine.runtime.pool) == []


async def lose(spine, key, number, how):
    task_id = await spine.submit(key, prompt=f"lake {number} {{{{accept:{how}}}}}", num_images=1)
    await advance(spine.runtime, task_id, "run")
    assert (await spine.row(task_id))["provider_ref"] is None
    return task_id


async def go_on(spine, tasks, *seconds):
    for pause in seconds:
        spine.clock.advance(pause)
        for task_id in tasks:
            await advance(spine.runtime, task_id, "check")


async def endings(spine, tasks):
    rows = [await spine.row(task_id) for task_id in tasks]
    return Counter(row["fail_code"] or row["state"] for row in rows)


@pytest.mark.parametrize("how", ["drop", "html"])
async def test_50_lost_answers_one_after_the_other_are_all_found_and_none_is_sent_again(
    spine, emulator, how
):
    key = await spine.key()
    tasks = []
    for number in range(50):
        task_id = await lose(spine, key, number, how)
        await go_on(spine, [task_id], LOOK_UP_AFTER_SECONDS, 5, 300)
        tasks.append(task_id)
    assert await endings(spine, tasks) == {"success": 50}
    assert set(Counter(entry["prompt"] for entry in emulator.submits).values()) == {1}
    assert len(emulator.submits) == 50
    assert await spine.balance(key) == (850, 0, 150)


async def test_lost_answers_of_one_moment_end_by_the_deadline_with_all_money_back(spine, emulator):
    key = await spine.key()
    tasks = [await lose(spine, key, number, "drop") for number in range(20)]
    await go_on(spine, tasks, LOOK_UP_AFTER_SECONDS, 60, 600)
    assert await endings(spine, tasks) == {"Timeout": 20}
    assert len(emulator.submits) == 20
    assert await spine.balance(key) == (1000, 0, 0)


async def test_between_answered_submits_a_lost_one_is_told_apart(spine, emulator):
    key = await spine.key()
    plain = [await spine.submit(key, prompt=f"hill {number}", num_images=1) for number in range(3)]
    for task_id in plain:
        await advance(spine.runtime, task_id, "run")
    lost = await lose(spine, key, 0, "drop")
    await go_on(spine, [*plain, lost], LOOK_UP_AFTER_SECONDS, 5)
    assert await endings(spine, [*plain, lost]) == {"success": 4}
    assert len(emulator.submits) == 4
