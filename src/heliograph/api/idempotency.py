"""Idempotency keys in requests, and what an answer says that was given before."""

from starlette.requests import Request

from heliograph.api.header import header
from heliograph.api.wire import Json
from heliograph.base.errors import BadRequest
from heliograph.catalog.batch import IS_KEY, is_idempotency_key

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"


def read_idempotency_key(request: Request) -> str | None:
    """The idempotency key of `request`, or None. Raises BadRequest when it cannot be one."""
    key = header(request, HEADER.lower().encode())
    if key is not None and not is_idempotency_key(key):
        raise BadRequest(f"{HEADER} must be {IS_KEY}", HEADER)
    return key


def marked(answer: Json, *, replayed: bool) -> Json:
    """`answer`, with the header that says so if it was given before."""
    if replayed:
        answer.raw_headers.append((REPLAYED.lower().encode(), b"true"))
    return answer
