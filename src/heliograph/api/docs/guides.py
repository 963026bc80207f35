"""The pages of `docs/` at `/docs/…`: as HTML for people, as Markdown for programs, and `/llms.txt`."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.docs.errors import SOURCE, chinese_tables, error_pages, link_errors
from heliograph.api.docs.frame import ENGLISH, Frame, Sheet
from heliograph.api.pages.pages import HEADERS
from heliograph.base.errors import NotFound
from heliograph.catalog.model import Model
from heliograph.catalog.prices import ROUTES, Prices
from heliograph.ledger.money import format_dollars

TEXT_HEADERS: Final = HEADERS | {"cache-control": "no-cache"}
ERRORS: Final = "errors"
IMAGES: Final = {".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp"}
SECTIONS: Final = ("", "how-to", "reference", "operating", "decisions")
FIRST: Final = "quickstart"

_LINK: Final = re.compile(r'(?:(?<=href=")|(?<=src="))([^"#:]+)(#[^"]*)?(?=")')
_HEADING: Final = re.compile(r"<h([1-4])>(.*?)</h\1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Guide:
    """One page: its name (`how-to/python`), its title, and its Markdown."""

    name: str
    title: str
    markdown: str

    @property
    def section(self) -> str:
        """The folder that it stands in."""
        return self.name.rpartition("/")[0]


class GuideRoutes:
    """GET /docs/{path}, /pricing, /llms.txt. Everything is read at the start, and made when it is asked for."""

    def __init__(
        self, models: Mapping[str, Model], prices: Prices, public_url: str, frame: Frame
    ) -> None:
        self._files = dict(_files(docs_folder()))
        self._guides = _guides(self._files)
        errors = dict(error_pages(self._files[f"{SOURCE}.md"].decode(), frame.messages(ENGLISH)))
        self._files |= {f"{name}.md": markdown.encode() for name, markdown in errors.items()}
        pages = [*self._guides, *(_guide(name, markdown) for name, markdown in errors.items())]
        self._pages = {one.name: one for one in pages}
        chinese = error_pages(chinese_tables(), frame.messages("zh"))
        self._chinese = {name: _guide(name, markdown) for name, markdown in chinese}
        self._models, self._prices, self._frame = models, prices, frame
        self._llms = _llms(self._guides, frame.messages(ENGLISH), public_url).encode()

    async def pricing(self, request: Request) -> Response:
        """What one image costs here, by model, mode and the strategy of the key."""
        return self._frame.answer(request, "/pricing", self._pricing)

    async def page(self, request: Request) -> Response:
        """A page, its Markdown, or a picture in it. Raises NotFound for all else."""
        path: str = request.path_params["path"].rstrip("/")
        guide = self._pages.get(path)
        if guide is not None:
            return self._frame.answer(
                request, path, lambda language: self._sheet(self._in(guide, language), language)
            )
        data = self._files.get(path)
        if data is None:
            raise NotFound("There is no such page. /docs lists every route, /llms.txt every page.")
        kind = IMAGES.get(Path(path).suffix, "text/markdown; charset=utf-8")
        return Response(data, headers=TEXT_HEADERS, media_type=kind)

    async def llms(self, _: Request) -> Response:
        """What there is to read, for programs that read (llmstxt.org)."""
        return Response(self._llms, headers=TEXT_HEADERS, media_type="text/plain")

    def _in(self, guide: Guide, language: str) -> Guide:
        """The guide in `language`, if it is written in it."""
        return self._chinese.get(guide.name, guide) if language == "zh" else guide

    def _sheet(self, guide: Guide, language: str) -> Sheet:
        says = self._frame.messages(language)
        content = _rendered(guide.markdown)
        content = _LINK.sub(lambda link: _address(guide, link, self._pages), content)
        if guide.name == SOURCE:
            content = link_errors(content)
        of_errors = guide.name == SOURCE or guide.section == ERRORS
        return Sheet(
            guide.title,
            content + _neighbours(self._guides, guide, says),
            _contents(self._guides, guide.name, says),
            "errors" if of_errors else "guides",
            f"/docs/{guide.name}.md",
            language if self._chinese.get(guide.name) is guide else ENGLISH,
        )

    def _pricing(self, language: str) -> Sheet:
        says = self._frame.messages(language)
        content = _rendered(pricing(self._models, self._prices, says))
        contents = _contents(self._guides, "", says)
        return Sheet(says["pricing.title"], content, contents, "pricing", language=language)


def docs_folder() -> Traversable:
    """The documentation: inside an installed package, or beside the source tree."""
    packaged = resources.files("heliograph.api.docs") / "pages"
    return packaged if packaged.is_dir() else Path(__file__).parents[4] / "docs"


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        name = prefix + entry.name
        if entry.is_dir():
            yield from _files(entry, f"{name}/")
        elif Path(name).suffix in (".md", *IMAGES):
            yield name, entry.read_bytes()


def _guides(files: Mapping[str, bytes]) -> list[Guide]:
    """The pages in the order of the sections; the index of the folder has no page of its own."""
    guides = [
        _guide(name.removesuffix(".md"), data.decode())
        for name, data in files.items()
        if name.endswith(".md") and name != "README.md"
    ]
    guides.sort(key=lambda guide: guide.name != FIRST)
    return [guide for section in SECTIONS for guide in guides if guide.section == section]


def _guide(name: str, markdown: str) -> Guide:
    title = markdown.partition("\n")[0].removeprefix("#").strip()
    return Guide(name, title, markdown)


def _contents(guides: list[Guide], here: str, says: Mapping[str, str]) -> str:
    """Links to all guides; the one that is `here` is marked."""
    groups = []
    for section in SECTIONS:
        links = "".join(
            f'<li lang="en">{_link(one, is_here=one.name == here)}</li>'
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
    return f'<a href="/docs/{guide.name}"{mark}>{escape(guide.title)}</a>'


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


def _rendered(markdown: str) -> str:
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    content = _HEADING.sub(_with_anchor, html)
    content = content.replace("<table>", '<div class="table" tabindex="0"><table>')
    content = content.replace("</table>", "</table></div>")
    return content.replace("<pre>", '<div class="listing"><pre tabindex="0">').replace(
        "</pre>", "</pre></div>"
    )


def _with_anchor(heading: re.Match[str]) -> str:
    level, text = heading.groups()
    return f'<h{level} id="{anchor(_TAG.sub("", text))}">{text}</h{level}>'


def anchor(heading: str) -> str:
    """The name by which a heading is linked to, as GitHub makes it, so that links hold in both places."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _address(guide: Guide, link: re.Match[str], known: Collection[str]) -> str:
    """Where a relative link to a file leads here; files outside of the documentation have no place."""
    target, fragment = link[1], link[2] or ""
    if target.startswith("/"):
        return link[0]
    parts: list[str] = guide.section.split("/") if guide.section else []
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    path = "/".join(parts)
    name = path.removesuffix(".md")
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
