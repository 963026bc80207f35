"""Cancel and finish at the same moment: one of them ends the task, and the money follows that one."""

import asyncio
import random

from heliograph.base.errors import Conflict
from heliograph.ledger.audit import audit
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.run import advance
from support.spine import open_spine

RACES = 500


async def test_a_cancel_raced_against_the_finish_makes_exactly_one_ending(database_url, tmp_path):
    dice = random.Random(2026)
    async with open_spine(database_url, tmp_path) as spine:
        key = await spine.key(dollars=100)
        ends = [await one_race(spine, key, dice.random() * 0.012) for _ in range(RACES)]
        won = sum(end == "Cancelled" for end in ends)
        print(f"\n{RACES} races: {won} cancelled, {RACES - won} finished")
        assert 0 < won < RACES
        assert await audit(spine.runtime.pool) == []
        assert await spine.balance(key) == (10_000 - 3 * (RACES - won), 0, 3 * (RACES - won))


async def one_race(spine, key, head_start_seconds):
    """How it ended: `Cancelled`, or None for success."""
    task_id = await spine.submit(key, num_images=1)

    async def cancel():
        await asyncio.sleep(head_start_seconds)
        return await cancel_task(spine.runtime, task_id)

    _, cancelled = await asyncio.gather(
        advance(spine.runtime, task_id, "render"), cancel(), return_exceptions=True
    )
    row = await spine.row(task_id)
    moved = await spine.runtime.pool.fetch(
        "SELECT kind FROM transfers WHERE task_id = $1 ORDER BY transfer_id", task_id
    )
    if row["state"] == "success":
        assert isinstance(cancelled, Conflict)
        assert [one["kind"] for one in moved] == ["hold", "charge"]
    else:
        assert cancelled.fail_code == row["fail_code"] == "Cancelled"
        assert [one["kind"] for one in moved] == ["hold", "release"]
    return row["fail_code"]
