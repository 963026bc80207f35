"""GET / and what the page loads."""

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.pages.pages import PAGE_HEADERS, Pages


class PlaygroundRoutes:
    """GET / and GET /playground/{version}/{name}."""

    def __init__(self) -> None:
        layers = {"heliograph.api.playground": ""}
        self.pages = Pages("/playground", layers, ["page"], "js/app.js")
        self.asset = self.pages.asset

    async def home(self, request: Request) -> Response:
        """The page."""
        return self.pages.page(request, "page", PAGE_HEADERS)
