"""GET /console and what it loads, its own parts and those that the playground has already; the pages of links."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.pages.pages import PAGE_HEADERS, Pages

#: A page that sends one form, to where it came from; with a referrer, else the form has no origin.
LINK_HEADERS = PAGE_HEADERS | {
    "content-security-policy": PAGE_HEADERS["content-security-policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


class ConsoleRoutes:
    """GET /console and GET /console/{version}/{name}."""

    def __init__(self) -> None:
        layers = {"heliograph.api.playground": "playground/", "heliograph.api.console": ""}
        templates = ["page", "sign-in", "over"]
        self.pages = Pages("/console", layers, templates, "js/console.js")
        self.asset = self.pages.asset

    async def page(self, request: Request) -> Response:
        """The page."""
        return self.pages.page(request, "page", PAGE_HEADERS)

    def sign_in(self, request: Request, name: Literal["sign-in", "over"]) -> Response:
        """The page of a link that signs in, or the one that says that it is over."""
        return self.pages.page(request, name, LINK_HEADERS)
