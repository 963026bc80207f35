"""The pages of the operator, in a real browser."""

import json
import re
import urllib.error
from importlib import resources

import pytest
from playwright.sync_api import Locator, expect

from browser.access import (
    LOCALES,
    LOOKS,
    MOST_SCRIPT_BYTES,
    WIDTHS,
    script_bytes,
    tab_to,
    violations,
)
from browser.admin_support import enter, go, operator_link
from browser.console_support import Program
from browser.console_support import enter as enter_console
from browser.house import Guest, House
from browser.test_playground_assets import get
from browser.visit import Visit
from heliograph.api.admin.page import AdminPageRoutes
from heliograph.api.pages.content import imported

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
SECTIONS = ("accounts", "work", "providers", "webhooks", "models", "audit", "log")


def key_id(guest: Guest) -> str:
    return guest.api_key.split("_")[2]


def rows(visit: Visit, place: str) -> Locator:
    return visit.page.locator(f"#{place} tbody tr")


def open_account(visit: Visit, guest: Guest) -> Visit:
    """Find the account of a guest by its key, and go to its page."""
    go(visit, f"#/accounts?q={key_id(guest)}")
    expect(rows(visit, "accounts")).to_have_count(1)
    rows(visit, "accounts").get_by_role("link").click()
    expect(visit.page.locator("#account-view .figure").first).to_be_visible()
    expect(visit.page.locator("[aria-busy=true]")).to_have_count(0)
    return visit


def figure(visit: Visit, name: str) -> Locator:
    return visit.page.locator(".figure", has=visit.page.get_by_role("heading", name=name)).locator(
        ".value"
    )


def confirm(visit: Visit, name: str) -> None:
    visit.page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


def fill_money(visit: Visit, amount: str, note: str = "") -> None:
    visit.page.get_by_label("Dollars").fill(amount)
    visit.page.get_by_label("Note, for the books").fill(note)
    visit.page.get_by_role("button", name="Move the money").click()


def test_whoever_is_not_signed_in_sees_the_door_and_nothing_else(visitor, house: House):
    visit = visitor()
    visit.page.goto(f"{house.url}/admin#/accounts")
    expect(visit.page.get_by_role("heading", name="For whoever runs this server.")).to_be_visible()
    expect(visit.page.locator("#sections")).to_be_hidden()
    expect(visit.page.locator("#accounts")).to_be_empty()


def test_an_account_at_the_console_is_no_operator(visitor, house: House):
    visit = enter_console(visitor(), house.guest(dollars=1))
    visit.page.goto(f"{house.url}/admin")
    expect(visit.page.locator("#door")).to_be_visible()
    expect(visit.page.locator("#sections")).to_be_hidden()


def test_a_top_up_is_asked_about_shown_and_written_down(visitor, house: House):
    guest = house.guest(dollars=3)
    visit = open_account(enter(visitor(), house), guest)
    expect(figure(visit, "Balance")).to_have_text("$3.00")
    fill_money(visit, "12.5", "invoice <b>7</b>")
    expect(visit.page.get_by_role("dialog")).to_contain_text("Top up browser by $12.50?")
    confirm(visit, "Keep as it is")
    expect(figure(visit, "Balance")).to_have_text("$3.00")
    visit.page.get_by_role("button", name="Move the money").click()
    confirm(visit, "Move the money")
    expect(figure(visit, "Balance")).to_have_text("$15.50")
    deed = visit.page.locator("#account-view .pages tbody tr")
    expect(deed).to_have_count(1)
    expect(deed).to_contain_text("Topped up")
    expect(deed).to_contain_text("balance: $3.00 → $15.50")
    expect(deed).to_contain_text("invoice <b>7</b>")
    assert Program(house, guest).call("GET", "/api/v1/apikeys/current-balance") == 15.5
    assert visit.page.locator("#account-view .note *").count() == 0


def test_what_is_no_amount_is_said_at_the_form(visitor, house: House, forgiven):
    visit = open_account(enter(visitor(), house), house.guest(dollars=3))
    fill_money(visit, "a lot")
    problem = visit.page.get_by_role("alert").filter(visible=True)
    expect(problem).to_contain_text("Write the amount in dollars")
    visit.page.get_by_label("What it is").select_option("adjust")
    fill_money(visit, "-5", "too much")
    confirm(visit, "Move the money")
    expect(problem).to_contain_text("$3.00 is available")
    forgiven(visit, "402")


