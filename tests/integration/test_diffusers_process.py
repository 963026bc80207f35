"""The diffusers provider and the real processes of its engines, with a painter that needs no model."""

import asyncio
import contextlib
import dataclasses
import importlib.util
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from msgspec import structs
from structlog.testing import capture_logs

from heliograph.base.errors import OperatorError
from heliograph.catalog.reference import Reference
from heliograph.providers.diffusers.provider import (
    CRASHED,
    LOADING,
    NO_MODEL,
    UNFIT,
    DiffusersProvider,
)
from heliograph.providers.provider import Finding, Finished, Made, Missing, Refused, Unknown
from support.image_jobs import ignore, image_job

TESTS = Path(__file__).parents[1]
PAINTER = "support.unruly_painter"


@pytest.fixture(autouse=True)
def engines_find_the_painter(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


@pytest.fixture
def alarms():
    return []


@contextlib.asynccontextmanager
async def opened(tmp_path, text_model="good", edit_model=None, alarms=None, **options):
    async def alarm(name, code, remedy):
        assert name == "diffusers"
        if alarms is not None:
            alarms.append((code, remedy))

    provider = DiffusersProvider(
        alarm=alarm,
        text_model=text_model,
        edit_model=edit_model,
        cache_dir=tmp_path,
        painter=PAINTER,
        **options,
    )
    try:
        yield provider
    finally:
        await provider.close()


@pytest.fixture
async def provider(tmp_path, alarms):
    async with opened(tmp_path, alarms=alarms) as provider:
        yield provider


def shown(outcome):
    """What the painter says of each picture that it painted."""
    assert isinstance(outcome, Finished), outcome
    return [json.loads(image.data) for image in outcome.images if isinstance(image, Made)]


async def process_of(provider):
    (facts,) = shown(await provider.start(image_job(), ignore))
    return psutil.Process(facts["process"])


class Watched:
    """A job under way, of which the first progress has been told."""

    def __init__(self, provider, job):
        self.progress = []
        self.begun = asyncio.Event()
        self.call = asyncio.create_task(provider.start(job, self.report))

    def report(self, shares):
        self.progress.append(shares)
        self.begun.set()

    async def cancel(self):
        await asyncio.wait_for(self.begun.wait(), 30)
        self.call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.call


async def test_every_picture_is_painted_as_ordered_with_a_seed_of_its_own(provider):
    job = image_job("a lake", num_images=3, size=(640, 480))
    request = structs.replace(job.request, negative_prompt="fog")
    outcome = await provider.start(dataclasses.replace(job, request=request), ignore)
    facts = shown(outcome)
    assert [one["seed"] for one in facts] == [7, 8, 9]
    assert {one["prompt"] for one in facts} == {"a lake"}
    assert {one["negative_prompt"] for one in facts} == {"fog"}
    assert [one["size"] for one in facts] == [[640, 480]] * 3
    assert len({one["process"] for one in facts}) == 1
    assert outcome.warnings == ()


async def test_progress_is_told_for_each_picture(provider):
    progress = []
    await provider.start(image_job(num_images=2), progress.append)
    assert progress == [(0.5, 0.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0)]


async def test_references_arrive_as_they_are_and_in_order(tmp_path):
    given = tuple(Reference(data, "image/png", 1, 1) for data in (b"one", b"two" * 10**6, b"three"))
    async with opened(tmp_path, None, "edits") as provider:
        (facts,) = shown(await provider.start(image_job("mix", references=given), ignore))
    assert facts["references"] == ["one", "two" * 10**6, "three"]


async def test_one_model_for_both_modes_has_one_process(tmp_path):
    edit = image_job("mix", references=(Reference(b"one", "image/png", 1, 1),))
    async with opened(tmp_path, "both", "both") as provider:
        made = [shown(await provider.start(job, ignore)) for job in (image_job(), edit)]
        assert provider.modes == {"text-to-image", "image-to-image"}
    assert made[0][0]["process"] == made[1][0]["process"]


async def test_two_models_have_two_processes(tmp_path):
    edit = image_job("mix", references=(Reference(b"one", "image/png", 1, 1),))
    async with opened(tmp_path, "good", "edits") as provider:
        made = [shown(await provider.start(job, ignore)) for job in (image_job(), edit)]
    assert made[0][0]["process"] != made[1][0]["process"]


async def test_two_jobs_at_a_time_are_painted_one_after_the_other(provider):
    heard = []
    jobs = [
        provider.start(image_job(prompt, num_images=2), lambda _, name=prompt: heard.append(name))
        for prompt in ("a", "b")
    ]
    await asyncio.gather(*jobs)
    assert heard in (["a"] * 4 + ["b"] * 4, ["b"] * 4 + ["a"] * 4)


@pytest.mark.parametrize(
    ("text_model", "edit_model", "references"),
    [("good", None, 1), (None, "edits", 0), ("edits", None, 0), (None, "good", 1)],
)
async def test_a_job_of_a_kind_that_no_model_serves_is_left_to_others(
    tmp_path, alarms, text_model, edit_model, references
):
    given = (Reference(b"one", "image/png", 1, 1),) * references
    async with opened(tmp_path, text_model, edit_model, alarms=alarms) as provider:
        assert await provider.start(image_job(references=given), ignore) == UNFIT
    # a mode without a model is the operator's choice, a model of the wrong kind a mistake
    wrong = bool(edit_model if references else text_model)
    assert [code for code, _ in alarms] == ["ModelUnfit"] * wrong


async def test_a_negative_prompt_that_the_model_does_not_take_is_told(tmp_path):
    job = image_job()
    request = structs.replace(job.request, negative_prompt="fog")
    async with opened(tmp_path, "plain") as provider:
        outcome = await provider.start(dataclasses.replace(job, request=request), ignore)
    assert outcome.warnings == ("The model takes no negative prompt; it was left out.",)


async def test_one_picture_that_fails_is_missing_and_the_others_are_kept(provider):
    outcome = await provider.start(image_job("fail 1", num_images=3), ignore)
    assert [type(image) for image in outcome.images] == [Made, Missing, Made]
    assert outcome.images[1].code == "InternalError"
    assert "colour" not in outcome.images[1].message


async def test_a_job_without_any_picture_is_left_to_others_and_an_alarm_says_why(provider, alarms):
    outcome = await provider.start(image_job("fail", num_images=2), ignore)
    assert outcome == Refused("InternalError", "The image engine failed at this picture.")
    assert [code for code, _ in alarms] == ["PaintingFailed"] * 2
    assert alarms[0][1].startswith("good: ValueError: no such colour. ")


async def test_too_little_memory_for_a_picture_is_told_and_the_engine_goes_on(provider, alarms):
    before = await process_of(provider)
    outcome = await provider.start(image_job("hungry"), ignore)
    assert isinstance(outcome, Refused)
    assert outcome.message == "The image engine ran out of memory for this picture."
    assert [code for code, _ in alarms] == ["OutOfMemory"]
    assert await process_of(provider) == before


@pytest.mark.parametrize(
    ("deed", "how"),
    [("killed", "memory ran out"), ("crash", "SIGABRT"), ("quit", "exit code 3")],
)
async def test_an_engine_that_dies_takes_nobody_with_it_and_is_started_again(
    provider, alarms, deed, how
):
    before = await process_of(provider)
    assert await provider.start(image_job(deed), ignore) == CRASHED
    assert CRASHED.retry_after_seconds is not None
    ((code, remedy),) = alarms
    assert code == "EngineEnded"
    assert how in remedy
    assert await process_of(provider) != before


async def test_the_last_words_of_an_engine_are_kept_for_the_operator(provider):
    with capture_logs() as logs:
        await provider.start(image_job("crash"), ignore)
    (failure,) = (line for line in logs if line["event"] == "provider.failure")
    assert "the very last words" in failure["last_lines"]


async def test_pictures_made_before_the_engine_died_are_kept(provider):
    outcome = await provider.start(image_job("killed 1", num_images=3), ignore)
    assert [type(image) for image in outcome.images] == [Made, Missing, Missing]


async def test_an_engine_killed_between_two_jobs_is_noticed(provider):
    process = await process_of(provider)
    process.kill()
    # whoever waits for it may have taken it away between two looks
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)
    outcomes = [await provider.start(image_job(), ignore) for _ in range(2)]
    assert shown(outcomes[1])[0]["process"] != process.pid


