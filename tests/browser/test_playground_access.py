"""For everyone: two languages, two themes, every width, the keyboard alone, a screen reader."""

import itertools
import re

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
from browser.house import House
from browser.visit import state


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_axe_finds_nothing_wherever_a_visitor_goes(
    visitor, house: House, language: str, theme: str
):
    visit = visitor(locale=LOCALES[language], color_scheme=theme, reduced_motion="reduce").open()
    assert violations(visit) == []
    visit.sign_in(house.guest())
    for prompt, ending in (("[[partial:2]]", "partial"), ("[[fail:Timeout]]", "failed")):
        state(visit.make(f"a lake {prompt}"), ending)
    visit.cards.last.locator("[aria-expanded]").click()
    visit.make("a lake [[delay:600]]")
    visit.page.locator("#account summary").click()
    assert violations(visit) == []
    visit.choose_mode("image-to-image")
    visit.page.locator(".more summary").click()
    visit.page.locator("#make").click()
    visit.page.locator("#code-tab").click()
    assert violations(visit) == []
    visit.page.locator("#json-tab").click()
    visit.page.locator("#pictures-tab").click()
    visit.cards.last.locator(".open").first.click()
    assert violations(visit) == []
    visit.page.keyboard.press("Escape")
    visit.newest.locator(".tools button").first.click()
    state(visit.newest, "cancelled")


def test_a_picture_is_made_viewed_and_put_away_with_the_keyboard_alone(visitor, house: House):
    visit = visitor().open()
    keyboard = visit.page.keyboard
    keyboard.press("Tab")
    expect(visit.page.locator(".skip")).to_be_focused()
    keyboard.press("Enter")
    expect(visit.page.locator("#request")).to_be_focused()
    tab_to(visit, visit.page.locator("#key"))
    keyboard.insert_text(house.guest().api_key)
    keyboard.press("Enter")
    expect(visit.page.locator("html.known")).to_be_attached()
    expect(visit.prompt).to_be_focused()
    keyboard.insert_text("a lake")
    tab_to(visit, visit.page.locator("[data-path='input.num_images'] input[value='4']"))
    for _ in range(2):
        keyboard.press("ArrowLeft")
    tab_to(visit, visit.page.locator("#make"))
    keyboard.press("Enter")
    state(visit.newest, "success")
    tab_to(visit, visit.newest.locator(".open").last)
    keyboard.press("Enter")
    expect(visit.page.locator("#viewer")).to_contain_text("Picture 2")
    keyboard.press("Escape")
    expect(visit.newest.locator(".open").last).to_be_focused()


def test_what_happens_is_said_to_those_who_do_not_see_it(visitor, house: House):
    visit = visitor().open()
    voice = visit.page.locator("#voice")
    visit.sign_in(house.guest())
    expect(voice).to_have_text("The key is good. Balance: Test")
    visit.make("a lake")
    expect(voice).to_have_text("4 pictures are ready.")
    assert visit.newest.locator("img").first.get_attribute("alt") == "Picture 1 of 4: a lake"
    assert visit.newest.get_attribute("aria-labelledby")


@pytest.mark.parametrize(("width", "language"), list(itertools.product(WIDTHS, LOCALES)))
def test_nothing_is_wider_than_the_page(visitor, house: House, width: int, language: str):
    visit = visitor(locale=LOCALES[language], viewport={"width": width, "height": 844}).open()
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert visit.page.evaluate(fits)
    visit.sign_in(house.guest())
    state(visit.make("w" * 300 + " [[partial:2]]"), "partial")
    for tab in ("#code-tab", "#json-tab"):
        assert visit.page.evaluate(fits)
        visit.page.locator(tab).click()
    assert visit.page.evaluate(fits)


def test_the_language_and_the_colours_that_were_chosen_are_kept(visitor):
    visit = visitor(locale="en-GB", color_scheme="light").open()
    visit.prompt.fill("half a thought")
    visit.page.locator("#language").click()
    expect(visit.page.locator("html[lang=zh].ready")).to_be_attached()
    expect(visit.prompt).to_have_value("half a thought")
    visit.page.locator(".themes label:has([value=dark])").click()
    visit.page.reload()
    expect(visit.page.locator("html[lang=zh][data-theme=dark]")).to_be_attached()
    shade = visit.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert shade == "rgb(16, 15, 13)"


@pytest.mark.parametrize("language", LOCALES)
def test_every_message_that_is_used_exists_and_none_is_left_over(visitor, language: str):
    visit = visitor(locale=LOCALES[language]).open()
    script = visit.page.locator("script[type=module]").get_attribute("src")
    base = f"{visit.url}{script.rpartition('/js/')[0]}"
    names = visit.page.locator("link[rel=modulepreload]").evaluate_all(
        "all => all.map((one) => one.href)"
    )
    code = "\n".join(visit.page.request.get(name).text() for name in names)
    messages = visit.page.request.get(f"{base}/messages/{language}.json").json()
    used = set(re.findall(r'\bt\("([^"]+)"', code))
    counted = {
        f"{name}.{form}"
        for name in re.findall(r'\btn\("([^"]+)"', code)
        for form in ("one", "other")
    }
    assert used | counted <= messages.keys()
    assert all(text.strip() for text in messages.values())


def test_all_scripts_together_weigh_less_than_a_picture(visitor, house: House):
    visit = visitor().open()
    weights = script_bytes(visit)
    assert len(weights) > 20
    assert sum(weights) <= MOST_SCRIPT_BYTES
    print(f"{sum(weights)} bytes of script in {len(weights)} modules")


def test_what_comes_from_outside_is_shown_as_text(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    state(visit.make("<img src=x onerror=alert(1)> <b>bold</b>"), "success")
    expect(visit.newest.locator("h3")).to_have_text("<img src=x onerror=alert(1)> <b>bold</b>")
    assert visit.newest.locator("h3 *").count() == 0
    refused = visit.page.evaluate(
        "() => { try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; } }"
    )
    assert refused == "TypeError"
    visit.complaints = [one for one in visit.complaints if "TrustedHTML" not in one]
