"""The documentation in a real browser: in both languages and colours, at every width, tried and copied."""

import pytest
from playwright.sync_api import expect

from browser.access import LOCALES, LOOKS, MOST_SCRIPT_BYTES, WIDTHS, script_bytes, violations
from browser.house import House
from browser.visit import Visit

PAGES = ("/docs", "/docs/how-to/python", "/docs/reference/settings", "/docs/errors/402", "/pricing")

#: Operations and types are all built alike: once all are looked at, else some of each, for axe takes minutes.
FEWER = """() => {
  for (const one of document.querySelectorAll(".operation:nth-of-type(n + 6), section section:nth-of-type(n + 6)")) one.remove();
}"""


def read(visit: Visit, path: str) -> Visit:
    visit.page.goto(visit.url + path)
    expect(visit.page.locator("html.ready")).to_be_attached()
    return visit


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_axe_finds_nothing_on_any_page(visitor, language: str, theme: str):
    visit = visitor(locale=LOCALES[language], color_scheme=theme)
    for path in PAGES:
        read(visit, path)
        expect(visit.page.locator(f"html[lang={language}]")).to_be_attached()
        if (language, theme) != ("en", "light"):
            visit.page.evaluate(FEWER)
        assert violations(visit) == [], path


def test_no_page_is_wider_than_its_window_and_none_hides_its_text_behind_its_contents(visitor):
    for width in WIDTHS:
        visit = visitor(viewport={"width": width, "height": 800})
        for path in PAGES:
            read(visit, path)
            assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            heading = visit.page.locator("main h1").bounding_box()
            assert heading is not None
            assert heading["y"] < 300, path


def test_the_scripts_are_light(visitor):
    assert sum(script_bytes(read(visitor(), "/docs"))) <= MOST_SCRIPT_BYTES


def test_language_and_colours_are_those_of_the_other_pages(visitor):
    visit = visitor().open()
    visit.page.locator("#language").click()
    expect(visit.page.locator("html[lang=zh].ready")).to_be_attached()
    visit.page.locator("[name=theme][value=dark]").locator("..").click()
    read(visit, "/pricing")
    expect(visit.page.locator("html[lang=zh][data-theme=dark]")).to_be_attached()
    expect(visit.page.locator("main h1")).to_have_text("价格")
    expect(visit.page.locator("main .note")).to_have_count(0)
    read(visit, "/docs")
    expect(visit.page.locator("main .note")).to_have_text("本页正文目前只有英文。")
    read(visit, "/docs/quickstart")
    expect(visit.page.locator("main .note")).to_have_count(0)
    expect(visit.page.locator("main [lang=zh] h1")).to_have_text("快速开始")
    visit.page.locator("#language").click()
    expect(visit.page.locator("html[lang=en].ready")).to_be_attached()
    expect(visit.page.locator("main [lang=en] h1")).to_have_text("Quickstart")


def test_a_call_is_tried_with_the_key_of_the_playground(visitor, house: House):
    guest = house.guest()
    visit = read(visitor().open().sign_in(guest), "/docs")
    expect(visit.page.locator("#key")).to_have_value(guest.api_key)
    call = visit.page.locator("section[aria-labelledby=usage]")
    call.locator(".try summary").click()
    call.get_by_role("button", name="Send").click()
    expect(call.locator(".try pre")).to_contain_text("200 OK")
    expect(call.locator(".try pre")).to_contain_text('"rateLimitPerMinute": 10000')


def test_a_header_that_a_call_needs_is_sent_with_it(visitor, house: House):
    visit = read(visitor().open().sign_in(house.guest()), "/docs")
    call = visit.page.locator("section[aria-labelledby=submitBatch]")
    call.locator(".try summary").click()
    call.get_by_role("button", name="Send").click()
    expect(call.locator(".try pre")).to_contain_text('"batchId"')


def test_a_program_is_copied_as_it_stands(visitor):
    visit = visitor(permissions=["clipboard-read", "clipboard-write"])
    read(visit, "/docs/how-to/python")
    listing = visit.page.locator(".listing").first
    listing.hover()
    listing.get_by_role("button", name="Copy").click()
    expect(listing.get_by_role("button", name="Copied")).to_be_visible()
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied == listing.locator("code").text_content()


def test_without_scripts_everything_can_be_read(visitor):
    visit = visitor(java_script_enabled=False)
    for path in PAGES:
        visit.page.goto(visit.url + path)
        expect(visit.page.locator("main h1")).to_be_visible()
        expect(visit.page.locator("#contents a").first).to_be_visible()
