"""What is true of every answer: an envelope, a request id, a measured time; and the one error handler."""

import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Router
from starlette.types import Message, Receive, Scope, Send

from heliograph.api.body import BodyLimits
from heliograph.api.header import index_headers, sent_header
from heliograph.api.language.wording import word
from heliograph.base.errors import Fault, MethodNotAllowed, NotFound, ServerFault
from heliograph.base.log import log, request_id
from heliograph.base.metrics import observe_request

ANSWER_HEADERS = "heliograph.answer_headers"
"""Key in the ASGI scope of a list of raw headers that go with the answer, whatever it becomes."""

CLIENT_LEFT = 499
"""The code in the metrics of a request whose client did not wait for the answer."""

Answer: TypeAlias = Callable[[Request], Awaitable[Response]]

Refuse: TypeAlias = Callable[[Fault, str], Response]
"""What answers a fault of the request for a path, in the shape that the callers of that path expect."""

#: Request ids of our own are counted behind this, which is cheaper than randomness for each.
PROCESS = secrets.token_hex(6).encode()
_numbers = itertools.count(1)

SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Edge:
    """The outermost layer, in one pass: everything between the server and the routes.

    Plain ASGI, because each layer of a framework's middleware costs every request.
    """

    def __init__(
        self,
        router: Router,
        refuse: Refuse,
        body_limits: BodyLimits,
        *,
        log_requests: bool = False,
    ) -> None:
        self.router = router
        self.body_limits = body_limits
        self._refuse = refuse
        self._log_requests = log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self.router(scope, receive, send)
            return
        # An application in the scope is what makes Starlette's router raise its 404 and 405
        # for the error handler here, where it would answer in plain text.
        scope["app"] = self
        index_headers(scope)
        answer = _Answer(scope, send)
        request_id.set(answer.request_id)
        try:
            await self.router(scope, receive, answer.send)
        except ClientDisconnect:
            answer.status = CLIENT_LEFT
        except Exception as error:
            fault = _fault(error, scope, answer.request_id)
            if answer.status:
                # Half an answer is out. Only a broken connection tells the client that it is half.
                raise
            told = word(fault, scope["headers"])
            await self._refuse(told, scope["path"])(scope, receive, answer.send)
        finally:
            self._note(scope, answer)

    def _note(self, scope: Scope, answer: "_Answer") -> None:
        seconds = time.perf_counter() - answer.started_at
        route = getattr(scope.get("route"), "path", "unmatched")
        observe_request(route, scope["method"], answer.status, seconds)
        if self._log_requests:
            log.debug(
                "request",
                method=scope["method"],
                route=route,
                status=answer.status,
                milliseconds=round(seconds * 1000, 2),
            )


class _Answer:
    """The way out of one request: adds the headers that every answer has, and notes the status."""

    __slots__ = ("_headers", "_no_body", "_send", "request_id", "started_at", "status")

    def __init__(self, scope: Scope, send: Send) -> None:
        request_id = _request_id(scope)
        self._send = send
        self._no_body = scope["method"] == "HEAD"
        self._headers = [(b"x-request-id", request_id)]
        self.request_id = request_id.decode()
        self.started_at = time.perf_counter()
        self.status = 0
        scope[ANSWER_HEADERS] = self._headers

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._headers]
        elif self._no_body:
            message["body"] = b""
        await self._send(message)


def _request_id(scope: Scope) -> bytes:
    sent = sent_header(scope, b"x-request-id")
    if sent is not None and SANE_REQUEST_ID.fullmatch(sent):
        return sent
    return b"%b-%x" % (PROCESS, next(_numbers))


def _fault(error: Exception, scope: Scope, request_id: str) -> Fault:
    """What the client is told of `error`; a defect of ours goes to the log, whole, and stays there."""
    if isinstance(error, Fault):
        if error.status >= ServerFault.status:
            log.warning("refused", status=error.status, reason=error.message)
        return error
    if isinstance(error, HTTPException) and error.status_code == NotFound.status:
        return NotFound("There is nothing at this path. /docs lists every route.")
    if isinstance(error, HTTPException) and error.status_code == MethodNotAllowed.status:
        allowed = ", ".join(sorted(_methods(scope)))
        return MethodNotAllowed(
            f"{scope['method'][:20]} is not possible here, only {allowed}",
            headers={"Allow": allowed},
        )
    log.error("request failed", exc_info=error, method=scope["method"], path=scope["path"])
    return ServerFault(
        f"Something went wrong on our side. Name this request when asking: {request_id}"
    )


def _methods(scope: Scope) -> set[str]:
    routes = scope["router"].routes
    return {
        method
        for route in routes
        if route.matches(scope)[0] is not Match.NONE
        for method in route.methods
    }


class Endpoint:
    """A function from a request to a response, as the end of a route.

    Starlette's own wrapper does the same and catches exceptions once more, which the edge does.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)
