"""Answers that wait: the long poll of statusTask, and the stream of a task's events."""

import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from heliograph.api.header import header
from heliograph.api.query import read_query, whole_number
from heliograph.api.wire import Json
from heliograph.base.database import borrow
from heliograph.base.errors import Forbidden, Unauthorized
from heliograph.runtime import Runtime
from heliograph.tasks.observe.store import count_ahead, read_detail
from heliograph.tasks.observe.watch import changes_of
from heliograph.tasks.task import TaskDetail
from heliograph.tasks.view import progress_data

AdmitAgain = Callable[[], Awaitable[None]]

MAX_WAIT_SECONDS = 60

#: A line that means nothing goes out this often, so that nobody between us closes a quiet stream.
HEARTBEAT_SECONDS = 15
HEARTBEAT = b": still here\n\n"

EVENT_HEADERS = {
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
}


def wait_seconds(request: Request) -> int:
    """How long `wait` asks to wait, 0 when it is absent. Raises BadRequest."""
    return read_query(request, "wait", whole_number(0, MAX_WAIT_SECONDS)) or 0


def tagged(request: Request, body: bytes) -> Json:
    """`body` with its ETag; 304 without a body when the client has it already."""
    etag = b'"%b"' % hashlib.blake2b(body, digest_size=9).hexdigest().encode()
    known = header(request, b"if-none-match")
    if known is not None and etag.decode() in known:
        answer = Json(b"", HTTPStatus.NOT_MODIFIED)
        answer.raw_headers = [(b"cache-control", b"no-store")]
    else:
        answer = Json(body)
    answer.raw_headers.append((b"etag", etag))
    return answer


def stream_events(
    request: Request, runtime: Runtime, task_id: uuid.UUID, admit_again: AdmitAgain
) -> Response:
    """Server-sent events of a task from what the client has not seen on, until the task has ended.

    Before each the client is asked for again, for its key may be revoked meanwhile: then they end.
    """
    seen = request.headers.get("last-event-id", "")
    last_seen = int(seen[:9]) if seen.isascii() and seen.isdigit() else -1
    return StreamingResponse(
        _events(runtime, task_id, last_seen, admit_again),
        media_type="text/event-stream",
        headers=EVENT_HEADERS,
    )


async def _events(
    runtime: Runtime, task_id: uuid.UUID, last_seen: int, admit_again: AdmitAgain
) -> AsyncIterator[bytes]:
    async def read() -> TaskDetail | None:
        async with borrow(runtime.pool) as connection:
            return await read_detail(connection, task_id)

    while True:
        task = None
        async with contextlib.aclosing(
            changes_of(runtime, task_id, read, HEARTBEAT_SECONDS)
        ) as changes:
            async for task in changes:
                if not await _is_admitted(admit_again):
                    return
                if task.version > last_seen:
                    last_seen = task.version
                    yield await _event(runtime, task)
        if task is None or task.ended or runtime.changes.over:
            return
        yield HEARTBEAT


async def _is_admitted(admit_again: AdmitAgain) -> bool:
    try:
        await admit_again()
    except (Unauthorized, Forbidden):
        return False
    return True


async def _event(runtime: Runtime, task: TaskDetail) -> bytes:
    position = await queue_position(runtime, task)
    data = msgspec.json.encode(progress_data(task, runtime.settings.public_url, position))
    return b"id: %d\nevent: status\ndata: %b\n\n" % (task.version, data)


async def queue_position(runtime: Runtime, task: TaskDetail) -> int | None:
    """1 for a task that waits for nobody else; None when it does not wait any more."""
    if task.state != "pending":
        return None
    async with borrow(runtime.pool) as connection:
        return 1 + await count_ahead(connection, task.task_id)
