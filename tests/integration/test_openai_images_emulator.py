"""OpenAI's own client works against the emulator, which is as strict as the servers it stands for."""

import asyncio
import base64
import contextlib
import io

import aiohttp
import openai
import pytest
from PIL import Image

from support.openai_images_emulator import Emulator, process, serving


@contextlib.asynccontextmanager
async def client_of(emulator, key="any"):
    async with (
        serving(emulator) as base_url,
        openai.AsyncOpenAI(api_key=key, base_url=base_url, max_retries=0) as client,
    ):
        yield client


def picture(image):
    return Image.open(io.BytesIO(base64.b64decode(image.b64_json)))


def file(size=(64, 48)):
    data = io.BytesIO()
    Image.new("RGB", size, "navy").save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize("dialect", ["vllm-omni", "sglang", "sd-server", "openai"])
async def test_the_openai_client_gets_pictures_of_every_dialect(dialect):
    async with client_of(Emulator(dialect)) as client:
        made = await client.images.generate(
            prompt="a lake", model="test-model", n=2, size="96x64", response_format="b64_json"
        )
        listed = await client.models.list()
    assert [picture(image).size for image in made.data] == [(96, 64)] * 2
    assert listed.data[0].id == ("sd-cpp-local" if dialect == "sd-server" else "test-model")


@pytest.mark.parametrize("dialect", ["vllm-omni", "sglang", "sd-server", "openai"])
async def test_the_openai_client_edits_up_to_three_references(dialect):
    emulator = Emulator(dialect)
    files = [(f"{number}.png", file(), "image/png") for number in range(3)]
    async with client_of(emulator) as client:
        made = await client.images.edit(
            image=files, prompt="mix", size="64x64", response_format="b64_json"
        )
    assert picture(made.data[0]).size == (64, 64)
    assert [name for _, name, _, _ in emulator.calls[0].files] == ["0.png", "1.png", "2.png"]


async def test_a_server_of_the_openai_dialect_answers_with_addresses_by_default():
    async with client_of(Emulator("openai")) as client:
        made = await client.images.generate(prompt="a lake", size="96x64")
        async with aiohttp.ClientSession() as session, session.get(made.data[0].url) as answer:
            assert Image.open(io.BytesIO(await answer.read())).size == (96, 64)


REFUSED = [
    ("vllm-omni", {"model": "other"}, 400, "Model mismatch"),
    ("vllm-omni", {"n": 11}, 400, "n must be"),
    ("vllm-omni", {"size": "96*64"}, 400, "size"),
    ("vllm-omni", {"size": "99999x99999"}, 400, "pixels"),
    ("vllm-omni", {"response_format": "url"}, 400, "response_format"),
    ("vllm-omni", {"output_format": "gif"}, 400, "output_format"),
    ("sglang", {"response_format": "url"}, 400, "cloud storage"),
    ("sd-server", {"output_format": "gif"}, 400, "output_format"),
    ("sd-server", {"prompt": "<sd_cpp_extra_args>{</sd_cpp_extra_args>"}, 400, "extra_args"),
    ("openai", {"model": "other"}, 404, "does not exist"),
    ("openai", {"extra_body": {"seed": 7}}, 400, "Unknown parameter"),
    ("openai", {"n": 0}, 400, "'n'"),
]


@pytest.mark.parametrize(("dialect", "parameters", "status", "words"), REFUSED)
async def test_a_wrong_parameter_is_refused_in_the_words_of_the_dialect(
    dialect, parameters, status, words
):
    emulator = Emulator(dialect)
    async with client_of(emulator) as client:
        with pytest.raises(openai.APIStatusError) as raised:
            await client.images.generate(**{"prompt": "a lake", **parameters})
    assert raised.value.status_code == status
    assert words in raised.value.response.text
    assert [call.ended for call in emulator.calls] == ["refused"]


@pytest.mark.parametrize(
    ("dialect", "shape"), [("vllm-omni", "error"), ("sglang", "detail"), ("sd-server", "error")]
)
async def test_an_error_has_the_shape_of_the_dialect(dialect, shape):
    async with (
        serving(Emulator(dialect)) as base_url,
        aiohttp.ClientSession() as session,
        session.post(f"{base_url}/images/generations", json={}) as answer,
    ):
        told = (await answer.json())[shape]
    assert answer.status == 400
    assert "prompt required" in (told["message"] if dialect == "vllm-omni" else told)


@pytest.mark.parametrize(
    ("files", "status"), [([], 422), ([b"no picture"], 400), ([file()] * 5, 400)]
)
async def test_wrong_references_are_refused(files, status):
    form = aiohttp.FormData({"prompt": "mix"}, default_to_multipart=True)
    for data in files:
        form.add_field("image[]", data, filename="x.png")
    async with (
        serving(Emulator()) as base_url,
        aiohttp.ClientSession() as session,
        session.post(f"{base_url}/images/edits", data=form) as answer,
    ):
        assert answer.status == status


async def test_the_defaults_are_those_that_surprise():
    async with client_of(Emulator("sglang")) as client:
        pair = [await client.images.generate(prompt="a lake", size="96x64") for _ in range(2)]
    first, second = (picture(one.data[0]) for one in pair)
    assert first.format == "JPEG"
    assert first.tobytes() == second.tobytes()
    async with client_of(Emulator("sd-server")) as client:
        made = await client.images.generate(prompt="a lake", size="auto")
    assert picture(made.data[0]).size == (512, 512)


async def test_a_key_is_asked_for_and_a_sick_server_says_so():
    emulator = Emulator(key="right")
    async with client_of(emulator, key="wrong") as client:
        with pytest.raises(openai.AuthenticationError):
            await client.images.generate(prompt="a lake")
        emulator.sick = True
        health = str(client.base_url.join("/health"))
        async with aiohttp.ClientSession() as session, session.get(health) as answer:
            assert answer.status == 503


async def test_a_client_that_leaves_stops_a_picture_but_not_an_edit():
    emulator = Emulator(seconds=0.3)
    async with client_of(emulator) as client:
        for path in ("generate", "edit"):
            emulator.busy.clear()
            given = {"image": file()} if path == "edit" else {}
            call = asyncio.create_task(getattr(client.images, path)(prompt="x", **given))
            await emulator.busy.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        while any(call.ended == "open" for call in emulator.calls):
            await asyncio.sleep(0.01)
    assert [(call.ended, call.left) for call in emulator.calls] == [
        ("cancelled", True),
        ("made", True),
    ]


async def test_a_connection_breaks_when_it_is_told_to():
    async with client_of(Emulator()) as client:
        with pytest.raises(openai.APIConnectionError):
            await client.images.generate(prompt="{{drop:1}}", size="96x64")
        made = await client.images.generate(prompt="{{drop:1}}", size="96x64")
    assert picture(made.data[0]).size == (96, 64)


async def test_a_process_of_its_own_tells_what_it_was_asked():
    async with (
        process("--seconds", "0", "--dialect", "sglang") as (base_url, _),
        openai.AsyncOpenAI(api_key="any", base_url=base_url) as client,
    ):
        await client.images.generate(prompt="a lake", size="96x64")
        address = base_url.removesuffix("/v1") + "/_emulator/calls"
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            told = await answer.json()
    assert told["ended"] == {"made": 1}
    assert told["calls"][0]["fields"]["prompt"] == "a lake"
