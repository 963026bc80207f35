"""GET / and what the page loads. All of it is made once, at the start."""

import gzip
import hashlib
import html
import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.language.choose import LANGUAGES, choose_language
from heliograph.base.errors import NotFound

FOLDER = "/playground"
THEMES = ("system", "light", "dark")

CONTENT_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}
COMPRESSED = ("css", "js", "json", "svg")

# Nothing from elsewhere, nothing written into the page itself, and no text ever becomes markup.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
PAGE_HEADERS = HEADERS | {
    "cache-control": "no-cache",
    "vary": "accept-encoding, accept-language, cookie",
}
FOREVER = "public, max-age=31536000, immutable"

_PLACE = re.compile(r"{{([\w.-]+)}}")


@dataclass(frozen=True)
class Content:
    """What an address answers with: plain, and compressed where that helps."""

    content_type: str
    body: bytes
    compressed: bytes | None

    def answer(self, request: Request, headers: dict[str, str]) -> Response:
        """The response to `request`, compressed when its sender can read that."""
        if self.compressed and "gzip" in request.headers.get("accept-encoding", ""):
            packed = headers | {"content-encoding": "gzip"}
            return Response(self.compressed, headers=packed, media_type=self.content_type)
        return Response(self.body, headers=headers, media_type=self.content_type)


class PlaygroundRoutes:
    """GET / and GET /playground/{version}/{name}."""

    def __init__(self) -> None:
        folder = resources.files("heliograph.api.playground")
        self._assets = read_assets(folder / "assets")
        # Modules name each other by relative addresses, so all share one version.
        self._version = version_of(self._assets)
        template = (folder / "page.html").read_text(encoding="utf-8")
        self._pages = {
            (language, theme): make_content(
                "html", self._render(template, language, theme).encode()
            )
            for language in LANGUAGES
            for theme in THEMES
        }

    async def home(self, request: Request) -> Response:
        """The page, in the language and the colours that were chosen on it, else those of the browser."""
        language = request.cookies.get("heliograph-language")
        if language not in LANGUAGES:
            language = choose_language(request.headers.get("accept-language", ""))
        theme = request.cookies.get("heliograph-theme")
        page = self._pages[language, theme if theme in THEMES else THEMES[0]]
        return page.answer(request, PAGE_HEADERS | {"content-language": language})

    async def asset(self, request: Request) -> Response:
        """A part of the page, for good under this version. Raises NotFound for all else.

        Another version is that of a server before or after an update: what is here now may serve.
        """
        content = self._assets.get(request.path_params["name"])
        if content is None:
            raise NotFound("There is nothing at this path. /docs lists every route.")
        known = request.path_params["version"] == self._version
        caching = {"cache-control": FOREVER if known else "no-cache", "vary": "accept-encoding"}
        return content.answer(request, HEADERS | caching)

    def _render(self, template: str, language: str, theme: str) -> str:
        """The page with every `{{name}}` in it replaced. Raises KeyError for a message that is missing."""
        messages: dict[str, Any] = msgspec.json.decode(
            self._assets[f"messages/{language}.json"].body
        )
        base = f"{FOLDER}/{self._version}"
        modules = sorted(name for name in self._assets if name.endswith(".js"))
        preloads = "\n".join(f'<link rel="modulepreload" href="{base}/{name}">' for name in modules)
        values = {"language": language, "theme": theme, "base": base} | messages
        texts = {name: html.escape(text) for name, text in values.items()} | {"preloads": preloads}
        return _PLACE.sub(lambda place: texts[place[1]], template)


def read_assets(folder: Traversable, prefix: str = "") -> dict[str, Content]:
    """All parts in `folder` that a page may load, by their path in it, with `prefix` before it."""
    found: dict[str, Content] = {}
    for entry in folder.iterdir():
        name = prefix + entry.name
        suffix = name.rpartition(".")[2]
        if entry.is_dir():
            found |= read_assets(entry, f"{name}/")
        elif suffix in CONTENT_TYPES:
            found[name] = make_content(suffix, entry.read_bytes())
    return found


def make_content(suffix: str, body: bytes) -> Content:
    """`body` as it is answered, of the type that `suffix` names."""
    packs = suffix in (*COMPRESSED, "html")
    # without a time in it, so that every process of the service serves the same bytes
    compressed = gzip.compress(body, mtime=0) if packs else None
    return Content(CONTENT_TYPES.get(suffix, "text/html"), body, compressed)


def version_of(assets: dict[str, Content]) -> str:
    """A name that changes with any of `assets`."""
    digest = hashlib.blake2b(digest_size=6)
    for name in sorted(assets):
        digest.update(name.encode() + b"\0" + assets[name].body)
    return digest.hexdigest()
