"""The DashScope provider against an emulator on loopback: every state, every kind of trouble."""

import asyncio
import contextlib
import dataclasses
import datetime
import io
import json
import socket

import pytest
from msgspec import structs
from PIL import Image
from structlog.testing import capture_logs

from heliograph.base.clock import SettableClock
from heliograph.base.errors import OperatorError
from heliograph.providers.dashscope.provider import DashScopeProvider
from heliograph.providers.dashscope.request import Options, data_url
from heliograph.providers.provider import (
    Failed,
    Finished,
    Limits,
    Made,
    Missing,
    Refused,
    Running,
    Started,
    Unknown,
)
from support.dashscope_emulator import Emulator, serving
from support.image_jobs import ignore, image_job, reference

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def clock():
    return SettableClock(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


@pytest.fixture
def emulator(clock):
    return Emulator(api_key=KEY, clock=clock, seconds=60)


class Heard(list):
    """An operator who listens to alarms: (code, remedy) of each."""

    async def __call__(self, provider, code, remedy):
        assert provider == "dashscope"
        self.append((code, remedy))


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
async def provider(emulator, heard):
    async with serving(emulator) as base_url, opened(base_url, heard) as provider:
        yield provider


@contextlib.asynccontextmanager
async def opened(base_url, alarm=None, **settings):
    provider = DashScopeProvider(
        api_key=KEY, base_url=base_url, alarm=Heard() if alarm is None else alarm, **settings
    )
    try:
        yield provider
    finally:
        await provider.close()


async def finish(provider, clock, job):
    """The outcome once the task's time upstream is over."""
    started = await provider.start(job, ignore)
    assert isinstance(started, Started)
    clock.advance(60)
    return await provider.check(job, started.ref)


async def test_a_task_is_pending_then_running_then_finished_with_real_pictures(provider, clock):
    job = image_job("a lake", num_images=4, size=(1696, 960))
    started = await provider.start(job, ignore)
    assert started.check_after_seconds == 2
    assert await provider.check(job, started.ref) == Running(2.0, 0.0)
    clock.advance(30)
    assert await provider.check(job, started.ref) == Running(2.0, 0.0)
    clock.advance(30)
    outcome = await provider.check(job, started.ref)
    assert isinstance(outcome, Finished)
    assert [type(image) for image in outcome.images] == [Made] * 4
    assert len({image.data for image in outcome.images}) == 4
    assert {Image.open(io.BytesIO(image.data)).size for image in outcome.images} == {(1696, 960)}
    assert {image.content_type for image in outcome.images} == {"image/png"}


async def test_a_submit_names_everything_that_costs_or_changes_a_picture(provider, emulator):
    job = image_job("a lake", num_images=2)
    request = structs.replace(job.request, negative_prompt="fog")
    await provider.start(dataclasses.replace(job, request=request), ignore)
    assert emulator.bodies == [
        {
            "model": "wan2.5-t2i-preview",
            "input": {"prompt": "a lake", "negative_prompt": "fog"},
            "parameters": {
                "size": "1280*1280",
                "n": 2,
                "prompt_extend": True,
                "watermark": False,
                "seed": 7,
            },
        }
    ]


async def test_an_edit_sends_its_references_inline_and_in_order(provider, emulator, clock):
    pair = (
        reference(Image.new("RGB", (400, 500))),
        reference(Image.new("RGB", (384, 384)), "JPEG"),
    )
    outcome = await finish(provider, clock, image_job("swap them", references=pair))
    assert isinstance(outcome, Finished)
    body = emulator.bodies[0]
    assert body["model"] == "wan2.5-i2i-preview"
    assert body["input"]["images"] == [data_url(one) for one in pair]
    assert "negative_prompt" not in body["input"]


def test_a_reference_that_is_too_long_for_a_data_url_is_sent_as_jpeg():
    noise = reference(Image.effect_noise((600, 600), 90).convert("RGB"))
    assert data_url(noise).startswith("data:image/png;base64,")
    small = data_url(noise, limit_bytes=len(data_url(noise)) - 1)
    assert small.startswith("data:image/jpeg;base64,")
    with pytest.raises(ValueError, match="does not fit 1000"):
        data_url(noise, limit_bytes=1000)


async def test_any_seed_is_brought_into_the_range_of_the_provider(provider, emulator):
    assert isinstance(await provider.start(image_job(seed=2**40 + 5), ignore), Started)
    assert emulator.bodies[0]["parameters"]["seed"] == 5


async def test_pictures_that_were_refused_are_missing_and_the_rest_is_kept(provider, clock):
    outcome = await finish(provider, clock, image_job("x {{partial:3}}", num_images=4))
    assert [type(image) for image in outcome.images] == [Made, Made, Made, Missing]
    assert outcome.images[3].code == "SensitiveContentDetected"


async def test_a_task_without_any_picture_fails_with_the_code_of_its_pictures(provider, clock):
    job = image_job("{{partial:0:IPInfringementSuspect}}", num_images=2)
    outcome = await finish(provider, clock, job)
    assert isinstance(outcome, Failed)
    assert outcome.code == "ProhibitedContentDetected"


FINAL, ELSEWHERE, AGAIN = "final", "elsewhere", "again"

# fault, failCode, what may be done after a submit, after a failed task, whether the operator is told
FAULTS = [
    ("InvalidParameter:The prompt is bad", "PromptInvalid", FINAL, FINAL, False),
    ("InvalidParameter:Field required", "MissingParameter", FINAL, FINAL, True),
    ("InvalidParameter:Range of n should be 1 to 4", "BadRequest", FINAL, FINAL, True),
    ("BadRequest.EmptyInput:", "MissingParameter", FINAL, FINAL, True),
    ("InvalidURL.Timeout:", "BadRequest", FINAL, FINAL, True),
    ("InvalidParameter.FileDownload:download for input_image error", "BadRequest", FINAL, FINAL, True),
    ("InvalidParameter.DataInspection:", "BadRequest", FINAL, FINAL, True),
    ("InternalError.Algo.InvalidParameter:", "BadRequest", FINAL, FINAL, True),
    ("InvalidImage.ImageSize:", "BadRequest", FINAL, FINAL, False),
    ("BadRequest.TooLarge:", "BadRequest", FINAL, FINAL, False),
    ("DataInspectionFailed:", "SensitiveContentDetected", FINAL, FINAL, False),
    ("IPInfringementSuspect:", "ProhibitedContentDetected", FINAL, FINAL, False),
    ("CustomRoleBlocked:", "ProhibitedContentDetected", FINAL, FINAL, False),
    ("FaqRuleBlocked:", "ProhibitedContentDetected", FINAL, FINAL, False),
    ("Throttling:", "RateLimitExceeded", AGAIN, AGAIN, False),
    ("Throttling.RateQuota:", "RateLimitExceeded", AGAIN, AGAIN, False),
    ("Throttling.BurstRate:", "RateLimitExceeded", AGAIN, AGAIN, False),
    ("LimitRequests:", "RateLimitExceeded", AGAIN, AGAIN, False),
    ("Throttling.AllocationQuota:tokens", "RateLimitExceeded", AGAIN, AGAIN, False),
    ("ModelServingError:Too many requests", "RateLimitExceeded", AGAIN, AGAIN, False),
    ("Throttling.AllocationQuota:Free allocated quota exceeded.", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("InvalidApiKey:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("NOT AUTHORIZED:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("AccessDenied.Unpurchased:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("Model.AccessDenied:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("Workspace.AccessDenied:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("Arrearage:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("PrepaidBillOverdue:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("PostpaidBillOverdue:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("CommodityNotPurchased:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("AllocationQuota.FreeTierOnly:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("ModelNotFound:", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("InvalidParameter:Model not exist.", "InternalError", ELSEWHERE, ELSEWHERE, True),
    ("InternalError:", "InternalError", AGAIN, ELSEWHERE, False),
    ("InternalError.Algo:", "InternalError", AGAIN, ELSEWHERE, False),
    ("InternalError.Upload:", "InternalError", AGAIN, ELSEWHERE, False),
    ("SystemError:", "InternalError", AGAIN, ELSEWHERE, False),
    ("ModelServiceFailed:", "InternalError", AGAIN, ELSEWHERE, False),
    ("RewriteFailed:", "InternalError", AGAIN, ELSEWHERE, False),
    ("ModelUnavailable:", "InternalError", AGAIN, AGAIN, False),
]  # fmt: skip


def what_next(outcome):
    if isinstance(outcome, Failed):
        return FINAL
    assert isinstance(outcome, Refused)
    return ELSEWHERE if outcome.retry_after_seconds is None else AGAIN


@pytest.mark.parametrize(("fault", "fail_code", "after_submit", "after_task", "told"), FAULTS)
async def test_a_fault_means_the_same_at_submit_and_in_the_task(  # noqa: PLR0913, PLR0917 - a row
    provider, clock, heard, fault, fail_code, after_submit, after_task, told
):
    refused = await provider.start(image_job(f"a {{{{submit:{fault}}}}}"), ignore)
    assert (refused.code, what_next(refused), bool(heard)) == (fail_code, after_submit, told)
    heard.clear()
    failed = await finish(provider, clock, image_job(f"a {{{{task:{fault}}}}}"))
    assert (failed.code, what_next(failed), bool(heard)) == (fail_code, after_task, told)


async def test_a_full_account_is_asked_again_after_longer_and_longer_waits(provider):
    job = image_job("{{submit:Throttling.RateQuota:}}")
    waits = [(await provider.start(job, ignore)).retry_after_seconds for _ in range(6)]
    for wait, base in zip(waits, [1, 2, 4, 8, 8, 8], strict=True):
        assert base <= wait <= base * 1.5


async def test_a_service_that_fails_at_every_submit_is_given_up_after_four(provider):
    job = image_job("{{submit:InternalError:}}")
    nexts = [what_next(await provider.start(job, ignore)) for _ in range(4)]
    assert nexts == [AGAIN, AGAIN, AGAIN, ELSEWHERE]


async def test_a_task_that_timed_out_upstream_fails_as_timeout(provider, clock):
    outcome = await finish(provider, clock, image_job("{{task:InternalError.Timeout:}}"))
    assert outcome.code == "Timeout"


LOST_SUBMITS = ["drop", "hang", "html", "no-output", "504"]


@pytest.mark.parametrize("how", LOST_SUBMITS)
async def test_a_lost_answer_to_a_submit_is_unknown_and_never_sent_again(emulator, how):
    prompt = f"a lake {{{{accept:{how}}}}}"
    async with (
        serving(emulator) as base_url,
        opened(base_url, submit_timeout_seconds=0.5) as provider,
    ):
        assert isinstance(await provider.start(image_job(prompt), ignore), Unknown)
    assert [entry["prompt"] for entry in emulator.submits] == [prompt]


async def test_a_cancelled_submit_closes_its_connection_and_is_not_repeated(provider, emulator):
    start = asyncio.create_task(provider.start(image_job("{{accept:hang}}"), ignore))
    await emulator.hanging.wait()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert len(emulator.submits) == 1


async def test_after_a_refused_connection_anyone_may_try_because_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with opened(f"http://127.0.0.1:{port}/api/v1") as provider:
        outcome = await provider.start(image_job(), ignore)
    assert (outcome.code, what_next(outcome)) == ("InternalError", AGAIN)


PROXY_ANSWERS = [
    (429, Refused, "RateLimitExceeded"),
    (401, Refused, "InternalError"),
    (404, Refused, "InternalError"),
    (302, Refused, "InternalError"),
    (413, Failed, "BadRequest"),
    (408, Unknown, None),
    (500, Unknown, None),
    (503, Unknown, None),
]


@pytest.mark.parametrize(("status", "kind", "code"), PROXY_ANSWERS)
async def test_an_answer_from_someone_in_between_is_unknown_unless_it_refuses(
    provider, status, kind, code
):
    outcome = await provider.start(image_job(f"{{{{submit-status:{status}}}}}"), ignore)
    assert isinstance(outcome, kind)
    assert getattr(outcome, "code", None) == code


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "SUSPENDED"])
async def test_a_task_that_never_ends_is_running_for_as_long_as_anyone_asks(
    provider, clock, status
):
    job = image_job(f"{{{{stay:{status}}}}}")
    started = await provider.start(job, ignore)
    for _ in range(5):
        clock.advance(3600)
        assert await provider.check(job, started.ref) == Running(2.0, None)


async def test_a_task_that_was_cancelled_upstream_is_a_failure_of_the_provider(provider, clock):
    assert (await finish(provider, clock, image_job("{{stay:CANCELED}}"))).code == "InternalError"


async def test_an_unknown_task_is_tolerated_three_times_and_then_given_up(provider):
    job = image_job()
    for _ in range(3):
        assert isinstance(await provider.check(job, "no-such-task"), Running)
    assert isinstance(await provider.check(job, "no-such-task"), Unknown)


async def test_a_task_that_is_known_only_after_a_while_is_finished(provider, clock):
    job = image_job("{{forget:2}}")
    started = await provider.start(job, ignore)
    clock.advance(60)
    for _ in range(2):
        assert isinstance(await provider.check(job, started.ref), Running)
    assert isinstance(await provider.check(job, started.ref), Finished)


@pytest.mark.parametrize("how", ["429", "500", "503", "401", "html", "empty"])
async def test_trouble_with_a_poll_is_waited_out_longer_and_longer(provider, clock, how):
    job = image_job(f"{{{{poll:{how}:3}}}}")
    started = await provider.start(job, ignore)
    clock.advance(60)
    waits = [(await provider.check(job, started.ref)).check_after_seconds for _ in range(3)]
    assert waits == [2.0, 4.0, 8.0]
    assert isinstance(await provider.check(job, started.ref), Finished)


async def test_a_poll_whose_connection_breaks_is_trouble_as_well(provider):
    job = image_job("{{poll:drop:99}}")
    started = await provider.start(job, ignore)
    waits = [(await provider.check(job, started.ref)).check_after_seconds for _ in range(3)]
    assert waits == [2.0, 4.0, 8.0]


async def test_the_wait_after_trouble_never_exceeds_a_minute(provider):
    job = image_job("{{poll:500:99}}")
    started = await provider.start(job, ignore)
    waits = [(await provider.check(job, started.ref)).check_after_seconds for _ in range(12)]
    assert waits[-1] == 60


async def test_a_picture_that_cannot_be_fetched_yet_is_asked_for_again(provider, clock):
    job = image_job("{{result:500:1}}")
    started = await provider.start(job, ignore)
    clock.advance(60)
    assert isinstance(await provider.check(job, started.ref), Running)
    assert isinstance(await provider.check(job, started.ref), Finished)


@pytest.mark.parametrize("how", ["500", "drop"])
async def test_a_picture_that_cannot_be_fetched_at_all_is_given_up_after_three_checks(
    provider, clock, how
):
    job = image_job(f"{{{{result:{how}:99}}}}")
    started = await provider.start(job, ignore)
    clock.advance(60)
    outcomes = [await provider.check(job, started.ref) for _ in range(4)]
    assert [type(outcome) for outcome in outcomes] == [Running, Running, Running, Failed]


@pytest.mark.parametrize("how", ["expired", "404", "text", "bomb", "huge", "redirect", "elsewhere"])
async def test_what_is_no_picture_of_the_provider_is_not_taken(provider, clock, how):
    outcome = await finish(provider, clock, image_job(f"{{{{result:{how}}}}}"))
    assert outcome == Failed("InternalError", "The finished picture could not be fetched")


OPERATOR_FAULTS = [
    "InvalidApiKey:Incorrect key sk-very-secret-0123456789",
    "AccessDenied.Unpurchased:",
    "Arrearage:please pay",
    "PostpaidBillOverdue:",
    "ModelNotFound:",
]


@pytest.mark.parametrize("fault", OPERATOR_FAULTS)
async def test_a_fault_of_the_account_is_told_to_the_operator_and_hidden_from_the_customer(
    provider, heard, fault
):
    with capture_logs() as lines:
        outcome = await provider.start(image_job(f"{{{{submit:{fault}}}}}"), ignore)
    assert outcome == Refused("InternalError", "The model service failed; please try again")
    [line] = [line for line in lines if line["event"] == "provider.operator_fault"]
    assert line["log_level"] == "error"
    [(code, remedy)] = heard
    assert code == fault.partition(":")[0]
    assert remedy
    assert "secret" not in json.dumps([lines, heard])


async def test_no_log_line_holds_the_key_or_a_signed_address(provider, clock):
    with capture_logs() as lines:
        await finish(provider, clock, image_job("{{partial:1}}", num_images=2))
        await finish(provider, clock, image_job("{{result:404}}"))
        await provider.start(image_job(f"{{{{submit:InternalError:{KEY}}}}}"), ignore)
    text = json.dumps(lines)
    assert "provider.finished" in text
    assert KEY not in text
    assert "Signature" not in text
    assert KEY not in repr(provider)


async def test_a_task_that_waits_is_cancelled_there_and_one_that_runs_is_left(provider, clock):
    job = image_job()
    waiting = (await provider.start(job, ignore)).ref
    await provider.cancel(job, waiting)
    assert isinstance(await provider.check(job, waiting), Refused)
    running = (await provider.start(job, ignore)).ref
    clock.advance(30)
    await provider.cancel(job, running)
    assert isinstance(await provider.check(job, running), Running)
    await provider.cancel(job, "no-such-task")


async def test_a_job_that_was_accepted_without_an_answer_is_found_by_its_time_and_model(
    emulator, clock
):
    async with (
        serving(emulator) as base_url,
        opened(base_url, submit_timeout_seconds=0.5) as provider,
    ):
        await provider.start(image_job("long before"), ignore)
        clock.advance(600)
        job, started_at = image_job("a lake {{accept:drop}}"), clock.now()
        assert isinstance(await provider.start(job, ignore), Unknown)
        clock.advance(75)
        edit = image_job("an edit", references=(reference(Image.new("RGB", (400, 400))),))
        await provider.start(edit, ignore)
        [ref] = await provider.find(job, started_at)
        found = dataclasses.replace(job, found=True)
        assert isinstance(await provider.check(found, ref), Finished)
        stranger = dataclasses.replace(image_job("a sea"), found=True)
        assert isinstance(await provider.check(stranger, ref), Unknown)


async def test_what_cannot_be_listed_is_not_found():
    async with opened("http://127.0.0.1:9/api/v1") as provider:
        assert list(await provider.find(image_job(), datetime.datetime.now(datetime.UTC))) == []


async def test_a_probe_tells_whether_the_key_is_taken_and_what_to_do_if_not(emulator):
    async with serving(emulator) as base_url:
        async with opened(base_url) as provider:
            findings = await provider.probe()
            assert [finding.ok for finding in findings] == [True, True]
            assert "wan2.5-t2i-preview" in findings[1].found
        emulator.api_key = "sk-another"
        async with opened(base_url) as provider:
            [finding] = await provider.probe()
    assert (finding.ok, finding.found) == (False, "answers HTTP 401 InvalidApiKey")
    assert "region" in finding.remedy
    async with opened("http://127.0.0.1:9/api/v1") as provider:
        [finding] = await provider.probe()
    assert "cannot be reached" in finding.found


async def test_the_operator_decides_on_models_marks_seeds_and_extended_prompts(emulator):
    options = Options(
        text_model="wan2.5-t2i-preview", prompt_extend=False, watermark=True, send_seed=False
    )
    async with serving(emulator) as base_url, opened(base_url, options=options) as provider:
        await provider.start(image_job(), ignore)
    assert emulator.bodies[0]["parameters"] == {
        "size": "1280*1280",
        "n": 1,
        "prompt_extend": False,
        "watermark": True,
    }


async def test_checks_are_further_apart_when_more_tasks_are_in_flight(emulator):
    limits = Limits(tasks_in_flight=60, checks_per_second=20)
    async with serving(emulator) as base_url, opened(base_url, limits=limits) as provider:
        assert (await provider.start(image_job(), ignore)).check_after_seconds == 4


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": ""},
        {"api_key": "two\nlines"},
        {"api_key": KEY, "base_url": "dashscope.example"},
        {"api_key": KEY, "base_url": "ftp://dashscope.example/api"},
        {"api_key": KEY, "base_url": "http://[::1"},
    ],
)
def test_unusable_settings_are_refused_without_naming_the_key(settings):
    with pytest.raises(OperatorError) as raised:
        DashScopeProvider(alarm=Heard(), **settings)
    assert KEY not in str(raised.value)
