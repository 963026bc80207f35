"""One customer whose receivers and pictures hang, in numbers, and another who notices nothing of it."""

import asyncio
from contextlib import AsyncExitStack

import httpx2

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image
from support.pictures import encoded, photo
from support.receiver import Hang, Receiver

SLOTS = 20
DEADLINE_SECONDS = 20
RECEIVERS = 6
FROM_EACH = 4
QUOTES = 24

SETTINGS = {
    "HELIOGRAPH_WORKER_CONCURRENCY": str(SLOTS),
    "HELIOGRAPH_TASK_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8",
}


def client(url: str, headers: dict[str, str]) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, headers=headers, timeout=60)


def image_to_image(*urls: str) -> dict:
    return {"mode": "image-to-image", "prompt": "a lake", "image_urls": list(urls)}


async def submitted(http: httpx2.AsyncClient, fields: dict, **more: str) -> str:
    answer = await http.post(GENERATE, json={"input": fields, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["taskId"]


async def ended(http: httpx2.AsyncClient, task_id: str) -> str:
    """What becomes of a task."""
    answer = await http.get(STATUS, params={"taskId": task_id, "wait": 60})
    return answer.json()["data"]["state"]


async def hang_everywhere(http: httpx2.AsyncClient, receivers: list[Receiver]) -> list:
    """Tasks whose callbacks are never answered, and quotes for pictures that never come."""
    for receiver in receivers:
        for number in range(FROM_EACH):
            url = receiver.script(f"/hook/{number}", Hang())
            fields = text_to_image("a lake")
            task_id = await submitted(http, fields, request_type="callback", callback_url=url)
            assert await ended(http, task_id) == "success"
    pictures = [receivers[0].script(f"/{number}.png", Hang()) for number in range(3)]
    quote = GENERATE.replace("generateTask", "quoteTask")
    quotes = [
        asyncio.create_task(http.post(quote, json={"input": image_to_image(*pictures)}))
        for _ in range(QUOTES)
    ]
    async with asyncio.timeout(30):
        while sum(len(receiver.requests) for receiver in receivers) < SLOTS:
            await asyncio.sleep(0.05)
    return quotes


async def test_whoever_hangs_keeps_none_of_the_others_tasks_waiting(install: Install):
    installation = install(**SETTINGS)
    await asyncio.to_thread(lambda: installation.serve().ready())
    async with AsyncExitStack() as opened:
        hanging, other = [
            await opened.enter_async_context(
                client(installation.url, (await new_customer(installation)).headers)
            )
            for _ in range(2)
        ]
        receivers = [await opened.enter_async_context(Receiver()) for _ in range(RECEIVERS)]
        upload = await other.post("/api/v1/files", files={"file": encoded(photo(), "PNG")})
        quotes = await hang_everywhere(hanging, receivers)
        own = image_to_image(upload.json()["data"]["url"])
        tasks = [await submitted(other, fields) for fields in (text_to_image("a panda"), own)]
        assert [await ended(other, task_id) for task_id in tasks] == ["success"] * 2
        assert not all(quote.done() for quote in quotes)
        for quote in quotes:
            quote.cancel()
        await asyncio.gather(*quotes, return_exceptions=True)


async def new_customer(installation):
    return await asyncio.to_thread(installation.customer, "0", "--test")
