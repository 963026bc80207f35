"""The pages of `docs/` at `/docs/…`: as HTML for people, as Markdown for programs, and `/llms.txt`."""

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.docs.errors import SOURCE, error_pages, link_errors
from heliograph.api.docs.frame import ENGLISH, Frame, Sheet
from heliograph.api.docs.guide import FOLDERS, IMAGES, Guide, name_of, pages_in, read_files
from heliograph.api.pages.pages import HEADERS
from heliograph.base.errors import NotFound
from heliograph.catalog.model import Model
from heliograph.catalog.prices import ROUTES, Prices
from heliograph.ledger.money import format_dollars

TEXT_HEADERS: Final = HEADERS | {"cache-control": "no-cache"}
ERRORS: Final = "errors"
SECTIONS: Final = ("", "how-to", "reference", "operating", "decisions")
FIRST: Final = "quickstart"

_LINK: Final = re.compile(r'(?:(?<=href=")|(?<=src="))([^"#:]+)(#[^"]*)?(?=")')
_HEADING: Final = re.compile(r"<h([1-4])>(.*?)</h\1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]+>")


class GuideRoutes:
    """GET /docs/{path}, /pricing, /llms.txt. Everything is read at the start, and made when it is asked for."""

    def __init__(
        self, models: Mapping[str, Model], prices: Prices, public_url: str, frame: Frame
    ) -> None:
        self._files = read_files()
        for language, folder in FOLDERS.items():
            tables = self._files[f"{folder}{SOURCE}.md"].decode()
            for name, markdown in error_pages(tables, frame.messages(language)):
                self._files[f"{folder}{name}.md"] = markdown.encode()
        self._pages = {language: pages_in(language, self._files) for language in FOLDERS}
        self._models, self._prices, self._frame = models, prices, frame
        english = _in_order(self._pages[ENGLISH].values())
        self._llms = _llms(english, frame.messages(ENGLISH), public_url).encode()

    async def pricing(self, request: Request) -> Response:
        """What one image costs here, by model, mode and the strategy of the key."""
        return self._frame.answer(request, "/pricing", self._pricing)

    async def page(self, request: Request) -> Response:
        """A page, its Markdown, or a picture in it. Raises NotFound for all else."""
        path: str = request.path_params["path"].rstrip("/")
        if path in self._pages[ENGLISH]:
            return self._frame.answer(request, path, lambda language: self._sheet(path, language))
        data = self._files.get(path)
        if data is None:
            raise NotFound("There is no such page. /docs lists every route, /llms.txt every page.")
        kind = IMAGES.get(Path(path).suffix, "text/markdown; charset=utf-8")
        return Response(data, headers=TEXT_HEADERS, media_type=kind)

    async def llms(self, _: Request) -> Response:
        """What there is to read, for programs that read (llmstxt.org)."""
        return Response(self._llms, headers=TEXT_HEADERS, media_type="text/plain")

    def _sheet(self, name: str, language: str) -> Sheet:
        says = self._frame.messages(language)
        pages = self._pages[language]
        guide, guides = pages[name], _in_order(pages.values())
        content = _rendered(guide.markdown, self._pages[ENGLISH][name].markdown)
        content = _LINK.sub(lambda link: _address(guide, link, pages), content)
        if name == SOURCE:
            content = link_errors(content)
        of_errors = name == SOURCE or guide.section == ERRORS
        return Sheet(
            guide.title,
            content + _neighbours(guides, guide, says),
            _contents(guides, name, says),
            "errors" if of_errors else "guides",
            f"/docs/{guide.file}",
            guide.language,
        )

    def _pricing(self, language: str) -> Sheet:
        says = self._frame.messages(language)
        markdown = pricing(self._models, self._prices, says)
        contents = _contents(_in_order(self._pages[language].values()), "", says)
        title = says["pricing.title"]
        return Sheet(title, _rendered(markdown, markdown), contents, "pricing", language=language)


def _in_order(pages: Iterable[Guide]) -> list[Guide]:
    """Those that stand in a section, section by section."""
    guides = sorted(pages, key=lambda guide: guide.name != FIRST)
    return [guide for section in SECTIONS for guide in guides if guide.section == section]


