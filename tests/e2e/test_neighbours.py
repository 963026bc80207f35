"""One customer whose receivers, pictures and uploads hang, and another who notices nothing of it."""

import asyncio
import contextlib
from contextlib import AsyncExitStack

import httpx2
import psutil

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image
from heliograph.api.app import BODY_ROOM_BYTES
from support.pictures import encoded, photo
from support.receiver import Hang, Receiver

SLOTS = 20
DEADLINE_SECONDS = 20
RECEIVERS = 6
FROM_EACH = 4
QUOTES = 24
UPLOADS = 60
FILE_BYTES = 9_000_000

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


async def test_uploads_that_never_end_take_their_share_of_memory_and_no_more(install: Install):
    installation = install()
    process = await asyncio.to_thread(lambda: installation.serve("--no-worker").ready())
    hanging, other = [await new_customer(installation) for _ in range(2)]
    memory = psutil.Process(process.pid).memory_info
    async with client(installation.url, other.headers) as http, AsyncExitStack() as opened:
        photos = {"file": encoded(photo(), "PNG")}
        assert (await http.post("/api/v1/files", files=photos)).status_code == 200
        before_bytes = memory().rss
        uploads = [
            asyncio.create_task(upload_without_end(installation, hanging, opened))
            for _ in range(UPLOADS)
        ]
        _, waiting = await asyncio.wait(uploads, timeout=3)
        taken_bytes = memory().rss - before_bytes
        upload = await asyncio.wait_for(http.post("/api/v1/files", files=photos), 5)
        assert upload.status_code == 200
        assert len(waiting) == UPLOADS
        assert taken_bytes < 2 * BODY_ROOM_BYTES // 4
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def upload_without_end(installation, customer, opened: AsyncExitStack) -> None:
    """All of a file but the last byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx2.URL(installation.url).port)
    opened.push_async_callback(hang_up, writer)
    head = (
        "POST /api/v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        f"Authorization: {customer.headers['Authorization']}\r\nContent-Length: {FILE_BYTES}\r\n\r\n"
    )
    writer.write(head.encode() + bytes(FILE_BYTES - 1))
    await reader.read()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
