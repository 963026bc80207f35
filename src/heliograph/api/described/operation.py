"""What is said of an operation, and what many operations share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliograph.api.session import NOBODY as NOBODY_IS_SIGNED_IN
from heliograph.api.wire import Failure, failure_body
from heliograph.base.errors import (
    Busy,
    Fault,
    Forbidden,
    NotFound,
    ServerFault,
    TaskFault,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)
from heliograph.catalog.model import Model

TASK_ID = "0199c0de8f1c7b3c9d5e4f60718293a4"

NOTHING = NotFound("Resource doesn't exist: check the model id and the task id")

#: What any operation may answer, and what any that needs a key may.
ALWAYS = (
    ServerFault(
        "Something went wrong on our side. Name this request when asking: 4f0c5a2e9b7d1e38"
    ),
    Busy("The database is busy"),
)
#: What any operation may answer that takes JSON.
JSON_BODY = (
    TooLarge("The body is over the limit of 1,048,576 bytes"),
    UnsupportedMediaType("Send the body as Content-Type: application/json, not text/plain"),
)
NO_PROVIDER = Forbidden(
    "The key's route 'official' has no provider on this server."
    " Use a key with another routing strategy."
)
KEYED = (
    Unauthorized(),
    Forbidden(
        "The key may not be used from your address, 198.51.100.7."
        " Use it from one of its networks, or have them changed."
    ),
    TooManyRequests("Rate limit reached: 10000 requests a minute for this key", 3),
    *ALWAYS,
)

#: What any operation may answer that needs a session.
SIGNED = (
    Unauthorized(NOBODY_IS_SIGNED_IN),
    TooManyRequests("Rate limit reached: 1200 requests a minute for this key", 3),
    *ALWAYS,
)


@dataclass(frozen=True)
class Shape:
    """How answers are wrapped.

    `wrap` makes a whole answer of what an example says, `refuse` HTTP status and body of a fault;
    these bodies are of the type `refusal`.
    """

    wrap: Callable[[Any], Any]
    refuse: Callable[[Any], tuple[int, Any]]
    refusal: Any


ENVELOPE = Shape(
    wrap=lambda data: {"code": 200, "message": "success", "data": data},
    refuse=lambda fault: (fault.status, failure_body(fault)),
    refusal=Failure,
)


@dataclass(frozen=True)
class Operation:
    """One method on one path. `answer` is the type of the JSON, or else `media_type` says what comes.

    `keyed`: an API key is accepted, `signed`: the cookie of who is signed in; one of them is needed.
    `headers` names those that good answers carry besides the usual ones; `body_content` says per media
    type what a body is that is no JSON of ours.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    faults: Sequence[Fault | TaskFault]
    answer: Any = None
    media_type: str = "application/json"
    examples: Mapping[str, Any] | None = None
    parameters: Sequence[Mapping[str, Any]] = ()
    body: Any = None
    body_content: Mapping[str, Any] | None = None
    body_examples: Mapping[str, Any] | None = None
    keyed: bool = False
    signed: bool = False
    other_answers: Mapping[str, str] | None = None
    headers: Sequence[str] = ()
    shape: Shape = ENVELOPE


def model_parameter(models: Mapping[str, Model]) -> Mapping[str, Any]:
    """The model id in a path."""
    return {
        "name": "model",
        "in": "path",
        "required": True,
        "description": "Model id.",
        "schema": {"type": "string", "enum": sorted(models)},
        "example": min(models),
    }


def task_id_parameter(place: str) -> Mapping[str, Any]:
    """The task id, `place` being "path" or "query"."""
    return {
        "name": "taskId",
        "in": place,
        "required": True,
        "description": "The id that generateTask answered.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "example": TASK_ID,
    }


def query_parameter(
    name: str, description: str, schema: Mapping[str, Any], example: object
) -> Mapping[str, Any]:
    """An optional parameter of a query."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
        "example": example,
    }


def header_parameter(name: str, description: str, example: str) -> Mapping[str, Any]:
    """An optional header."""
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }
