"""The operator's checks in the life of a task: before the money, before the provider, before the files."""

import base64
import contextlib

import pytest

from heliograph.base.errors import BadRequest
from heliograph.ledger.audit import audit
from heliograph.tasks.run import advance
from support.pictures import encoded, photo
from support.spine import open_spine, pictures


@contextlib.asynccontextmanager
async def watched(database_url, folder, **settings):
    async with open_spine(database_url, folder, **settings) as spine:
        yield spine
        assert await audit(spine.runtime.pool) == []


@pytest.fixture
async def worded(database_url, tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("prohibited: panda tamer\n熊猫\n")
    async with watched(database_url, tmp_path, moderation_words_file=file) as spine:
        yield spine


@pytest.fixture
async def strict(database_url, tmp_path):
    """A judge that objects to whatever the network is not perfectly sure of, which is everything."""
    async with watched(database_url, tmp_path, moderation_picture_threshold=1e-9) as spine:
        yield spine


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"prompt": "A PANDA  tamer"}, "input.prompt", "ProhibitedContentDetected"),
        ({"prompt": "一只熊猫在雪里"}, "input.prompt", "SensitiveContentDetected"),
        ({"negative_prompt": "熊猫"}, "input.negative_prompt", "SensitiveContentDetected"),
    ],
)
async def test_a_word_of_the_list_is_refused_before_any_money_moves(worded, fields, field, code):
    key = await worded.key()
    with pytest.raises(BadRequest) as refused:
        await worded.submit(key, **fields)
    assert refused.value.data["field"] == field
    assert code in refused.value.message
    assert "tamer" not in refused.value.message
    assert await worded.balance(key) == (1000, 0, 0)


async def test_what_is_not_on_the_list_is_taken(worded):
    task_id = await worded.submit(await worded.key(), prompt="a panda and its keeper")
    assert (await worded.row(task_id))["state"] == "pending"


async def test_a_picture_that_was_made_and_is_not_allowed_is_not_shown_and_not_charged(strict):
    key = await strict.key()
    strict.engine.outcomes.append(pictures(2))
    task_id = await strict.submit(key, num_images=2)
    await advance(strict.runtime, task_id, "render")
    row = await strict.row(task_id)
    assert (row["state"], row["fail_code"]) == ("failed", "SensitiveContentDetected")
    assert not list((strict.runtime.settings.data_dir / "files").rglob("*.png"))
    assert await strict.balance(key) == (1000, 0, 0)


async def test_a_reference_that_is_not_allowed_never_reaches_a_provider(strict):
    key = await strict.key()
    data = base64.b64encode(encoded(photo(), "JPEG")).decode()
    task_id = await strict.submit(
        key, mode="image-to-image", image_urls=[f"data:image/jpeg;base64,{data}"]
    )
    await advance(strict.runtime, task_id, "render")
    row = await strict.row(task_id)
    assert row["fail_code"] == "SensitiveContentDetected"
    assert row["fail_message"].startswith("input.image_urls[0]")
    assert strict.engine.starts == []
