"""What an account was charged, day by day."""

import datetime

from heliograph.ledger.days.day import Day, every_day
from heliograph.ledger.days.store import read_days
from heliograph.tasks.run import advance
from support.spine import START, pictures

TODAY = START.date()
DAY_SECONDS = 86_400


async def charge(spine, key, made: int) -> None:
    """Let a task of two pictures end, of which so many were made."""
    task_id = await spine.submit(key, num_images=2)
    spine.engine.outcomes.append(pictures(made, missing=2 - made))
    await advance(spine.runtime, task_id, "render")


async def test_each_day_has_what_was_charged_on_it_and_for_how_many_tasks(spine):
    key, other = await spine.key(dollars=1), await spine.key(dollars=1)
    await charge(spine, key, 2)
    await charge(spine, key, 1)
    await charge(spine, other, 2)
    spine.clock.advance(2 * DAY_SECONDS)
    await charge(spine, key, 1)
    later = TODAY + datetime.timedelta(days=2)
    found = await read_days(spine.runtime.pool, key.account_id, TODAY)
    assert sorted(found) == [Day(TODAY, 90_000, 2), Day(later, 30_000, 1)]
    next_day = TODAY + datetime.timedelta(days=1)
    assert await read_days(spine.runtime.pool, key.account_id, next_day) == [Day(later, 30_000, 1)]
    assert every_day(found, later, 3) == [
        Day(TODAY, 90_000, 2),
        Day(next_day, 0, 0),
        Day(later, 30_000, 1),
    ]
