"""One request of an MCP client over HTTP, and its answer."""

from collections.abc import MutableMapping
from typing import Any

import httpx2
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from heliograph.api.caller import FORWARDED
from heliograph.api.doors.mcp.api import TIMEOUT, Api
from heliograph.api.doors.mcp.server import build_server
from heliograph.api.edge import ANSWER_HEADERS

EVENTS = "text/event-stream"
BOTH = b"application/json, text/event-stream"

#: What the tools hand on of the request that called them: who asks, from where, in which language, and its name in the log.
HANDED_ON = ("accept-language", "authorization", FORWARDED)


class Exchange(Response):
    """Answers by the official package, without a session: nothing is kept from one request to the next.

    Who accepts no stream gets plain JSON, without progress.
    """

    def __init__(self, request: Request, body: bytes, own_url: str) -> None:
        self._request = request
        self._body = body
        self._own_url = own_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request (ASGI)."""
        accepted = self._request.headers.get("accept", "*/*")
        streams = any(kind in accepted for kind in (EVENTS, "text/*", "*/*"))
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept"]
        inner = {**scope, "headers": [*headers, (b"accept", BOTH)]}
        async with _within(self._request) as http:
            server = build_server(Api(http, _handed_on(self._request), self._own_url))
            manager = StreamableHTTPSessionManager(
                server, stateless=True, json_response=not streams
            )
            async with manager.run():
                await manager.handle_request(inner, self._replay(receive), send)

    def _replay(self, receive: Receive) -> Receive:
        """Gives the body, which has been read and checked, and then what comes from the client."""
        body: list[bytes] = [self._body]

        async def replayed() -> MutableMapping[str, Any]:
            if body:
                return {"type": "http.request", "body": body.pop(), "more_body": False}
            return await receive()

        return replayed


def _within(request: Request) -> httpx2.AsyncClient:
    """A client of the very application that answers `request`, in the name of its sender."""
    peer = request.client
    address = (peer.host, peer.port) if peer else ("", 0)
    transport = httpx2.ASGITransport(app=request.scope["app"], client=address)
    # a proxy of the environment has no business between the process and itself
    return httpx2.AsyncClient(
        transport=transport, base_url="http://heliograph", timeout=TIMEOUT, trust_env=False
    )


def _handed_on(request: Request) -> dict[str, str]:
    handed_on = {name: _value(request, name) for name in HANDED_ON if name in request.headers}
    request_id = dict(request.scope[ANSWER_HEADERS])[b"x-request-id"]
    return handed_on | {"x-request-id": request_id.decode()}


def _value(request: Request, name: str) -> str:
    """The header `name` as the API reads it, in one line of ASCII."""
    # a proxy may add a line of its own instead of lengthening one; of other headers the first line counts
    lines = request.headers.getlist(name)
    value = ", ".join(lines) if name == FORWARDED else lines[0]
    # the client sends nothing else, and what is not ASCII means nothing in any of these headers
    return value.encode("ascii", "replace").decode()
