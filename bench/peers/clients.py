"""One picture, asked for and had: of this service, and of LiteLLM."""

import functools
import itertools

import aiohttp
from crowd import Once
from servers import LITELLM_KEY

MODEL = "wan-2-5-image"
PROMPT = "a cinematic panda in snow"
OUR_BODY = {"request_type": "async", "input": {"mode": "text-to-image", "prompt": PROMPT}}
LITELLM_BODY = {"model": "picture", "prompt": PROMPT, "n": 1, "size": "1024x1024"}


def session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


def ours(http: aiohttp.ClientSession, url: str, keys: list[str]) -> Once:
    """Submit, wait for the end, read the state: the picture is stored by then, and paid for.

    The accounts behind `keys` take turns.
    """
    turns = itertools.cycle(keys)

    async def once() -> None:
        await _ours(http, f"{url}/api/v1", {"Authorization": f"Bearer {next(turns)}"})

    return once


async def _ours(http: aiohttp.ClientSession, api: str, headers: dict[str, str]) -> str:
    body = {**OUR_BODY, "input": {**OUR_BODY["input"], "num_images": 1}}
    async with http.post(f"{api}/generateTask/{MODEL}", json=body, headers=headers) as answer:
        task_id = (await answer.json())["data"]["taskId"]
    query = {"taskId": task_id, "wait": "60"}
    address = f"{api}/statusTask/{MODEL}"
    async with http.get(address, params=query, headers=headers) as answer:
        task = (await answer.json())["data"]
    assert task["state"] == "success", task
    return task_id


async def reader(http: aiohttp.ClientSession, url: str, key: str) -> Once:
    """Reads the state of a task of its own that has ended."""
    api, headers = f"{url}/api/v1", {"Authorization": f"Bearer {key}"}
    task_id = await _ours(http, api, headers)
    address = f"{api}/statusTask/{MODEL}?taskId={task_id}"
    return functools.partial(_read, http, address, headers)


async def _read(http: aiohttp.ClientSession, address: str, headers: dict[str, str]) -> None:
    async with http.get(address, headers=headers) as answer:
        assert (await answer.json())["data"]["state"] == "success"


def litellm(http: aiohttp.ClientSession, url: str) -> Once:
    """The picture in the answer, as it came from the upstream; nothing is stored."""
    return functools.partial(_litellm, http, f"{url}/v1/images/generations")


async def _litellm(http: aiohttp.ClientSession, address: str) -> None:
    headers = {"Authorization": f"Bearer {LITELLM_KEY}"}
    async with http.post(address, json=LITELLM_BODY, headers=headers) as answer:
        found = await answer.json()
    assert found["data"][0]["b64_json"], found
