"""Lists of tasks, narrowed in every way that there is."""

import datetime

import pytest

from heliograph.tasks.observe.store import Wanted, list_details
from heliograph.tasks.run import advance
from support.spine import START, pictures

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
async def key(spine):
    """Of an account with five tasks, one an hour; the first has ended."""
    key = await spine.key()
    for number in range(5):
        task_id = await spine.submit(key, prompt=f"Panda {number}", num_images=1)
        if number == 0:
            spine.engine.outcomes.append(pictures(1))
            await advance(spine.runtime, task_id, "render")
        spine.clock.advance(HOUR.total_seconds())
    await spine.submit(await spine.key(), prompt="another's")
    return key


async def prompts(spine, **wanted) -> list[str]:
    found = await list_details(spine.runtime.pool, Wanted(wanted.pop("limit", 50), **wanted))
    return [task.request["prompt"] for task in found]


async def test_the_youngest_come_first_and_those_of_others_not_at_all(spine, key):
    expected = [f"Panda {number}" for number in (4, 3, 2, 1, 0)]
    assert await prompts(spine, account_id=key.account_id) == expected
    assert await prompts(spine) == ["another's", *expected]
    assert await prompts(spine, account_id=key.account_id, limit=2) == expected[:2]


async def test_a_time_begins_with_its_first_moment_and_ends_before_its_last(spine, key):
    found = await prompts(
        spine,
        account_id=key.account_id,
        created_after=START + HOUR,
        created_before=START + 3 * HOUR,
    )
    assert found == ["Panda 2", "Panda 1"]
    microsecond = datetime.timedelta(microseconds=1)
    late = await prompts(
        spine,
        account_id=key.account_id,
        created_after=START + HOUR + microsecond,
        created_before=START + 3 * HOUR + microsecond,
    )
    assert late == ["Panda 3", "Panda 2"]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"state": "success"}, [0]),
        ({"state": "pending"}, [4, 3, 2, 1]),
        ({"state": "failed"}, []),
        ({"words": "PANDA 3"}, [3]),
        ({"words": "zebra"}, []),
        ({"mode": "text-to-image", "model": "wan-2-5-image"}, [4, 3, 2, 1, 0]),
        ({"mode": "image-to-image"}, []),
        ({"state": "pending", "words": "2", "created_after": START}, [2]),
    ],
)
async def test_conditions_narrow_it_each_alone_and_together(spine, key, wanted, numbers):
    found = await prompts(spine, account_id=key.account_id, **wanted)
    assert found == [f"Panda {number}" for number in numbers]
