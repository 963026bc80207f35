"""The pages of `docs/` at `/docs/…`: as HTML for people, as Markdown for programs, and `/llms.txt`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.docs.errors import SOURCE, error_pages, link_errors
from heliograph.api.docs.headers import HEADERS
from heliograph.base.errors import NotFound
from heliograph.catalog.model import Model
from heliograph.catalog.prices import ROUTES, Prices
from heliograph.ledger.money import format_dollars

IMAGES: Final = {".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp"}
SECTIONS: Final = {
    "": "Start",
    "how-to": "How to",
    "reference": "Look up",
    "operating": "Run it",
    "decisions": "Why it is so",
}

_LINK: Final = re.compile(r'(?:(?<=href=")|(?<=src="))([^"#:]+)(#[^"]*)?(?=")')
_HEADING: Final = re.compile(r"<h([1-4])>(.*?)</h\1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]+>")

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Heliograph</title>
<link rel="stylesheet" href="/docs/assets/docs.css">
<link rel="alternate" type="text/markdown" href="/docs/{name}.md">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<div class="columns">
<nav aria-label="Documentation">{navigation}</nav>
<main id="main">{content}
<p class="source"><a href="/docs/{name}.md">This page as Markdown</a></p></main>
</div>
</body>
</html>
"""


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
    """GET /docs/{path}, /pricing, /llms.txt. Everything is read and made once, at the start."""

    def __init__(self, models: Mapping[str, Model], prices: Prices, public_url: str) -> None:
        folder = docs_folder()
        self._files = dict(_files(folder))
        guides = _guides(self._files)
        errors = dict(error_pages(self._files[f"{SOURCE}.md"].decode()))
        self._files |= {f"{name}.md": markdown.encode() for name, markdown in errors.items()}
        navigation = _navigation(guides)
        known = {guide.name for guide in guides}
        pages = [*guides, *(_guide(name, markdown) for name, markdown in errors.items())]
        self._pages = {one.name: _page(one, navigation, known=known) for one in pages}
        self._pricing = PAGE.format(
            title="Prices",
            name="reference/prices",
            navigation=navigation,
            content=_rendered(pricing(models, prices)),
        ).encode()
        self._llms = _llms(guides, public_url).encode()

    async def pricing(self, _: Request) -> Response:
        """What one image costs here, by model, mode and the strategy of the key."""
        return Response(self._pricing, headers=HEADERS, media_type="text/html")

    async def page(self, request: Request) -> Response:
        """A page, its Markdown, or a picture in it. Raises NotFound for all else."""
        path: str = request.path_params["path"].rstrip("/")
        if path in self._pages:
            return Response(self._pages[path], headers=HEADERS, media_type="text/html")
        data = self._files.get(path)
        if data is None:
            raise NotFound("There is no such page. /docs lists every route, /llms.txt every page.")
        kind = IMAGES.get(Path(path).suffix, "text/markdown; charset=utf-8")
        return Response(data, headers=HEADERS, media_type=kind)

    async def llms(self, _: Request) -> Response:
        """What there is to read, for programs that read (llmstxt.org)."""
        return Response(self._llms, headers=HEADERS, media_type="text/plain")


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
    return [guide for section in SECTIONS for guide in guides if guide.section == section]


def _guide(name: str, markdown: str) -> Guide:
    title = markdown.partition("\n")[0].removeprefix("#").strip()
    return Guide(name, title, markdown)


def _navigation(guides: list[Guide]) -> str:
    groups = ['<li><a href="/docs">API reference</a></li>']
    for section, heading in SECTIONS.items():
        links = "".join(
            f'<li><a href="/docs/{one.name}">{escape(one.title)}</a></li>'
            for one in guides
            if one.section == section
        )
        groups.append(f"<li>{heading}<ul>{links}</ul></li>")
    return f"<ul>{''.join(groups)}</ul>"


def pricing(models: Mapping[str, Model], prices: Prices) -> str:
    """The prices of this server, as Markdown."""
    head = " | ".join(["model", "mode", *(f"`{route}`" for route in ROUTES)])
    lines = [f"| {head} |", "|---" * (2 + len(ROUTES)) + "|"]
    for model in models.values():
        for mode in model.modes:
            micros = [prices.unit_price_micros(model.model_id, mode, route) for route in ROUTES]
            row = [f"`{model.model_id}`", f"`{mode}`", *map(format_dollars, micros)]
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(
        [
            "# Prices",
            "",
            "One image costs, in US dollars, by the routing strategy of the key:",
            "",
            *lines,
            "",
            "At submit the price of all images that are asked for is held. At the end the images that were",
            "made are charged, and the rest goes back. Reference images, checks and test keys cost nothing.",
        ]
    )


def _rendered(markdown: str) -> str:
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    content = _HEADING.sub(_with_anchor, html)
    content = content.replace("<table>", '<div class="table" tabindex="0"><table>')
    return content.replace("</table>", "</table></div>").replace("<pre>", '<pre tabindex="0">')


def _page(guide: Guide, navigation: str, *, known: set[str]) -> bytes:
    content = _rendered(guide.markdown)
    content = _LINK.sub(lambda link: _address(guide, link, known), content)
    if guide.name == SOURCE:
        content = link_errors(content)
    here = f'href="/docs/{guide.name}"'
    return PAGE.format(
        title=escape(guide.title),
        name=guide.name,
        navigation=navigation.replace(here, f'{here} aria-current="page"'),
        content=content,
    ).encode()


def _with_anchor(heading: re.Match[str]) -> str:
    level, text = heading.groups()
    return f'<h{level} id="{anchor(_TAG.sub("", text))}">{text}</h{level}>'


def anchor(heading: str) -> str:
    """The name by which a heading is linked to, as GitHub makes it, so that links hold in both places."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _address(guide: Guide, link: re.Match[str], known: set[str]) -> str:
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


def _llms(guides: list[Guide], public_url: str) -> str:
    lines = [
        "# Heliograph",
        "",
        "> A self-hosted image-generation task service: a prompt goes in over HTTP, pictures come out.",
        "",
        f"- [The API as OpenAPI]({public_url}/openapi.json)",
        f"- [Each model as JSON Schema, with prices]({public_url}/docs/models/schemas/index.json)",
        f"- [Tools for agents (MCP)]({public_url}/mcp)",
    ]
    for section, heading in SECTIONS.items():
        lines += ["", f"## {heading}", ""]
        lines += [
            f"- [{one.title}]({public_url}/docs/{one.name}.md)"
            for one in guides
            if one.section == section
        ]
    return "\n".join(lines) + "\n"
