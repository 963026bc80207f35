"""Draw docs/screenshots/ anew: every page as it is, with pictures of the studio, in a real browser.

Run from the root of the repository: `PYTHONPATH=tests python tests/browser/screenshots.py`. Letters look
as meant where the fonts Inter and Noto Sans CJK are installed.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from browser.chromium import running_browser
from browser.house import Guest, House
from browser.screenshot_pages import pictures, rehearse
from browser.visit import STUDIO_MS, Visit, state
from support.database import open_databases, roomy_folder
from support.service import installed
from support.source import ROOT

FOLDER = ROOT / "docs" / "screenshots"
QUALITY = 82
WORKS = [
    ("two small red boats on a stormy sea", "16:9"),
    ("a red fox in an autumn forest at sunrise", "1:1"),
]
RISING_MS = 60_000


@dataclass(frozen=True)
class Shot:
    """One picture of the page: at which size, for whom, and what is done before it is taken."""

    name: str
    size: tuple[int, int]
    locale: str = "en-US"
    theme: str = "light"
    before: Callable[[Visit], None] = lambda _: None


def with_code(visit: Visit) -> None:
    visit.prompt.fill("a lighthouse in a storm")
    visit.page.locator("#code-tab").click()
    visit.page.locator("#code-sdk").click()


def with_viewer(visit: Visit) -> None:
    visit.newest.locator(".open").first.click()
    visit.page.locator("#viewer button[aria-pressed]").click()


def with_references(visit: Visit) -> None:
    visit.newest.locator(".tile").first.hover()
    visit.newest.locator(".over button").first.click()
    visit.prompt.fill("the same in winter")


def with_progress(visit: Visit) -> None:
    visit.make("a castle on a hill at dusk")
    bar = visit.newest.get_by_role("progressbar").first
    visit.page.wait_for_function(
        "one => one.ariaValueNow > 20", arg=bar.element_handle(), timeout=RISING_MS
    )


def without_pictures(visit: Visit) -> None:
    visit.page.locator("#account summary").click()
    visit.page.locator("#sign-out").click()


SHOTS = [
    Shot("welcome", (1600, 1000), before=without_pictures),
    Shot("pictures", (1600, 1000)),
    Shot("pictures-dark", (1600, 1000), theme="dark"),
    Shot("references-zh", (1024, 900), locale="zh-CN", before=with_references),
    Shot("code-dark", (1024, 768), theme="dark", before=with_code),
    Shot("compare", (1024, 768), before=with_viewer),
    Shot("phone", (390, 844)),
    Shot("phone-zh-dark", (390, 844), locale="zh-CN", theme="dark", before=with_references),
    Shot("progress", (1024, 768), before=with_progress),
]


def take(browser: Browser, house: House, guest: Guest, shot: Shot) -> None:
    width, height = shot.size
    context = browser.new_context(
        locale=shot.locale,
        color_scheme=shot.theme,
        viewport={"width": width, "height": height},
        device_scale_factor=1 if width > height else 2,
    )
    visit = Visit(context, house.url).open().sign_in(guest)
    expect(visit.newest.locator("img").first).to_be_visible()
    visit.page.wait_for_load_state("networkidle")
    shot.before(visit)
    visit.page.wait_for_function(
        "() => [...document.images].every((one) => one.complete || one.loading === 'lazy')"
    )
    visit.page.evaluate("scrollTo(0, 0)")
    save(visit.page, shot.name)
    context.close()


def save(page: Page, name: str) -> None:
    """Write what the page looks like."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        page.screenshot(path=file.name, animations="disabled")
        with Image.open(file.name) as picture:
            picture.save(FOLDER / f"{name}.webp", quality=QUALITY, method=6)
    print(FOLDER / f"{name}.webp")


def make_works(browser: Browser, house: House, guest: Guest) -> Iterator[str]:
    """Make the pictures that are shown."""
    visit = Visit(browser.new_context(locale="en-US"), house.url).open().sign_in(guest)
    for prompt, ratio in WORKS:
        visit.pick("input.aspect_ratio", ratio)
        state(visit.make(prompt), "success", timeout_ms=STUDIO_MS)
        yield prompt


def main() -> None:
    """Make the pictures, then show them on every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        open_databases() as databases,
        databases.fresh() as url,
        tempfile.TemporaryDirectory(dir=roomy_folder()) as folder,
        installed(Path(folder), url) as installation,
    ):
        house = House(installation)
        customer = installation.customer("10", "--name", "shop", "--monthly-cap", "50")
        guest = Guest(customer.api_key)
        test = ("--test", "--name", "rehearsal")
        test_key = installation.ask("key", "create", "--account", customer.account_id, *test)
        with running_browser() as browser:
            print(*make_works(browser, house, guest), sep="\n")
            for shot in SHOTS:
                take(browser, house, guest, shot)
            rehearse(house, test_key["api_key"])
            for name, page in pictures(browser, house, guest):
                save(page, name)


if __name__ == "__main__":
    main()
