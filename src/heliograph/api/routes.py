"""The documented API: submit a task, read its status, read the balance."""

import re
import uuid
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.auth import Gate
from heliograph.api.idempotency import marked, read_idempotency_key
from heliograph.api.submission import NO_SUCH_TASK, asked_submission
from heliograph.api.watching import tagged, wait_seconds
from heliograph.api.wire import TaskAccepted, success
from heliograph.base.batch import Batch
from heliograph.base.database import borrow
from heliograph.base.errors import BadRequest, Fault, NotFound
from heliograph.ledger.money import dollars
from heliograph.ledger.store import read_balance
from heliograph.runtime import Runtime
from heliograph.tasks.observe.pace import Pace, retry_after_seconds
from heliograph.tasks.observe.store import read_statuses
from heliograph.tasks.observe.watch import wait_for_end
from heliograph.tasks.submit import Accepted, NewTask, submit_tasks
from heliograph.tasks.task import TaskStatus, read_task_id
from heliograph.tasks.view import status_body

MAX_SUBMITS_PER_COMMIT = 100
MAX_STATUSES_PER_QUERY = 500

#: One run is prepared here while the database has the other.
RUNS_AT_ONCE = 2
DEFAULT_POLL_SECONDS = 5

USUAL_QUERY = re.compile(rb"taskId=[0-9a-f]{32}")

#: Asked for in place of an id that cannot be one, so that every answer takes the same way.
NOBODY = uuid.UUID(int=0)


class GenerationRoutes:
    """The calls of the documented API, which share their queries with those that come with them."""

    def __init__(self, runtime: Runtime, gate: Gate, pace: Pace) -> None:
        self._runtime = runtime
        self._gate = gate
        self._pace = pace
        self._submit: Batch[NewTask, Accepted | Fault] = Batch(
            partial(submit_tasks, runtime), MAX_SUBMITS_PER_COMMIT, runs=RUNS_AT_ONCE
        )
        self._read_status: Batch[uuid.UUID, TaskStatus | None] = Batch(
            self._read_statuses, MAX_STATUSES_PER_QUERY, runs=RUNS_AT_ONCE
        )

    async def generate_task(self, request: Request) -> Response:
        """POST generateTask: check, price, hold the money, queue; answer the task id.

        With an idempotency key that was used for the same request, answer that task's id again.
        """
        key = await self._gate.admit(request)
        submission = await asked_submission(request, self._runtime)
        accepted = await self._submit(NewTask(key, submission, read_idempotency_key(request)))
        if isinstance(accepted, Fault):
            raise accepted
        return marked(success(TaskAccepted(accepted.task_id)), replayed=accepted.replayed)

    async def status_task(self, request: Request) -> Response:
        """GET statusTask: what a task of this key's account and of this model has come to.

        With `wait`, answers when the task has ended, or after so many seconds. A task that failed is a
        good answer. What the caller may not see is not there.
        """
        key = await self._gate.admit(request)
        asked, seconds = _asked(request)
        if not asked:
            raise BadRequest("Missing required query parameter: taskId", "taskId")
        task_id = read_task_id(asked) or NOBODY
        read = partial(self._read_own, task_id, key.account_id, request.path_params["model"])
        if seconds:
            task = await wait_for_end(self._runtime, task_id, seconds, read)
            await self._gate.admit_again(request)
        else:
            task = await read()
        assert task is not None, "it was read, or refused"
        answer = tagged(request, status_body(task, self._runtime.settings.public_url))
        if not task.ended:
            answer.raw_headers.append((b"retry-after", b"%d" % await self._advice(task)))
        return answer

    async def _read_own(self, task_id: uuid.UUID, account_id: str, model: str) -> TaskStatus:
        task = await self._read_status(task_id)
        if task is None or (task.account_id, task.model) != (account_id, model):
            raise NotFound(NO_SUCH_TASK)
        return task

    async def _advice(self, task: TaskStatus) -> int:
        """In how many seconds to ask again."""
        model = self._runtime.models.get(task.model)
        default = model.poll_interval_seconds if model else DEFAULT_POLL_SECONDS
        now = self._runtime.clock.now()
        expected = await self._pace.expected(task.model, task.mode, now)
        return retry_after_seconds(task, expected, now, default)

    async def current_balance(self, request: Request) -> Response:
        """GET current-balance: what the caller's account can spend, in dollars, as a bare number."""
        caller = await self._gate.admit_caller(request)
        async with borrow(self._runtime.pool) as connection:
            balance = await read_balance(connection, caller.account_id)
        return success(dollars(balance.available_micros if balance else 0))

    async def _read_statuses(self, task_ids: list[uuid.UUID]) -> list[TaskStatus | None]:
        async with borrow(self._runtime.pool) as connection:
            found = await read_statuses(connection, task_ids)
        return [found.get(task_id) for task_id in task_ids]


def _asked(request: Request) -> tuple[str | None, int]:
    """The task id that is asked for, and for how many seconds to wait. Raises BadRequest."""
    query: bytes = request.scope["query_string"]
    # The usual query is the id and nothing else; to see that costs a tenth of parsing it.
    if USUAL_QUERY.fullmatch(query):
        return query.removeprefix(b"taskId=").decode(), 0
    return request.query_params.get("taskId"), wait_seconds(request)
