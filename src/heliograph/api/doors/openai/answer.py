"""What the OpenAI door answers: pictures, models, and errors, each in OpenAI's shape."""

from http import HTTPStatus
from typing import Literal, NamedTuple

import msgspec

from heliograph.api.wire import ENCODER, Json, add_headers
from heliograph.base.errors import (
    BadRequest,
    Busy,
    Conflict,
    Fault,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    PaymentRequired,
    ServerFault,
    TaskFault,
    TooManyRequests,
    Unauthorized,
    UnprocessableEntity,
)


class MadeImage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One image: where it is, or its bytes in base64, as `response_format` asked."""

    url: str | None = None
    b64_json: str | None = None


class MadeImages(msgspec.Struct, frozen=True):
    """The images that were made: fewer than asked for when some were refused. `created` is in Unix seconds.

    `size` is the real width and height in pixels, `1280x1280`.
    """

    created: int
    data: list[MadeImage]
    size: str


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be asked for."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "heliograph"


class ListedModels(msgspec.Struct, frozen=True, kw_only=True):
    """All models of the server."""

    object: Literal["list"] = "list"
    data: list[ListedModel]


class Problem(msgspec.Struct, frozen=True):
    """What went wrong: a sentence, its kind, and the parameter that is to blame, if one is."""

    message: str
    type: str
    param: str | None
    code: str | None


class Refusal(msgspec.Struct, frozen=True):
    """Any answer but a good one."""

    error: Problem


class Kind(NamedTuple):
    """How OpenAI tells of an error: HTTP status, `type` and `code`."""

    status: int
    type: str = "invalid_request_error"
    code: str | None = None


# OpenAI has no 402: an account without money gets the 429 that its clients know.
FAULTS: dict[type[Fault], Kind] = {
    BadRequest: Kind(400, code="invalid_value"),
    Unauthorized: Kind(401, code="invalid_api_key"),
    PaymentRequired: Kind(429, "insufficient_quota", "insufficient_quota"),
    Forbidden: Kind(403, code="insufficient_permissions"),
    NotFound: Kind(404),
    MethodNotAllowed: Kind(405, code="method_not_supported"),
    Conflict: Kind(409, code="conflict"),
    UnprocessableEntity: Kind(422, code="idempotency_key_reused"),
    TooManyRequests: Kind(429, "requests", "rate_limit_exceeded"),
    Busy: Kind(503, "server_error", "service_unavailable"),
}
MODEL_NOT_FOUND = Kind(404, code="model_not_found")

_REJECTED = Kind(400, code="content_policy_violation")
_UNFIT = Kind(400, code="invalid_value")
FAILURES: dict[str, Kind] = {
    "PromptInvalid": Kind(400, code="invalid_prompt"),
    "MissingParameter": _UNFIT,
    "BadRequest": _UNFIT,
    "SensitiveContentDetected": _REJECTED,
    "ProhibitedContentDetected": _REJECTED,
    "RateLimitExceeded": Kind(429, "requests", "rate_limit_exceeded"),
    "Timeout": Kind(504, "server_error", "timeout"),
    "Cancelled": Kind(409, code="cancelled"),
    "InternalError": Kind(502, "server_error", "generation_failed"),
}

#: OpenAI's clients obey this header before they look at the status; else they repeat a request, and pay,
#: up to twice more by themselves.
RETRY = b"x-should-retry"


#: When to ask again after the image engine was too busy for a task.
BUSY_ENGINE_SECONDS = 30


def refusal_body(fault: Fault | TaskFault) -> tuple[int, Refusal]:
    """HTTP status and public JSON of `fault`, or of the failure of a task."""
    param = None
    if isinstance(fault, TaskFault):
        kind = FAILURES.get(fault.code, FAILURES["InternalError"])
    else:
        field = (fault.data or {}).get("field")
        param = str(field) if field is not None else None
        unknown_model = isinstance(fault, NotFound) and param == "model"
        kind = MODEL_NOT_FOUND if unknown_model else FAULTS.get(type(fault)) or _plain(fault)
    return kind.status, Refusal(Problem(fault.message, kind.type, param, kind.code))


def refusal(fault: Fault | TaskFault) -> Json:
    """`fault` as an answer. Without money, asking again is no use, and OpenAI's clients are told so."""
    status, body = refusal_body(fault)
    answer = Json(ENCODER.encode(body), status)
    if isinstance(fault, PaymentRequired):
        answer.raw_headers.append((RETRY, b"false"))
    if isinstance(fault, Fault):
        return add_headers(answer, fault)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        answer.raw_headers.append((b"retry-after", b"%d" % BUSY_ENGINE_SECONDS))
    return answer


def _plain(fault: Fault) -> Kind:
    ours = fault.status >= ServerFault.status
    return Kind(fault.status, "server_error" if ours else "invalid_request_error")
