"""The rehearsal plays what the prompt asks, costs nothing and survives a restart."""

import datetime
import io

import pytest
from PIL import Image

from heliograph.base.clock import SettableClock
from heliograph.providers.provider import (
    FAIL_CODES,
    Failed,
    Finished,
    Made,
    Missing,
    Running,
    Started,
    Unknown,
)
from heliograph.providers.rehearsal import RehearsalProvider
from support.image_jobs import ignore, image_job


@pytest.fixture
def clock():
    return SettableClock(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


@pytest.fixture
def rehearsal(clock):
    return RehearsalProvider(clock)


async def test_pictures_come_at_once_in_the_exact_size_and_differ_from_each_other(rehearsal):
    progress = []
    outcome = await rehearsal.start(image_job(num_images=4, size=(1696, 960)), progress.append)
    assert isinstance(outcome, Finished)
    files = [image.data for image in outcome.images if isinstance(image, Made)]
    assert len(set(files)) == 4
    assert {Image.open(io.BytesIO(file)).size for file in files} == {(1696, 960)}
    assert {Image.open(io.BytesIO(file)).format for file in files} == {"PNG"}
    assert max(map(len, files)) < 100_000
    assert progress == [(1.0, 1.0, 1.0, 1.0)]


async def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(rehearsal):
    first = await rehearsal.start(image_job(seed=7), ignore)
    assert first == await rehearsal.start(image_job(seed=7), ignore)
    assert first != await rehearsal.start(image_job(seed=8), ignore)


async def test_partial_leaves_out_the_rest_with_the_sensitive_content_code(rehearsal):
    outcome = await rehearsal.start(image_job("x [[partial:1]]", num_images=3), ignore)
    assert [type(image) for image in outcome.images] == [Made, Missing, Missing]
    assert {image.code for image in outcome.images[1:]} == {"SensitiveContentDetected"}


async def test_partial_with_fail_names_the_code_of_the_missing_pictures(rehearsal):
    job = image_job("[[fail:RateLimitExceeded]][[partial:1]]", num_images=2)
    outcome = await rehearsal.start(job, ignore)
    assert outcome.images[1].code == "RateLimitExceeded"


async def test_partial_of_more_than_was_asked_for_leaves_nothing_out(rehearsal):
    outcome = await rehearsal.start(image_job("[[partial:4]]", num_images=2), ignore)
    assert [type(image) for image in outcome.images] == [Made, Made]


@pytest.mark.parametrize("code", FAIL_CODES)
async def test_every_fail_code_can_be_had(rehearsal, code):
    outcome = await rehearsal.start(image_job(f"a lake [[fail:{code}]]"), ignore)
    assert isinstance(outcome, Failed)
    assert outcome.code == code


async def test_a_delayed_task_runs_with_growing_progress_and_then_ends(rehearsal, clock):
    job = image_job("[[delay:5]] [[partial:1]]", num_images=2)
    started = await rehearsal.start(job, ignore)
    assert started == Started("1767225600000-1767225605000", 1.0)
    clock.advance(1)
    assert await rehearsal.check(job, started.ref) == Running(1.0, 0.2)
    clock.advance(3.5)
    assert await rehearsal.check(job, started.ref) == Running(0.5, 0.9)
    clock.advance(0.5)
    outcome = await rehearsal.check(job, started.ref)
    assert [type(image) for image in outcome.images] == [Made, Missing]


async def test_a_delay_goes_on_in_another_process(rehearsal, clock):
    job = image_job("[[delay:5]][[fail:PromptInvalid]]")
    started = await rehearsal.start(job, ignore)
    clock.advance(6)
    outcome = await RehearsalProvider(clock).check(job, started.ref)
    assert outcome.code == "PromptInvalid"


async def test_never_is_running_for_as_long_as_anyone_asks(rehearsal, clock):
    job = image_job("[[never]]")
    started = await rehearsal.start(job, ignore)
    clock.advance(100_000)
    assert isinstance(await rehearsal.check(job, started.ref), Running)


async def test_unknown_comes_at_once_or_after_the_delay(rehearsal, clock):
    assert isinstance(await rehearsal.start(image_job("[[unknown]]"), ignore), Unknown)
    job = image_job("[[unknown]][[delay:0.5]]")
    started = await rehearsal.start(job, ignore)
    clock.advance(0.5)
    assert isinstance(await rehearsal.check(job, started.ref), Unknown)


@pytest.mark.parametrize(
    "prompt",
    [
        "[[fail]]",
        "[[fail:Nonsense]]",
        "[[fail:PromptInvalid:x]]",
        "[[partial:0]]",
        "[[partial:5]]",
        "[[partial:one]]",
        "[[partial:]]",
        "[[delay]]",
        "[[delay:-1]]",
        "[[delay:3601]]",
        "[[delay:1e3]]",
        "[[delay:nan]]",
        "[[never:1]]",
        "[[never:]]",
        "[[unknown:1]]",
        "[[explode]]",
        "[[]]",
        "[[ never ]]",
        "[[a\nb]]",
        "[[never]][[unknown]]",
        "[[fail:Timeout]][[never]]",
        "[[partial:1]][[unknown]]",
        "[[delay:1]][[delay:1]]",
    ],
)
async def test_a_wrong_directive_fails_as_a_bad_request_that_lists_the_right_ones(
    rehearsal, prompt
):
    outcome = await rehearsal.start(image_job(prompt), ignore)
    assert isinstance(outcome, Failed)
    assert outcome.code == "BadRequest"
    for directive in ("[[delay:", "[[partial:", "[[fail:", "[[unknown]]", "[[never]]"):
        assert directive in outcome.message


async def test_single_brackets_are_ordinary_text(rehearsal):
    assert isinstance(await rehearsal.start(image_job("a [lake] ]] [ ["), ignore), Finished)
