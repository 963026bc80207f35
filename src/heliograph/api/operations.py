"""Every operation of the HTTP API as data: what it takes, answers and refuses. See openapi.py."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliograph.api.wire import Live, ModelList, RangeNotSatisfiable, Ready, Success, TaskAccepted
from heliograph.base.errors import (
    BadRequest,
    Busy,
    Fault,
    Forbidden,
    Gone,
    NotFound,
    PaymentRequired,
    ServerFault,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)
from heliograph.catalog.body import EXAMPLES, GenerateTaskBody
from heliograph.catalog.model import Model
from heliograph.catalog.request import read_submission
from heliograph.tasks.view import StatusEnvelope, TaskData

TASK_ID = "0199c0de8f1c7b3c9d5e4f60718293a4"
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
    "filesExpireTime": 1768570452317,
}

NOTHING = NotFound("Resource doesn't exist: check the model id and the task id")

#: What any operation may answer, and what any that needs a key may.
ALWAYS = (
    ServerFault(
        "Something went wrong on our side. Name this request when asking: 4f0c5a2e9b7d1e38"
    ),
    Busy("The database is busy"),
)
KEYED = (
    Unauthorized(),
    TooManyRequests("Rate limit reached: 10000 requests a minute for this key", 3),
    *ALWAYS,
)


@dataclass(frozen=True)
class Operation:
    """One method on one path. `answer` is the type of the JSON, or else `media_type` says what comes."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    faults: Sequence[Fault]
    answer: Any = None
    media_type: str = "application/json"
    examples: Mapping[str, Any] | None = None
    parameters: Sequence[Mapping[str, Any]] = ()
    body: Any = None
    body_examples: Mapping[str, Any] | None = None
    keyed: bool = False
    other_answers: Mapping[str, str] | None = None


def operations(models: Mapping[str, Model]) -> list[Operation]:
    """All of them, for the given models, in the order in which they are read best."""
    documented = [_generate_task(models), _status_task(models), _current_balance()]
    return [*documented, *_additions(), *_files_and_docs(), *_operating()]


def _model_parameter(models: Mapping[str, Model]) -> Mapping[str, Any]:
    return {
        "name": "model",
        "in": "path",
        "required": True,
        "description": "Model id.",
        "schema": {"type": "string", "enum": sorted(models)},
        "example": min(models),
    }


def _task_id_parameter(place: str) -> Mapping[str, Any]:
    return {
        "name": "taskId",
        "in": place,
        "required": True,
        "description": "The id that generateTask answered.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "example": TASK_ID,
    }


def _generate_task(models: Mapping[str, Model]) -> Operation:
    return Operation(
        "POST",
        "/api/v1/generateTask/{model}",
        "generateTask",
        "Tasks",
        "Submit a generation task",
        "Holds the price of all images that are asked for and answers a task id at once. Poll"
        " statusTask with it, or give a `callback_url`. Images that are not made are refunded.",
        [
            *_bad_bodies(models[min(models)]),
            PaymentRequired(
                "Insufficient balance: the task needs $0.12, available is $0.05."
                " Add balance or ask for fewer images."
            ),
            Forbidden(
                "The key's route 'official' has no provider on this server."
                " Use a key with another routing strategy."
            ),
            NOTHING,
            TooLarge("The body is over the limit of 1,048,576 bytes"),
            UnsupportedMediaType("Send the body as Content-Type: application/json, not text/plain"),
            TooManyRequests(
                "The account has 1000 unfinished tasks, its limit. Wait until some have ended.", 5
            ),
            *KEYED,
        ],
        answer=Success[TaskAccepted],
        examples={"accepted": {"taskId": TASK_ID}},
        parameters=[_model_parameter(models)],
        body=GenerateTaskBody,
        body_examples=EXAMPLES,
        keyed=True,
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
        " success it holds the images that were made. Recommended: first poll after 10 s, then"
        " every 5 to 10 s.",
        [BadRequest("Missing required query parameter: taskId", "taskId"), NOTHING, *KEYED],
        answer=StatusEnvelope,
        examples=STATUS_EXAMPLES,
        parameters=[_model_parameter(models), _task_id_parameter("query")],
        keyed=True,
    )


