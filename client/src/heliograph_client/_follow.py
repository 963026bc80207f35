"""Following a task: read its status, wait for its end, watch it on its way."""

import json
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import quote

from heliograph_client._api import Api, read_data
from heliograph_client._retry import asked_seconds
from heliograph_client._task import TaskStatus, read_status
from heliograph_client._wire import NotAStream, Request, StreamEvent
from heliograph_client.errors import (
    HeliographClientError,
    NoAnswer,
    StillRunning,
    TaskFailed,
)

#: How often to ask a server that says nothing about it: the documented advice.
POLL_SECONDS = 5.0
SHORTEST_POLL_SECONDS = 0.5

#: How long one question may wait for its answer on a server that can hold it back.
LONGEST_HOLD_SECONDS = 30

#: A stream of events is quiet for no longer than this: the server sends a sign of life more often.
QUIET_SECONDS = 30.0

#: A stream that lasted this long was no failure, even if it brought nothing.
FLEETING_SECONDS = 5.0


@dataclass(frozen=True)
class NextQuestion:
    """When to ask again, and how long the server may hold the answer back."""

    pause_seconds: float
    hold_seconds: int


def next_question(
    held_seconds: int, took_seconds: float, asked: float | None, left_seconds: float
) -> NextQuestion:
    """What follows from a status that is not the end.

    `asked` is its Retry-After. Only a server that sends one is asked to hold answers back, since only
    such a server is known to understand it; if it then answers early all the same, its Retry-After
    counts. Nothing reaches beyond `left_seconds`.
    """
    hold_seconds = 0 if asked is None else max(1, int(min(LONGEST_HOLD_SECONDS, left_seconds)))
    if asked is None:
        pause = POLL_SECONDS
    elif held_seconds == 0 or took_seconds >= held_seconds / 2:
        pause = 0.0
    else:
        pause = max(asked, SHORTEST_POLL_SECONDS)
    return NextQuestion(min(pause, left_seconds), hold_seconds)


async def status(api: Api, task_id: str, model: str) -> TaskStatus:
    """The state of a task, read once."""
    return await api.get(read_status, _status_request(task_id, model, 0))


async def wait(api: Api, task_id: str, model: str, timeout_seconds: float | None) -> TaskStatus:
    """Wait for success. Raises TaskFailed, and StillRunning when the time is over first."""
    ended = None
    try:
        async with aclosing(poll(api, task_id, model, timeout_seconds)) as statuses:
            async for found in statuses:
                ended = found
    except HeliographClientError as error:
        error.task_id = task_id
        raise
    assert ended is not None
    if ended.state == "failed":
        raise TaskFailed(task_id, ended.fail_code or "", ended.fail_message or "")
    return ended


async def events(api: Api, task_id: str, model: str) -> AsyncGenerator[TaskStatus, None]:
    """The status at every change, the end included: streamed, or polled where there is no stream."""
    last = None
    try:
        async with aclosing(_streamed(api, task_id)) as statuses:
            async for last in statuses:
                yield last
    except NotAStream:
        async with aclosing(poll(api, task_id, model, None)) as statuses:
            async for found in statuses:
                if found != last:
                    yield found
                last = found


async def poll(
    api: Api, task_id: str, model: str, timeout_seconds: float | None
) -> AsyncGenerator[TaskStatus, None]:
    """The status again and again, until the task has ended. Raises StillRunning."""
    wire = api.wire
    seconds = math.inf if timeout_seconds is None else timeout_seconds
    deadline = wire.now() + seconds
    question = NextQuestion(0, 0)
    while True:
        request = _status_request(task_id, model, question.hold_seconds)
        asked_at = wire.now()
        answer = await api.send(request)
        found = read_data(read_status, answer, request)
        yield found
        if found.ended:
            return
        now = wire.now()
        if now >= deadline:
            raise StillRunning(task_id, found.state, seconds)
        question = next_question(
            question.hold_seconds, now - asked_at, asked_seconds(answer.headers), deadline - now
        )
        await wire.sleep(question.pause_seconds)


async def _streamed(api: Api, task_id: str) -> AsyncGenerator[TaskStatus, None]:
    """What the server's events say. A stream that breaks off is taken up where it broke."""
    seen, failures = "", 0
    while True:
        request = _events_request(task_id, seen)
        opened_at = api.wire.now()
        broken = NoAnswer(f"The events of task {task_id} ended before the task.", sent=True)
        try:
            async with aclosing(api.wire.stream(request)) as stream:
                async for event in _of_status(stream):
                    seen, failures = event.id, 0
                    found = _read_event(event)
                    yield found
                    if found.ended:
                        return
        except NoAnswer as silence:
            broken = silence
        if api.wire.now() - opened_at > FLEETING_SECONDS:
            failures = 0
        failures += 1
        await api.pause_or_raise(broken, failures, request)


async def _of_status(stream: AsyncIterator[StreamEvent]) -> AsyncIterator[StreamEvent]:
    async for event in stream:
        if event.name == "status":
            yield event


def _read_event(event: StreamEvent) -> TaskStatus:
    try:
        return read_status(json.loads(event.data))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NoAnswer("An event is none of this API.", sent=True, status=200) from None


def _status_request(task_id: str, model: str, hold_seconds: int) -> Request:
    hold = {"wait": str(hold_seconds)} if hold_seconds else {}
    return Request(
        "GET",
        f"/api/v1/statusTask/{quote(model, safe='')}",
        query={"taskId": task_id, **hold},
        extra_seconds=hold_seconds,
    )


def _events_request(task_id: str, seen: str) -> Request:
    resumed = {"Last-Event-ID": seen} if seen else {}
    return Request(
        "GET",
        f"/api/v1/tasks/{quote(task_id, safe='')}/events",
        headers={"Accept": "text/event-stream", **resumed},
        extra_seconds=QUIET_SECONDS,
    )
