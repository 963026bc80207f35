"""A receiver of webhooks on loopback whose behaviour is scripted, path by path."""

import asyncio
import contextlib
import json
import socket
import struct
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    """One request as it came in; names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """Answer at once."""

    status: int = 200
    body: bytes = b"OK"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """Answer nothing until the receiver is released; then with `reply`."""

    reply: Reply = field(default_factory=Reply)


@dataclass(frozen=True)
class Drip:
    """Answer one byte of the head after the other, for as long as anyone listens."""

    interval_seconds: float = 0.01


@dataclass(frozen=True)
class Reset:
    """Break the connection without an answer."""


def redirect(to: str, status: int = 302) -> Reply:
    return Reply(status, b"", {"location": to})


Behaviour = Reply | Hang | Drip | Reset


class Receiver:
    """`async with Receiver() as receiver`: answers 200 `OK` wherever nothing else is scripted.

    Each request to a path takes the next behaviour of its script; the last one stays.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.requests: list[Received] = []
        self._host = host
        self._scripts: dict[str, list[Behaviour]] = defaultdict(lambda: [Reply()])
        self._arrival = asyncio.Condition()
        self._released = asyncio.Event()
        self._visits: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visit, self._host, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for visit in list(self._visits):
            visit.cancel()
        await asyncio.gather(*list(self._visits), return_exceptions=True)

    def url(self, path: str = "/hook") -> str:
        return f"http://{self._host}:{self.port}{path}"

    def script(self, path: str, *behaviours: Behaviour) -> str:
        """Set what the next requests to `path` meet, and give its URL."""
        self._scripts[path] = list(behaviours)
        return self.url(path)

    def release(self) -> None:
        """Let every request that hangs have its answer, now and from now on."""
        self._released.set()

    async def arrived(self, count: int, *, timeout_seconds: float = 10) -> list[Received]:
        """Wait until `count` requests have come in, and give all."""
        async with asyncio.timeout(timeout_seconds), self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._visits.discard(visit)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read(reader)
        async with self._arrival:
            self.requests.append(request)
            self._arrival.notify_all()
        script = self._scripts[request.path]
        behaviour = script.pop(0) if len(script) > 1 else script[0]
        match behaviour:
            case Hang(reply):
                await self._released.wait()
                await _write(writer, reply)
            case Drip(interval_seconds):
                await _drip(writer, interval_seconds)
            case Reply():
                await _write(writer, behaviour)
            case Reset():
                _reset_when_closed(writer)


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body)


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    headers = {"content-length": str(len(reply.body)), "connection": "close", **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{k}: {v}" for k, v in headers.items())]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def _reset_when_closed(writer: asyncio.StreamWriter) -> None:
    no_linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)


async def _drip(writer: asyncio.StreamWriter, interval_seconds: float) -> None:
    writer.write(b"HTTP/1.1 200 Scripted\r\nx-drip: ")
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(interval_seconds)
