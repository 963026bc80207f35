"""The studio provider draws the pictures of a job side by side in real child processes."""

import asyncio
import dataclasses
import io
import itertools
import subprocess
import sys
from dataclasses import dataclass, field

import pytest
from PIL import Image

from heliograph.providers.provider import Failed, Finished, Made, Missing, Unknown
from heliograph.providers.studio import StudioProvider
from heliograph_studio import Picture, StudioError
from support.image_jobs import ignore, image_job, reference

SMALL = (192, 128)


@dataclass
class Awkward:
    """An engine that does what the script says for each seed, and remembers its orders."""

    script: dict = field(default_factory=dict)
    orders: list = field(default_factory=list)
    cancelled: set = field(default_factory=set)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    async def draw(self, order, report):
        self.orders.append(order)
        deed = self.script.get(order.seed)
        if deed == "wait":
            await self.wait(order.seed)
        if isinstance(deed, Exception):
            raise deed
        report(0.5)
        return Picture(b"png", deed or ())

    async def wait(self, seed):
        if len(self.orders) == len(self.script):
            self.busy.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.add(seed)

    async def close(self):
        self.closed = True


def with_engine(engine, tmp_path):
    return StudioProvider(2, tmp_path, open_engine=lambda *_: engine)


async def test_the_real_studio_draws_every_picture_in_the_exact_size(tmp_path):
    provider = StudioProvider(2, tmp_path)
    progress = []
    try:
        job = image_job("a red castle by a lake", num_images=2, size=SMALL)
        outcome = await provider.start(job, progress.append)
    finally:
        await provider.close()
    assert isinstance(outcome, Finished)
    files = [image.data for image in outcome.images if isinstance(image, Made)]
    assert [Image.open(io.BytesIO(file)).size for file in files] == [SMALL, SMALL]
    assert len(set(files)) == 2
    assert all(sum(before) <= sum(after) for before, after in itertools.pairwise(progress))
    assert progress[-1] == (1.0, 1.0)


async def test_each_picture_has_a_seed_of_its_own_and_all_references(tmp_path):
    engine = Awkward()
    given = reference(Image.new("RGB", (400, 400)))
    job = image_job("x", num_images=3, size=SMALL, references=(given,), seed=40)
    await with_engine(engine, tmp_path).start(job, ignore)
    assert [order.seed for order in engine.orders] == [40, 41, 42]
    assert {order.references for order in engine.orders} == {(given.data,)}
    assert {(order.width, order.height) for order in engine.orders} == {SMALL}


async def test_one_picture_that_fails_is_missing_and_the_others_are_kept(tmp_path):
    engine = Awkward({8: StudioError("out of paint")})
    outcome = await with_engine(engine, tmp_path).start(image_job(num_images=3), ignore)
    assert [type(image) for image in outcome.images] == [Made, Missing, Made]
    assert outcome.images[1].code == "InternalError"
    assert "out of paint" in outcome.images[1].message


async def test_a_job_of_which_every_picture_fails_has_failed(tmp_path):
    engine = Awkward({7: StudioError("out of paint"), 8: StudioError("out of paint")})
    outcome = await with_engine(engine, tmp_path).start(image_job(num_images=2), ignore)
    assert isinstance(outcome, Failed)
    assert outcome.code == "InternalError"


async def test_progress_is_told_for_each_picture(tmp_path):
    progress = []
    await with_engine(Awkward(), tmp_path).start(image_job(num_images=2), progress.append)
    assert progress == [(0.5, 0.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0)]


async def test_the_same_warning_of_several_pictures_comes_once(tmp_path):
    engine = Awkward({7: ("no dragons", "no fog"), 8: ("no fog", "no lions")})
    outcome = await with_engine(engine, tmp_path).start(image_job(num_images=2), ignore)
    assert outcome.warnings == ("no dragons", "no fog", "no lions")


async def test_what_was_understood_is_told_beside_the_warnings(tmp_path):
    class Telling(Awkward):
        async def draw(self, order, report):
            picture = await super().draw(order, report)
            return dataclasses.replace(picture, scene="panda; snow, day")

    engine = Telling({7: ("no dragons",)})
    outcome = await with_engine(engine, tmp_path).start(image_job(num_images=2), ignore)
    assert outcome.scene == "panda; snow, day"
    assert outcome.warnings == ("no dragons",)


async def test_cancelling_a_job_cancels_every_picture_of_it(tmp_path):
    engine = Awkward({7: "wait", 8: "wait"})
    start = asyncio.create_task(
        with_engine(engine, tmp_path).start(image_job(num_images=2), ignore)
    )
    await engine.busy.wait()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert engine.cancelled == {7, 8}


async def test_the_engine_is_opened_by_the_first_job_and_closed_with_the_provider(tmp_path):
    engine = Awkward()
    provider = with_engine(engine, tmp_path)
    await provider.close()
    assert not engine.closed
    await provider.start(image_job(), ignore)
    await provider.close()
    assert engine.closed


async def test_the_studio_knows_no_job_to_check(tmp_path):
    provider = with_engine(Awkward(), tmp_path)
    assert isinstance(await provider.check(image_job(), "x"), Unknown)


def test_importing_the_provider_loads_no_drawing_library():
    listing = "import sys, heliograph.providers.studio; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"heliograph_studio", "numpy", "numba", "PIL"} & set(loaded)
