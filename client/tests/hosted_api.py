"""A stand-in for the hosted API: the documented routes and no other, on loopback, with faults to order.

It keeps tasks and money as the documents say: what is accepted is paid for, whatever becomes of the
answer. It knows no idempotency keys, no `wait`, no events, no uploads.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "hosted-key"
MODEL = "wan-2-5-image"
PRICE = 0.03
PICTURE = b"\x89PNG\r\n\x1a\n" + b"a picture"
CREATED = 1767965610929


@dataclass(frozen=True)
class Refuse:
    """Answer with an error in the envelope, and do nothing."""

    status: int
    message: str = "No"
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Answer with a page of a proxy in between, and do nothing."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """Do what is asked (or not), and break the connection without an answer."""

    accept: bool = True


@dataclass(frozen=True)
class Hang:
    """Do what is asked, and answer nothing for as long as the client waits."""


Fault = Refuse | Page | Drop | Hang


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; names of headers in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HostedApi:
    """Tasks, money, and the faults that the next requests meet, one each.

    `outcomes` are what successive reads of a task show; the last one stays.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.balance = 10.0
        self.tasks: list[dict[str, Any]] = []
        self.reads: dict[str, int] = {}
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self.outcomes: list[dict[str, Any]] = [
            {"state": "pending"},
            {"state": "processing"},
            self.success(2),
        ]
        self.released = threading.Event()

    def success(self, count: int) -> dict[str, Any]:
        urls = [f"{self.url}/files/img{n}.png" for n in range(1, count + 1)]
        return {
            "state": "success",
            "resultJson": json.dumps({"resultUrls": urls}),
            "completeTime": CREATED + 41388,
            "costTime": 41388,
        }

    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.seen]

    def answer(self, asked: Seen) -> tuple[int, Any]:
        """The status and the body, in the words of the documents."""
        match asked.method, asked.path:
            case "GET", path if path.startswith("/files/"):
                return (403, None) if "authorization" in asked.headers else (200, PICTURE)
            case _ if asked.headers.get("authorization") != f"Bearer {KEY}":
                return 401, {"code": 401, "message": "Invalid or missing API key"}
            case "POST", path if path == f"/api/v1/generateTask/{MODEL}":
                return self._submit(asked.json)
            case "GET", path if path == f"/api/v1/statusTask/{MODEL}":
                return self._status(asked.query["taskId"])
            case "GET", "/api/v1/apikeys/current-balance":
                return 200, _good(self.balance)
        return 404, {"timestamp": "2026-11-26", "status": 404, "error": "Not Found"}

    def _submit(self, body: dict[str, Any]) -> tuple[int, Any]:
        price = PRICE * int(body["input"].get("num_images", 4))
        if price > self.balance:
            return 402, {"code": 402, "message": "Insufficient balance", "data": None}
        self.balance -= price
        task_id = f"task_{len(self.tasks) + 1}"
        self.tasks.append({"taskId": task_id, **body})
        return 200, _good({"taskId": task_id})

    def _status(self, task_id: str) -> tuple[int, Any]:
        if task_id not in [one["taskId"] for one in self.tasks]:
            return 404, {"code": 404, "message": "Resource doesn't exist", "data": None}
        read = self.reads[task_id] = self.reads.get(task_id, 0) + 1
        outcome = self.outcomes[min(read, len(self.outcomes)) - 1]
        return 200, _good({"taskId": task_id, "createTime": CREATED, **outcome})


def _good(data: Any) -> dict[str, Any]:
    return {"code": 200, "message": "success", "data": data}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: HostedApi

    def _do(self) -> None:
        asked = self._read()
        self.api.seen.append(asked)
        self._meet(self.api.faults.pop(0) if self.api.faults else None, asked)

    do_GET = do_POST = do_DELETE = _do  # noqa: N815 - names of the library

    def _meet(self, fault: Fault | None, asked: Seen) -> None:
        match fault:
            case Refuse(status, message, data, headers):
                body = {"code": status, "message": message, "data": data}
                self._write(status, body, {"X-Request-Id": "req-1", **headers})
            case Page(status, headers):
                self._write(status, b"<html>Bad gateway</html>", headers)
            case Drop(accept):
                if accept:
                    self.api.answer(asked)
                self.close_connection = True
            case Hang():
                self.api.answer(asked)
                self.api.released.wait(20)
                self.close_connection = True
            case None:
                self._write(*self.api.answer(asked), {})

    def _read(self) -> Seen:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Seen(self.command, address.path, query, headers, body)

    def _write(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hosted_api() -> Iterator[HostedApi]:
    """The stand-in, up for the length of the block."""
    handler = type("BoundHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    api = HostedApi(f"http://127.0.0.1:{server.server_address[1]}")
    handler.api = api
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        api.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Time:
    """A clock that stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = time.time()
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)
