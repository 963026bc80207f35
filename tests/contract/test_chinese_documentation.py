"""Each Chinese page of the documentation says what its English one says, and is what a Chinese reader gets."""

import os.path
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from contract.service import Service
from contract.test_docs import Page
from support.source import ROOT

DOCS = ROOT / "docs"
CHINESE = DOCS / "zh"
PAGES = sorted(page.relative_to(CHINESE).as_posix() for page in CHINESE.rglob("*.md"))
SERVED = [page.removesuffix(".md") for page in PAGES if page != "README.md"]
IN_CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
NOTE = "本页正文目前只有英文"


def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def words(page: Path) -> Iterator[Token]:
    """What the paragraphs, headings and cells of a page are made of."""
    for token in tokens(page):
        yield from token.children or ()


def shape(page: Path) -> list[str]:
    """Headings with their levels, lists, items, tables and rows, in their order."""
    kinds = {"heading_open", "bullet_list_open", "ordered_list_open", "list_item_open", "tr_open"}
    return [token.tag for token in tokens(page) if token.type in kinds]


def listings(page: Path) -> list[tuple[str, str]]:
    return [(token.info, token.content) for token in tokens(page) if token.type == "fence"]


def links(page: Path) -> Iterator[str]:
    for token in words(page):
        name = {"link_open": "href", "image": "src"}.get(token.type)
        if name:
            yield str(token.attrs[name])


def led_to(page: Path) -> Counter[str]:
    """Where the links of a page lead, whatever the language of what is there."""
    found: Counter[str] = Counter()
    for link in links(page):
        path, mark, fragment = link.partition("#")
        target = os.path.normpath(page.parent / path) if path and ":" not in path else path
        found[target.replace(f"{CHINESE}", f"{DOCS}") + mark + fragment] += 1
    return found


@pytest.mark.parametrize("page", PAGES)
def test_a_chinese_page_has_the_parts_the_programs_and_the_links_of_the_english_one(page: str):
    english, chinese = DOCS / page, CHINESE / page
    assert shape(chinese) == shape(english)
    assert listings(chinese) == listings(english)
    assert led_to(chinese) == led_to(english)


@pytest.mark.parametrize("page", PAGES)
def test_a_chinese_page_has_every_name_and_value_of_the_english_one_and_no_other(page: str):
    def code(path: Path) -> set[str]:
        return {token.content for token in words(path) if token.type == "code_inline"}

    assert code(CHINESE / page) == code(DOCS / page)


@pytest.mark.parametrize("page", PAGES)
def test_a_chinese_page_leads_to_chinese_pages_where_there_are_any(page: str):
    for link in links(CHINESE / page):
        target = Path(os.path.normpath((CHINESE / page).parent / link.partition("#")[0]))
        if target.is_relative_to(DOCS) and not target.is_relative_to(CHINESE):
            assert not (CHINESE / target.relative_to(DOCS)).is_file(), link


def test_the_chinese_index_says_which_pages_are_english():
    for line in (CHINESE / "README.md").read_text(encoding="utf-8").splitlines():
        for target in re.findall(r"\]\(([^)]+)\)", line):
            assert ("英文" in line) is target.startswith("../"), line


@pytest.mark.parametrize("page", PAGES)
def test_a_chinese_page_has_the_punctuation_of_chinese(page: str):
    half = "[一-鿿][,;:?!()]|[,;?!()][一-鿿]"
    texts = [token for token in words(CHINESE / page) if token.type == "text"]
    assert [one.content for one in texts if re.search(half, one.content)] == []
    assert [one.content for one in texts if "*" in one.content] == [], "emphasis has no end here"
    broken = [one for one in words(CHINESE / page) if one.type == "softbreak"]
    assert broken == [], "a browser shows a space where a line of Chinese is broken"


@pytest.mark.parametrize("name", SERVED)
def test_a_chinese_reader_gets_the_chinese_page_under_the_same_address(service: Service, name: str):
    chinese = service.http.get(f"/docs/{name}", headers=IN_CHINESE)
    english = service.http.get(f"/docs/{name}")
    assert '<div class="text" lang="zh"><h1' in chinese.text
    assert NOTE not in chinese.text
    assert (CHINESE / f"{name}.md").read_text().partition("\n")[0][2:] in chinese.text
    assert '<div class="text" lang="en"><h1' in english.text
    assert sorted(Page(chinese.text).all("id")) == sorted(Page(english.text).all("id"))


@pytest.mark.parametrize("name", [*SERVED, "architecture", "errors/401"])
def test_every_link_of_a_page_for_a_chinese_reader_leads_somewhere(service: Service, name: str):
    page = Page(service.http.get(f"/docs/{name}", headers=IN_CHINESE).text)
    for link in page.all("href") + page.all("src"):
        target, _, fragment = link.partition("#")
        if link.startswith("http"):
            continue
        answer = service.http.get(target or f"/docs/{name}", headers=IN_CHINESE)
        assert answer.status_code == 200, link
        assert not fragment or fragment in Page(answer.text).all("id"), link


def test_what_is_not_written_in_chinese_is_marked_as_english(service: Service):
    text = service.http.get("/docs/architecture", headers=IN_CHINESE).text
    assert '<div class="text" lang="en"><h1' in text
    assert NOTE in text
    assert '<a href="/docs/quickstart" lang="zh">快速开始</a>' in text
    assert '<a href="/docs/architecture" lang="en" aria-current="page">Architecture</a>' in text


def test_the_markdown_of_a_chinese_page_is_served(service: Service):
    for name in ("how-to/python", "errors/402"):
        page = service.http.get(f"/docs/{name}", headers=IN_CHINESE).text
        assert f'type="text/markdown" href="/docs/zh/{name}.md"' in page
        answer = service.http.get(f"/docs/zh/{name}.md")
        assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
        assert re.match(r"# .*[一-鿿]", answer.text)
    assert service.http.get("/docs/zh/how-to/python").status_code == 404


def test_a_link_in_the_table_of_errors_holds_on_the_page_of_the_error_too(service: Service):
    for headers in ({}, IN_CHINESE):
        page = Page(service.http.get("/docs/errors/401", headers=headers).text)
        assert "/docs/reference/http-api#sessions" in page.all("href")
