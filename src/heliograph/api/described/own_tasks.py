"""Operations on tasks that go beyond the documented API: quote, list, events, cancel, delete."""

from collections.abc import Iterator, Mapping

from heliograph.api.described.operation import (
    JSON_BODY,
    KEYED,
    NO_PROVIDER,
    NOTHING,
    TASK_ID,
    Operation,
    header_parameter,
    model_parameter,
    query_parameter,
    task_id_parameter,
)
from heliograph.api.described.tasks import STATUS_EXAMPLES, TASK_EXAMPLE
from heliograph.api.query import LATEST_MS
from heliograph.api.tasks import MAX_LISTED, STATES, USUALLY_LISTED, Deleted, TaskList
from heliograph.api.wire import Success
from heliograph.base.errors import BadRequest, Conflict
from heliograph.catalog.body import EXAMPLES, GenerateTaskBody
from heliograph.catalog.model import Model
from heliograph.tasks.quote import Quote
from heliograph.tasks.view import StatusData

LATER = 1767965700000

LISTED = {
    name: value for name, value in TASK_EXAMPLE.items() if name not in ("timeline", "receipt")
}
CANCELLED = {
    "taskId": TASK_ID,
    "state": "failed",
    "failCode": "Cancelled",
    "failMsg": "The task was cancelled. What was held for it has been given back.",
    "createTime": STATUS_EXAMPLES["failed"]["createTime"],
    "completeTime": STATUS_EXAMPLES["failed"]["completeTime"],
}
MOMENT = {"type": "integer", "minimum": 0, "maximum": LATEST_MS}
ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
FILTERS = (
    query_parameter(
        "limit",
        "Tasks in a page.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LISTED, "default": USUALLY_LISTED},
        50,
    ),
    query_parameter("cursor", "`nextCursor` of the page before.", ID, TASK_ID),
    query_parameter(
        "state", "Only tasks in this state.", {"type": "string", "enum": list(STATES)}, "success"
    ),
    query_parameter("model", "Only tasks of this model.", {"type": "string"}, "wan-2-5-image"),
    query_parameter("mode", "Only tasks of this mode.", {"type": "string"}, "text-to-image"),
    query_parameter("batchId", "Only tasks of this batch.", ID, TASK_ID),
    query_parameter("createdAfter", "Not older than this, in Unix milliseconds.", MOMENT, 0),
    query_parameter("createdBefore", "Older than this, in Unix milliseconds.", MOMENT, LATER),
    query_parameter("q", "Only tasks whose prompt holds these words.", {"type": "string"}, "panda"),
)


def own_task_operations(models: Mapping[str, Model]) -> Iterator[Operation]:
    """Quote, list, events, cancel and delete."""
    yield _quote(models)
    yield _list()
    yield _events()
    yield _cancel(models)
    yield _delete()


def _quote(models: Mapping[str, Model]) -> Operation:
    return Operation(
        "POST",
        "/api/v1/quoteTask/{model}",
        "quoteTask",
        "Tasks",
        "Ask what a task would cost",
        "Takes the body of generateTask and checks all that it checks; reference images are really"
        " fetched. Answers the price, what it would leave, whether the balance and the key's caps allow it"
        " (`affordable`), and how long such tasks took lately. Moves no money and makes no task.",
        [
            BadRequest("Missing required field: input.prompt", "input.prompt"),
            BadRequest(
                "input.image_urls[0]: The host answered 404, not with a picture.",
                "input.image_urls[0]",
            ),
            NO_PROVIDER,
            NOTHING,
            *JSON_BODY,
            *KEYED,
        ],
        answer=Success[Quote],
        examples={
            "affordable": {
                "price": 0.12,
                "pricePerImage": 0.03,
                "numImages": 4,
                "balance": 74.87,
                "balanceAfter": 74.75,
                "affordable": True,
                "width": 1696,
                "height": 960,
                "expectedSeconds": {"p50": 11.2, "p90": 19.4},
            }
        },
        parameters=[model_parameter(models)],
        body=GenerateTaskBody,
        body_examples=EXAMPLES,
        keyed=True,
    )


def _list() -> Operation:
    return Operation(
        "GET",
        "/api/v1/tasks",
        "tasks",
        "Tasks",
        "List tasks",
        "The tasks of the key's account, the youngest first. `nextCursor` is absent on the last page.",
        [BadRequest(f"limit must be a whole number from 1 to {MAX_LISTED}", "limit"), *KEYED],
        answer=Success[TaskList],
        examples={"a page": {"items": [LISTED], "nextCursor": TASK_ID}},
        parameters=FILTERS,
        keyed=True,
        signed=True,
    )


def _events() -> Operation:
    return Operation(
        "GET",
        "/api/v1/tasks/{taskId}/events",
        "taskEvents",
        "Tasks",
        "Follow a task as server-sent events",
        "An event `status` at once and at every change: the status view with `progress`, the share done"
        " of each image, and `queuePosition`. The stream ends with the task. Its ids count up;"
        " `Last-Event-ID` resumes behind the last one seen.",
        [NOTHING, *KEYED],
        media_type="text/event-stream",
        parameters=[
            task_id_parameter("path"),
            header_parameter("Last-Event-ID", "The id of the last event that was seen.", "3"),
        ],
        keyed=True,
        signed=True,
    )


def _cancel(models: Mapping[str, Model]) -> Operation:
    return Operation(
        "POST",
        "/api/v1/cancelTask/{model}",
        "cancelTask",
        "Tasks",
        "Cancel a task",
        "Ends a task that has not ended, as `failed` with `failCode` `Cancelled`, and gives back what was"
        " held for it.",
        [
            BadRequest("Missing required query parameter: taskId", "taskId"),
            NOTHING,
            Conflict("The task cannot be cancelled: its state is success."),
            *KEYED,
        ],
        answer=Success[StatusData],
        examples={"cancelled": CANCELLED},
        parameters=[model_parameter(models), task_id_parameter("query")],
        keyed=True,
        signed=True,
    )


def _delete() -> Operation:
    return Operation(
        "DELETE",
        "/api/v1/tasks/{taskId}",
        "deleteTask",
        "Tasks",
        "Delete the content of a task",
        "Deletes the prompt, the reference images' addresses and the files of a task that has ended, and"
        " what was said of a failure, which may quote them. The files answer 410 from then on; state,"
        " `failCode`, times and money stay.",
        [
            NOTHING,
            Conflict("The task has not ended. Cancel it first, or wait for its end."),
            *KEYED,
        ],
        answer=Success[Deleted],
        examples={"deleted": {"taskId": TASK_ID, "deleted": True}},
        parameters=[task_id_parameter("path")],
        keyed=True,
        signed=True,
    )
