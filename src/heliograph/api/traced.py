"""A span for each request, around everything else; in the way only while tracing is on."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heliograph.base.trace import Span, span

#: Asked every few seconds by machines: nobody wants to see it.
NOT_TRACED = frozenset({"/health/live", "/health/ready", "/metrics"})


class Traced:
    """An application whose requests are spans, within the traces of clients that have one."""

    def __init__(self, answer: ASGIApp) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http" or scope["path"] in NOT_TRACED:
            await self._answer(scope, receive, send)
            return
        method = scope["method"]
        attributes = {"http.request.method": method}
        with span(method, _parent(scope), kind="server", attributes=attributes) as request:

            async def note_and_send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _note_status(request, message["status"])
                await send(message)

            try:
                await self._answer(scope, receive, note_and_send)
            finally:
                # never the path itself, whose end may be all that it takes to read a picture
                route = getattr(scope.get("route"), "path", "unmatched")
                request.rename(f"{method} {route}")
                request.note("http.route", route)


def _note_status(request: Span, status: int) -> None:
    request.note("http.response.status_code", status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        request.fail(f"answered {status}")


def _parent(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return str(value.decode("latin-1"))
    return None
