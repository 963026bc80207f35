"""Every kind of picture through the whole intake: scanned, judged, decoded in a child, made uniform."""

import io

import pytest
import pytest_asyncio
from PIL import Image

from heliograph.base.errors import PictureRefused
from heliograph.base.outbound import Outbound
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE
from heliograph.intake.decode import MAX_RESULT_BYTES, Decoder
from heliograph.intake.fetch import Intake
from support.bad_pictures import bad_pictures
from support.pictures import encoded, good_pictures, noise, rotated

LIMITS = WAN_2_5_IMAGE.references
GOOD, BAD = good_pictures(), bad_pictures()

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def intake():
    """One intake for all, so that a child which one picture hurts fails the next."""
    decoder = Decoder(processes=1)
    async with Outbound() as outbound:
        yield Intake(outbound, decoder)
    await decoder.close()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_picture_is_taken_and_made_uniform(intake: Intake, name: str):
    reference = await intake.check(GOOD[name](), LIMITS, "acc")
    picture = opened(reference.data)
    picture.load()
    assert picture.mode == "RGB"
    assert picture.size == (reference.width, reference.height)
    assert picture.get_format_mimetype() == reference.content_type
    assert not {"exif", "icc_profile", "comment", "transparency"} & set(picture.info)


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_picture_is_refused_with_its_reason(intake: Intake, name: str):
    reason, make = BAD[name]
    with pytest.raises(PictureRefused, match=reason):
        await intake.check(make(), LIMITS, "acc")


@pytest.mark.parametrize(
    ("orientation", "size", "first_pixel"),
    [
        (1, (480, 400), "red"),
        (3, (480, 400), "white"),
        (6, (400, 480), "blue"),
        (8, (400, 480), "green"),
    ],
)
async def test_a_turned_picture_is_put_upright(
    intake: Intake, orientation: int, size: tuple[int, int], first_pixel: str
):
    reference = await intake.check(rotated(orientation), LIMITS, "acc")
    assert (reference.width, reference.height) == size
    red, green, blue = (channel > 128 for channel in opened(reference.data).getpixel((9, 9)))
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}
    assert names[red, green, blue] == first_pixel


@pytest.mark.parametrize("name", ["jpeg with a profile", "webp with a profile"])
async def test_colours_are_those_that_the_profile_means(intake: Intake, name: str):
    reference = await intake.check(GOOD[name](), LIMITS, "acc")
    red, green, blue = opened(reference.data).getpixel((9, 9))
    assert blue > 200 > red + green


async def test_sixteen_bits_are_scaled_and_not_clipped(intake: Intake):
    reference = await intake.check(GOOD["png 16-bit grey"](), LIMITS, "acc")
    assert opened(reference.data).getpixel((0, 0)) == (128, 128, 128)


async def test_the_first_of_several_pictures_is_taken(intake: Intake):
    reference = await intake.check(GOOD["jpeg of two pictures"](), LIMITS, "acc")
    assert (reference.width, reference.height) == (400, 400)


async def test_what_a_file_carries_besides_its_picture_is_gone(intake: Intake):
    for name in ("jpeg with a script", "jpeg with a zip behind", "png with text"):
        reference = await intake.check(GOOD[name](), LIMITS, "acc")
        assert not any(word in reference.data for word in (b"<script>", b"PK\3\4", b"<?php"))


async def test_small_and_lossless_pictures_stay_lossless_and_large_photographs_become_jpeg(
    intake: Intake,
):
    small, large = noise(400, 500), noise(1200, 1000)
    kept = await intake.check(encoded(small, "PNG"), LIMITS, "acc")
    assert opened(kept.data).tobytes() == small.tobytes()
    assert (await intake.check(encoded(large, "PNG"), LIMITS, "acc")).content_type == "image/png"
    assert (await intake.check(encoded(large, "JPEG"), LIMITS, "acc")).content_type == "image/jpeg"


async def test_a_result_stays_below_what_providers_take(intake: Intake):
    reference = await intake.check(encoded(noise(1800, 1800), "PNG"), LIMITS, "acc")
    assert reference.content_type == "image/jpeg"
    assert len(reference.data) <= MAX_RESULT_BYTES
