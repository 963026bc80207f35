"""Every page, at three widths and in both themes, with something to see on each."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, expect

from browser import admin_support, console_support
from browser.access import THEMES, WIDTHS
from browser.console_support import Program
from browser.house import Guest, House
from browser.visit import Visit

HEIGHTS = {390: 844, 1024: 768, 1600: 1000}
REHEARSED = [
    "a lighthouse in a storm [[fail:Timeout]]",
    "a market street at dusk [[partial:1]]",
    "two boats on a calm sea",
]


@dataclass(frozen=True)
class Place:
    """A page, and how a visitor who is signed in comes to it."""

    name: str
    enter: Callable[[Visit, House, Guest], object]


def _console(place: str) -> Callable[[Visit, House, Guest], object]:
    return lambda visit, _, guest: console_support.enter(visit, guest, place)


def _admin(place: str) -> Callable[[Visit, House, Guest], object]:
    return lambda visit, house, _: admin_support.enter(visit, house, place)


def _document(path: str) -> Callable[[Visit, House, Guest], object]:
    return lambda visit, house, _: visit.page.goto(house.url + path)


def _playground(visit: Visit, _: House, guest: Guest) -> None:
    visit.open().sign_in(guest)
    expect(visit.newest.locator("img").first).to_be_visible()


def _task(visit: Visit, _: House, guest: Guest) -> None:
    console_support.enter(visit, guest, "#/history")
    console_support.rows(visit).filter(has_text="red fox").first.click()
    expect(visit.page.locator("#task img").first).to_be_visible()


PLACES = [
    Place("playground", _playground),
    *(Place(f"console-{name}", _console(f"#/{name}"))
      for name in ("history", "webhooks", "inbox", "usage")),
    Place("console-task", _task),
    Place("console-keys", console_support.own),
    *(Place(f"admin-{name}", _admin(f"#/{name}"))
      for name in ("accounts", "work", "providers", "webhooks", "models", "audit", "log")),
    Place("docs", _document("/docs")),
    Place("docs-guide", _document("/docs/how-to/python")),
    Place("docs-error", _document("/docs/errors/402")),
    Place("pricing", _document("/pricing")),
]  # fmt: skip


def rehearse(house: House, test_key: str) -> None:
    """Leave tasks of every ending, with notices that nobody takes, and an inbox."""
    program = Program(house, Guest(test_key))
    for prompt in REHEARSED:
        program.finish(prompt, callback_url="https://example.com/hook")
    program.call("POST", "/api/v1/webhooks/inboxes")


def pictures(browser: Browser, house: House, guest: Guest) -> Iterator[tuple[str, Page]]:
    """Each page, ready to be taken, with the name of its picture."""
    for place, width, theme in itertools.product(PLACES, WIDTHS, THEMES):
        context = browser.new_context(
            locale="en-US",
            color_scheme=theme,
            viewport={"width": width, "height": HEIGHTS[width]},
            reduced_motion="reduce",
        )
        visit = Visit(context, house.url)
        place.enter(visit, house, guest)
        visit.page.wait_for_load_state("networkidle")
        visit.page.wait_for_function(
            "() => !document.querySelector('[aria-busy=true]')"
            " && [...document.images].every((one) => one.complete || one.loading === 'lazy')"
        )
        visit.page.evaluate("scrollTo(0, 0)")
        yield f"{place.name}-{width}-{theme}", visit.page
        context.close()
