"""The diffusers provider with real pipelines of real libraries, small enough for a processor.

They need torch, which `make test` does not install: `make test-models` does, and runs them all.
"""

import asyncio
import contextlib
import dataclasses
import importlib.util
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import structs
from PIL import Image
from structlog.testing import capture_logs

from heliograph.providers.diffusers.provider import NO_MODEL, PIPELINE, DiffusersProvider
from heliograph.providers.provider import Finished, Refused
from support.hub import publish, refuse
from support.image_jobs import ignore, image_job, reference
from support.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")
if importlib.util.find_spec("torch") is None:
    pytest.skip("needs torch: run `make test-models`", allow_module_level=True)

TESTS = Path(__file__).parents[1]
SIZE = (128, 96)
STEPS = 3
EDITS = "qwen_image_edit_plus"
FROM_PROMPT = ("z_image", "flux_2_klein", "qwen_image", "wan")
SEEN = tuple(
    reference(Image.linear_gradient("L").resize((400, 400 + 50 * n)).convert("RGB"))
    for n in range(3)
)


@pytest.fixture(scope="module", autouse=True)
def engines_find_the_painter():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder for each kind of pipeline, made in a process of its own: torch stays out of this one."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, "-m", "support.tiny_pipelines", folder], check=True)
    return folder


@contextlib.asynccontextmanager
async def opened(cache_dir, text_model=None, edit_model=None, alarms=None, **options):
    async def alarm(name, code, remedy):
        if alarms is not None:
            alarms.append((code, remedy))

    settings = {"device": "cpu", "steps": STEPS, "painter": PIPELINE, **options}
    provider = DiffusersProvider(
        alarm=alarm,
        text_model=text_model and str(text_model),
        edit_model=edit_model and str(edit_model),
        cache_dir=cache_dir,
        **settings,
    )
    try:
        yield provider
    finally:
        await provider.close()


def opened_for(kind, models, **options):
    """A provider of the kind of pipeline in the modes that it is made for."""
    model = models / kind
    if kind == EDITS:
        return opened(models, None, model, painter="support.tiny_processor", **options)
    return opened(models, model, model if kind == "flux_2_klein" else None, **options)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ready(models):
    """Gives the provider of a kind, whose engine is started once for all tests."""
    providers = {}
    async with contextlib.AsyncExitStack() as stack:

        async def provider_of(kind):
            if kind not in providers:
                providers[kind] = await stack.enter_async_context(opened_for(kind, models))
            return providers[kind]

        yield provider_of


def job_for(kind, **changes):
    references = SEEN if kind == EDITS else ()
    return image_job("a panda in snow", size=SIZE, references=references, **changes)


def with_request(job, **changes):
    return dataclasses.replace(job, request=structs.replace(job.request, **changes))


def pictures(outcome):
    assert isinstance(outcome, Finished), outcome
    return [Image.open(io.BytesIO(image.data)) for image in outcome.images]


@pytest.mark.parametrize("kind", [*FROM_PROMPT, EDITS])
async def test_a_pipeline_paints_with_progress_and_seeds(kind, ready):
    provider = await ready(kind)
    progress = []
    first, second = pictures(await provider.start(job_for(kind, num_images=2), progress.append))
    assert [one.size for one in (first, second)] == [SIZE, SIZE]
    assert first.tobytes() != second.tobytes()
    steps = [[round(share * STEPS) for share in shares] for shares in progress]
    assert steps == [[1, 0], [2, 0], [3, 0], [3, 1], [3, 2], [3, 3]]

    (again,) = pictures(await provider.start(job_for(kind, seed=8), ignore))
    assert again.tobytes() == second.tobytes()


@pytest.mark.parametrize("kind", [*FROM_PROMPT, EDITS])
async def test_a_cancel_ends_the_painting_between_two_steps(kind, models):
    seen = []
    second_step = asyncio.Event()

    def report(shares):
        seen.append(shares)
        if len(seen) == 2:
            second_step.set()

    async with opened_for(kind, models, steps=10_000) as provider:
        with capture_logs() as logs:
            call = asyncio.create_task(provider.start(job_for(kind), report))
            async with asyncio.timeout(60):
                await second_step.wait()
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
    assert not [line for line in logs if line["event"] == "diffusers.engine_killed"]
    assert len(seen) < 100