async def test_cancelling_a_job_stops_the_painting_and_keeps_the_engine(provider):
    before = await process_of(provider)
    await Watched(provider, image_job("stay", num_images=4)).cancel()
    assert await process_of(provider) == before


async def test_an_engine_that_hears_no_cancel_is_killed(tmp_path):
    async with opened(tmp_path, cancel_seconds=0.2) as provider:
        before = await process_of(provider)
        await Watched(provider, image_job("deaf")).cancel()
        assert await process_of(provider) != before


async def test_a_job_that_waits_for_its_turn_can_be_cancelled(provider):
    first = Watched(provider, image_job("stay"))
    await first.begun.wait()
    second = asyncio.create_task(provider.start(image_job(), ignore))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await first.cancel()


@pytest.mark.parametrize(
    ("model", "reason", "remedy"),
    [
        ("absent", "there is no such model", "Check the name."),
        ("torn", "ValueError: the file is torn", "documentation of diffusers"),
        ("huge", "60 GiB", "Use a smaller model"),
    ],
)
async def test_a_model_that_cannot_be_loaded_is_told_to_the_operator_with_a_remedy(
    tmp_path, alarms, model, reason, remedy
):
    async with opened(tmp_path, model, alarms=alarms) as provider:
        assert await provider.start(image_job(), ignore) == NO_MODEL
    ((code, told),) = alarms
    assert code == "ModelNotLoaded"
    assert told.startswith(f"{model}: ")
    assert reason in told
    assert remedy in told