def _current_balance() -> Operation:
    return Operation(
        "GET",
        "/api/v1/apikeys/current-balance",
        "currentBalance",
        "Account",
        "Read the balance of the key's account",
        "`data` is a bare number: US dollars that can be spent, exact to the micro-dollar.",
        KEYED,
        answer=Success[float],
        examples={"balance": 74.87},
        keyed=True,
    )


def _additions() -> Iterator[Operation]:
    yield Operation(
        "GET",
        "/api/v1/tasks/{taskId}",
        "task",
        "Tasks",
        "Read everything about a task",
        "The status, what was asked for, the outcome of each image, progress and warnings.",
        [NOTHING, *KEYED],
        answer=Success[TaskData],
        examples={"partial success": TASK_EXAMPLE},
        parameters=[_task_id_parameter("path")],
        keyed=True,
    )
    yield Operation(
        "GET",
        "/api/v1/models",
        "models",
        "Models",
        "List the models",
        "What can be asked of this server, with limits and the prices that the key pays.",
        KEYED,
        answer=Success[ModelList],
        keyed=True,
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


def _files_and_docs() -> Iterator[Operation]:
    yield Operation(
        "GET",
        "/files/{path}",
        "resultFile",
        "Files",
        "Fetch a result",
        "The addresses in `resultUrls` lead here. No key is needed: nobody can guess a path."
        " Ranges (one at a time), `If-None-Match` and `If-Range` are understood.",
        [
            NotFound("There is no such file"),
            Gone("The file has been deleted: its retention time is over"),
            RangeNotSatisfiable("The file has 183204 bytes"),
            *ALWAYS,
        ],
        media_type="image/*",
        parameters=[
            {
                "name": "path",
                "in": "path",
                "required": True,
                "description": "As in `resultUrls`; it holds slashes.",
                "schema": {"type": "string"},
                "example": f"{TASK_ID}/1-0-5mVd0sZkqUu3eYxk.png",
            }
        ],
        other_answers={"206": "The asked part of the file.", "304": "The client's copy is good."},
    )
    for path, name, summary, media_type in (
        ("/", "home", "To the documentation", ""),
        ("/docs", "docs", "This documentation, for people", "text/html"),
        ("/docs/assets/{name}", "docsAsset", "A part of the documentation page", "text/*"),
        ("/openapi.json", "openapi", "This document", "application/json"),
    ):
        yield _page(path, name, summary, media_type)


def _page(path: str, name: str, summary: str, media_type: str) -> Operation:
    asset = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    return Operation(
        "GET",
        path,
        name,
        "Documentation",
        summary,
        "",
        [*([NotFound("There is nothing at this path.")] if "{" in path else []), *ALWAYS],
        media_type=media_type,
        parameters=[asset] if "{" in path else [],
        other_answers=None if media_type else {"307": "See /docs."},
    )


def _operating() -> Iterator[Operation]:
    for path, name, summary, answer, example, faults in (
        ("/health/live", "live", "Does the process answer?", Success[Live], {"live": True}, ALWAYS),
        (
            "/health/ready",
            "ready",
            "Can requests be served?",
            Success[Ready],
            {"database": "ok"},
            (Busy("Not ready: the database did not answer within 1 s"), *ALWAYS),
        ),
    ):
        yield Operation(
            "GET",
            path,
            name,
            "Operating",
            summary,
            "",
            faults,
            answer=answer,
            examples={"good": example},
        )
    yield Operation(
        "GET",
        "/metrics",
        "metrics",
        "Operating",
        "Figures for Prometheus",
        "",
        ALWAYS,
        media_type="text/plain",
    )
