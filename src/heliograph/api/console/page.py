"""GET /console and what it loads, its own parts and those that the playground has already; the pages of links."""

import html
import re
from collections.abc import Iterator
from importlib import resources
from posixpath import dirname, join, normpath
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.language.choose import LANGUAGES, choose_language
from heliograph.api.playground.page import (
    FOREVER,
    HEADERS,
    PAGE_HEADERS,
    THEMES,
    Content,
    make_content,
    read_assets,
    version_of,
)
from heliograph.base.errors import NotFound

FOLDER = "/console"
FIRST_SCRIPT = "js/console.js"

#: A page that sends one form, to where it came from; with a referrer, else the form has no origin.
LINK_HEADERS = PAGE_HEADERS | {
    "content-security-policy": PAGE_HEADERS["content-security-policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}

_PLACE = re.compile(r"{{([\w.-]+)}}")
_IMPORT = re.compile(rb'^(?:import|export) (?:[^"\n]+ from )?"(\.[^"]+)";', re.MULTILINE)
_DRAWINGS = re.compile(r'<svg class="drawings".*?</svg>\n', re.DOTALL)


class ConsoleRoutes:
    """GET /console and GET /console/{version}/{name}."""

    def __init__(self) -> None:
        own = resources.files("heliograph.api.console")
        shared = resources.files("heliograph.api.playground")
        # Under one version with the playground's parts, which modules name by relative addresses.
        self._assets = read_assets(own / "assets")
        self._assets |= read_assets(shared / "assets", "playground/")
        self._version = version_of(self._assets)
        templates = {
            name: (own / f"{name}.html").read_text(encoding="utf-8")
            for name in ("page", "sign-in", "over")
        }
        drawings = _DRAWINGS.search((shared / "page.html").read_text(encoding="utf-8"))
        assert drawings, "the page of the playground ends with its drawings"
        self._values = {
            "base": f"{FOLDER}/{self._version}",
            "drawings": drawings[0],
            "preloads": self._preloads(),
        }
        self._pages = {
            (name, language, theme): make_content(
                "html", self._render(template, language, theme).encode()
            )
            for name, template in templates.items()
            for language in LANGUAGES
            for theme in THEMES
        }

    async def page(self, request: Request) -> Response:
        """The page, in the language and the colours that were chosen on it, else those of the browser."""
        return self._answer(request, "page", PAGE_HEADERS)

    def sign_in(self, request: Request, name: Literal["sign-in", "over"]) -> Response:
        """The page of a link that signs in, or the one that says that it is over."""
        return self._answer(request, name, LINK_HEADERS)

    def _answer(self, request: Request, name: str, headers: dict[str, str]) -> Response:
        language = request.cookies.get("heliograph-language")
        if language not in LANGUAGES:
            language = choose_language(request.headers.get("accept-language", ""))
        theme = request.cookies.get("heliograph-theme")
        page = self._pages[name, language, theme if theme in THEMES else THEMES[0]]
        return page.answer(request, headers | {"content-language": language})

    async def asset(self, request: Request) -> Response:
        """A part of the page, for good under this version. Raises NotFound for all else."""
        content = self._assets.get(request.path_params["name"])
        if content is None:
            raise NotFound("There is nothing at this path. /docs lists every route.")
        known = request.path_params["version"] == self._version
        caching = {"cache-control": FOREVER if known else "no-cache", "vary": "accept-encoding"}
        return content.answer(request, HEADERS | caching)

    def _render(self, template: str, language: str, theme: str) -> str:
        """The page with every `{{name}}` in it replaced. Raises KeyError for a message that is missing."""
        texts = {"language": language, "theme": theme}
        texts |= self._messages(f"playground/messages/{language}.json")
        texts |= self._messages(f"messages/{language}.json")
        escaped = {name: html.escape(text) for name, text in texts.items()} | self._values
        return _PLACE.sub(lambda place: escaped[place[1]], template)

    def _messages(self, name: str) -> dict[str, Any]:
        messages: dict[str, Any] = msgspec.json.decode(self._assets[name].body)
        return messages

    def _preloads(self) -> str:
        base = f"{FOLDER}/{self._version}"
        modules = sorted(imported(self._assets, FIRST_SCRIPT))
        return "\n".join(f'<link rel="modulepreload" href="{base}/{name}">' for name in modules)


def imported(assets: dict[str, Content], first: str) -> set[str]:
    """The names of all modules that `first` needs, itself included. Raises KeyError for one that is not there."""
    found: set[str] = set()
    waiting = [first]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name, assets[name].body))
    return found


def _imports(name: str, source: bytes) -> Iterator[str]:
    for address in _IMPORT.findall(source):
        yield normpath(join(dirname(name), address.decode()))
