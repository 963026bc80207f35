"""A remote provider that costs nothing: it speaks DashScope's protocol and makes no pictures.

`python bench/provider_stub.py` ends every job at its first check; the first line on stdout is its base URL.
"""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from PIL import Image

SIDE_PX = 1280
PICTURES = 4


class Stub:
    """Takes every job. Knows when each was answered last, and how long ago that was at its checks.

    With `ends` a job has its four pictures at the first check, else never.
    """

    def __init__(self, *, ends: bool = False) -> None:
        self._ends = ends
        self._picture = picture()
        self.answered: dict[str, float] = {}
        self.gaps_seconds: list[float] = []

    async def submit(self, _: web.Request) -> web.Response:
        """Take a job."""
        ref = f"job-{len(self.answered)}"
        self.answered[ref] = time.monotonic()
        return _answer(ref, "PENDING")

    async def check(self, request: web.Request) -> web.Response:
        """Say that it runs, or has ended."""
        ref, now = request.match_info["ref"], time.monotonic()
        if ref in self.answered:
            self.gaps_seconds.append(now - self.answered[ref])
        self.answered[ref] = now
        if not self._ends:
            return _answer(ref, "RUNNING")
        url = str(request.url.with_path("/picture.png"))
        return _answer(ref, "SUCCEEDED", results=[{"url": url}] * PICTURES)

    async def show(self, _: web.Request) -> web.Response:
        """Give a picture."""
        return web.Response(body=self._picture, content_type="image/png")


def picture() -> bytes:
    """A PNG of the size that is asked for."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((SIDE_PX, SIDE_PX)).convert("RGB").save(file, "PNG")
    return file.getvalue()


def settings_for(base_url: str) -> dict[str, str]:
    """Settings of a service that has it as its only provider, without limits."""
    return {
        "HELIOGRAPH_PROVIDERS": "dashscope",
        "HELIOGRAPH_DASHSCOPE_API_KEY": "sk-bench",
        "HELIOGRAPH_DASHSCOPE_BASE_URL": base_url,
        "HELIOGRAPH_DASHSCOPE_TASKS_IN_FLIGHT": "10000",
        "HELIOGRAPH_DASHSCOPE_STARTS_PER_SECOND": "10000",
        "HELIOGRAPH_DASHSCOPE_CHECKS_PER_SECOND": "10000",
        "HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8",
        "HELIOGRAPH_LOG_LEVEL": "warning",
    }


def _answer(ref: str, status: str, **more: object) -> web.Response:
    return web.json_response({"output": {"task_id": ref, "task_status": status, **more}})


@asynccontextmanager
async def serving(stub: Stub) -> AsyncIterator[str]:
    """The base URL of the provider."""
    app = web.Application()
    app.router.add_post("/api/v1/services/{path:.*}", stub.submit)
    app.router.add_get("/api/v1/tasks/{ref}", stub.check)
    app.router.add_get("/picture.png", stub.show)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1"
    finally:
        await runner.cleanup()


async def main() -> None:
    async with serving(Stub(ends=True)) as base_url:
        print(base_url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
