"""Pages in every language and theme, each made when it is asked for first, and the parts that they load."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.language.choose import LANGUAGES, choose_language
from heliograph.api.pages.content import Content, imported, make_content, read_assets, version_of
from heliograph.base.errors import NotFound

THEMES = ("system", "light", "dark")

#: The markup for the places of a template, in a language.
Fill = Callable[[str], Mapping[str, str]]

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

_PART = re.compile(r"{{> ([\w-]+)}}\n")
_PLACE = re.compile(r"{{([\w.-]+)}}")


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
        self.messages = {language: self._read_messages(layers, language) for language in LANGUAGES}
        base = f"{address}/{self._version}"
        shared = f"{base}/{next(iter(layers.values()))}".rstrip("/")
        preloads = self._preloads(base, first_script)
        self._addresses = {"base": base, "shared": shared, "preloads": preloads}
        own = folders[[*layers][-1]]
        self._templates = {
            name: _with_parts((own / f"{name}.html").read_text(encoding="utf-8"))
            for name in templates
        }
        self._made: dict[tuple[str, ...], Content] = {}

    def page(
        self,
        request: Request,
        name: str,
        headers: Mapping[str, str],
        fill: Fill | None = None,
        subject: str = "",
    ) -> Response:
        """A page, in the language and the colours that were chosen on it, else those of the browser.

        `fill` gives the markup, by language, for places of the template that are no messages; what it
        gives is kept under `subject`.
        """
        language, theme = _wished(request)
        key = (name, subject, language, theme)
        if key not in self._made:
            places = fill(language) if fill else {}
            self._made[key] = make_content("html", self._render(name, language, theme, places))
        return self._made[key].answer(request, {**headers, "content-language": language})

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

    def _render(self, name: str, language: str, theme: str, places: Mapping[str, str]) -> bytes:
        """The page with every `{{name}}` in it replaced. Raises KeyError for a message that is missing."""
        texts = {"language": language, "theme": theme} | self.messages[language]
        values = {name: html.escape(text) for name, text in texts.items()}
        values |= {**self._addresses, **places}
        return _PLACE.sub(lambda place: values[place[1]], self._templates[name]).encode()

    def _read_messages(self, layers: Mapping[str, str], language: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for prefix in layers.values():
            found |= msgspec.json.decode(self.assets[f"{prefix}messages/{language}.json"].body)
        return found


def _wished(request: Request) -> tuple[str, str]:
    """The language and the theme in which whoever asks wants to read."""
    language = request.cookies.get("heliograph-language")
    if language not in LANGUAGES:
        language = choose_language(request.headers.get("accept-language", ""))
    theme = request.cookies.get("heliograph-theme")
    return language, theme if theme in THEMES else THEMES[0]


def _with_parts(template: str) -> str:
    """The template with every `{{> name}}`, which stands for what pages have in common."""
    folder = resources.files(__package__) / "parts"
    return _PART.sub(
        lambda part: (folder / f"{part[1]}.html").read_text(encoding="utf-8"), template
    )