@pytest.mark.parametrize("kind", ["qwen_image", EDITS, "wan"])
async def test_a_negative_prompt_changes_the_picture_where_the_model_takes_one(kind, ready):
    provider = await ready(kind)
    jobs = [job_for(kind), with_request(job_for(kind), negative_prompt="fog")]
    outcomes = [await provider.start(job, ignore) for job in jobs]
    (plain,), (clear,) = map(pictures, outcomes)
    assert plain.tobytes() != clear.tobytes()
    assert outcomes[1].warnings == ()


@pytest.mark.parametrize("kind", ["z_image", "flux_2_klein"])
async def test_a_model_without_negative_prompts_says_that_it_left_one_out(kind, ready):
    provider = await ready(kind)
    outcome = await provider.start(with_request(job_for(kind), negative_prompt="fog"), ignore)
    assert len(pictures(outcome)) == 1
    assert "negative prompt" in outcome.warnings[0]


@pytest.mark.parametrize("kind", ["flux_2_klein", EDITS])
async def test_each_reference_counts(kind, ready):
    provider = await ready(kind)
    jobs = [image_job("mix", size=SIZE, references=SEEN[:count]) for count in (1, 2, 3)]
    made = [pictures(await provider.start(job, ignore))[0] for job in jobs]
    assert {picture.size for picture in made} == {SIZE}
    assert len({picture.tobytes() for picture in made}) == 3


async def test_a_size_that_the_pipeline_does_not_make_is_brought_to_it(ready):
    provider = await ready("z_image")
    outcome = await provider.start(image_job("x", size=(130, 70)), ignore)
    assert pictures(outcome)[0].size == (130, 70)


async def test_a_picture_too_large_for_the_memory_fails_alone_and_the_engine_goes_on(ready):
    provider = await ready("z_image")
    outcome = await provider.start(image_job("x", size=(4_000_000, 4_000_000)), ignore)
    assert isinstance(outcome, Refused)
    assert outcome.message == "The image engine ran out of memory for this picture."
    assert len(pictures(await provider.start(job_for("z_image"), ignore))) == 1


async def test_without_a_setting_a_picture_takes_the_steps_of_its_model(models):
    progress = []
    async with opened_for("z_image", models, steps=None) as provider:
        await provider.start(job_for("z_image"), progress.append)
    assert len(progress) == 9


@pytest.fixture
def spoiled(models, tmp_path):
    """A model whose autoencoder answers nothing but NaN, like one whose numbers overflow."""
    folder = tmp_path / "spoiled"
    shutil.copytree(models / "z_image", folder)
    spoil = (
        "import sys; from safetensors.torch import load_file, save_file; file = sys.argv[1];"
        "weights = load_file(file); save_file({n: w * float('nan') for n, w in weights.items()},"
        " file, {'format': 'pt'})"
    )
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    subprocess.run([sys.executable, "-c", spoil, weights], check=True)
    return folder


async def test_a_picture_of_numbers_that_overflowed_is_not_delivered(spoiled, tmp_path):
    alarms = []
    async with opened(tmp_path, spoiled, alarms=alarms) as provider:
        assert isinstance(await provider.start(job_for("z_image"), ignore), Refused)
    assert "HELIOGRAPH_DIFFUSERS_DTYPE" in alarms[0][1]


async def test_a_pipeline_that_cannot_be_called_is_refused_by_name(models, tmp_path):
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "model_index.json").write_text(json.dumps({"_class_name": "OtherPipeline"}))
    await expect_fault(tmp_path, strange, "OtherPipeline", "ZImagePipeline")


async def test_a_model_without_weights_is_told(models, tmp_path):
    torn = tmp_path / "torn"
    shutil.copytree(models / "z_image", torn)
    shutil.rmtree(torn / "transformer")
    await expect_fault(tmp_path, torn, "cannot be read", "incomplete or damaged")


@pytest.mark.parametrize(
    ("model", "reason", "remedy"),
    [
        ("/no/such/folder", "there is no folder", "Correct the path"),
        ("not a name", "HFValidationError", "OWNER/NAME"),
        ("owner/unreachable", "LocalEntryNotFoundError", "HF_HUB_OFFLINE"),
    ],
)
async def test_a_model_that_is_not_here_is_told(tmp_path, monkeypatch, model, reason, remedy):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    await expect_fault(tmp_path, model, reason, remedy)


