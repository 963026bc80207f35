"""Idempotency keys in requests, and what an answer says that was given before."""

from starlette.requests import Request

from heliograph.api.header import header
from heliograph.api.wire import Json
from heliograph.base.errors import BadRequest
from heliograph.catalog.batch import IS_KEY, is_idempotency_key

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"


def read_idempotency_key(request: Request) -> str | None:
    """The idempotency key of `request`, or None. Raises BadRequest when it cannot be one, or is two."""
    name = HEADER.lower().encode()
    key = header(request, name)
    if (
        key is not None
        and len({value for sent, value in request.scope["headers"] if sent == name}) > 1
    ):
        raise BadRequest(f"Two different headers {HEADER} were sent. Send one.", HEADER)
    if key is not None and not is_idempotency_key(key):
        raise BadRequest(f"{HEADER} must be {IS_KEY}", HEADER)
    return key


def marked(answer: Json, *, replayed: bool) -> Json:
    """`answer`, with the header that says so if it was given before."""
    if replayed:
        answer.raw_headers.append((REPLAYED.lower().encode(), b"true"))
    return answer
