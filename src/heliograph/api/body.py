"""Request bodies: of the right type, within the limit while they arrive, and in time."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from heliograph.base.errors import BadRequest, TooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 1024 * 1024
"""Of any JSON body. A body of exactly this size is taken."""

BODY_TIMEOUT_SECONDS = 30
"""Within which a body has to arrive whole, so that nobody can hold a request open for ever."""


async def read_json_body(request: Request) -> bytes:
    """The bytes of a JSON body, not yet parsed.

    Raises UnsupportedMediaType unless the content type is `application/json` (the documents demand
    it, so a missing one is refused too; parameters such as charset are ignored), TooLarge as soon
    as the limit is passed, BadRequest when the body does not arrive in time.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(
            f"Send the body as Content-Type: application/json, not {media_type[:100] or 'without one'}"
        )
    if _declared_bytes(request) > MAX_BODY_BYTES:
        raise _too_large()
    body, more = await _next_part(request.receive)
    _check_size(body)
    return await _read_rest(request.receive, body) if more else body


def _declared_bytes(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    # Python refuses to read numbers of thousands of digits; 19 are more bytes than there are.
    return int(declared[:19]) if declared.isdecimal() else 0


async def _read_rest(receive: Receive, first: bytes) -> bytes:
    body, more = bytearray(first), True
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            while more:
                part, more = await _next_part(receive)
                body += part
                _check_size(body)
    except TimeoutError:
        raise BadRequest(f"The body did not arrive within {BODY_TIMEOUT_SECONDS} seconds") from None
    return bytes(body)


async def _next_part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _check_size(body: bytes | bytearray) -> None:
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()


def _too_large() -> TooLarge:
    return TooLarge(f"The body is over the limit of {MAX_BODY_BYTES:,} bytes")
