"""A small HTTP server on loopback that answers as it is told, and remembers what it was asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self

Writer = asyncio.StreamWriter
Handler = Callable[[Writer], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Web:
    """`async with Web() as web`: `web.answer(...)` for plain answers, `web.handle(...)` for odd ones."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._handlers: dict[str, Handler] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def answer(
        self,
        path: str,
        body: bytes = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Answer `path` with this from now on; gives the URL."""

        async def respond(writer: Writer) -> None:
            lines = {"Content-Length": str(len(body)), **(headers or {})}
            writer.write(head(status, lines) + body)
            await writer.drain()

        return self.handle(path, respond)

    def handle(self, path: str, handler: Handler) -> str:
        """Leave the answer to `handler`, which writes raw bytes; gives the URL."""
        self._handlers[path] = handler
        return self.url(path)

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self.connections += 1
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                handler = self._handlers.get(request.path)
                if handler is None:
                    writer.write(head(404, {"Content-Length": "0"}))
                else:
                    await handler(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = text.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)
