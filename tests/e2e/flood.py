"""A client that costs little: many connections, each with one request after the other.

`python -m e2e.flood PORT KEY TASK_ID --submits 1000 --a-second 300` floods from a process of its own and
prints what came back as JSON: see `Report`. Without `--a-second` all come at once.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple, Self

from e2e.crowd import GENERATE, STATUS, text_to_image

CONNECTIONS_AT_ONCE = 100
STATUS_SECONDS = 0.1


class Answer(NamedTuple):
    """What came back, after how long."""

    status: int
    headers: dict[str, str]
    seconds: float


class Line:
    """One connection that is kept."""

    def __init__(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._source = source
        self._sink = sink

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int) -> AsyncIterator[Self]:
        source, sink = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(source, sink)
        finally:
            sink.close()

    async def ask(self, request: bytes) -> Answer:
        began = time.monotonic()
        self._sink.write(request)
        head = (await self._source.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        await self._source.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(first.split()[1]), headers, time.monotonic() - began)


def get(path: str, api_key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api_key}\r\n\r\n".encode()


def submit(api_key: str, prompt: str) -> bytes:
    body = json.dumps({"input": text_to_image(prompt)})
    return (
        f"POST {GENERATE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Report(NamedTuple):
    """(status, seconds, Retry-After) of every submit, and (status, seconds) of status reads meanwhile."""

    submits: list[tuple[int, float, str | None]]
    reads: list[tuple[int, float]]


async def flood(options: argparse.Namespace) -> Report:
    """Submit as often as is asked for, whatever comes back, each time on a connection of its own."""
    reads: list[tuple[int, float]] = []
    reading = asyncio.create_task(_read(options, reads))
    gate = asyncio.Semaphore(CONNECTIONS_AT_ONCE)
    began = time.monotonic()
    submits: list[asyncio.Task[tuple[int, float, str | None]]] = []
    for number in range(options.submits):
        late = began + number / options.a_second - time.monotonic() if options.a_second else 0
        if late > 0:
            await asyncio.sleep(late)
        submits.append(asyncio.create_task(_submit(options, number, gate)))
    done = await asyncio.gather(*submits)
    reading.cancel()
    return Report(list(done), reads)


async def _submit(
    options: argparse.Namespace, number: int, gate: asyncio.Semaphore
) -> tuple[int, float, str | None]:
    async with AsyncExitStack() as opened:
        async with gate:
            line = await opened.enter_async_context(Line.open(options.port))
        answer = await line.ask(submit(options.key, f"flood {number}"))
    return answer.status, answer.seconds, answer.headers.get("retry-after")


async def _read(options: argparse.Namespace, reads: list[tuple[int, float]]) -> None:
    asked = get(f"{STATUS}?taskId={options.task}", options.key)
    async with Line.open(options.port) as line:
        while True:
            answer = await line.ask(asked)
            reads.append((answer.status, answer.seconds))
            await asyncio.sleep(STATUS_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("key")
    parser.add_argument("task")
    parser.add_argument("--submits", type=int, required=True)
    parser.add_argument("--a-second", type=float, default=0)
    json.dump(asyncio.run(flood(parser.parse_args())), sys.stdout)
