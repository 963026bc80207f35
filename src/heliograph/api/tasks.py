"""Everything about tasks that goes beyond the documented API: list, detail, events, cancel, delete."""

import datetime
import uuid
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.auth import Caller, Gate
from heliograph.api.query import LATEST_MS, moment_of, one_of, read_query, whole_number
from heliograph.api.submission import NO_SUCH_TASK
from heliograph.api.watching import queue_position, stream_events, tagged
from heliograph.api.wire import ENCODER, Success, success
from heliograph.base.clock import unix_ms
from heliograph.base.database import borrow
from heliograph.base.errors import BadRequest, NotFound
from heliograph.ledger.store import read_transfers
from heliograph.runtime import Runtime
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.observe.store import Wanted, list_details, read_attempts, read_detail
from heliograph.tasks.observe.story import receipt_of, timeline_of
from heliograph.tasks.retention.delete import delete_data
from heliograph.tasks.task import TaskDetail, read_task_id
from heliograph.tasks.view import (
    Story,
    TaskData,
    WebhookAttempt,
    WebhookData,
    status_data,
    task_data,
)
from heliograph.webhooks.deliveries.store import Delivery, Filter, list_deliveries

MAX_LISTED = 100
USUALLY_LISTED = 20

STATES = ("pending", "processing", "success", "failed")


class TaskList(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A page of tasks, the youngest first; `nextCursor` leads to the next page, if there is one."""

    items: list[TaskData]
    next_cursor: str | None = None


class Deleted(msgspec.Struct, frozen=True, rename="camel"):
    """What the customer gave and got is gone; the money rows stay."""

    task_id: str
    deleted: bool = True


class TaskRoutes:
    """GET, DELETE and events under /api/v1/tasks, and cancelTask."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def list(self, request: Request) -> Response:
        """The account's tasks, filtered. Raises BadRequest for a filter that cannot be read."""
        caller = await self._gate.admit_caller(request)
        wanted = _wanted(request, caller.account_id)
        async with borrow(self._runtime.pool) as connection:
            found = await list_details(connection, wanted)
        shown = found[: wanted.limit - 1]
        items = [task_data(task, self._runtime.settings.public_url) for task in shown]
        more = len(found) == wanted.limit
        return success(TaskList(items, items[-1].task_id if more else None))

    async def task(self, request: Request) -> Response:
        """One task of the caller's account; what the caller may not see is not there."""
        task = await self._own(request)
        async with borrow(self._runtime.pool) as connection:
            transfers = await read_transfers(connection, task.task_id)
            attempts = await read_attempts(connection, task.task_id)
            notices = await list_deliveries(connection, Filter(task_id=task.task_id), limit=1)
        story = Story(
            queue_position=await queue_position(self._runtime, task),
            timeline=timeline_of(task, attempts, transfers),
            receipt=receipt_of(transfers),
            webhook=_webhook(notices[0]) if notices else None,
        )
        data = task_data(task, self._runtime.settings.public_url, story)
        return tagged(request, ENCODER.encode(Success(data=data)))

    async def events(self, request: Request) -> Response:
        """Server-sent events: the status with progress at every change, until the task has ended."""
        task = await self._own(request)
        admit_again = partial(self._gate.admit_again, request)
        return stream_events(request, self._runtime, task.task_id, admit_again)

    async def cancel(self, request: Request) -> Response:
        """POST cancelTask: end an open task, give the money back. Raises Conflict for an ended one."""
        asked = request.query_params.get("taskId")
        caller = await self._gate.admit_caller(request)
        if not asked:
            raise BadRequest("Missing required query parameter: taskId", "taskId")
        task = await self._read(caller, asked)
        if task.model != request.path_params["model"]:
            raise NotFound(NO_SUCH_TASK)
        ended = await cancel_task(self._runtime, task.task_id)
        return success(status_data(ended, self._runtime.settings.public_url))

    async def delete(self, request: Request) -> Response:
        """Delete the texts, inputs and files of an ended task. Raises Conflict for an open one."""
        task = await self._own(request)
        await delete_data(self._runtime, task.task_id)
        return success(Deleted(task.task_id.hex))

    async def _own(self, request: Request) -> TaskDetail:
        caller = await self._gate.admit_caller(request)
        return await self._read(caller, request.path_params["taskId"])

    async def _read(self, caller: Caller, text: str) -> TaskDetail:
        task_id = read_task_id(text)
        if task_id is None:
            raise NotFound(NO_SUCH_TASK)
        async with borrow(self._runtime.pool) as connection:
            task = await read_detail(connection, task_id)
        if task is None or task.account_id != caller.account_id:
            raise NotFound(NO_SUCH_TASK)
        return task


def _webhook(delivery: Delivery) -> WebhookData:
    attempts = [
        WebhookAttempt(unix_ms(one.started_at), one.status, one.latency_ms, one.error)
        for one in delivery.attempts
    ]
    return WebhookData(delivery.notice_id.hex, delivery.state, delivery.url, attempts)


def _wanted(request: Request, account_id: str) -> Wanted:
    """What the query of a list asks for; one more than is shown, to know whether there are more."""
    return Wanted(
        account_id=account_id,
        limit=1 + (read_query(request, "limit", whole_number(1, MAX_LISTED)) or USUALLY_LISTED),
        before=read_query(request, "cursor", _task_id),
        state=read_query(request, "state", one_of(STATES)),
        model=read_query(request, "model", _text),
        mode=read_query(request, "mode", _text),
        batch_id=read_query(request, "batchId", _task_id),
        created_after=read_query(request, "createdAfter", _moment),
        created_before=read_query(request, "createdBefore", _moment),
        words=read_query(request, "q", _text),
    )


def _task_id(text: str) -> uuid.UUID:
    task_id = read_task_id(text)
    if task_id is None:
        raise ValueError("must be 32 lower-case hex digits, as the answer before gave it")
    return task_id


def _text(text: str) -> str:
    # PostgreSQL has no NUL in its texts, so no stored text holds one
    return text.replace("\0", "")


def _moment(text: str) -> datetime.datetime:
    return moment_of(whole_number(0, LATEST_MS)(text))