def test_a_limit_and_a_key_are_changed_and_the_log_tells_it(visitor, house: House):
    guest = house.guest(dollars=3)
    visit = open_account(enter(visitor(), house), guest)
    visit.page.get_by_label("Tasks under way at most").fill("7")
    visit.page.get_by_role("button", name="Change the limit").click()
    expect(visit.page.locator("#account-view .figure").last).to_contain_text("of at most 7")
    visit.page.get_by_role("button", name="Revoke browser").click()
    confirm(visit, "Revoke")
    expect(visit.page.locator("#account-view .sheet .state")).to_have_text("Revoked")
    visit.page.get_by_role("link", name="Log", exact=True).click()
    expect(rows(visit, "log").nth(0)).to_contain_text(f"Revoked key {key_id(guest)}")
    expect(rows(visit, "log").nth(0)).to_contain_text("revoked: false → true")
    expect(rows(visit, "log").nth(1)).to_contain_text("maxLiveTasks: 1000 → 7")
    expect(rows(visit, "log").nth(1)).to_contain_text("Ada")


def test_the_search_is_in_the_address_and_finds_as_one_types(visitor, house: House):
    guest = house.guest(dollars=3)
    visit = enter(visitor(), house)
    visit.page.get_by_role("searchbox").fill(key_id(guest))
    expect(rows(visit, "accounts")).to_have_count(1)
    visit.page.get_by_role("searchbox").fill("nobody has this name")
    expect(visit.page.get_by_text("No account fits.")).to_be_visible()
    assert visit.page.url.endswith("#/accounts?q=nobody+has+this+name")


def test_a_model_is_switched_off_with_a_reason_and_on_again(visitor, house: House):
    guest = house.guest(dollars=3)
    visit = enter(visitor(), house, "#/models")
    visit.page.get_by_role("button", name="Switch off").click()
    expect(visit.page.get_by_role("alert").filter(visible=True)).to_contain_text("Say why")
    visit.page.get_by_label("Why, for those who call it").fill("Back at noon")
    visit.page.get_by_role("button", name="Switch off").click()
    try:
        expect(visit.page.locator("#models .state")).to_have_text("Off")
        with pytest.raises(urllib.error.HTTPError) as refused:
            Program(house, guest).submit("a lake")
        with refused.value as answer:
            assert answer.code == 403
            assert b"Back at noon." in answer.read()
    finally:
        visit.page.get_by_role("button", name="Switch on").click()
    expect(visit.page.locator("#models .state")).to_have_text("On")
    assert Program(house, guest).submit("a lake")


def test_the_audit_runs_while_one_looks_on(visitor, house: House):
    visit = enter(visitor(), house, "#/audit")
    visit.page.get_by_role("button", name="Run it now").click()
    expect(visit.page.locator("#audit .verdict .state")).to_have_text("Clean: all of it adds up")
    expect(visit.page.locator("#audit .verdict")).to_contain_text("Ada")
    expect(visit.page.get_by_role("button", name="Run it now")).to_be_enabled()
    expect(visit.page.locator("#voice")).to_have_text("Clean: all of it adds up")


def test_the_worker_of_the_house_is_alive(visitor, house: House):
    visit = enter(visitor(), house, "#/work")
    expect(figure(visit, "Workers alive")).to_have_text("1")
    expect(rows(visit, "work").last).to_contain_text("run, check, deliver, render")
    visit.page.get_by_role("link", name="Providers").click()
    expect(visit.page.get_by_role("region", name="studio")).to_contain_text("Margin")


def test_who_signs_out_leaves_nothing_behind(visitor, house: House):
    visit = enter(visitor(), house)
    expect(rows(visit, "accounts").first).to_be_visible()
    visit.page.locator("#account summary").click()
    visit.page.get_by_role("button", name="Sign out").click()
    expect(visit.page.locator("#door-title")).to_be_focused()
    expect(visit.page.locator("#accounts")).to_be_empty()
    visit.page.reload()
    expect(visit.page.locator("#door")).to_be_visible()


def test_a_session_that_has_ended_elsewhere_leads_to_the_door(visitor, house: House, forgiven):
    visit = enter(visitor(), house)
    visit.context.clear_cookies(name="heliograph_session")
    visit.page.get_by_role("link", name="Models").click()
    expect(visit.page.locator("#door-problem")).to_have_text(
        "Your session is over. Open a new link."
    )
    expect(visit.page.locator("#models")).to_be_empty()
    forgiven(visit, "401")