def _contents(guides: list[Guide], here: str, says: Mapping[str, str]) -> str:
    """Links to all guides; the one that is `here` is marked."""
    groups = []
    for section in SECTIONS:
        links = "".join(
            f"<li>{_link(one, is_here=one.name == here)}</li>"
            for one in guides
            if one.section == section
        )
        groups.append(f"<li>{escape(says[f'section.{section}'])}<ul>{links}</ul></li>")
    return f"<ul>{''.join(groups)}</ul>"


def _neighbours(guides: list[Guide], guide: Guide, says: Mapping[str, str]) -> str:
    """Links to the guides before and behind this one; none for a page that is no guide."""
    if guide not in guides:
        return ""
    at = guides.index(guide)
    found = (("before", guides[at - 1 : at] if at else []), ("next", guides[at + 1 : at + 2]))
    links = (
        f'<p class="{name}"><span>{escape(says[f"docs.{name}"])}</span> {_link(one)}</p>'
        for name, neighbours in found
        for one in neighbours
    )
    return f'<div class="neighbours">{"".join(links)}</div>'


def _link(guide: Guide, *, is_here: bool = False) -> str:
    mark = ' aria-current="page"' if is_here else ""
    return f'<a href="/docs/{guide.name}" lang="{guide.language}"{mark}>{escape(guide.title)}</a>'


def pricing(models: Mapping[str, Model], prices: Prices, says: Mapping[str, str]) -> str:
    """The prices of this server, as Markdown, in the language of `says`."""
    names = [says["pricing.model"], says["pricing.mode"], *(f"`{route}`" for route in ROUTES)]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for model in models.values():
        for mode in model.modes:
            micros = [prices.unit_price_micros(model.model_id, mode, route) for route in ROUTES]
            row = [f"`{model.model_id}`", f"`{mode}`", *map(format_dollars, micros)]
            lines.append(f"| {' | '.join(row)} |")
    title, text, rule = (says[f"pricing.{name}"] for name in ("title", "text", "rule"))
    return "\n".join([f"# {title}", "", text, "", *lines, "", rule])


def _rendered(markdown: str, english: str) -> str:
    """`markdown` as HTML. Its headings are linked to by the names that they have in `english`."""
    names = (anchor(_TAG.sub("", text)) for _, text in _HEADING.findall(_html(english)))
    content = _HEADING.sub(
        lambda heading: f'<h{heading[1]} id="{next(names)}">{heading[2]}</h{heading[1]}>',
        _html(markdown),
    )
    content = content.replace("<table>", '<div class="table" tabindex="0"><table>')
    content = content.replace("</table>", "</table></div>")
    return content.replace("<pre>", '<div class="listing"><pre tabindex="0">').replace(
        "</pre>", "</pre></div>"
    )


def _html(markdown: str) -> str:
    html: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return html


def anchor(heading: str) -> str:
    """The name by which a heading is linked to, as GitHub makes it, so that links hold in both places."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _address(guide: Guide, link: re.Match[str], known: Collection[str]) -> str:
    """Where a relative link to a file leads here; files outside of the documentation have no place."""
    target, fragment = link[1], link[2] or ""
    if target.startswith("/"):
        return link[0]
    path = posixpath.normpath(posixpath.join(posixpath.dirname(guide.file), target))
    name = name_of(path)
    if name in known:
        return f"/docs/{name}{fragment}"
    return f"/docs/{path}" if Path(path).suffix in IMAGES else "/llms.txt"


def _llms(guides: list[Guide], says: Mapping[str, str], public_url: str) -> str:
    lines = [
        "# Heliograph",
        "",
        "> A self-hosted image-generation task service: a prompt goes in over HTTP, pictures come out.",
        "",
        f"- [The API as OpenAPI]({public_url}/openapi.json)",
        f"- [Each model as JSON Schema, with prices]({public_url}/docs/models/schemas/index.json)",
        f"- [Tools for agents (MCP)]({public_url}/mcp)",
    ]
    for section in SECTIONS:
        lines += ["", f"## {says[f'section.{section}']}", ""]
        lines += [
            f"- [{one.title}]({public_url}/docs/{one.name}.md)"
            for one in guides
            if one.section == section
        ]
    return "\n".join(lines) + "\n"
