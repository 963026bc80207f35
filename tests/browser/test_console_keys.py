"""Keys in the hands of an account's owner, who has come by a link; and who has come with a key."""

import itertools
import re
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Locator, expect

from browser.access import LOCALES, LOOKS, tab_to, violations
from browser.console_support import enter, link_of, open_console, own, part
from browser.house import House
from browser.visit import Visit
from support.service import wait_for

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
API_KEY = re.compile(r"^hg_(live|test)_\w{8}_\w{38}$")


def cards(visit: Visit) -> Locator:
    return visit.page.locator(".key-card")


def make(visit: Visit, name: str) -> str:
    """Fill in the name, make the key, and give it."""
    form = part(visit, "New key")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Make the key").click()
    expect(visit.page.locator(".fresh h3")).to_contain_text(name)
    return visit.page.locator(".fresh .secret").inner_text()


def works(house: House, api_key: str) -> bool:
    request = urllib.request.Request(
        f"{house.url}/api/v1/apikeys/current-balance",
        headers={"Authorization": f"Bearer {api_key}"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status == 200
    except urllib.error.HTTPError as refused:
        refused.close()
        return False


def test_a_key_is_made_shown_once_and_copied(visitor, house: House):
    visit = own(visitor(), house, house.guest(dollars=3))
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(cards(visit)).to_have_count(1)
    api_key = make(visit, "shop")
    assert API_KEY.match(api_key)
    assert works(house, api_key)
    expect(visit.page.locator(".fresh h3")).to_be_focused()
    visit.page.locator(".fresh").get_by_role("button", name="Copy").click()
    expect(visit.page.locator("#voice")).to_have_text("Copied")
    assert visit.page.evaluate("navigator.clipboard.readText()") == api_key
    expect(cards(visit)).to_have_count(2)
    expect(cards(visit).first).to_contain_text(api_key[:16] + "_…")
    expect(part(visit, "New key").get_by_label("Name")).to_have_value("")
    visit.page.get_by_role("link", name="Usage").click()
    visit.page.get_by_role("link", name="Keys").click()
    expect(cards(visit)).to_have_count(2)
    assert api_key not in visit.page.content()


def test_a_key_is_made_with_limits_and_they_are_changed(visitor, house: House, forgiven):
    visit = own(visitor(), house, house.guest(dollars=3))
    form = part(visit, "New key")
    form.get_by_label("Monthly cap").fill("50.5")
    form.get_by_label("wan-2-5-image").check()
    form.get_by_label("Networks").fill("203.0.113.7/24")
    form.get_by_label("Last day").fill("2099-12-31")
    form.get_by_label("Name").fill("shop")
    form.get_by_role("button", name="Make the key").click()
    expect(form.get_by_role("alert")).to_contain_text("networks: 203.0.113.7/24 has host bits set")
    forgiven(visit, "400")
    form.get_by_label("Networks").fill("203.0.113.0/24\n2001:db8::/32")
    api_key = make(visit, "shop")
    assert not works(house, api_key)
    card = cards(visit).first
    expect(card).to_contain_text("$0.00 of $50.50 this month")
    card.locator("summary").click()
    for text in ("$50.50", "wan-2-5-image", "203.0.113.0/24", "2001:db8::/32", "2100"):
        expect(card.locator(".facts-list")).to_contain_text(text)
    card.get_by_role("button", name="Change: shop").click()
    expect(card.get_by_label("Name")).to_be_focused()
    card.get_by_label("Name").fill("store")
    card.get_by_label("Monthly cap").fill("")
    card.get_by_label("Networks").fill("")
    card.get_by_role("button", name="Save").click()
    expect(card.locator("h3")).to_have_text("store")
    expect(card).not_to_contain_text("this month")
    expect(card.get_by_role("button", name="Change: store")).to_be_focused()
    card.locator("summary").click()
    expect(card.locator(".facts-list")).to_contain_text("2100")
    wait_for(lambda: works(house, api_key), "the change to be known")


def test_a_replaced_key_works_on_for_as_long_as_was_chosen(visitor, house: House):
    visit = own(visitor(), house, house.guest(dollars=3))
    first = make(visit, "shop")
    visit.page.get_by_role("button", name="Replace: shop").click()
    question = visit.page.get_by_role("dialog")
    expect(question.get_by_label("The present key still works for")).to_have_value("24")
    question.get_by_role("button", name="Replace").click()
    expect(visit.page.locator(".fresh h3")).to_contain_text("new key for “shop”")
    second = visit.page.locator(".fresh .secret").inner_text()
    assert second != first
    assert works(house, first)
    assert works(house, second)
    expect(cards(visit).filter(has_text="until")).to_have_count(1)


def test_a_key_is_revoked_only_after_a_question(visitor, house: House):
    visit = own(visitor(), house, house.guest(dollars=3))
    api_key = make(visit, "leaked")
    visit.page.get_by_role("button", name="Revoke: leaked").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Keep as it is").click()
    expect(cards(visit).first.locator(".state")).to_have_text("Active")
    visit.page.get_by_role("button", name="Revoke: leaked").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Revoke for good").click()
    expect(cards(visit).last.locator(".state")).to_have_text("Revoked")
    expect(cards(visit).last.get_by_role("button")).to_have_count(0)
    wait_for(lambda: not works(house, api_key), "the key to be refused")


def test_who_came_with_a_key_is_told_how_the_owner_comes(visitor, house: House):
    visit = enter(visitor(), house.guest(), "#/keys")
    expect(visit.page.locator("#keys")).to_contain_text("Keys are made by the owner")
    expect(visit.page.locator("#keys")).to_contain_text("heliograph account sign-in")
    expect(visit.page.locator("#keys form")).to_have_count(0)


def test_a_session_is_for_every_tab_and_ends_for_all_of_them(visitor, house: House):
    guest = house.guest()
    visit = enter(visitor(), guest)
    token = visit.context.cookies()[-1]
    assert (token["name"], token["httpOnly"], token["sameSite"]) == (
        "heliograph_session",
        True,
        "Strict",
    )
    other = visit.context.new_page()
    other.goto(f"{visit.url}/console")
    expect(other.locator("html.known")).to_be_attached()
    visit.page.locator("#account summary").click()
    visit.page.locator("#sign-out").click()
    expect(visit.page.locator("#key-panel")).to_be_visible()
    other.reload()
    expect(other.locator("html.ready")).to_be_attached()
    expect(other.locator("#key-panel")).to_be_visible()


def test_who_forgets_the_key_at_the_playground_has_left_the_console_too(visitor, house: House):
    guest = house.guest()
    visit = enter(visitor(), guest)
    visit.open()
    expect(visit.page.locator("html.known")).to_be_attached()
    visit.page.locator("#account summary").click()
    visit.page.locator("#sign-out").click()
    expect(visit.page.locator("#key-panel")).to_be_visible()
    open_console(visit)
    expect(visit.page.locator("#key-panel")).to_be_visible()


def test_the_key_of_another_account_opens_that_account(visitor, house: House):
    visit = enter(visitor(), house.guest())
    visit.open()
    visit.page.evaluate(
        "(key) => sessionStorage.setItem('heliograph-key', key)", house.guest(dollars=7).api_key
    )
    open_console(visit)
    expect(visit.page.locator("#balance")).to_have_text("$7.00")


def test_the_owner_sees_the_account_and_needs_no_key(visitor, house: House):
    visit = own(visitor(), house, house.guest(dollars=7), "#/usage")
    expect(visit.page.locator("#usage .figure").first).to_contain_text("$7.00")
    expect(visit.page.locator("#part-key")).to_be_hidden()
    expect(part(visit, "Statement").locator("tbody tr")).to_have_count(1)
    visit.page.goto(f"{visit.url}/console#/inbox")
    visit.page.get_by_role("button", name="Open an inbox").click()
    expect(visit.page.locator("#inbox-url")).to_be_visible()
    assert visit.page.evaluate("sessionStorage.length + localStorage.length") == 1


def test_a_session_that_has_ended_shows_nothing_any_more(visitor, house: House, forgiven):
    visit = own(visitor(), house, house.guest(dollars=7))
    expect(cards(visit)).to_have_count(1)
    visit.context.clear_cookies()
    visit.page.get_by_role("link", name="Webhooks").click()
    expect(visit.page.locator("#key-panel")).to_be_visible()
    expect(visit.page.locator("#key-problem")).to_contain_text("not signed in any more")
    expect(cards(visit)).to_have_count(0)
    forgiven(visit, "401")


def test_a_link_that_was_used_says_so(visitor, house: House):
    guest = house.guest()
    link = link_of(house, guest)
    for place in ("/console", "/sign-in/over"):
        visit = visitor()
        visit.page.goto(visit.url + link)
        expect(visit.page.locator("h1")).to_have_text("Sign in")
        visit.page.locator("form button").click()
        expect(visit.page).to_have_url(visit.url + place)
    expect(visit.page.locator("h1")).to_have_text("This link is over.")
    expect(visit.page.get_by_role("link", name="Console")).to_be_visible()
    assert visit.context.cookies() == []


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_axe_finds_nothing_on_the_way_in_and_at_the_keys(
    visitor, house: House, language: str, theme: str
):
    guest = house.guest(dollars=1)
    visit = visitor(locale=LOCALES[language], color_scheme=theme, reduced_motion="reduce")
    for path in ("/sign-in/over", link_of(house, guest)):
        visit.page.goto(visit.url + path)
        assert violations(visit) == []
    own(visit, house, guest)
    expect(cards(visit)).to_have_count(1)
    visit.page.locator("#keys .aside input").first.fill("shop")
    visit.page.locator("#keys .aside button").click()
    expect(cards(visit)).to_have_count(2)
    for summary in cards(visit).locator("summary").all():
        summary.click()
    assert violations(visit) == []
    tools = cards(visit).first.locator(".choices button")
    for index in (1, 2):
        tools.nth(index).click()
        assert violations(visit) == []
        visit.page.keyboard.press("Escape")
    tools.nth(2).click()
    visit.page.locator("#question .danger").click()
    expect(cards(visit).last).to_have_attribute("data-state", "revoked")
    cards(visit).first.locator(".choices button").first.click()
    assert violations(visit) == []


@pytest.mark.parametrize(("width", "language"), list(itertools.product((390, 1024), LOCALES)))
def test_keys_and_links_are_not_wider_than_the_page(
    visitor, house: House, width: int, language: str
):
    visit = visitor(locale=LOCALES[language], viewport={"width": width, "height": 844})
    for path in ("/sign-in/over", "/sign-in/hgl_" + "A" * 43):
        visit.page.goto(visit.url + path)
        assert visit.page.evaluate(FITS)
    own(visit, house, house.guest(dollars=1))
    visit.page.locator("#keys .aside input").first.fill("w" * 100)
    visit.page.locator("#keys .aside button").click()
    expect(cards(visit)).to_have_count(2)
    cards(visit).first.locator(".choices button").first.click()
    assert visit.page.evaluate(FITS)


def test_a_key_is_made_and_revoked_with_the_keyboard_alone(visitor, house: House):
    visit = own(visitor(), house, house.guest(dollars=1))
    keyboard = visit.page.keyboard
    expect(cards(visit)).to_have_count(1)
    tab_to(visit, part(visit, "New key").get_by_label("Name"))
    keyboard.insert_text("shop")
    keyboard.press("Enter")
    expect(visit.page.locator(".fresh h3")).to_be_focused()
    tab_to(visit, visit.page.get_by_role("button", name="Revoke: shop"))
    keyboard.press("Enter")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(visit.page.locator("#keys-title")).to_be_focused()
    expect(cards(visit).last.locator(".state")).to_have_text("Revoked")


def test_the_name_of_a_key_is_shown_as_text(visitor, house: House):
    words = "<img src=x onerror=alert(1)> <b>bold</b>"
    visit = own(visitor(), house, house.guest(dollars=1))
    make(visit, words)
    expect(cards(visit).first.locator("h3")).to_have_text(words)
    assert cards(visit).first.locator("h3 *").count() == 0
