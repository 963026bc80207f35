"""Operations on tasks."""

from collections.abc import Iterator, Mapping
from typing import Any

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
from heliograph.api.described.repeating import (
    IDEMPOTENCY_KEY,
    KEY_IS_ANOTHERS,
    STILL_BEING_WRITTEN,
)
from heliograph.api.idempotency import REPLAYED
from heliograph.api.wire import Success, TaskAccepted
from heliograph.base.errors import (
    BadRequest,
    Fault,
    PaymentRequired,
    TooManyRequests,
)
from heliograph.catalog.body import EXAMPLES, GenerateTaskBody
from heliograph.catalog.model import Model
from heliograph.catalog.request import read_submission
from heliograph.tasks.view import StatusEnvelope, TaskData

CREATED_MS = 1767965610929

STATUS_EXAMPLES: dict[str, dict[str, Any]] = {
    "processing": {"taskId": TASK_ID, "state": "processing", "createTime": CREATED_MS},
    "success": {
        "taskId": TASK_ID,
        "state": "success",
        "resultJson": '{"resultUrls":["https://images.example.com/files/1.png"]}',
        "createTime": CREATED_MS,
        "completeTime": 1767965652317,
        "costTime": 41388,
    },
    "failed": {
        "taskId": TASK_ID,
        "state": "failed",
        "failCode": "PromptInvalid",
        "failMsg": "Prompt is invalid or rejected by the model service",
        "createTime": CREATED_MS,
        "completeTime": 1767965620132,
    },
}

TASK_EXAMPLE = STATUS_EXAMPLES["success"] | {
    "model": "wan-2-5-image",
    "mode": "text-to-image",
    "test": False,
    "prompt": "a cinematic panda in snow",
    "aspectRatio": "16:9",
    "numImages": 2,
    "price": 0.03,
    "engine": "studio",
    "images": [
        {
            "url": "https://images.example.com/files/1.png",
            "width": 1696,
            "height": 960,
            "sizeBytes": 2183204,
            "sha256": "8d23cf6c86e834a7aa6eded54c26ce2bb2e74903538c61bdd5d2197997ab2f72",
        },
        {
            "failCode": "SensitiveContentDetected",
            "failMsg": "The picture failed the safety checks of the model service.",
        },
    ],
    "scene": "a panda; snow, day",
    "filesExpireTime": 1768570452317,
    "timeline": [
        {"event": "received", "time": CREATED_MS},
        {"event": "held", "time": CREATED_MS, "detail": "$0.06"},
        {"event": "claimed", "time": 1767965610951},
        {"event": "dispatched", "time": 1767965610958, "provider": "studio"},
        {"event": "stored", "time": 1767965652301, "detail": "1 of 2 images"},
        {"event": "success", "time": 1767965652317},
        {"event": "charged", "time": 1767965652317, "detail": "$0.03"},
        {"event": "refunded", "time": 1767965652317, "detail": "$0.03"},
    ],
    "receipt": {
        "held": 0.06,
        "charged": 0.03,
        "refunded": 0.03,
        "lines": [
            {"kind": "hold", "amount": 0.06, "time": CREATED_MS},
            {"kind": "charge", "amount": 0.03, "time": 1767965652317},
            {"kind": "release", "amount": 0.03, "time": 1767965652317},
        ],
    },
}


WAIT = query_parameter(
    "wait",
    "Answer when the task has ended, or after so many seconds.",
    {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
    30,
)
IF_NONE_MATCH = header_parameter(
    "If-None-Match", "The ETag of an answer that you have.", '"3f1c9a70be52d4a816"'
)


def task_operations(models: Mapping[str, Model]) -> Iterator[Operation]:
    """Submit, status and detail."""
    yield _generate_task(models)
    yield _status_task(models)
    yield _task()


def _generate_task(models: Mapping[str, Model]) -> Operation:
    return Operation(
        "POST",
        "/api/v1/generateTask/{model}",
        "generateTask",
        "Tasks",
        "Submit a generation task",
        "Holds the price of all images that are asked for and answers a task id at once. Poll"
        " statusTask with it, or give a `callback_url`. Images that are not made are refunded. With an"
        " `Idempotency-Key` the request can be sent again at no risk.",
        [
            *_bad_bodies(models[min(models)]),
            PaymentRequired(
                "Insufficient balance: the task needs $0.12, available is $0.05."
                " Add balance or ask for fewer images."
            ),
            NO_PROVIDER,
            NOTHING,
            STILL_BEING_WRITTEN,
            KEY_IS_ANOTHERS,
            *JSON_BODY,
            TooManyRequests(
                "The account has 1000 unfinished tasks, its limit. Wait until some have ended.", 5
            ),
            *KEYED,
        ],
        answer=Success[TaskAccepted],
        examples={"accepted": {"taskId": TASK_ID}},
        parameters=[model_parameter(models), IDEMPOTENCY_KEY],
        body=GenerateTaskBody,
        body_examples=EXAMPLES,
        keyed=True,
        headers=(REPLAYED,),
    )


def _status_task(models: Mapping[str, Model]) -> Operation:
    return Operation(
        "GET",
        "/api/v1/statusTask/{model}",
        "statusTask",
        "Tasks",
        "Read the state and the result of a task",
        "States: `pending`, `processing`, `success`, `failed`. HTTP status and `code` are 200 for a"
        " failed task too. `resultJson` is a JSON string that holds `resultUrls`; with a partial"
        " success it holds the images that were made. `Retry-After` says when to ask again; with"
        " `wait`, the answer comes as soon as the task has ended.",
        [
            BadRequest("Missing required query parameter: taskId", "taskId"),
            BadRequest("wait must be a whole number of seconds from 0 to 60, not '99'", "wait"),
            NOTHING,
            *KEYED,
        ],
        answer=StatusEnvelope,
        examples=STATUS_EXAMPLES,
        parameters=[model_parameter(models), task_id_parameter("query"), WAIT, IF_NONE_MATCH],
        keyed=True,
        headers=("ETag", "Retry-After"),
        other_answers={"304": "Nothing has changed since the answer that If-None-Match names."},
    )


def _task() -> Operation:
    return Operation(
        "GET",
        "/api/v1/tasks/{taskId}",
        "task",
        "Tasks",
        "Read everything about a task",
        "The status, what was asked for, the outcome of each image, progress, warnings, a timeline, the"
        " money of the task, and its webhook with every attempt.",
        [NOTHING, *KEYED],
        answer=Success[TaskData],
        examples={"partial success": TASK_EXAMPLE},
        parameters=[task_id_parameter("path"), IF_NONE_MATCH],
        keyed=True,
        headers=("ETag",),
        other_answers={"304": "Nothing has changed since the answer that If-None-Match names."},
    )


def _bad_bodies(model: Model) -> Iterator[Fault]:
    """What read_submission really says about some bodies that are wrong."""
    for body in (
        b'{"input": {"mode": "text-to-image"}}',
        b'{"input": {"mode": "text-to-image", "prompt": "a panda", "num_images": 5}}',
        b'{"input": {"mode": "text-to-image", "prompt": "a panda", "aspect_ratio": "2:1"}}',
        b'{"input": ',
    ):
        try:
            read_submission(body, model, check_callback=_allow, check_image_url=_allow)
        except BadRequest as fault:
            yield fault


def _allow(_: str) -> None:
    """Any URL will do: these bodies are wrong in other ways."""
