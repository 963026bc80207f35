"""What the tests of both pages ask of them: languages, themes, widths, weight, the keyboard, axe."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator

from browser.visit import Visit

LOCALES = {"en": "en-US", "zh": "zh-CN"}
THEMES = ("light", "dark")
#: Words and colours have nothing to do with each other: each is looked at once.
LOOKS = tuple(zip(LOCALES, THEMES, strict=True))
WIDTHS = (390, 1024, 1600)
MOST_SCRIPT_BYTES = 100_000
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FADED = "() => document.getAnimations().every((one) => one.playState !== 'running')"


def script_bytes(visit: Visit) -> list[int]:
    """What each script of the page weighed on its way."""
    return visit.page.evaluate(
        "() => performance.getEntriesByType('resource')"
        ".filter(({ name }) => name.endsWith('.js')).map((one) => one.encodedBodySize)"
    )


def violations(visit: Visit) -> list[str]:
    # A colour on its way is none that anybody reads.
    visit.page.wait_for_function(FADED)
    options = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}}
    found = Axe().run(visit.page, options=options).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def tab_to(visit: Visit, target: Locator, *, most: int = 40) -> None:
    """Press Tab until `target` has the focus."""
    for _ in range(most):
        if target.evaluate("one => one === document.activeElement"):
            return
        visit.page.keyboard.press("Tab")
    raise AssertionError("Tab does not lead there")
