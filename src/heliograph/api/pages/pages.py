"""Pages in every language and theme, made once at the start, and the parts that they load."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.language.choose import LANGUAGES, choose_language
from heliograph.api.pages.content import imported, make_content, read_assets, version_of
from heliograph.base.errors import NotFound

THEMES = ("system", "light", "dark")

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

#: The package whose page ends with the drawings that all pages use.
DRAWN_IN = "heliograph.api.playground"

_PLACE = re.compile(r"{{([\w.-]+)}}")
_DRAWINGS = re.compile(r'<svg class="drawings".*?</svg>\n', re.DOTALL)


class Pages:
    """The pages at `address`, and what they load.

    `layers` names the packages whose assets and messages are used, the own one last, and under which
    folder each stands: modules name each other by relative addresses, so all share one version.
    `templates` are files of the own package without their suffix, `first_script` what they start with.
    """

    def __init__(
        self, address: str, layers: Mapping[str, str], templates: Sequence[str], first_script: str
    ) -> None:
        folders = {package: resources.files(package) for package in layers}
        self.assets = {
            name: content
            for package, prefix in layers.items()
            for name, content in read_assets(folders[package] / "assets", prefix).items()
        }
        self._version = version_of(self.assets)
        self._prefixes = tuple(layers.values())
        base = f"{address}/{self._version}"
        self._values = {"base": base, "preloads": self._preloads(base, first_script)} | _drawings()
        own = folders[[*layers][-1]]
        self._pages = {
            (name, language, theme): make_content("html", self._render(template, language, theme))
            for name in templates
            for template in [(own / f"{name}.html").read_text(encoding="utf-8")]
            for language in LANGUAGES
            for theme in THEMES
        }

    def page(self, request: Request, name: str, headers: Mapping[str, str]) -> Response:
        """A page, in the language and the colours that were chosen on it, else those of the browser."""
        language = request.cookies.get("heliograph-language")
        if language not in LANGUAGES:
            language = choose_language(request.headers.get("accept-language", ""))
        theme = request.cookies.get("heliograph-theme")
        page = self._pages[name, language, theme if theme in THEMES else THEMES[0]]
        return page.answer(request, {**headers, "content-language": language})

    async def asset(self, request: Request) -> Response:
        """A part of a page, for good under this version. Raises NotFound for all else.

        Another version is that of a server before or after an update: what is here now may serve.
        """
        content = self.assets.get(request.path_params["name"])
        if content is None:
            raise NotFound("There is nothing at this path. /docs lists every route.")
        known = request.path_params["version"] == self._version
        caching = {"cache-control": FOREVER if known else "no-cache", "vary": "accept-encoding"}
        return content.answer(request, HEADERS | caching)

    def _preloads(self, base: str, first_script: str) -> str:
        modules = sorted(imported(self.assets, first_script))
        return "\n".join(f'<link rel="modulepreload" href="{base}/{name}">' for name in modules)

    def _render(self, template: str, language: str, theme: str) -> bytes:
        """The page with every `{{name}}` in it replaced. Raises KeyError for a message that is missing."""
        texts = {"language": language, "theme": theme} | dict(self._messages(language))
        values = {name: html.escape(text) for name, text in texts.items()} | self._values
        return _PLACE.sub(lambda place: values[place[1]], template).encode()

    def _messages(self, language: str) -> Iterator[tuple[str, str]]:
        for prefix in self._prefixes:
            messages: dict[str, Any] = msgspec.json.decode(
                self.assets[f"{prefix}messages/{language}.json"].body
            )
            yield from messages.items()


def _drawings() -> dict[str, str]:
    page = (resources.files(DRAWN_IN) / "page.html").read_text(encoding="utf-8")
    drawings = _DRAWINGS.search(page)
    assert drawings, "the page of the playground ends with its drawings"
    return {"drawings": drawings[0]}
