"""The sd-server provider against an emulator on loopback: every state, every kind of trouble."""

import asyncio
import base64
import contextlib
import datetime
import io
import json
import os
import socket
import sys

import pytest
from msgspec import structs
from PIL import Image
from structlog.testing import capture_logs

from heliograph.base.clock import SettableClock
from heliograph.base.errors import OperatorError
from heliograph.providers.provider import (
    Failed,
    Finished,
    ImageJob,
    Made,
    Missing,
    Refused,
    Running,
    Started,
)
from heliograph.providers.sdcpp import provider as module
from heliograph.providers.sdcpp import server
from heliograph.providers.sdcpp.provider import SdcppProvider
from support.image_jobs import ignore, image_job, reference
from support.sdcpp_emulator import MODEL, Emulator, serving

SMALL = (192, 128)


@pytest.fixture
def clock():
    return SettableClock(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


@pytest.fixture
def emulator(clock):
    return Emulator(clock=clock, seconds=60)


@pytest.fixture
def alarms():
    return []


@pytest.fixture
async def provider(emulator, alarms):
    async with serving(emulator) as base_url, opened(base_url, alarms) as provider:
        yield provider


@contextlib.asynccontextmanager
async def opened(base_url, alarms):
    async def alarm(name, code, remedy):
        assert name == "sdcpp"
        assert remedy
        alarms.append(code)

    provider = SdcppProvider(base_url=base_url, alarm=alarm)
    try:
        yield provider
    finally:
        await provider.close()


def small_job(prompt="a lake", **options) -> ImageJob:
    return image_job(prompt, size=SMALL, **options)


async def finish(provider, clock, job):
    """The outcome once the job's time at the server is over."""
    started = await provider.start(job, ignore)
    assert isinstance(started, Started)
    clock.advance(60)
    return await provider.check(job, started.ref)


def nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_job_is_queued_behind_others_then_generating_then_finished(provider, clock):
    first, job = small_job("first"), small_job("second", num_images=3)
    await provider.start(first, ignore)
    started = await provider.start(job, ignore)
    assert started.check_after_seconds == 2
    assert await provider.check(job, started.ref) == Running(2.0)
    clock.advance(60)
    assert await provider.check(job, started.ref) == Running(2.0)
    clock.advance(60)
    outcome = await provider.check(job, started.ref)
    assert isinstance(outcome, Finished)
    assert [type(image) for image in outcome.images] == [Made] * 3
    assert len({image.data for image in outcome.images}) == 3
    assert {Image.open(io.BytesIO(image.data)).size for image in outcome.images} == {SMALL}
    assert outcome.warnings == ()


async def test_a_submit_has_these_fields_and_no_other(provider, emulator):
    job = image_job("a lake", num_images=2, size=(1696, 960))
    await provider.start(job, ignore)
    assert emulator.bodies == [
        {
            "prompt": "a lake",
            "negative_prompt": "",
            "width": 1696,
            "height": 960,
            "seed": 7,
            "batch_count": 2,
            "embed_image_metadata": False,
            "output_format": "png",
        }
    ]


async def test_an_edit_sends_its_references_and_what_is_not_wanted(provider, emulator):
    pair = (
        reference(Image.new("RGB", (400, 500))),
        reference(Image.new("RGB", (384, 384)), "JPEG"),
    )
    job = small_job("swap them", references=pair)
    request = structs.replace(job.request, negative_prompt="fog")
    started = await provider.start(ImageJob("1" * 32, request, pair, 7), ignore)
    assert isinstance(started, Started)
    [body] = emulator.bodies
    assert [base64.b64decode(text) for text in body["ref_images"]] == [one.data for one in pair]
    assert body["negative_prompt"] == "fog"


async def test_no_seed_is_negative_because_that_would_be_a_random_one(provider, emulator):
    await provider.start(small_job(seed=-1), ignore)
    await provider.start(small_job(seed=2**40 + 5), ignore)
    assert [body["seed"] for body in emulator.bodies] == [2**31 - 1, 5]


async def test_the_place_in_the_queue_is_logged(provider):
    for prompt in ("first", "second"):
        await provider.start(small_job(prompt), ignore)
    job = small_job("third")
    started = await provider.start(job, ignore)
    with capture_logs() as lines:
        await provider.check(job, started.ref)
    assert [line["position"] for line in lines] == [2]


async def test_progress_is_told_where_the_server_counts_steps(provider, clock):
    job = small_job("{{steps:20}}")
    started = await provider.start(job, ignore)
    clock.advance(15)
    assert await provider.check(job, started.ref) == Running(2.0, 0.25)


async def test_pictures_that_were_not_made_are_missing_and_the_rest_is_kept(provider, clock):
    outcome = await finish(provider, clock, small_job("{{partial:3}}", num_images=4))
    assert [type(image) for image in outcome.images] == [Made, Made, Made, Missing]
    assert outcome.images[3].code == "InternalError"


@pytest.mark.parametrize("how", ["text", "broken"])
async def test_what_is_no_picture_is_missing(provider, clock, how):
    outcome = await finish(provider, clock, small_job(f"{{{{picture:{how}}}}}", num_images=2))
    assert [type(image) for image in outcome.images] == [Missing, Made]


async def test_a_picture_of_another_size_is_kept_and_told(provider, clock):
    outcome = await finish(provider, clock, small_job("{{picture:size}}"))
    assert isinstance(outcome.images[0], Made)
    assert outcome.warnings == ("The image engine made 96x64 pixels instead of 192x128",)


@pytest.mark.parametrize("prompt", ["{{fail:out of memory}}", "{{partial:0}}", "{{picture:text}}"])
async def test_a_job_without_any_picture_is_left_to_others_and_the_operator_is_told(
    provider, clock, alarms, prompt
):
    outcome = await finish(provider, clock, small_job(prompt))
    assert outcome == Refused("InternalError", "The image engine failed to make the pictures", None)
    assert alarms == ["GenerationFailed"]


async def test_a_full_queue_refuses_for_a_while(emulator, alarms):
    emulator.max_queue_size = 1
    async with serving(emulator) as base_url, opened(base_url, alarms) as provider:
        assert isinstance(await provider.start(small_job(), ignore), Started)
        outcome = await provider.start(small_job(), ignore)
    assert outcome.code == "RateLimitExceeded"
    assert outcome.retry_after_seconds == 10
    assert alarms == []


async def test_a_server_that_is_not_there_is_asked_again_in_five_seconds(alarms):
    async with opened(nobody_listens(), alarms) as provider:
        outcome = await provider.start(small_job(), ignore)
    assert outcome == Refused("InternalError", "The image engine cannot be reached", 5.0)
    assert alarms == []


@pytest.mark.parametrize("prompt", ["{{accept:drop}}", "{{submit:500:server_error}}"])
async def test_a_lost_or_broken_submit_may_be_made_again(provider, alarms, prompt):
    outcome = await provider.start(small_job(prompt), ignore)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_seconds == 5
    assert alarms == []


async def test_a_request_that_the_server_does_not_take_fails_and_the_operator_is_told(
    provider, alarms
):
    outcome = await provider.start(image_job(size=(63, 128)), ignore)
    assert isinstance(outcome, Failed)
    assert outcome.code == "BadRequest"
    assert alarms == ["BadRequest"]


@pytest.mark.parametrize("prompt", ["{{submit:404:}}", "{{submit:413:}}", "{{accept:html}}"])
async def test_what_is_no_sd_server_is_not_asked_again_for_the_task(provider, alarms, prompt):
    outcome = await provider.start(small_job(prompt), ignore)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_seconds is None
    assert alarms == ["Unsuited"]


async def test_a_model_for_videos_is_the_fault_of_the_operator(clock, alarms):
    emulator = Emulator(clock=clock, modes=("vid_gen",))
    async with serving(emulator) as base_url, opened(base_url, alarms) as provider:
        outcome = await provider.start(small_job(), ignore)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_seconds is None
    assert alarms == ["Unsuited"]


async def test_a_job_that_a_restart_has_lost_may_be_made_again_at_once(provider, emulator, clock):
    job = small_job()
    started = await provider.start(job, ignore)
    emulator.restart()
    outcome = await provider.check(job, started.ref)
    assert outcome == Refused("InternalError", "The image engine lost the job", 0)
    assert isinstance(await finish(provider, clock, job), Finished)


async def test_a_job_that_has_expired_may_be_made_again_at_once(provider, clock):
    job = small_job()
    started = await provider.start(job, ignore)
    clock.advance(60 + 600)
    outcome = await provider.check(job, started.ref)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_seconds == 0


@pytest.mark.parametrize("how", ["html", "odd", "404", "429", "500", "502"])
async def test_trouble_with_a_poll_is_waited_out_longer_and_longer(provider, clock, how):
    job = small_job(f"{{{{poll:{how}:3}}}}")
    started = await provider.start(job, ignore)
    clock.advance(60)
    waits = [(await provider.check(job, started.ref)).check_after_seconds for _ in range(3)]
    assert waits == [2.0, 4.0, 8.0]
    assert isinstance(await provider.check(job, started.ref), Finished)


async def test_an_answer_without_end_is_not_read_to_the_end(provider, clock, alarms, monkeypatch):
    monkeypatch.setattr(server, "MAX_ANSWER_BYTES", 400)
    outcome = await finish(provider, clock, small_job())
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_seconds is None
    assert alarms == ["GenerationFailed"]


async def test_only_so_many_jobs_in_trouble_are_remembered(alarms, monkeypatch):
    monkeypatch.setattr(module, "MAX_REMEMBERED_JOBS", 2)
    async with opened(nobody_listens(), alarms) as provider:
        for ref in ("job_1", "job_2", "job_3"):
            await provider.check(small_job(), ref)
        assert list(provider._misses) == ["job_2", "job_3"]


async def test_a_poll_whose_connection_breaks_is_trouble_as_well(provider):
    job = small_job("{{poll:drop:99}}")
    started = await provider.start(job, ignore)
    waits = [(await provider.check(job, started.ref)).check_after_seconds for _ in range(3)]
    assert waits == [2.0, 4.0, 8.0]


async def test_a_server_that_has_gone_is_asked_once_a_minute_in_the_end(alarms):
    job = small_job()
    async with opened(nobody_listens(), alarms) as provider:
        waits = [(await provider.check(job, "job_1")).check_after_seconds for _ in range(8)]
    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


async def test_the_wait_starts_anew_once_the_server_has_answered(provider):
    job = small_job("{{poll:500:1}}")
    started = await provider.start(job, ignore)
    for expected in (2.0, 2.0):
        assert (await provider.check(job, started.ref)).check_after_seconds == expected
    assert provider._misses == {}


async def test_a_cancelled_job_leaves_the_queue_and_is_never_made(provider, emulator, clock):
    await provider.start(small_job("first"), ignore)
    job = small_job("second")
    started = await provider.start(job, ignore)
    await provider.cancel(job, started.ref)
    clock.advance(120)
    assert isinstance(await provider.check(job, started.ref), Failed)
    assert [(one.status, one.started is None) for one in emulator.history] == [
        ("completed", False),
        ("cancelled", True),
    ]


async def test_a_job_that_is_being_made_is_made_to_its_end(provider, emulator, clock):
    job = small_job()
    started = await provider.start(job, ignore)
    with capture_logs() as lines:
        await provider.cancel(job, started.ref)
    assert [(line["event"], line["status"]) for line in lines] == [("provider.cancel", 409)]
    assert "cannot be interrupted" in lines[0]["reason"]
    clock.advance(60)
    assert isinstance(await provider.check(job, started.ref), Finished)


async def test_cancelling_what_nobody_knows_or_where_nobody_is_does_no_harm(provider, alarms):
    await provider.cancel(small_job(), "job_unknown")
    async with opened(nobody_listens(), alarms) as lonely:
        with capture_logs() as lines:
            await lonely.cancel(small_job(), "job_1")
    assert [line["event"] for line in lines] == ["provider.not_cancelled"]


async def test_a_look_at_the_server_tells_its_model(provider):
    [finding] = await provider.probe()
    assert finding.ok
    assert MODEL in finding.found
    assert " ms" in finding.found


async def test_a_look_at_nobody_says_what_to_do(alarms):
    async with opened(nobody_listens(), alarms) as provider:
        [finding] = await provider.probe()
    assert not finding.ok
    assert "HELIOGRAPH_SDCPP_BASE_URL" in finding.remedy


async def test_a_look_at_something_else_says_what_to_do(emulator, alarms):
    async with serving(emulator) as base_url, opened(f"{base_url}/v1", alarms) as provider:
        [finding] = await provider.probe()
    assert not finding.ok
    assert "answers 404" in finding.found
    assert "HELIOGRAPH_SDCPP_BASE_URL" in finding.remedy


async def test_a_look_tells_what_would_be_refused(clock, alarms):
    emulator = Emulator(clock=clock, modes=("vid_gen",), max_side=1024, max_queue_size=4)
    async with serving(emulator) as base_url, opened(base_url, alarms) as provider:
        first, *others = await provider.probe()
    assert first.ok
    assert not any(finding.ok for finding in others)
    assert [finding.found for finding in others] == [
        "the loaded model makes no pictures, but vid_gen",
        "it takes at most 1024 pixels of width, but 1696 are asked for",
        "it takes at most 1024 pixels of height, but 1696 are asked for",
        "it takes at most 4 jobs in its queue, but 8 are asked for",
    ]


async def test_nothing_is_found_of_a_lost_call_because_the_server_lists_no_jobs(provider, clock):
    await provider.start(small_job(), ignore)
    assert await provider.find(small_job(), clock.now()) == ()


async def test_the_emulator_in_a_process_of_its_own_makes_pictures_too(alarms):
    command = [sys.executable, "-m", "support.sdcpp_emulator", "--seconds", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env=environment
    )
    try:
        base_url = json.loads(await process.stdout.readline())["base_url"]
        async with opened(base_url, alarms) as provider:
            started = await provider.start(small_job(), ignore)
            assert isinstance(await provider.check(small_job(), started.ref), Finished)
    finally:
        process.kill()
        await process.communicate()


async def test_the_prompt_stands_in_no_log_line(provider, clock):
    with capture_logs() as lines:
        await finish(provider, clock, small_job("secret words"))
        await provider.start(small_job("secret words {{submit:400:as asked}}"), ignore)
    assert len(lines) >= 3
    assert "secret" not in str(lines)


@pytest.mark.parametrize(
    "base_url", ["", "127.0.0.1:1234", "ftp://127.0.0.1", "http://[::1", "http://a:b@host:1234"]
)
def test_an_address_that_can_be_no_server_is_refused(base_url):
    with pytest.raises(OperatorError, match="HELIOGRAPH_SDCPP_BASE_URL"):
        SdcppProvider(base_url=base_url, alarm=lambda *_: None)
