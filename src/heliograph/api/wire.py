"""The public JSON: the envelope of every answer, and the types that are not a task's own view.

The same types encode the answers and give the schemas of the OpenAPI document.
"""

from typing import Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from heliograph.base.errors import Fault, Unauthorized

Data = TypeVar("Data")


class Success(msgspec.Struct, Generic[Data], frozen=True, kw_only=True):
    """A good answer. `code` is the HTTP status, `data` what was asked for."""

    code: Literal[200] = 200
    message: Literal["success"] = "success"
    data: Data


class TaskAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """The task is accepted and paid for."""

    task_id: str


class WrongField(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with a request: a sentence, and the path of the field (`input.prompt`)."""

    error: str
    field: str | None = None


class Failure(msgspec.Struct, frozen=True):
    """Any answer but a good one. `code` is the HTTP status, `message` a sentence for people.

    `data` is absent with 401, an object with 400, and null with all others.
    """

    code: int
    message: str
    data: WrongField | UnsetType | None = UNSET


class ModeData(msgspec.Struct, frozen=True, rename="camel"):
    """One mode of a model. `sizes` maps an aspect ratio to width and height in pixels.

    `price` is in dollars for one image, on the route of the key that asks.
    """

    mode: str
    description: str
    aspect_ratios: list[str]
    sizes: dict[str, tuple[int, int]]
    min_references: int
    max_references: int
    price: float


class ModelData(msgspec.Struct, frozen=True, rename="camel"):
    """One model: its modes and its limits."""

    model_id: str
    title: str
    category: str
    description: str
    max_images: int
    default_images: int
    max_prompt_characters: int
    first_poll_seconds: int
    poll_interval_seconds: int
    modes: list[ModeData]


class ModelList(msgspec.Struct, frozen=True):
    """All models of the server."""

    items: list[ModelData]


class Live(msgspec.Struct, frozen=True):
    """The process answers."""

    live: Literal[True] = True


class Ready(msgspec.Struct, frozen=True):
    """Requests can be served: `database` answers."""

    database: Literal["ok"] = "ok"


class RangeNotSatisfiable(Fault):
    """416: the part of a file that was asked for lies behind its end. Of HTTP, so not in base."""

    status = 416


ENCODER = msgspec.json.Encoder()

# An answer is for the caller's eyes alone, and no browser may take it for a page or show it inside one.
JSON_HEADERS = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Json(Response):
    """An answer whose `body` is JSON that has been encoded already."""

    # Not Response's own constructor, which works out anew on each call what is always the same.
    def __init__(self, body: bytes, status_code: int = 200) -> None:
        self.body = body
        self.status_code = status_code
        self.background = None
        self.raw_headers = [*JSON_HEADERS, (b"content-length", b"%d" % len(body))]


def success(data: object) -> Json:
    """`data` in the envelope, with HTTP status 200."""
    return Json(ENCODER.encode(Success(data=data)))


def failure(fault: Fault) -> Json:
    """`fault` in the envelope, with its own HTTP status and headers."""
    return add_headers(Json(ENCODER.encode(failure_body(fault)), fault.status), fault)


def add_headers(answer: Json, fault: Fault) -> Json:
    """`answer` with the headers that `fault` has, and the page that explains it, whatever its body is."""
    answer.raw_headers.append((b"link", b'</docs/errors/%d>; rel="help"' % fault.status))
    if isinstance(fault, Unauthorized):
        answer.raw_headers.append((b"www-authenticate", b"Bearer"))
    answer.raw_headers.extend(
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in fault.headers.items()
    )
    return answer


def failure_body(fault: Fault) -> Failure:
    """The public JSON of `fault`. Only the documented 401 has no `data` at all."""
    if isinstance(fault, Unauthorized):
        return Failure(fault.status, fault.message)
    data = None if fault.data is None else msgspec.convert(fault.data, WrongField)
    return Failure(fault.status, fault.message, data)
