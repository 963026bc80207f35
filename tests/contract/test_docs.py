"""The page at /docs works offline, without scripts, and lets nothing foreign in."""

import html.parser
import re

import pytest

from contract.service import Service
from heliograph.api.docs.render import render_page
from heliograph.api.openapi import build_openapi
from heliograph.catalog.models import MODELS


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


def test_the_front_door_leads_to_the_documentation(service: Service):
    answer = service.http.get("/")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/docs"


def test_all_that_the_page_loads_is_served_here(service: Service, page: Page):
    loaded = page.all("src") + [str(attrs["href"]) for tag, attrs in page.tags if tag == "link"]
    assert loaded
    for address in loaded:
        assert address.startswith("/docs/assets/")
        answer = service.http.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(("text/css", "text/javascript"))
        assert not re.search(r"https?://|@import|url\(", answer.text)


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
        assert service.http.get(f"/docs/assets/{name}").status_code == 404


def test_what_looks_like_markup_in_the_document_is_shown_and_not_run():
    document = build_openapi(MODELS, "http://service/<script>alert(1)</script>")
    assert "<script>alert" not in render_page(document)