async def test_an_engine_that_crashes_while_it_loads_can_be_tried_again(tmp_path):
    async with opened(tmp_path, "brittle") as provider:
        outcomes = [await provider.start(image_job(), ignore) for _ in range(2)]
    assert outcomes == [CRASHED, CRASHED]


async def test_a_job_waits_only_so_long_for_a_model_which_goes_on_loading(tmp_path):
    async with opened(tmp_path, "far", patience_seconds=0.0) as provider:
        assert await provider.start(image_job(), ignore) == LOADING
        assert LOADING.retry_after_seconds is not None
        (tmp_path / "here").touch()
        outcome = LOADING
        while outcome == LOADING:
            outcome = await provider.start(image_job(), ignore)
        assert len(shown(outcome)) == 1


async def test_a_download_is_logged_at_each_tenth(tmp_path):
    async with opened(tmp_path, "far") as provider:
        with capture_logs() as logs:
            call = asyncio.create_task(provider.start(image_job(), ignore))
            while not any(line.get("percent") == 50 for line in logs):
                await asyncio.sleep(0.01)
        (tmp_path / "here").touch()
        await call
    assert [line["percent"] for line in logs if "percent" in line] == [10, 20, 30, 40, 50]


async def test_a_job_cancelled_while_its_model_loads_leaves_the_engine_loading(tmp_path):
    async with opened(tmp_path, "far") as provider:
        with capture_logs() as logs:
            call = asyncio.create_task(provider.start(image_job(), ignore))
            while not any("percent" in line for line in logs):
                await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            (tmp_path / "here").touch()
            await process_of(provider)
    assert [line["event"] for line in logs].count("diffusers.engine_starting") == 1


async def test_what_libraries_print_does_not_disturb_the_messages(provider):
    assert len(shown(await provider.start(image_job("chatty"), ignore))) == 1


