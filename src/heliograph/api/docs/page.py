"""GET /docs, what pages of the documentation load, and the document that /docs shows."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.docs.frame import Frame, Sheet
from heliograph.api.docs.render import render_contents, render_reference
from heliograph.api.openapi import build_openapi
from heliograph.api.pages.pages import HEADERS
from heliograph.catalog.model import Model


class DocsRoutes:
    """The page that describes the API, for people and for programs."""

    def __init__(self, models: Mapping[str, Model], public_url: str, frame: Frame) -> None:
        document = build_openapi(models, public_url)
        self._document = msgspec.json.encode(document)
        self._frame = frame
        self._sheet = Sheet(
            f"{document['info']['title']} API reference",
            render_reference(document),
            render_contents(document),
            "reference",
        )
        self.asset = frame.asset

    async def page(self, request: Request) -> Response:
        """The reference as a page that can be read without scripts."""
        return self._frame.answer(request, "/docs", lambda _: self._sheet)

    async def openapi(self, _: Request) -> Response:
        """The OpenAPI document."""
        headers = HEADERS | {"cache-control": "no-cache"}
        return Response(self._document, headers=headers, media_type="application/json")
