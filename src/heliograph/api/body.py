"""Request bodies: of the right type, within the limit while they arrive, and in time."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import NamedTuple, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from heliograph.api.header import header
from heliograph.base.errors import BadRequest, Busy, TooLarge, UnsupportedMediaType
from heliograph.base.places import Places

Body = TypeVar("Body")

JSON = "application/json"

#: Where it stands in the scope of a request whose body it is: an account, once it is known.
BODY_OWNER = "heliograph.body_owner"

_MISSING = re.compile(r"Object missing required field `(\w+)`")


class BodyLimits(NamedTuple):
    """`json_bytes`: of a JSON body at most; `seconds`: within which a body of any type is there.

    `room`: bytes of memory for bodies that are on their way, of which each account has its share.
    """

    json_bytes: int
    seconds: float
    room: Places


async def read_json(request: Request, kind: type[Body]) -> Body:
    """The JSON body as a `kind`. Raises as read_json_body does, and BadRequest naming the field."""
    body = await read_json_body(request)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise unfit_body(error) from None


def unfit_body(error: Exception) -> BadRequest:
    """What is wrong with a body, from what the decoder said: the field, if one is to blame."""
    if not isinstance(error, msgspec.ValidationError):
        return BadRequest("The request body is not valid JSON in UTF-8. Send one JSON object.")
    missing = _MISSING.match(str(error))
    if missing is not None:
        return BadRequest(f"Missing required field: {missing[1]}", missing[1])
    problem, _, path = str(error).partition(" - at `$.")
    field = path.rstrip("`") or None
    named = "The request body" if field is None else field
    return BadRequest(f"{named}: {problem}. /docs shows what this body holds.", field)


async def read_json_body(request: Request) -> bytes:
    """The bytes of a JSON body, not yet parsed.

    Raises UnsupportedMediaType unless the content type is `application/json` (the documents demand
    it, so a missing one is refused too; parameters such as charset are ignored) or when the body is
    compressed, TooLarge as soon as the limit is passed, BadRequest when it does not arrive in time.
    """
    check_json_type(request)
    check_coding(request)
    most_bytes = _limits(request).json_bytes
    body, more = await _begin(request, most_bytes)
    if not more:
        return body
    async with room_for(request, most_bytes):
        return await _read_rest(request, body, most_bytes)


@contextlib.asynccontextmanager
async def room_for(request: Request, most_bytes: int) -> AsyncIterator[None]:
    """Memory for a body of at most `most_bytes` while it is read and used, when it is its account's turn.

    Raises Busy when it does not come within the time for a body.
    """
    room, owner = _limits(request).room, request.scope.get(BODY_OWNER, "")
    async with contextlib.AsyncExitStack() as held:
        try:
            async with asyncio.timeout(_limits(request).seconds):
                size = min(_declared_bytes(request) or most_bytes, most_bytes)
                await held.enter_async_context(room.one(owner, size))
        except TimeoutError:
            raise Busy("Too many large requests are on their way. Send fewer at once.") from None
        yield


def check_coding(request: Request) -> None:
    """Raise UnsupportedMediaType when the body is compressed."""
    coding = header(request, b"content-encoding") or "identity"
    if coding.lower() != "identity":
        raise UnsupportedMediaType(
            f"Send the body as it is, without Content-Encoding: {coding[:100]}"
        )


def check_json_type(request: Request) -> None:
    """Raise UnsupportedMediaType unless the request says that it carries JSON."""
    sent = header(request, b"content-type") or ""
    media_type = sent if sent == JSON else sent.partition(";")[0].strip().lower()
    if media_type != JSON:
        raise UnsupportedMediaType(
            f"Send the body as Content-Type: application/json, not {media_type[:100] or 'without one'}"
        )


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The bytes of a body of any type.

    Raises TooLarge as soon as `most_bytes` is passed, BadRequest when it does not arrive in time.
    """
    body, more = await _begin(request, most_bytes)
    return await _read_rest(request, body, most_bytes) if more else body


async def _begin(request: Request, most_bytes: int) -> tuple[bytes, bool]:
    if _declared_bytes(request) > most_bytes:
        raise _too_large(most_bytes)
    body, more = await _next_part(request.receive)
    _check_size(body, most_bytes)
    return body, more


def _limits(request: Request) -> BodyLimits:
    limits: BodyLimits = request.app.body_limits
    return limits


def _declared_bytes(request: Request) -> int:
    declared = header(request, b"content-length") or ""
    # Python refuses to read numbers of thousands of digits; 19 are more bytes than there are.
    return int(declared[:19]) if declared.isdecimal() else 0


async def _read_rest(request: Request, first: bytes, most_bytes: int) -> bytes:
    body, more = bytearray(first), True
    seconds = _limits(request).seconds
    try:
        async with asyncio.timeout(seconds):
            while more:
                part, more = await _next_part(request.receive)
                body += part
                _check_size(body, most_bytes)
    except TimeoutError:
        raise BadRequest(f"The body did not arrive within {seconds:g} seconds") from None
    return bytes(body)


async def _next_part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _check_size(body: bytes | bytearray, most_bytes: int) -> None:
    if len(body) > most_bytes:
        raise _too_large(most_bytes)


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(f"The body is over the limit of {most_bytes:,} bytes")