async def test_an_engine_sees_no_setting_and_is_the_first_to_end_when_memory_runs_out(
    provider, monkeypatch
):
    monkeypatch.setenv("HELIOGRAPH_DASHSCOPE_API_KEY", "sk-secret")
    (facts,) = shown(await provider.start(image_job(), ignore))
    assert facts["settings"] == []
    assert facts["ends_first"] == 1000


async def test_closing_ends_every_process_even_one_that_paints(tmp_path):
    async with opened(tmp_path) as provider:
        process = await process_of(provider)
        watched = Watched(provider, image_job("stay"))
        await watched.begun.wait()
    assert not process.is_running()
    assert await watched.call == CRASHED


async def test_a_provider_that_painted_nothing_has_nothing_to_close(tmp_path):
    async with opened(tmp_path, "brittle") as provider:
        assert isinstance(await provider.check(image_job(), "x"), Unknown)
        assert await provider.find(image_job(), None) == ()


SERVICE = """
import asyncio, json, sys
from pathlib import Path
from heliograph.base.log import start_logging
from heliograph.base.settings import load_settings
from heliograph.providers.diffusers.provider import DiffusersProvider
from support.image_jobs import ignore, image_job

async def main():
    provider = DiffusersProvider(
        alarm=None,
        text_model="good",
        edit_model=None,
        cache_dir=Path(),
        painter="support.unruly_painter",
    )
    outcome = await provider.start(image_job(), ignore)
    print(outcome.images[0].data.decode(), flush=True)
    await provider.start(image_job("stay"), ignore)

start_logging(load_settings({}))
asyncio.run(main())
"""


def test_an_engine_ends_when_its_service_is_killed():
    with subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE) as service:
        engine = psutil.Process(json.loads(service.stdout.readline())["process"])
        service.kill()
    _, alive = psutil.wait_procs([engine], timeout=10)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.parametrize("on_terminal", [True, False])
def test_an_engine_writes_to_the_terminal_of_its_service_if_there_is_one(on_terminal):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE],
        stdout=subprocess.PIPE,
        stderr=theirs if on_terminal else subprocess.DEVNULL,
    ) as service:
        facts = json.loads(service.stdout.readline())
        service.send_signal(signal.SIGKILL)
    os.close(theirs)
    os.close(ours)
    assert facts["on_terminal"] == on_terminal


async def test_a_probe_tells_what_the_painter_finds_of_each_model(tmp_path):
    async with opened(tmp_path, "good", "edits") as provider:
        findings = await provider.probe()
    assert findings == [
        Finding(True, "runs on an easel"),
        Finding(False, "good is dry", "Add water."),
        Finding(True, "runs on an easel"),
        Finding(False, "edits is dry", "Add water."),
    ]


async def test_a_probe_tells_why_the_libraries_cannot_be_loaded(tmp_path):
    async with opened(tmp_path, "torn") as provider:
        (finding,) = await provider.probe()
    assert not finding.ok
    assert "the file is torn" in finding.found
    assert finding.remedy is not None


def test_a_provider_without_any_model_is_an_operators_error(tmp_path):
    with pytest.raises(OperatorError, match="HELIOGRAPH_DIFFUSERS_TEXT_MODEL"):
        DiffusersProvider(alarm=None, text_model=None, edit_model=None, cache_dir=tmp_path)


def test_an_unknown_kind_of_number_is_an_operators_error(tmp_path):
    with pytest.raises(OperatorError, match=r"float12.*bfloat16"):
        DiffusersProvider(
            alarm=None, text_model="m", edit_model=None, cache_dir=tmp_path, dtype="float12"
        )


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_without_the_extra_the_error_says_how_to_install_it(tmp_path):
    with pytest.raises(OperatorError, match=r'pip install "heliograph\[diffusers\]"'):
        DiffusersProvider(alarm=None, text_model="m", edit_model=None, cache_dir=tmp_path)


def test_importing_the_provider_loads_no_library_of_models():
    listing = "import sys, heliograph.providers.diffusers.provider; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "diffusers", "transformers", "huggingface_hub", "PIL"} & set(loaded)
