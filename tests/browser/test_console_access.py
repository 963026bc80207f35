"""For everyone: two languages, two themes, every width, the keyboard alone, a screen reader."""

import itertools
import re
from importlib import resources

import pytest
from playwright.sync_api import expect

from browser.access import (
    LOCALES,
    LOOKS,
    MOST_SCRIPT_BYTES,
    WIDTHS,
    script_bytes,
    tab_to,
    violations,
)
from browser.console_support import Program, enter, open_console, part, rows
from browser.house import House

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
PLACES = ("#/history", "#/webhooks", "#/inbox", "#/usage", "#/keys")


def view_of(place: str) -> str:
    return "task" if place.startswith("#/tasks/") else place.removeprefix("#/")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_axe_finds_nothing_wherever_a_visitor_goes(
    visitor, house: House, language: str, theme: str
):
    guest = house.guest(dollars=1)
    program = Program(house, guest)
    inbox = program.call("POST", "/api/v1/webhooks/inboxes")["url"]
    task_id = program.finish("a red boat and a zorble", inbox, num_images=1)
    wishes = {"locale": LOCALES[language], "color_scheme": theme, "reduced_motion": "reduce"}
    visit = open_console(visitor(**wishes))
    assert violations(visit) == []
    visit.sign_in(guest)
    for place in (*PLACES, f"#/tasks/{task_id}"):
        visit.page.goto(f"{visit.url}/console{place}")
        expect(visit.page.locator(f"#{view_of(place)}-title")).to_be_attached()
        expect(visit.page.locator("[aria-busy=true]")).to_have_count(0)
        for summary in visit.page.locator("main details:not([open]) > summary:visible").all():
            summary.click()
        assert violations(visit) == []
    visit.page.locator("#task .choices .ghost").click()
    assert violations(visit) == []
    visit.page.keyboard.press("Escape")
    visit.page.goto(f"{visit.url}/console#/inbox")
    visit.page.locator("#inbox .main").click()
    visit.page.locator("#inbox-url").wait_for()
    visit.page.locator("#inbox .main").click()
    visit.page.locator(".message summary").click()
    assert violations(visit) == []


@pytest.mark.parametrize(("width", "language"), list(itertools.product(WIDTHS, LOCALES)))
def test_nothing_is_wider_than_the_page(visitor, house: House, width: int, language: str):
    guest = house.guest()
    program = Program(house, guest)
    inbox = program.call("POST", "/api/v1/webhooks/inboxes")["url"]
    task_id = program.finish("w" * 300 + " [[partial:1]]", inbox)
    visit = open_console(
        visitor(locale=LOCALES[language], viewport={"width": width, "height": 844})
    )
    assert visit.page.evaluate(FITS)
    visit.sign_in(guest)
    for place in (*PLACES, f"#/tasks/{task_id}"):
        visit.page.goto(f"{visit.url}/console{place}")
        expect(visit.page.locator(f"#{view_of(place)}-title")).to_be_attached()
        for summary in visit.page.locator("main details:not([open]) > summary:visible").all():
            summary.click()
        assert visit.page.evaluate(FITS), place


def test_a_task_is_found_read_and_deleted_with_the_keyboard_alone(visitor, house: House):
    guest = house.guest()
    Program(house, guest).finish("a lake")
    visit = open_console(visitor())
    keyboard = visit.page.keyboard
    tab_to(visit, visit.page.locator("#key"))
    keyboard.insert_text(guest.api_key)
    keyboard.press("Enter")
    expect(rows(visit)).to_have_count(1)
    tab_to(visit, rows(visit))
    keyboard.press("Enter")
    expect(visit.page.locator("#task-title")).to_be_focused()
    tab_to(visit, visit.page.get_by_role("button", name="Delete data"))
    keyboard.press("Enter")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(visit.page.locator("#task-title")).to_have_text("Deleted")
    expect(visit.page.locator("#task-title")).to_be_focused()
    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    expect(rows(visit)).to_be_focused()


