"""GET /docs, its assets, and the document that it shows. All of it is made once, at the start."""

from collections.abc import Mapping
from importlib import resources

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.docs.headers import HEADERS
from heliograph.api.docs.render import render_page
from heliograph.api.openapi import build_openapi
from heliograph.base.errors import NotFound
from heliograph.catalog.model import Model

ASSETS = {"docs.css": "text/css; charset=utf-8", "docs.js": "text/javascript; charset=utf-8"}


class DocsRoutes:
    """The pages that describe the API, for people and for programs."""

    def __init__(self, models: Mapping[str, Model], public_url: str) -> None:
        document = build_openapi(models, public_url)
        self._document = msgspec.json.encode(document)
        self._page = render_page(document).encode()
        folder = resources.files("heliograph.api.docs") / "assets"
        self._assets = {name: (folder / name).read_bytes() for name in ASSETS}

    async def page(self, _: Request) -> Response:
        """The reference as a page that can be read without scripts."""
        return Response(self._page, headers=HEADERS, media_type="text/html")

    async def openapi(self, _: Request) -> Response:
        """The OpenAPI document."""
        return Response(self._document, headers=HEADERS, media_type="application/json")

    async def asset(self, request: Request) -> Response:
        """A style sheet or a script of the page. Raises NotFound for all else."""
        name = request.path_params["name"]
        if name not in self._assets:
            raise NotFound("There is nothing at this path. /docs lists every route.")
        return Response(self._assets[name], headers=HEADERS, media_type=ASSETS[name])
