"""POST /mcp: who asks, from which page, and with what body; the rest is the official package's."""

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.auth import Gate
from heliograph.api.body import read_json_body
from heliograph.base.errors import Forbidden
from heliograph.runtime import Runtime

if TYPE_CHECKING:
    from heliograph.api.doors.mcp.exchange import Exchange

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class McpRoutes:
    """POST /mcp."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._gate = gate
        self._public_url = runtime.settings.public_url

    async def exchange(self, request: Request) -> Response:
        """Answer one message. Raises Forbidden for pages of strangers, and as every keyed call does."""
        self._check_origin(request.headers.get("origin"))
        await self._gate.admit(request)
        body = await read_json_body(request)
        # importing the package takes a second, which the event loop shall not lose
        exchange = await asyncio.to_thread(_import_exchange)
        return exchange(request, body, self._public_url)

    def _check_origin(self, origin: str | None) -> None:
        """Only browsers send one. A page of a stranger must not speak to a server on this machine."""
        if origin is None or origin == _origin_of(self._public_url):
            return
        if _host_of(origin) not in LOOPBACK:
            raise Forbidden(
                f"Pages of {origin[:100]} may not use this server: only its own pages, and those of"
                " this machine, may."
            )


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def _import_exchange() -> "type[Exchange]":
    from heliograph.api.doors.mcp.exchange import Exchange

    return Exchange
