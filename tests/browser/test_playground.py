"""From the form to the pictures, and what happens when something comes between."""

import json
import re
import zipfile
from pathlib import Path

from playwright.sync_api import expect

from browser.house import House
from browser.visit import STUDIO_MS, Visit, state
from support.pictures import encoded, photo


def loaded(visit: Visit) -> list[int]:
    """The widths of the pictures of the newest task, once all are there."""
    pictures = visit.newest.locator(".tile img")
    visit.page.wait_for_function(
        "() => [...document.querySelectorAll('article:first-child .tile img')].every((one) => one.complete && one.naturalWidth)"
    )
    return [
        pictures.nth(index).evaluate("one => one.naturalWidth") for index in range(pictures.count())
    ]


def test_words_become_pictures_that_are_paid_for(visitor, house: House):
    visit = visitor().open().sign_in(house.guest(dollars=1))
    visit.pick("input.aspect_ratio", "16:9")
    visit.pick("input.num_images", "1")
    visit.prompt.fill("a red boat on a lake")
    expect(visit.page.locator("#make")).to_have_text("Make 1 picture$0.03")
    expect(visit.page.locator("#price-note")).to_contain_text("Balance $1.00, then $0.97")
    visit.page.locator("#make").click()
    state(visit.newest, "success", timeout_ms=STUDIO_MS)
    assert loaded(visit) == [1696]
    expect(visit.page.locator("#balance")).to_have_text("$0.97")
    expect(visit.newest.locator(".facts")).to_contain_text("$0.03")


def test_a_picture_becomes_another_one(visitor, house: House, tmp_path: Path):
    visit = visitor().open().sign_in(house.guest(dollars=1))
    visit.choose_mode("image-to-image")
    file = tmp_path / "corners.png"
    file.write_bytes(encoded(photo(), "PNG"))
    visit.page.locator("#form input[type=file]").set_input_files(file)
    expect(visit.page.locator(".shelf .facts")).to_contain_text(
        "PNG · 400 \N{MULTIPLICATION SIGN} 400"
    )
    visit.pick("input.aspect_ratio", "3:2")
    visit.pick("input.num_images", "1")
    visit.make("the same at night")
    state(visit.newest, "success", timeout_ms=STUDIO_MS)
    assert loaded(visit) == [1200]
    visit.newest.locator(".open").click()
    visit.page.get_by_role("button", name="Compare").click()
    expect(visit.page.locator("#viewer")).to_contain_text("Picture 1 against Reference 1")


