"""An emulator of the image servers that speak OpenAI's images API, as strict as what was read of them.

In a process of its own: `python -m support.openai_images_emulator --port 0 --seconds 0.2 --dialect sglang`
(PYTHONPATH: tests and src). The first line on stdout is `{"base_url": …}`. `GET /_emulator/calls` tells of
every call: its fields, its files, how it ended (`made`, `cancelled`, `refused`, `broken`), and whether the
client `left` before. `POST /_emulator/seconds` with a number sets how long a picture takes from now on.

Markers in the prompt, or in `also`, which counts as part of every prompt, make trouble; several may stand
side by side:

{{only:SEED}}           the other markers count for the picture with this seed alone
{{slow:SECONDS}}        this picture takes that long
{{status:CODE:COUNT}}   the first COUNT calls (all, without it) are answered with this HTTP status
{{says:CODE:WORDS}}     like `status`, with these words; as a content refusal where they say `moderation`
{{html}}                a proxy answers 502 and HTML
{{redirect}}            302 to another address
{{drop:COUNT}}          the connection breaks while the picture is made, for the first COUNT calls
{{hang}}                there is never an answer
{{fewer}}               200 without a picture
{{size:WIDTHxHEIGHT}}   the picture has this size instead
{{text}}                it is no picture; {{half}}: a damaged one; {{base64}}: not even base64
{{url:WHERE}}           the picture is given as an address: `own`, `elsewhere` or `gone`
{{huge}}                an endless answer
"""

import argparse
import asyncio
import base64
import io
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from PIL import Image
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from support import dashscope_emulator
from support.dashscope_emulator import TrackedProtocol, listening
from support.dashscope_pictures import endless, png
from support.openai_images_checks import (
    DIALECTS,
    Asked,
    File,
    Refusal,
    parsed_size,
    read_object,
    understood,
)

MARKER = re.compile(r"\{\{([a-z0-9-]+)(?::([^:}]*))?(?::([^}]*))?\}\}")


@dataclass
class Call:
    """One call, as it came in."""

    path: str
    fields: dict[str, Any]
    files: list[tuple[str, str, str, int]] = field(default_factory=list)
    ended: str = "open"
    left: bool = False