def test_the_keyboard_alone_finds_an_account(visitor, house: House):
    guest = house.guest(dollars=3)
    visit = enter(visitor(), house)
    tab_to(visit, visit.page.get_by_role("searchbox"))
    visit.page.keyboard.insert_text(key_id(guest))
    expect(rows(visit, "accounts")).to_have_count(1)
    tab_to(visit, rows(visit, "accounts").get_by_role("link"))
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#account-view-title")).to_be_focused()
    expect(visit.page.locator("#account-view-title")).to_have_text("browser")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_axe_finds_nothing_and_all_fits_wherever_an_operator_goes(
    visitor, house: House, language: str, theme: str
):
    wishes = {"locale": LOCALES[language], "color_scheme": theme, "reduced_motion": "reduce"}
    visit = go(visitor(**wishes), "")
    assert violations(visit) == []
    house.guest(dollars=3)
    enter(visit, house)
    account_id = rows(visit, "accounts").first.locator("code").inner_text()
    for place in (*SECTIONS, f"accounts/{account_id}"):
        go(visit, f"#/{place}")
        assert violations(visit) == [], place
        for width in WIDTHS:
            visit.page.set_viewport_size({"width": width, "height": 844})
            assert visit.page.evaluate(FITS), (place, width)
    visit.page.locator("#account-view .sheet button").first.click()
    assert violations(visit) == []


@pytest.mark.parametrize("language", LOCALES)
def test_every_message_that_is_used_exists_and_none_is_left_over(house: House, language: str):
    assets = AdminPageRoutes().pages.assets
    code = "\n".join(assets[name].body.decode() for name in assets if name.startswith("js/"))
    base = f"{house.url}/admin/0000"

    def messages(folder: str) -> dict[str, str]:
        return json.loads(get(f"{base}/{folder}messages/{language}.json")[1])

    ours = messages("")
    known = ours.keys() | messages("console/").keys() | messages("console/playground/").keys()
    used = set(re.findall(r'\bt\("([^"]+)"', code))
    used |= {
        f"{name}.{form}"
        for name in re.findall(r'\btn\("([^"]+)"', code)
        for form in ("one", "other")
    }
    assert used <= known
    template = resources.files("heliograph.api.admin") / "page.html"
    used |= set(re.findall(r"{{([\w.-]+)}}", template.read_text(encoding="utf-8")))
    built = tuple(f"{name}." for name in re.findall(r"[`]([\w.-]+)\.\$", code))
    left = [key for key in ours if key not in used and not key.startswith(built)]
    assert [key for key in left if f'"{key}"' not in code] == []


def test_both_languages_have_the_same_messages_with_the_same_places():
    assets = AdminPageRoutes().pages.assets
    english, chinese = (json.loads(assets[f"messages/{name}.json"].body) for name in ("en", "zh"))
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        places = [set(re.findall(r"{(\w+)}", words)) - {"count"} for words in (text, chinese[key])]
        assert places[0] == places[1], key


def test_the_page_allows_nothing_inline_and_its_parts_are_there_for_good(house: House):
    headers, body = get(f"{house.url}/admin", cookie="heliograph-theme=dark")
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self';")
    text = body.decode()
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|https?://", text)
    assert "{{" not in text
    assert 'data-theme="dark"' in text
    addresses = set(re.findall(r'(?:src|href)="(/admin/[^"]+)"', text))
    assert len(addresses) > 25
    for address in addresses:
        assert get(house.url + address)[0]["cache-control"].endswith("immutable")


def test_all_modules_of_ours_are_needed_and_all_together_are_light(visitor, house: House):
    assets = AdminPageRoutes().pages.assets
    needed = imported(assets, "js/admin.js")
    assert {name for name in assets if name.startswith("js/")} <= needed
    visit = go(visitor(), "")
    assert sum(script_bytes(visit)) <= MOST_SCRIPT_BYTES


def test_a_link_signs_in_once(visitor, house: House):
    link = operator_link(house)
    for expected in ("**/admin", "**/sign-in/over"):
        visit = visitor()
        visit.page.goto(house.url + link)
        visit.page.locator("form button").click()
        visit.page.wait_for_url(expected)
