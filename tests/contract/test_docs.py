"""The page at /docs works offline, without scripts, and lets nothing foreign in."""

import html.parser
import re

import pytest

from contract.service import Service
from heliograph.api.docs.errors import error_pages
from heliograph.api.docs.frame import Frame
from heliograph.api.docs.render import render_reference
from heliograph.api.openapi import build_openapi
from heliograph.api.wire import RangeNotSatisfiable
from heliograph.base.errors import Fault
from heliograph.catalog.models import MODELS
from support.source import ROOT

ERRORS = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
ERRORS_IN_CHINESE = (ROOT / "docs/zh/reference/errors.md").read_text(encoding="utf-8")


class Page(html.parser.HTMLParser):
    """What a browser would load, run and label."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open_tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for _, attrs in self.tags if attribute in attrs]


@pytest.fixture
def page(service: Service) -> Page:
    return Page(service.http.get("/docs").text)


def test_all_that_the_page_loads_is_served_here(service: Service, page: Page):
    loaded = page.all("src") + [str(attrs["href"]) for tag, attrs in page.tags if tag == "link"]
    assert loaded
    for address in loaded:
        assert address.startswith("/docs/assets/")
        answer = service.http.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(
            ("text/css", "text/javascript", "image/svg+xml")
        )
        foreign = answer.text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(", foreign)


def test_the_page_keeps_to_a_policy_without_inline_script_or_style(service: Service, page: Page):
    policy = service.http.get("/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not page.all("style")
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert not [tag for tag, attrs in page.tags if tag == "style"]
    assert all("src" in attrs for tag, attrs in page.tags if tag == "script")


def test_links_within_the_page_lead_to_one_place_each(page: Page):
    ids = page.all("id")
    assert len(set(ids)) == len(ids)
    inside = [address[1:] for address in page.all("href") if address.startswith("#")]
    assert inside
    assert set(inside) <= set(ids)


def test_every_operation_is_on_the_page(page: Page):
    for methods in build_openapi(MODELS)["paths"].values():
        for operation in methods.values():
            assert operation["operationId"] in page.all("id")


def test_an_asset_that_does_not_exist_is_404(service: Service):
    for name in ("docs.html", "..%2Fpage.py", "%2e%2e", "docs.css%00"):
        assert service.http.get(f"/docs/assets/0/{name}").status_code == 404


def test_what_looks_like_markup_in_the_document_is_shown_and_not_run():
    document = build_openapi(MODELS, "http://service/<script>alert(1)</script>")
    assert "<script>alert" not in render_reference(document)


@pytest.fixture
def guides(service: Service) -> list[str]:
    """The addresses of all pages, as /llms.txt tells them."""
    text = service.http.get("/llms.txt").text
    return [address.removeprefix(service.url) for address in re.findall(r"\((\S+)\.md\)", text)]


def test_programs_are_told_of_every_page_and_can_read_it_as_markdown(
    service: Service, guides: list[str]
):
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    english = {page for page in pages if not page.startswith("zh/")}
    assert {f"{one.removeprefix('/docs/')}.md" for one in guides} == english - {"README.md"}
    for address in guides:
        answer = service.http.get(f"{address}.md")
        assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
        assert answer.text.startswith("# ")


def test_every_page_is_served_and_every_link_in_it_leads_somewhere(
    service: Service, guides: list[str]
):
    pages = {address: Page(service.http.get(address).text) for address in [*guides, "/pricing"]}
    for address, page in pages.items():
        ids = page.all("id")
        assert len(set(ids)) == len(ids), address
        assert not [tag for tag, attrs in page.tags if tag == "style" or "style" in attrs]
        assert all("src" in attrs for tag, attrs in page.tags if tag == "script")
        for link in page.all("href") + page.all("src"):
            if link.startswith(("http", "mailto:")):
                continue
            target, _, fragment = link.partition("#")
            if target in pages or not target:
                assert not fragment or fragment in pages[target or address].all("id"), link
            else:
                assert service.http.get(target).status_code == 200, (address, link)


def test_a_page_tells_where_it_is_and_no_other_file_is_served(service: Service):
    page = Page(service.http.get("/docs/how-to/python").text)
    assert [attrs["href"] for _, attrs in page.tags if "aria-current" in attrs] == [
        "/docs/quickstart",  # the part of the documentation
        "/docs/how-to/python",
    ]
    for path in ("how-to/nothing", "../README.md", "..%2f..%2fpyproject.toml", "how-to/python.txt"):
        assert service.http.get(f"/docs/{path}").status_code == 404


def test_the_prices_are_those_of_this_server_in_the_language_of_who_asks(service: Service):
    for wish, title in (("en", '<h1 id="prices">Prices</h1>'), ("zh-CN", "价格</h1>")):
        answer = service.http.get("/pricing", headers={"Accept-Language": wish})
        assert answer.text.count("$0.03") == 6
        assert title in answer.text
        assert answer.headers["content-language"] == wish[:2]


def test_a_page_is_framed_in_the_language_and_the_colours_that_were_chosen(service: Service):
    cookies = {"Cookie": "heliograph-language=zh; heliograph-theme=dark"}
    text = service.http.get("/docs/architecture", headers=cookies).text
    assert '<html lang="zh" data-theme="dark">' in text
    assert "本页正文目前只有英文。" in text
    assert '<div class="text" lang="en"><h1' in text
    assert "本页正文" not in service.http.get("/pricing", headers=cookies).text


@pytest.mark.parametrize(
    "code",
    [
        *sorted({str(kind.status) for kind in (*Fault.__subclasses__(), RangeNotSatisfiable)}),
        *sorted(set(re.findall(r"^\| `(\w+)`", ERRORS, re.MULTILINE))),
    ],
)
def test_each_error_has_a_page_with_its_cause_and_its_cure(service: Service, code: str):
    markdown = service.http.get(f"/docs/errors/{code}.md").text
    assert markdown.startswith(f"# {code}")
    assert re.search(r"\*\*Cause\.\*\* \S.+\.\n", markdown)
    assert re.search(r"\*\*Cure\.\*\* \S.+\.\n", markdown)
    page = Page(service.http.get(f"/docs/errors/{code}").text)
    assert "/docs/reference/errors" in page.all("href")
    for link in page.all("href"):
        assert service.http.get(link).status_code == 200
    assert f"/docs/errors/{code}" in Page(service.http.get("/docs/reference/errors").text).all(
        "href"
    )


def test_each_page_of_an_error_is_in_chinese_too(service: Service):
    english = dict(error_pages(ERRORS, Frame().messages("en")))
    chinese = dict(error_pages(ERRORS_IN_CHINESE, Frame().messages("zh")))
    assert list(english) == list(chinese)
    for name, markdown in chinese.items():
        code = set(re.findall("`[^`]+`", english[name]))
        assert code == set(re.findall("`[^`]+`", markdown)), name
        answer = service.http.get(f"/docs/{name}", headers={"Accept-Language": "zh"})
        assert "<strong>原因" in answer.text
        assert "本页正文目前只有英文" not in answer.text


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/nowhere", "/v1/images/generations", "/mcp"])
def test_an_error_names_the_page_that_explains_it(service: Service, path: str):
    answer = service.http.get(path)
    assert answer.status_code >= 400
    assert answer.links["help"]["url"] == f"/docs/errors/{answer.status_code}"
    assert service.http.get(answer.links["help"]["url"]).status_code == 200
