"""GET /admin and what it loads: its own parts, and those of console and playground."""

import html
import re
from importlib import resources
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.console.page import imported
from heliograph.api.language.choose import LANGUAGES, choose_language
from heliograph.api.playground.page import (
    FOREVER,
    HEADERS,
    PAGE_HEADERS,
    THEMES,
    make_content,
    read_assets,
    version_of,
)
from heliograph.base.errors import NotFound

FOLDER = "/admin"
FIRST_SCRIPT = "js/admin.js"

_PLACE = re.compile(r"{{([\w.-]+)}}")
_DRAWINGS = re.compile(r'<svg class="drawings".*?</svg>\n', re.DOTALL)


class AdminPageRoutes:
    """GET /admin and GET /admin/{version}/{name}. The page itself holds no secret: its calls need a session."""

    def __init__(self) -> None:
        own = resources.files("heliograph.api.admin")
        console = resources.files("heliograph.api.console")
        playground = resources.files("heliograph.api.playground")
        # Laid out as modules name each other by relative addresses.
        self._assets = read_assets(own / "assets")
        self._assets |= read_assets(console / "assets", "console/")
        self._assets |= read_assets(playground / "assets", "console/playground/")
        self._version = version_of(self._assets)
        base = f"{FOLDER}/{self._version}"
        modules = sorted(imported(self._assets, FIRST_SCRIPT))
        drawings = _DRAWINGS.search((playground / "page.html").read_text(encoding="utf-8"))
        assert drawings, "the page of the playground ends with its drawings"
        self._values = {
            "base": base,
            "drawings": drawings[0],
            "preloads": "\n".join(
                f'<link rel="modulepreload" href="{base}/{name}">' for name in modules
            ),
        }
        template = (own / "page.html").read_text(encoding="utf-8")
        self._pages = {
            (language, theme): make_content("html", self._render(template, language, theme))
            for language in LANGUAGES
            for theme in THEMES
        }

    async def page(self, request: Request) -> Response:
        """The page, in the language and the colours that were chosen on it, else those of the browser."""
        language = request.cookies.get("heliograph-language")
        if language not in LANGUAGES:
            language = choose_language(request.headers.get("accept-language", ""))
        theme = request.cookies.get("heliograph-theme")
        page = self._pages[language, theme if theme in THEMES else THEMES[0]]
        return page.answer(request, PAGE_HEADERS | {"content-language": language})

    async def asset(self, request: Request) -> Response:
        """A part of the page, for good under this version. Raises NotFound for all else."""
        content = self._assets.get(request.path_params["name"])
        if content is None:
            raise NotFound("There is nothing at this path. /docs lists every route.")
        known = request.path_params["version"] == self._version
        caching = {"cache-control": FOREVER if known else "no-cache", "vary": "accept-encoding"}
        return content.answer(request, HEADERS | caching)

    def _render(self, template: str, language: str, theme: str) -> bytes:
        """The page with every `{{name}}` in it replaced. Raises KeyError for a message that is missing."""
        texts: dict[str, Any] = {"language": language, "theme": theme}
        for folder in ("console/playground/", "console/", ""):
            texts |= msgspec.json.decode(self._assets[f"{folder}messages/{language}.json"].body)
        values = {name: html.escape(words) for name, words in texts.items()} | self._values
        return _PLACE.sub(lambda place: values[place[1]], template).encode()
