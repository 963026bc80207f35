"""The openai-images provider against emulators on loopback: what is sent, and what becomes of trouble."""

import asyncio
import contextlib
import dataclasses
import datetime
import inspect
import io
import json
import re
import socket
from typing import get_args

import pytest
from msgspec import structs
from PIL import Image
from structlog.testing import capture_logs

from heliograph.base.clock import SettableClock
from heliograph.base.errors import OperatorError
from heliograph.providers.openai_images.order import Dialect
from heliograph.providers.openai_images.provider import OpenAIImagesProvider
from heliograph.providers.openai_images.trouble import ALERTS
from heliograph.providers.provider import (
    Failed,
    Finished,
    Made,
    Missing,
    Refused,
    Unknown,
)
from support.image_jobs import ignore, image_job, reference
from support.openai_images_emulator import Emulator, serving, serving_all
from support.source import ROOT

SIZE = (96, 64)
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def clock():
    return SettableClock(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


@pytest.fixture
def alarms():
    return []


@pytest.fixture
def opened(pool, clock, alarms):
    """Opens a provider on the engines at some addresses, with whatever else is set."""

    async def alarm(provider, code, remedy):
        assert provider == "openai-images"
        alarms.append((code, remedy))

    @contextlib.asynccontextmanager
    async def opened(*base_urls, **settings):
        defaults = {"edits_base_urls": (), "api_key": None, "model": None, "dialect": "vllm-omni"}
        provider = OpenAIImagesProvider(
            pool, clock, base_urls=base_urls, alarm=alarm, **{**defaults, **settings}
        )
        try:
            yield provider
        finally:
            await provider.close()

    return opened


def a_job(prompt="a lake", **settings):
    return image_job(prompt, size=SIZE, **settings)


@contextlib.contextmanager
def refusing_port():
    """A port that is taken, and where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


async def occupy(pool, clock, base_url, calls=1, seconds=15):
    """As many calls of other processes at the engine there."""
    lease_until = clock.now() + datetime.timedelta(seconds=seconds)
    await pool.executemany(
        "INSERT INTO engine_calls VALUES (gen_random_uuid(), $1, $2)",
        [(f"openai-images {base_url}", lease_until)] * calls,
    )


async def failures(pool, base_url):
    name = f"openai-images {base_url}"
    return await pool.fetchval("SELECT failures FROM provider_health WHERE name = $1", name)


async def test_every_picture_is_a_call_of_its_own_and_the_calls_spread_over_the_engines(opened):
    engines = [Emulator(seconds=0.1), Emulator(seconds=0.1)]
    progress = []
    async with serving_all(*engines) as urls, opened(*urls) as provider:
        outcome = await provider.start(a_job(num_images=4), progress.append)
    assert isinstance(outcome, Finished)
    assert {Image.open(io.BytesIO(image.data)).size for image in outcome.images} == {SIZE}
    assert len({image.data for image in outcome.images}) == 4
    assert [len(engine.calls) for engine in engines] == [2, 2]
    fields = [call.fields for engine in engines for call in engine.calls]
    assert sorted(one["seed"] for one in fields) == [7, 8, 9, 10]
    assert {one["n"] for one in fields} == {1}
    assert [engine.most_in_flight for engine in engines] == [1, 1]
    assert [sum(shares) for shares in progress] == [1, 2, 3, 4]


COMMON = {"n": 1, "size": "96x64"}
SENT = {
    "vllm-omni": {
        "prompt": "a lake",
        "model": "test-model",
        "seed": 7,
        "negative_prompt": "fog",
        "response_format": "b64_json",
        "output_format": "png",
    },
    "sd-server": {
        "prompt": 'a lake <sd_cpp_extra_args>{"seed":7,"negative_prompt":"fog",'
        '"embed_image_metadata":false}</sd_cpp_extra_args>',
        "output_format": "png",
    },
    "openai": {"prompt": "a lake", "model": "test-model", "response_format": "b64_json"},
}
SENT["sglang"] = SENT["vllm-omni"]


@pytest.mark.parametrize("dialect", SENT)
@pytest.mark.parametrize("editing", [False, True])
async def test_what_is_sent_is_what_the_dialect_knows_and_nothing_else(opened, dialect, editing):
    emulator = Emulator(dialect)
    given = (reference(Image.new("RGB", (384, 384))),) if editing else ()
    job = a_job(references=given)
    job = dataclasses.replace(job, request=structs.replace(job.request, negative_prompt="fog"))
    async with (
        serving(emulator) as base_url,
        opened(base_url, dialect=dialect, model="test-model") as provider,
    ):
        outcome = await provider.start(job, ignore)
    assert isinstance(outcome, Finished)
    ignored = ("The negative prompt was not used: the image engine takes none.",)
    assert outcome.warnings == (ignored if dialect == "openai" else ())
    expected = {**COMMON, **SENT[dialect]}
    as_sent = {name: str(value) for name, value in expected.items()} if editing else expected
    assert [call.fields for call in emulator.calls] == [as_sent]


async def test_an_edit_sends_its_references_in_order_under_neutral_names(opened):
    emulator = Emulator()
    given = (
        reference(Image.new("RGB", (400, 500))),
        reference(Image.new("RGB", (384, 384)), "JPEG"),
        reference(Image.new("RGB", (500, 400))),
    )
    async with serving(emulator) as base_url, opened(base_url) as provider:
        outcome = await provider.start(a_job("mix", references=given), ignore)
    assert isinstance(outcome, Finished)
    assert emulator.calls[0].path == "/v1/images/edits"
    assert emulator.calls[0].files == [
        ("image[]", "reference-1.png", "image/png", len(given[0].data)),
        ("image[]", "reference-2.jpg", "image/jpeg", len(given[1].data)),
        ("image[]", "reference-3.png", "image/png", len(given[2].data)),
    ]


async def test_edits_go_to_engines_of_their_own_where_there_are_any(opened):
    drawing, editing = Emulator(), Emulator()
    given = (reference(Image.new("RGB", (384, 384))),)
    async with (
        serving_all(drawing, editing) as (text, edits),
        opened(text, edits_base_urls=(edits,)) as provider,
    ):
        await provider.start(a_job(), ignore)
        await provider.start(a_job(references=given), ignore)
        assert provider.slots == 3
    assert [call.path for call in drawing.calls] == ["/v1/images/generations"]
    assert [call.path for call in editing.calls] == ["/v1/images/edits"]


async def test_no_prompt_sets_a_parameter_of_sd_server_and_its_pictures_differ(opened):
    emulator = Emulator("sd-server")
    job = a_job('a lake<SD_cpp_extra_args>{"batch_count":9}', num_images=2)
    closing = "</sd_cpp_extra_args><sd_cpp_extra_args>{}"
    job = dataclasses.replace(job, request=structs.replace(job.request, negative_prompt=closing))
    async with serving(emulator) as base_url, opened(base_url, dialect="sd-server") as provider:
        outcome = await provider.start(job, ignore)
    assert len({image.data for image in outcome.images}) == 2
    assert all("batch_count" not in call.fields["prompt"] for call in emulator.calls)


@pytest.mark.parametrize("base", ["", "/v1", "/v1/"])
async def test_an_address_may_leave_out_what_is_always_the_same(opened, base):
    async with (
        serving(Emulator()) as base_url,
        opened(base_url.removesuffix("/v1") + base) as provider,
    ):
        assert isinstance(await provider.start(a_job(), ignore), Finished)
        assert [finding.ok for finding in await provider.probe()] == [True]


# -- trouble that another engine may not have --------------------------------------------------

PASSING = ["{{drop}}", "{{status:500}}", "{{html}}"]
OPERATOR = ["{{status:401}}", "{{status:404}}", "{{redirect}}", "{{says:400:Model mismatch}}"]


@pytest.mark.parametrize("trouble", [*PASSING, *OPERATOR, "{{status:429}}", "{{status:503}}"])
async def test_a_picture_that_one_engine_does_not_make_is_made_by_another(
    opened, pool, clock, alarms, trouble
):
    bad, good = Emulator(also=trouble), Emulator()
    async with serving_all(bad, good) as (first, second):
        await occupy(pool, clock, second)
        async with opened(first, second, calls_per_engine=2) as provider:
            outcome = await provider.start(a_job(), ignore)
        noted = await failures(pool, first)
    assert isinstance(outcome, Finished)
    assert [len(bad.calls), len(good.calls)] == [1, 1]
    assert noted == (None if trouble in {"{{status:429}}", "{{status:503}}"} else 1)
    assert len(alarms) == (1 if trouble in OPERATOR else 0)


async def test_an_engine_that_is_not_there_is_passed_over(opened, pool, clock):
    with refusing_port() as port:
        dead = f"http://127.0.0.1:{port}/v1"
        async with serving(Emulator()) as base_url, opened(dead, base_url) as provider:
            outcome = await provider.start(a_job(num_images=4), ignore)
        noted = await failures(pool, dead)
    assert isinstance(outcome, Finished)
    assert [type(image) for image in outcome.images] == [Made] * 4
    assert 1 <= noted <= 3


async def test_a_lost_picture_is_made_again_once_and_not_more_often(opened):
    engines = [Emulator(also="{{drop}}") for _ in range(3)]
    async with serving_all(*engines) as urls, opened(*urls) as provider:
        outcome = await provider.start(a_job(), ignore)
    assert sum(len(engine.calls) for engine in engines) == 2
    assert outcome == Refused(
        "InternalError", "The image engine failed. Nothing was charged; try again.", 10.0
    )


async def test_a_single_engine_is_not_asked_again_for_what_it_lost(opened):
    emulator = Emulator(also="{{status:500}}")
    async with serving(emulator) as base_url, opened(base_url) as provider:
        outcome = await provider.start(a_job(), ignore)
    assert isinstance(outcome, Refused)
    assert len(emulator.calls) == 1


async def test_a_job_is_refused_for_now_when_no_engine_is_there(opened):
    with refusing_port() as port:
        async with opened(f"http://127.0.0.1:{port}") as provider:
            outcome = await provider.start(a_job(num_images=2), ignore)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_seconds == 10


async def test_a_job_is_refused_for_now_while_one_of_the_engines_may_come_back(opened, pool, clock):
    with refusing_port() as port:
        dead = f"http://127.0.0.1:{port}/v1"
        async with serving(Emulator(also="{{status:401}}")) as wrong:
            await occupy(pool, clock, wrong)
            async with opened(dead, wrong, calls_per_engine=2) as provider:
                outcome = await provider.start(a_job(), ignore)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_seconds == 10


async def test_an_engine_that_has_no_room_is_asked_again_later(opened):
    emulator = Emulator()
    async with serving(emulator) as base_url, opened(base_url) as provider:
        outcome = await provider.start(a_job("{{status:429:2}}"), ignore)
    assert isinstance(outcome, Finished)
    assert len(emulator.calls) == 3


async def test_a_job_makes_room_for_others_when_no_engine_has_room_for_long(opened):
    emulator = Emulator()
    async with serving(emulator) as base_url, opened(base_url) as provider:
        outcome = await provider.start(a_job("{{status:503}}"), ignore)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry_after_seconds) == ("RateLimitExceeded", 10)
    assert len(emulator.calls) == 11


async def test_pictures_that_were_made_are_kept_when_another_fails(opened):
    job = a_job("{{only:8}}{{status:500}}", num_images=3)
    async with serving(Emulator()) as base_url, opened(base_url) as provider:
        outcome = await provider.start(job, ignore)
    assert [type(image) for image in outcome.images] == [Made, Missing, Made]
    assert outcome.images[1].code == "InternalError"


# -- what no engine makes ----------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_request_that_is_refused_fails_and_the_operator_hears_of_it(opened, alarms, status):
    emulators = [Emulator(also=f"{{{{says:{status}:secret path}}}}") for _ in range(2)]
    async with serving_all(*emulators) as urls, opened(*urls) as provider:
        outcome = await provider.start(a_job(), ignore)
    assert isinstance(outcome, Failed)
    assert outcome.code == "BadRequest"
    assert "secret" not in outcome.message
    assert sum(len(emulator.calls) for emulator in emulators) == 1
    [(code, remedy)] = alarms
    assert code == "RequestRefused"
    assert "secret path" in remedy


async def test_content_that_is_not_allowed_is_no_fault_of_the_operator(opened, alarms):
    job = a_job("{{says:400:moderation blocked}}")
    async with serving(Emulator()) as base_url, opened(base_url) as provider:
        outcome = await provider.start(job, ignore)
    assert isinstance(outcome, Failed)
    assert outcome.code == "SensitiveContentDetected"
    assert alarms == []


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"api_key": KEY}, "KeyRefused"), ({"api_key": "right", "model": "other"}, "ModelMismatch")],
)
async def test_a_fault_of_the_settings_is_told_to_the_operator_without_the_key(
    opened, alarms, settings, code
):
    with capture_logs() as lines:
        async with serving(Emulator(key="right")) as base_url, opened(base_url, **settings) as one:
            outcome = await one.start(a_job(), ignore)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_seconds is None
    assert [code for code, _ in alarms] == [code]
    assert KEY not in json.dumps([alarms, lines])


UNUSABLE = {
    "fewer": "no picture",
    "size:32x32": "32x32 instead of 96x64",
    "text": "not a sound picture",
    "half": "not a sound picture",
    "base64": "not in base64",
    "url:elsewhere": "not the engine's",
    "url:gone": "answered 404",
    "huge": "more than 80000000 bytes",
}


@pytest.mark.parametrize("how", UNUSABLE)
async def test_what_is_not_the_picture_that_was_asked_for_is_not_taken(opened, alarms, how):
    async with serving(Emulator()) as base_url, opened(base_url) as provider:
        outcome = await provider.start(a_job(f"{{{{{how}}}}}"), ignore)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry_after_seconds) == ("InternalError", None)
    [(code, remedy)] = alarms
    assert code == "PictureUnusable"
    assert UNUSABLE[how] in remedy


async def test_a_picture_at_an_address_of_the_engine_is_fetched(opened):
    async with serving(Emulator()) as base_url, opened(base_url) as provider:
        outcome = await provider.start(a_job("{{url:own}}"), ignore)
    assert Image.open(io.BytesIO(outcome.images[0].data)).size == SIZE


# -- a hosted service, where every call may cost money -----------------------------------------


@pytest.mark.parametrize("how", ["drop", "html", "status:504"])
async def test_a_paid_picture_that_was_lost_is_never_asked_for_again(opened, how):
    emulators = [Emulator("openai", also=f"{{{{{how}}}}}") for _ in range(2)]
    async with (
        serving_all(*emulators) as urls,
        opened(*urls, dialect="openai") as provider,
    ):
        outcome = await provider.start(a_job(), ignore)
        assert not provider.reruns
    assert isinstance(outcome, Unknown)
    assert sum(len(emulator.calls) for emulator in emulators) == 1


async def test_a_lost_paid_picture_is_missing_beside_those_that_were_made(opened):
    emulator = Emulator("openai")
    async with serving(emulator) as base_url, opened(base_url, dialect="openai") as provider:
        outcome = await provider.start(a_job("{{drop:1}}", num_images=3), ignore)
    assert sorted(type(image).__name__ for image in outcome.images) == ["Made", "Made", "Missing"]
    assert len(emulator.calls) == 3


async def test_a_paid_answer_without_a_picture_fails_the_job(opened):
    async with serving(Emulator("openai")) as base_url, opened(base_url, dialect="openai") as one:
        outcome = await one.start(a_job("{{fewer}}"), ignore)
    assert isinstance(outcome, Failed)


# -- the rest ----------------------------------------------------------------------------------


async def test_cancelling_a_job_closes_its_connections_and_frees_its_places(opened, pool):
    emulator = Emulator()
    job = a_job("{{hang}}", num_images=2)
    async with serving(emulator) as base_url, opened(base_url, calls_per_engine=2) as provider:
        start = asyncio.create_task(provider.start(job, ignore))
        while emulator.in_flight < 2:
            await asyncio.sleep(0.01)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        # places are freed soon after the call, not with it
        while emulator.in_flight or await pool.fetchval("SELECT count(*) FROM engine_calls"):
            await asyncio.sleep(0.01)
    assert [call.ended for call in emulator.calls] == ["cancelled", "cancelled"]


async def test_the_provider_knows_no_job_to_check_find_or_cancel(opened, clock):
    async with opened("http://127.0.0.1:1") as provider:
        assert isinstance(await provider.check(a_job(), "x"), Unknown)
        assert await provider.find(a_job(), clock.now()) == ()
        await provider.cancel(a_job(), "x")


async def test_a_probe_tells_of_each_engine_whether_it_is_well_and_what_it_serves(opened):
    sick = Emulator()
    sick.sick = True
    with refusing_port() as port:
        dead = f"http://127.0.0.1:{port}/v1"
        async with serving_all(Emulator(), sick) as (well, ill):
            async with opened(well, ill, dead, model="other") as provider:
                findings = await provider.probe()
            async with opened(well, model="test-model") as provider:
                [fine] = await provider.probe()
    assert [finding.ok for finding in findings] == [False, False, False]
    assert findings[0].found.endswith("serves test-model, not other")
    assert "HELIOGRAPH_OPENAI_IMAGES_MODEL" in findings[0].remedy
    assert all("does not answer 200" in finding.found for finding in findings[1:])
    assert all(finding.remedy for finding in findings)
    assert (fine.ok, fine.remedy) == (True, None)


@pytest.mark.parametrize("dialect", ["sd-server", "openai"])
async def test_a_server_without_a_health_address_is_probed_by_its_models(opened, dialect):
    async with (
        serving(Emulator(dialect)) as base_url,
        opened(base_url, dialect=dialect, model="test-model") as provider,
    ):
        assert [finding.ok for finding in await provider.probe()] == [True]


@pytest.mark.parametrize(
    "base_urls", [(), ("engine:8091",), ("ftp://engine/v1",), ("http://[::1",), ("http://a:b@c",)]
)
async def test_unusable_addresses_are_refused_in_words(opened, base_urls):
    with pytest.raises(OperatorError, match="HELIOGRAPH_OPENAI_IMAGES_BASE_URL"):
        async with opened(*base_urls):
            pass


# -- the page ----------------------------------------------------------------------------------

PAGE = (ROOT / "docs/how-to/openai-images-engines.md").read_text(encoding="utf-8")


def documented(pattern):
    return re.findall(rf"^\| `({pattern})` \|", PAGE, re.MULTILINE)


def test_the_page_tells_of_every_setting_dialect_and_alarm_and_no_other():
    parameters = inspect.signature(OpenAIImagesProvider).parameters
    own = {name for name in parameters if name not in {"pool", "clock", "alarm"}}
    settings = {f"HELIOGRAPH_OPENAI_IMAGES_{name.upper()}" for name in own}
    named = {name.replace("BASE_URL", "BASE_URLS") for name in documented("HELIOGRAPH_[A-Z_]+")}
    assert named == settings
    assert set(documented("[a-z-]+")) == set(get_args(Dialect))
    assert set(documented("[A-Z][a-z]+[A-Z][a-z]+")) == {alert.code for alert in ALERTS}
