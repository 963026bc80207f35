"""The emulator is as strict as DashScope, counts every submit, and survives a restart."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager

import aiohttp
import pytest

from support.dashscope_emulator import Emulator, serving

TEXT = "services/aigc/text2image/image-synthesis"
EDIT = "services/aigc/image2image/image-synthesis"
HEADERS = {"Authorization": "Bearer sk-emulator", "X-DashScope-Async": "enable"}


def body(**changes):
    return {"model": "wan2.5-t2i-preview", "input": {"prompt": "a lake"}, **changes}


async def post(base_url, path, json_body, headers=HEADERS):
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{base_url}/{path}", json=json_body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


REFUSED = [
    (TEXT, body(), {"X-DashScope-Async": "enable"}, 401, "InvalidApiKey"),
    (TEXT, body(), {"Authorization": "Bearer sk-emulator"}, 403, "AccessDenied"),
    (TEXT, [], HEADERS, 400, "BadRequest.IllegalInput"),
    (TEXT, body(model="nonsense"), HEADERS, 404, "InvalidParameter"),
    (EDIT, body(), HEADERS, 400, "InvalidParameter"),
    (TEXT, {"model": "wan2.5-t2i-preview"}, HEADERS, 400, "BadRequest.EmptyInput"),
    (TEXT, body(input={"prompt": " "}), HEADERS, 400, "InvalidParameter"),
    (TEXT, body(parameters={"size": "1280x1280"}), HEADERS, 400, "InvalidParameter"),
    (TEXT, body(parameters={"size": "700*700"}), HEADERS, 400, "InvalidParameter"),
    (TEXT, body(parameters={"n": 5}), HEADERS, 400, "InvalidParameter"),
    (TEXT, body(parameters={"n": True}), HEADERS, 400, "InvalidParameter"),
    (TEXT, body(parameters={"seed": 2**31}), HEADERS, 400, "InvalidParameter"),
    (TEXT, body(parameters={"watermark": 0}), HEADERS, 400, "InvalidParameter"),
]


@pytest.mark.parametrize(("path", "json_body", "headers", "status", "code"), REFUSED)
async def test_a_wrong_submit_is_refused_as_documented(path, json_body, headers, status, code):
    emulator = Emulator()
    async with serving(emulator) as base_url:
        answered, answer = await post(base_url, path, json_body, headers)
    assert (answered, answer["code"]) == (status, code)
    assert not emulator.submits


@pytest.mark.parametrize(
    "images", [None, [], ["x"] * 4, ["file:///etc/passwd"], ["data:image/png;base64,AAAA"]]
)
async def test_a_wrong_reference_is_refused(images):
    edit = {"model": "wan2.5-i2i-preview", "input": {"prompt": "a lake", "images": images}}
    async with serving(Emulator()) as base_url:
        status, _ = await post(base_url, EDIT, edit)
    assert status == 400


async def test_four_pictures_are_made_where_no_number_is_given():
    emulator = Emulator()
    async with serving(emulator) as base_url:
        await post(base_url, TEXT, body())
    assert [entry["n"] for entry in emulator.submits] == [4]


async def test_a_process_of_its_own_counts_submits_across_a_restart(tmp_path):
    state = tmp_path / "state.jsonl"
    async with process(state) as base_url:
        _, first = await post(base_url, TEXT, body())
        await post(base_url, TEXT, body(input={"prompt": "no {{submit:Throttling:}}"}))
    async with process(state) as base_url, aiohttp.ClientSession(headers=HEADERS) as session:
        await post(base_url, TEXT, body())
        async with session.get(base_url.replace("/api/v1", "/_emulator/submits")) as answer:
            counts = await answer.json()
        async with session.get(f"{base_url}/tasks/{first['output']['task_id']}/") as answer:
            assert (await answer.json())["output"]["task_status"] == "SUCCEEDED"
    assert counts["posts"] == {"a lake": 2, "no {{submit:Throttling:}}": 1}
    assert counts["accepted"] == {"a lake": 2}


@asynccontextmanager
async def process(state):
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "support.dashscope_emulator", "--seconds", "0", "--state", state),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield json.loads(await child.stdout.readline())["base_url"]
    finally:
        child.terminate()
        await child.wait()