async def test_a_device_that_is_not_here_is_told(models, tmp_path):
    model = models / "z_image"
    for device in ("cuda:99", "abacus"):
        await expect_fault(tmp_path, model, device, "HELIOGRAPH_DIFFUSERS_DEVICE", device=device)


async def expect_fault(tmp_path, model, reason, remedy, **options):
    alarms = []
    async with opened(tmp_path, model, alarms=alarms, **options) as provider:
        assert await provider.start(image_job(size=SIZE), ignore) == NO_MODEL
    ((code, told),) = alarms
    assert code == "ModelNotLoaded"
    assert reason in told
    assert remedy in told


@pytest_asyncio.fixture(loop_scope="module")
async def hub(monkeypatch):
    async with Web() as web:
        monkeypatch.setenv("HF_ENDPOINT", web.url(""))
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield web


async def test_a_model_is_downloaded_once_without_what_is_not_needed(
    models, tmp_path, hub, monkeypatch
):
    offered = tmp_path / "offered"
    shutil.copytree(models / "z_image", offered)
    (offered / "z_image.safetensors").write_bytes(b"the same weights again")
    (offered / "assets").mkdir()
    (offered / "assets" / "panda.png").write_bytes(b"a picture")
    publish(hub, "owner/z_image", offered)
    with capture_logs() as logs:
        async with opened(tmp_path, "owner/z_image") as provider:
            assert len(pictures(await provider.start(job_for("z_image"), ignore))) == 1
    percents = [line["percent"] for line in logs if line["event"] == "diffusers.downloading"]
    assert percents == sorted(set(percents))
    assert percents[-1] == 100
    asked = {request.path for request in hub.requests if request.method == "GET"}
    assert not [path for path in asked if path.endswith(("png", "/z_image.safetensors"))]

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    count = len(hub.requests)
    async with opened(tmp_path, "owner/z_image") as provider:
        assert len(pictures(await provider.start(job_for("z_image"), ignore))) == 1
        found = [finding.found for finding in await provider.probe()]
    assert f"owner/z_image is in {tmp_path}" in found
    assert len(hub.requests) == count


async def test_the_weights_of_a_pipeline_that_cannot_be_called_are_not_downloaded(tmp_path, hub):
    offered = tmp_path / "offered"
    (offered / "unet").mkdir(parents=True)
    (offered / "model_index.json").write_text(json.dumps({"_class_name": "OtherPipeline"}))
    (offered / "unet" / "model.safetensors").write_bytes(b"many gigabytes")
    publish(hub, "owner/other", offered)
    await expect_fault(tmp_path, "owner/other", "OtherPipeline", "ZImagePipeline")
    assert not [request for request in hub.requests if "safetensors" in request.path]


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (403, "GatedRepo", "Accept the licence"),
        (404, "RepoNotFound", "Check the name"),
        (404, "EntryNotFound", "model_index.json"),
    ],
)
async def test_a_model_that_is_not_given_out_is_told_with_a_remedy(
    tmp_path, hub, status, code, remedy
):
    refuse(hub, "owner/model", status, code)
    await expect_fault(tmp_path, "owner/model", "owner/model", remedy)


async def test_a_probe_tells_the_device_and_where_the_model_is(models, tmp_path):
    async with opened(tmp_path, models / "z_image", "owner/other") as provider:
        findings = await provider.probe()
    assert all(finding.ok for finding in findings)
    sentences = [finding.found for finding in findings]
    assert sentences[0].startswith("runs on cpu with torch")
    assert sentences[1] == f"{models / 'z_image'} is a folder of this machine"
    assert "the first task downloads it" in sentences[3]


async def test_a_probe_tells_what_is_wrong_with_a_folder_or_a_device(tmp_path):
    async with opened(tmp_path, tmp_path) as provider:
        findings = await provider.probe()
    assert [finding.ok for finding in findings] == [True, False]
    async with opened(tmp_path, tmp_path, device="abacus") as provider:
        (finding,) = await provider.probe()
    assert "abacus" in finding.found
