"""GET /admin and what it loads: its own parts, and those of console and playground."""

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.pages.pages import PAGE_HEADERS, Pages


class AdminPageRoutes:
    """GET /admin and GET /admin/{version}/{name}. The page itself holds no secret: its calls need a session."""

    def __init__(self) -> None:
        layers = {
            "heliograph.api.playground": "console/playground/",
            "heliograph.api.console": "console/",
            "heliograph.api.admin": "",
        }
        self.pages = Pages("/admin", layers, ["page"], "js/admin.js")
        self.asset = self.pages.asset

    async def page(self, request: Request) -> Response:
        """The page."""
        return self.pages.page(request, "page", PAGE_HEADERS)