class Emulator:
    """A server of one model. `seconds` is how long a picture takes; `sick` turns its health to 503."""

    def __init__(
        self,
        dialect: str = "vllm-omni",
        *,
        seconds: float = 0.0,
        model: str = "test-model",
        key: str | None = None,
        also: str = "",
    ) -> None:
        assert dialect in DIALECTS
        self.dialect = dialect
        self.seconds = seconds
        self.model = model
        self.key = key
        self.also = also
        self.sick = False
        self.calls: list[Call] = []
        self.looks = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.busy = asyncio.Event()
        self.files: dict[str, bytes] = {}
        self._counts: Counter[str] = Counter()
        self.app = Starlette(
            routes=[
                Route("/v1/images/generations", self.generate, methods=["POST"]),
                Route("/v1/images/edits", self.edit, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/health", self.health),
                Route("/files/{name}", self.file),
                Route("/_emulator/calls", self.count),
                Route("/_emulator/seconds", self.set_seconds, methods=["POST"]),
            ],
            exception_handlers={Refusal: self.refuse},
        )

    # -- the API -------------------------------------------------------------------------------

    async def generate(self, request: Request) -> Response:
        body = await request.body()
        return await self._serve(request, read_object(body), None)

    async def edit(self, request: Request) -> Response:
        fields: dict[str, Any] = {}
        files: list[File] = []
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    data = await value.read()
                    kind = value.content_type or ""
                    files.append(File(name, value.filename or "", kind, data))
                else:
                    fields[name] = value
        return await self._serve(request, fields, files)

    async def models(self, request: Request) -> Response:
        self._check_key(request)
        self.looks += 1
        name = "sd-cpp-local" if self.dialect == "sd-server" else self.model
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"}]})

    async def health(self, request: Request) -> Response:
        if self.dialect in {"sd-server", "openai"}:
            return Response("Not Found", 404)
        self.looks += 1
        if self.sick:
            return JSONResponse({"status": "unhealthy"}, 503)
        return JSONResponse({"status": "healthy"})

    async def file(self, request: Request) -> Response:
        data = self.files.get(request.path_params["name"])
        return Response("gone", 404) if data is None else Response(data, media_type="image/png")

    async def count(self, request: Request) -> Response:
        ended = Counter(call.ended for call in self.calls)
        calls = [asdict(call) for call in self.calls]
        return JSONResponse({"calls": calls, "ended": ended, "most_in_flight": self.most_in_flight})

    async def set_seconds(self, request: Request) -> Response:
        self.seconds = float(await request.body())
        return Response()

    async def refuse(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        headers = {"Retry-After": "0"} if error.status in {429, 503} else {}
        details = {"message": error.message, "type": "error", "param": None, "code": error.code}
        body: dict[str, Any] = {"error": details}
        if self.dialect == "sglang":
            body = {"detail": error.message}
        if self.dialect == "sd-server":
            body = {"error": error.message}
        return JSONResponse(body, error.status, headers)

    # -- one call ------------------------------------------------------------------------------

    async def _serve(
        self, request: Request, fields: dict[str, Any], files: list[File] | None
    ) -> Response:
        told = [(one.field, one.name, one.content_type, len(one.data)) for one in files or ()]
        call = Call(request.url.path, fields, told, ended="refused")
        self.calls.append(call)
        self._check_key(request)
        asked = understood(self.dialect, self.model, fields, files)
        markers = self._markers(asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.busy.set()
        try:
            return await self._make(request, call, asked, markers)
        finally:
            self.in_flight -= 1

    async def _make(
        self, request: Request, call: Call, asked: Asked, markers: dict[str, tuple[str, str]]
    ) -> Response:
        trouble = self._trouble(markers)
        if trouble is not None:
            return trouble
        call.ended = "open"
        seconds = float(markers["slow"][0]) if "slow" in markers else self.seconds
        gone = await self._work(request, call, 3600 if "hang" in markers else seconds)
        if gone and self.dialect == "vllm-omni" and call.path.endswith("generations"):
            call.ended = "cancelled"
            return Response()
        if self._counted("drop", markers, 0):
            call.ended = "broken"
            assert request.client is not None
            TrackedProtocol.transports[request.client.host, request.client.port].abort()
            return Response()
        call.ended = "made"
        return self._answer(request, asked, markers)

    async def _work(self, request: Request, call: Call, seconds: float) -> bool:
        """Takes its time; True if the client left. Where nobody listens to that, work goes on."""
        began = time.monotonic()
        watching = asyncio.create_task(disconnected(request))
        await asyncio.wait({watching}, timeout=seconds)
        call.left = watching.done()
        watching.cancel()
        listens = self.dialect == "vllm-omni" and call.path.endswith("generations")
        if call.left and not listens:
            await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        return call.left

    def _trouble(self, markers: dict[str, tuple[str, str]]) -> Response | None:
        if self._counted("status", markers, 1):
            raise Refusal(int(markers["status"][0]), "as asked")
        if "says" in markers:
            status, words = markers["says"]
            code = "content_policy_violation" if "moderation" in words else None
            raise Refusal(int(status), words, code)
        if "html" in markers:
            return Response("<h1>Bad Gateway</h1>", 502, media_type="text/html")
        if "redirect" in markers:
            return RedirectResponse("http://127.0.0.1:1/", 302)
        return None

    def _answer(
        self, request: Request, asked: Asked, markers: dict[str, tuple[str, str]]
    ) -> Response:
        if "huge" in markers:
            return StreamingResponse(endless_text(), media_type="application/json")
        if "size" in markers:
            asked = replace(asked, size=parsed_size(markers["size"][0]))
        numbers = () if "fewer" in markers else range(asked.n)
        pictures = [self._picture(asked, asked.seed + number, markers) for number in numbers]
        where = "own" if asked.as_url else markers.get("url", ("", ""))[0]
        data = [self._told(request, picture, where) for picture in pictures]
        if "base64" in markers:
            data = [{"b64_json": "?"}]
        return JSONResponse({"created": int(time.time()), "data": data, **self._extras(asked)})

    def _picture(self, asked: Asked, seed: int, markers: dict[str, tuple[str, str]]) -> bytes:
        if "text" in markers:
            return b"this is no picture"
        data = png(asked.size, f"{asked.prompt} {seed}")
        if asked.output_format == "jpeg":
            file = io.BytesIO()
            Image.open(io.BytesIO(data)).save(file, "JPEG")
            data = file.getvalue()
        return data[: len(data) // 2] if "half" in markers else data

    def _told(self, request: Request, data: bytes, where: str) -> dict[str, Any]:
        if not where:
            item: dict[str, Any] = {"b64_json": base64.b64encode(data).decode()}
            more = {"url": None, "revised_prompt": None}
            return item if self.dialect == "sd-server" else {**item, **more}
        name = f"{len(self.files)}.png"
        self.files[name] = data
        if where == "gone":
            name = "absent.png"
        host = str(request.base_url)
        if where == "elsewhere":
            host = host.replace("127.0.0.1", "localhost")
        return {"url": f"{host}files/{name}", "b64_json": None}

    def _extras(self, asked: Asked) -> dict[str, Any]:
        """What each server tells besides the pictures."""
        size = f"{asked.size[0]}x{asked.size[1]}"
        match self.dialect:
            case "vllm-omni":
                more = {"size": size, "metrics": None, "cot_output": None}
                return {"output_format": asked.output_format, **more}
            case "sglang":
                return {"id": "img-1", "inference_time_s": 0.1, "peak_memory_mb": 1.0}
            case "sd-server":
                return {"output_format": asked.output_format}
            case _:
                return {"size": size}

    def _markers(self, asked: Asked) -> dict[str, tuple[str, str]]:
        found = {
            name: (value, rest) for name, value, rest in MARKER.findall(asked.prompt + self.also)
        }
        only = found.get("only")
        return {} if only is not None and int(only[0]) != asked.seed else found

    def _counted(self, name: str, markers: dict[str, tuple[str, str]], place: int) -> bool:
        """Whether this marker stands there and its count, if it has one, is not used up."""
        if name not in markers:
            return False
        self._counts[name] += 1
        most = markers[name][place]
        return not most or self._counts[name] <= int(most)

    def _check_key(self, request: Request) -> None:
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            raise Refusal(401, f"Incorrect API key provided: {given}", "invalid_api_key")


async def disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def endless_text() -> AsyncIterator[bytes]:
    for _ in range(2):
        async for part in endless():
            yield part


@asynccontextmanager
async def serving(emulator: Emulator) -> AsyncIterator[str]:
    """The base URL under which `emulator` answers on loopback, until the block ends."""
    async with dashscope_emulator.serving(emulator) as base_url:
        yield base_url.replace("/api/v1", "/v1")


@asynccontextmanager
async def serving_all(*emulators: Emulator) -> AsyncIterator[list[str]]:
    """The base URLs of these replicas."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(emulator)) for emulator in emulators]


@asynccontextmanager
async def process(*options: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """An emulator in a process of its own, with these options: its base URL, and the process."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "support.openai_images_emulator", *options),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    try:
        yield json.loads(await child.stdout.readline())["base_url"], child
    finally:
        with suppress(ProcessLookupError):
            child.terminate()
        await child.wait()


def run(arguments: argparse.Namespace) -> None:
    emulator = Emulator(
        arguments.dialect,
        seconds=arguments.seconds,
        model=arguments.model,
        key=arguments.key,
        also=arguments.also,
    )
    with listening(arguments.port) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        sys.stdout.write(json.dumps({"base_url": address}) + "\n")
        sys.stdout.flush()
        dashscope_emulator.server_of(emulator).run(sockets=[listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dialect", choices=DIALECTS, default="vllm-omni")
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--model", default="test-model")
    parser.add_argument("--key")
    parser.add_argument("--also", default="")
    run(parser.parse_args())
