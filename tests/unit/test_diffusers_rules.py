"""What the diffusers provider decides without any model: placement, recipes, messages, its page."""

import inspect
import io
import re

import pytest

from heliograph.providers.diffusers import provider as rules
from heliograph.providers.diffusers.messages import Cancel, Order, encode, read
from heliograph.providers.diffusers.painter import ModelFault
from heliograph.providers.diffusers.placement import WORKING_BYTES, placement
from heliograph.providers.diffusers.recipes import RECIPES, recipe_of
from heliograph.providers.provider import Missing, Refused
from support.source import ROOT

GIB = 1024**3
PAGE = (ROOT / "docs" / "how-to" / "diffusers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("gib", "where"),
    [(80, "whole"), (23, "whole"), (22.9, "parts"), (15, "parts"), (14.9, "layers")],
)
def test_a_model_lies_in_memory_as_far_as_there_is_room_beside_the_work(gib, where):
    assert WORKING_BYTES == 3 * GIB
    assert placement([12 * GIB, 8 * GIB], int(gib * GIB)) == where


def test_a_distilled_model_takes_few_steps_and_its_base_many():
    index = {"_class_name": "Flux2KleinPipeline"}
    assert recipe_of(index | {"is_distilled": True}).steps < 10 < recipe_of(index).steps


@pytest.mark.parametrize("name", ["StableDiffusionPipeline", None, 7, ["ZImagePipeline"]])
def test_a_pipeline_without_a_recipe_is_named_beside_those_that_have_one(name):
    with pytest.raises(ModelFault) as caught:
        recipe_of({"_class_name": name})
    assert str(name) in caught.value.reason
    assert all(known in caught.value.remedy for known in RECIPES)


def test_messages_are_read_as_they_were_written_until_the_stream_ends():
    order = Order(3, "雪", None, 10, 20, 7, (b"\0\xff", b""))
    stream = io.BytesIO(encode(order) + encode(Cancel(3)) + b"\0\0")
    assert [read(stream), read(stream)] == [order, Cancel(3)]
    with pytest.raises(EOFError):
        read(stream)


def test_noise_on_the_pipe_is_no_message():
    with pytest.raises(EOFError):
        read(io.BytesIO(b"\xff\xff\xff\xff and more"))


def test_the_page_has_every_pipeline_with_its_steps_and_no_other():
    rows = re.findall(r"^\| `(\w+Pipeline)` .* \| (\d+) \|$", PAGE, re.MULTILINE)
    klein = recipe_of({"_class_name": "Flux2KleinPipeline", "is_distilled": True})
    assert dict(rows) == {
        name: str((klein if "Klein" in name else recipe).steps) for name, recipe in RECIPES.items()
    }


def test_the_page_has_every_message_that_a_customer_may_get_and_no_other():
    told = {one.message for one in vars(rules).values() if isinstance(one, Refused | Missing)}
    assert told == set(re.findall(r"^\| (The image .*\.) \|", PAGE, re.MULTILINE))


def test_the_page_has_every_setting_of_the_provider_and_no_other():
    ours = {"alarm", "painter", "cache_dir", "patience_seconds", "cancel_seconds"}
    options = set(inspect.signature(rules.DiffusersProvider).parameters) - ours
    assert set(re.findall(r"HELIOGRAPH_DIFFUSERS_(\w+)", PAGE)) == {
        name.upper() for name in options
    }
