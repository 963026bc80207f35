"""The catalogue agrees with the documented limits, with itself, and with the published schema."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from heliograph.catalog.body import EXAMPLES, GenerateTaskBody
from heliograph.catalog.model import Model
from heliograph.catalog.models import MODELS
from heliograph.catalog.request import read_submission
from heliograph.catalog.spelling import did_you_mean, nearest
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE


def schema() -> dict[str, Any]:
    (_,), components = msgspec.json.schema_components((GenerateTaskBody,))
    return components


def test_wan_2_5_image_has_the_documented_limits() -> None:
    model = MODELS["wan-2-5-image"]
    assert (model.min_images, model.max_images, model.default_images) == (1, 4, 4)
    assert (model.max_prompt_characters, model.max_negative_prompt_characters) == (2000, 500)
    assert model.default_ratio == "1:1"
    assert [mode.unit_price_micros for mode in model.modes.values()] == [30_000, 30_000]
    assert (model.references.min_side_px, model.references.max_side_px) == (384, 5000)
    assert model.references.max_bytes == 10_485_760
    assert model.references.formats == ("JPEG", "PNG", "BMP", "WEBP")
    assert (model.first_poll_seconds, model.poll_interval_seconds) == (10, 5)


@pytest.mark.parametrize(
    ("mode", "sizes"),
    [
        ("text-to-image", "1:1=1280x1280 3:4=1104x1472 4:3=1472x1104 9:16=960x1696 16:9=1696x960"),
        (
            "image-to-image",
            (
                "1:1=1280x1280 2:3=800x1200 3:2=1200x800 3:4=960x1280 4:3=1280x960 "
                "9:16=720x1280 16:9=1280x720 21:9=1344x576"
            ),
        ),
    ],
)
def test_each_ratio_has_the_size_of_the_upstream_model(mode: str, sizes: str) -> None:
    found = WAN_2_5_IMAGE.modes[mode].sizes.items()
    assert " ".join(f"{ratio}={width}x{height}" for ratio, (width, height) in found) == sizes


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_model_agrees_with_itself(model: Model) -> None:
    assert MODELS[model.model_id] is model
    assert model.min_images <= model.default_images <= model.max_images
    assert model.references.min_side_px < model.references.max_side_px
    for name, mode in model.modes.items():
        assert mode.name == name
        assert model.default_ratio in mode.sizes
        assert 0 <= mode.min_references <= mode.max_references
        assert mode.unit_price_micros >= 0
        for ratio, (width, height) in mode.sizes.items():
            across, down = map(int, ratio.split(":"))
            assert width / height == pytest.approx(across / down, rel=0.02)


def test_the_catalogue_cannot_be_changed_while_it_is_served() -> None:
    with pytest.raises(TypeError):
        MODELS["other"] = WAN_2_5_IMAGE  # type: ignore[index]
    with pytest.raises(TypeError):
        WAN_2_5_IMAGE.modes["text-to-image"].sizes["2:1"] = (2, 1)  # type: ignore[index]


def test_every_field_of_the_published_schema_is_described_with_an_example() -> None:
    components = schema()
    properties = components["GenerateTaskBody"]["properties"] | components["Input"]["properties"]
    assert len(properties) == 11
    for name, published in properties.items():
        assert published["description"].endswith("."), name
        if name != "input":
            assert "examples" in published or "examples" in published["anyOf"][0], name


def test_the_published_schema_has_the_limits_of_the_catalogue() -> None:
    components = schema()
    assert components["GenerateTaskBody"]["required"] == ["input"]
    assert components["Input"]["required"] == ["mode", "prompt"]
    published = components["Input"]["properties"]
    ratios = {ratio for mode in WAN_2_5_IMAGE.modes.values() for ratio in mode.sizes}
    assert set(published["mode"]["enum"]) == set(WAN_2_5_IMAGE.modes)
    assert set(published["aspect_ratio"]["anyOf"][0]["enum"]) == ratios
    assert published["aspect_ratio"]["default"] == WAN_2_5_IMAGE.default_ratio
    assert published["num_images"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 4}
    assert published["num_images"]["default"] == WAN_2_5_IMAGE.default_images
    assert published["image_urls"]["maxItems"] == 3


def test_a_mode_that_may_go_without_reference_images_needs_no_list() -> None:
    edit = replace(WAN_2_5_IMAGE.modes["image-to-image"], min_references=0)
    model = replace(WAN_2_5_IMAGE, modes=MappingProxyType({"image-to-image": edit}))
    body = msgspec.json.encode({"input": EXAMPLES["callback"]["input"] | {"image_urls": None}})
    read = read_submission(body, model, check_callback=print, check_image_url=print)
    assert read.image.image_urls == ()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("promt", "prompt"),
        ("PROMPT", "prompt"),
        ("imageUrls", "image_urls"),
        ("zebra", None),
        ("", None),
        ("prompt" * 10, None),
    ],
)
def test_the_nearest_known_name_is_found_or_none(name: str, meant: str | None) -> None:
    known = ["prompt", "mode", "image_urls"]
    assert nearest(name, known) == meant
    assert did_you_mean(name, known) == (f" Did you mean {meant}?" if meant else "")