def test_what_is_partly_made_is_shown_with_the_reason_and_the_refund(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    card = visit.make("a lake [[partial:3]]")
    state(card, "partial")
    expect(card.locator(".tile img")).to_have_count(3)
    expect(card.locator(".missing")).to_contain_text("A safety check stopped it.")
    expect(card.locator(".ending")).to_contain_text("One picture was not made.")
    card.get_by_role("button", name="Receipt").click()
    expect(card.locator(".receipt")).to_contain_text("Given back")


def test_a_failure_says_what_to_do_and_what_was_given_back(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    card = visit.make("a lake [[fail:PromptInvalid]]")
    state(card, "failed")
    expect(card.locator(".ending")).to_contain_text("Write it differently. Nothing was charged.")


def test_a_task_shows_how_far_it_is_and_can_be_cancelled_for_a_full_refund(visitor, house: House):
    visit = visitor().open().sign_in(house.guest(dollars=1))
    card = visit.make("a lake in the mountains")
    expect(card.get_by_role("progressbar")).to_have_count(4)
    expect(visit.page.locator("#balance")).to_have_text("$0.88")
    card.get_by_role("button", name="Cancel").click()
    state(card, "cancelled")
    expect(card.locator(".ending")).to_contain_text("$0.12 for 4 pictures was given back.")
    expect(visit.page.locator("#balance")).to_have_text("$1.00")


def test_progress_grows_with_the_events_of_the_task(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    card = visit.make("a lake [[delay:6]]")
    bar = card.get_by_role("progressbar").first
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"[1-9]\d?"))
    state(card, "success")


def test_a_cap_that_is_in_the_way_is_not_taken_for_a_low_balance(visitor, house: House):
    visit = visitor().open().sign_in(house.guest(dollars=1, total_cap_dollars=0.07))
    visit.prompt.fill("a lake")
    note = visit.page.locator("#price-note")
    expect(note).to_contain_text("More than this key may still spend")
    expect(note).not_to_contain_text("Balance")


def test_too_little_money_offers_what_it_is_enough_for(visitor, forgiven, house: House):
    visit = visitor().open().sign_in(house.guest(dollars=0.07))
    visit.prompt.fill("a lake")
    expect(visit.page.locator("#price-note")).to_have_text("Balance $0.07: not enough")
    visit.page.locator("#make").click()
    notice = visit.page.locator("#notice")
    expect(notice).to_contain_text("There is not enough money for this.")
    forgiven(visit, "402")
    notice.get_by_role("button", name="Make 2 for $0.06").click()
    expect(visit.newest.locator(".tile")).to_have_count(2)
    expect(visit.page.locator("#balance")).to_have_text("$0.01")
    visit.newest.get_by_role("button", name="Cancel").click()
    state(visit.newest, "cancelled")


def test_too_many_at_once_says_when_to_try_again(visitor, forgiven, house: House):
    visit = visitor().open().sign_in(house.guest(max_live_tasks=1))
    visit.make("a lake [[delay:600]]")
    visit.prompt.fill("another lake")
    visit.page.locator("#make").click()
    notice = visit.page.locator("#notice")
    expect(notice).to_contain_text("Too much at once. Nothing was accepted")
    forgiven(visit, "429")
    visit.newest.get_by_role("button", name="Cancel").click()
    state(visit.newest, "cancelled")
    notice.get_by_role("button", name="Try again", exact=True).click()
    expect(visit.cards).to_have_count(2)


def test_the_end_of_a_task_that_came_during_an_outage_is_seen_after_it(
    visitor, forgiven, house: House
):
    visit = visitor().open().sign_in(house.guest())
    visit.make("a lake [[delay:4]]")
    state(visit.newest, "processing")
    visit.context.set_offline(True)
    visit.page.wait_for_timeout(5_000)
    expect(visit.page.locator("#offline")).to_be_visible()
    visit.context.set_offline(False)
    state(visit.newest, "success")
    forgiven(visit, "ERR_INTERNET_DISCONNECTED")


def test_a_server_that_goes_away_loses_nothing(visitor, forgiven, house: House):
    visit = visitor().open().sign_in(house.guest())
    card = visit.make("a lake [[delay:8]]")
    house.close()
    expect(visit.page.locator("#offline")).to_be_visible()
    visit.prompt.fill("sent into the void")
    visit.page.locator("#make").click()
    expect(visit.page.locator("#notice")).to_contain_text("you will not pay twice")
    house.open_again()
    expect(visit.page.locator("#offline")).to_be_hidden()
    visit.page.locator("#make").click()
    expect(visit.cards).to_have_count(2)
    state(visit.cards.last, "success", timeout_ms=40_000)
    state(visit.newest, "success")
    assert card.count() == 1
    forgiven(visit, "ERR_")


def test_a_reload_in_the_middle_keeps_the_form_and_follows_the_task(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    visit.make("a lake [[delay:3]]")
    visit.prompt.fill("not sent yet")
    visit.page.reload()
    expect(visit.prompt).to_have_value("not sent yet")
    expect(visit.cards).to_have_count(1)
    state(visit.newest, "success")


def test_two_tabs_show_the_same_tasks(visitor, house: House):
    first = visitor().open().sign_in(house.guest(), remember=True)
    second = Visit(first.context, first.url).open()
    first.make("a lake [[delay:2]]")
    expect(second.cards).to_have_count(1)
    state(first.newest, "success")
    state(second.newest, "success")
    assert second.complaints == second.strangers == []


def test_a_forgotten_key_takes_its_pictures_with_it(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    visit.make("a lake")
    visit.page.locator("#account summary").click()
    visit.page.locator("#sign-out").click()
    expect(visit.cards).to_have_count(0)
    expect(visit.page.locator("#key")).to_be_focused()
    assert (
        visit.page.evaluate("Object.keys(sessionStorage).concat(Object.keys(localStorage))").count(
            "heliograph-key"
        )
        == 0
    )


def test_a_wrong_key_is_said_at_the_field_and_not_kept(visitor, forgiven):
    visit = visitor().open()
    visit.page.locator("#key").fill("hg_live_wrong")
    visit.page.locator("#key").press("Enter")
    expect(visit.page.locator("#key-problem")).to_contain_text("does not know this key")
    expect(visit.page.locator("#key")).to_be_focused()
    forgiven(visit, "401")


def test_the_key_stands_in_no_address_and_in_no_link(visitor, house: House):
    guest = house.guest()
    visit = visitor(permissions=["clipboard-read", "clipboard-write"])
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.open().sign_in(guest).make("a lake")
    visit.page.locator("#share").click()
    link = visit.page.evaluate("navigator.clipboard.readText()")
    secret = guest.api_key.rpartition("_")[2]
    assert link.startswith(f"{visit.url}/#form=")
    assert not [address for address in (*asked, link, visit.page.url) if secret in address]


def test_more_tasks_than_a_browser_has_connections_are_all_followed_to_their_end(visitor, house):
    visit = visitor().open().sign_in(house.guest())
    for number in range(8):
        visit.make(f"lake {number} [[delay:3]]")
    for number in range(8):
        state(visit.cards.nth(number), "success")


def test_all_pictures_of_a_task_are_saved_as_one_archive(visitor, house: House, tmp_path: Path):
    visit = visitor().open().sign_in(house.guest())
    card = visit.make("Two boats, at sea")
    state(card, "success")
    with visit.page.expect_download() as download:
        card.get_by_role("button", name="Download all").click()
    download.value.save_as(tmp_path / "all.zip")
    card.locator(".tile").nth(1).hover()
    with visit.page.expect_download() as one:
        card.get_by_role("button", name="Download picture 2").click()
    assert one.value.suggested_filename == "two-boats-at-sea-2.png"
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"two-boats-at-sea-{number}.png" for number in (1, 2, 3, 4)]
        assert archive.read("two-boats-at-sea-1.png").startswith(b"\x89PNG")


def test_a_result_becomes_a_reference_and_another_seed_another_task(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    visit.pick("input.num_images", "2")
    card = visit.make("a lake")
    state(card, "success")
    card.get_by_role("button", name="Another seed").click()
    expect(visit.cards).to_have_count(2)
    state(visit.newest, "success")
    pictures = [
        visit.cards.nth(index).locator("img").first.get_attribute("src") for index in (0, 1)
    ]
    assert pictures[0] != pictures[1]
    card = visit.newest
    card.locator(".tile").first.hover()
    card.get_by_role("button", name="Use picture 2 as reference").click()
    sent = json.loads(visit.json())["input"]
    assert sent["mode"] == "image-to-image"
    assert sent["image_urls"][0].startswith(f"{visit.url}/files/")


def test_the_viewer_steps_zooms_compares_and_gives_the_focus_back(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    card = visit.make("a lake")
    state(card, "success")
    card.locator(".open").first.click()
    viewer, keyboard = visit.page.locator("#viewer"), visit.page.keyboard
    keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("Picture 2")
    keyboard.press("+")
    expect(viewer).to_contain_text("150%")
    assert viewer.locator(".stage").evaluate("one => one.scrollWidth > one.clientWidth")
    viewer.get_by_role("button", name="Compare").click()
    viewer.get_by_role("slider").press("End")
    assert (
        viewer.locator(".upper")
        .evaluate("one => getComputedStyle(one).clipPath")
        .startswith("inset(0px")
    )
    keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(card.locator(".open").first).to_be_focused()


def test_a_deleted_task_is_asked_about_once_and_gone(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    state(visit.make("a lake"), "success")
    visit.newest.get_by_role("button", name="Delete").click()
    visit.newest.get_by_role("button", name="Delete for good?").click()
    expect(visit.cards).to_have_count(0)


def test_the_tasks_can_be_searched(visitor, house: House):
    visit = visitor().open().sign_in(house.guest())
    state(visit.make("a green lake"), "success")
    state(visit.make("a blue boat"), "success")
    visit.page.locator("#search").fill("green")
    expect(visit.cards).to_have_count(1)
    visit.page.locator("#search").fill("mountain")
    expect(visit.page.locator("#nothing-found")).to_be_visible()