def test_what_happens_is_said_to_those_who_do_not_see_it(visitor, house: House):
    guest = house.guest()
    program = Program(house, guest)
    task_id = program.submit("a lake [[delay:8]]")
    visit = enter(visitor(), guest, f"#/tasks/{task_id}")
    voice = visit.page.locator("#voice")
    expect(voice).to_have_text("2 pictures are ready.")
    visit.page.get_by_role("link", name="Test inbox").click()
    visit.page.get_by_role("button", name="Open an inbox").click()
    visit.page.get_by_role("button", name="Send a test to it").click()
    expect(voice).to_have_text("A message has come in")


def test_the_way_back_leads_to_the_same_place_in_the_list(visitor, house: House):
    guest = house.guest()
    program = Program(house, guest)
    for number in range(12):
        program.submit(f"lake {number}", num_images=1)
    visit = enter(visitor(viewport={"width": 390, "height": 600}), guest)
    expect(rows(visit)).to_have_count(12)
    rows(visit).last.click()
    expect(visit.page.locator("#task-title")).to_have_text("lake 0")
    expect(rows(visit).last).to_be_hidden()
    visit.page.go_back()
    expect(rows(visit).last).to_be_in_viewport()


@pytest.mark.parametrize("language", LOCALES)
def test_every_message_that_is_used_exists_and_none_is_left_over(visitor, language: str):
    visit = open_console(visitor(locale=LOCALES[language]))
    script = visit.page.locator("script[type=module]").get_attribute("src")
    base = f"{visit.url}{script.rpartition('/js/')[0]}"
    links = visit.page.locator("link[rel=modulepreload]").evaluate_all(
        "all => all.map((one) => one.href)"
    )
    own = [link for link in links if "/playground/" not in link]
    code = "\n".join(visit.page.request.get(link).text() for link in own)
    ours = visit.page.request.get(f"{base}/messages/{language}.json").json()
    theirs = visit.page.request.get(f"{base}/playground/messages/{language}.json").json()
    used = set(re.findall(r'\bt\("([^"]+)"', code))
    counted = {
        f"{name}.{form}"
        for name in re.findall(r'\btn\("([^"]+)"', code)
        for form in ("one", "other")
    }
    assert used | counted <= ours.keys() | theirs.keys()
    cards = re.findall(r'\bformCard\("([^"]+)"', code)
    used |= {f"{name}.{what}" for name in cards for what in ("title", "text", "act")}
    for name in ("page.html", "sign-in.html", "over.html"):
        template = resources.files("heliograph.api.console") / name
        used |= set(re.findall(r"{{([\w.-]+)}}", template.read_text(encoding="utf-8")))
    built = tuple(f"{name}." for name in re.findall(r"\bt\(`([\w.-]+)\.\$", code))
    left = [key for key in ours if not (key in used | counted or key.startswith(built))]
    assert [key for key in left if f'"{key}"' not in code] == []


def test_all_scripts_together_weigh_less_than_a_picture(visitor):
    visit = visitor()
    open_console(visit)
    weights = script_bytes(visit)
    assert len(weights) > 20
    assert sum(weights) <= MOST_SCRIPT_BYTES
    print(f"{sum(weights)} bytes of script in {len(weights)} modules")


def test_what_comes_from_outside_is_shown_as_text(visitor, house: House):
    guest = house.guest()
    program = Program(house, guest)
    words = "<img src=x onerror=alert(1)> <b>bold</b>"
    task_id = program.finish(words)
    visit = enter(visitor(), guest, f"#/tasks/{task_id}")
    expect(visit.page.locator("#task-title")).to_have_text(words)
    expect(rows(visit).locator(".prompt")).to_have_text(words)
    assert visit.page.locator("#task-title *, .row .prompt *").count() == 0
    expect(part(visit, "Request")).to_be_visible()
