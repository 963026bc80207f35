"""The history and a task in it: found, followed to its end, explained, asked for again, and deleted."""

import contextlib

import pytest
from playwright.sync_api import APIResponse, Route, expect

from browser.console_support import Program, enter, open_console, part, rows, state_is
from browser.house import House
from browser.visit import Visit


def test_the_history_is_searched_and_filtered_and_the_address_remembers_it(visitor, house: House):
    guest = house.guest()
    program = Program(house, guest)
    program.finish("a red boat")
    program.finish("a blue boat [[fail:PromptInvalid]]")
    program.finish("a castle")
    visit = enter(visitor(), guest)
    expect(rows(visit)).to_have_count(3)
    expect(visit.page.locator("#history h3")).to_have_text("Today")
    visit.page.get_by_role("searchbox").fill("boat")
    expect(rows(visit)).to_have_count(2)
    visit.page.locator("#history [name=state]").select_option("failed")
    expect(rows(visit)).to_have_count(1)
    expect(rows(visit)).to_contain_text("a blue boat")
    assert visit.page.url.endswith("#/history?q=boat&state=failed")
    visit.page.reload()
    expect(rows(visit)).to_have_count(1)
    expect(visit.page.get_by_role("searchbox")).to_have_value("boat")
    visit.page.get_by_role("button", name="Clear").click()
    expect(rows(visit)).to_have_count(3)


def test_a_day_is_included_from_its_first_to_its_last_moment(visitor, house: House):
    guest = house.guest()
    Program(house, guest).finish("a lake")
    visit = enter(visitor(), guest)
    expect(rows(visit)).to_have_count(1)
    today = visit.page.evaluate("new Intl.DateTimeFormat('sv').format()")
    visit.page.locator("[name=from]").fill(today)
    visit.page.locator("[name=to]").fill(today)
    expect(visit.page.locator("#voice")).to_have_text("1 task found")
    expect(rows(visit)).to_have_count(1)
    visit.page.locator("[name=from]").fill("")
    visit.page.locator("[name=to]").fill("2020-01-01")
    expect(visit.page.locator("#history .empty")).to_contain_text("No task fits.")


def test_older_tasks_come_when_they_are_asked_for(visitor, house: House):
    guest = house.guest()
    program = Program(house, guest)
    for number in range(23):
        program.submit(f"lake {number}", num_images=1)
    visit = enter(visitor(), guest)
    expect(rows(visit)).to_have_count(20)
    visit.page.get_by_role("button", name="Show older ones").click()
    expect(rows(visit)).to_have_count(23)
    expect(rows(visit).last).to_contain_text("lake 0")
    expect(visit.page.get_by_role("button", name="Show older ones")).to_be_hidden()


def test_an_open_task_lives_and_a_new_one_appears_without_a_reload(visitor, house: House):
    guest = house.guest()
    program = Program(house, guest)
    program.submit("a lake [[delay:8]]")
    visit = enter(visitor(), guest)
    state_is(rows(visit), "processing")
    state_is(rows(visit), "success")
    expect(rows(visit).locator("img")).to_have_count(1)
    other = visit.context.new_page()
    other.goto(visit.url)
    other.locator("#form [data-path='input.prompt'] textarea").fill("from the playground")
    other.locator("#key").fill(guest.api_key)
    other.locator("#key").press("Enter")
    expect(other.locator("html.known")).to_be_attached()
    other.locator("#make").click()
    expect(rows(visit)).to_have_count(2)
    expect(rows(visit).first).to_contain_text("from the playground")


def test_a_task_tells_all_and_leads_back_to_the_form(visitor, house: House):
    guest = house.guest(dollars=1)
    program = Program(house, guest)
    program.finish(
        "a red boat on a lake and a zorble",
        num_images=1,
        aspect_ratio="16:9",
        negative_prompt="text",
    )
    visit = enter(visitor(), guest)
    rows(visit).click()
    task = visit.page.locator("#task")
    expect(visit.page.locator("#task-title")).to_have_text("a red boat on a lake and a zorble")
    expect(task.locator(".tile img")).to_have_count(1)
    expect(task.locator(".about").first).to_contain_text("1696 \u00d7 960")
    expect(task.locator(".understood")).to_contain_text("Understood: red sailboat")
    expect(task.locator(".warnings")).to_contain_text("zorble")
    happened = part(visit, "What happened").locator(".timeline b").all_inner_texts()
    assert [happened[0], happened[1], happened[-1]] == ["Received", "Money held", "Charged"]
    expect(part(visit, "What happened").locator(".legend")).to_contain_text("Drawing")
    expect(part(visit, "Receipt").locator(".total")).to_have_text("Paid1 picture at $0.03$0.03")
    expect(part(visit, "Request")).to_contain_text("What to leave outtext")
    visit.page.get_by_role("link", name="Same again").click()
    expect(visit.page.locator("#form [data-path='input.prompt'] textarea")).to_have_value(
        "a red boat on a lake and a zorble"
    )
    expect(visit.page.locator("#make")).to_have_text("Make 1 picture$0.03")
    assert '"aspect_ratio": "16:9"' in visit.json()


def test_pictures_are_viewed_and_downloaded(visitor, house: House):
    guest = house.guest()
    task_id = Program(house, guest).finish("a lake")
    visit = enter(visitor(), guest, f"#/tasks/{task_id}")
    visit.page.locator("#task .open").last.click()
    expect(visit.page.locator("#viewer")).to_contain_text("Picture 2")
    visit.page.keyboard.press("Escape")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Download all").click()
    assert download.value.suggested_filename == "a-lake.zip"


def test_what_was_not_made_is_explained_picture_by_picture(visitor, house: House):
    guest = house.guest()
    task_id = Program(house, guest).finish("a lake [[partial:1]]", num_images=3)
    visit = enter(visitor(), guest, f"#/tasks/{task_id}")
    state_is(visit.page.locator("#task"), "partial")
    expect(visit.page.locator("#task .missing")).to_have_count(2)
    expect(visit.page.locator("#task .missing").first).to_contain_text("A safety check stopped it.")
    expect(visit.page.locator("#task .outcome")).to_contain_text("2 pictures were not made.")
    expect(part(visit, "What happened")).to_contain_text("Pictures stored1 of 3")


def test_a_task_under_way_is_cancelled(visitor, house: House):
    guest = house.guest()
    task_id = Program(house, guest).submit("a lake [[delay:600]]")
    visit = enter(visitor(), guest, f"#/tasks/{task_id}")
    expect(visit.page.locator("#task [role=progressbar]")).to_have_count(2)
    visit.page.get_by_role("button", name="Cancel").click()
    state_is(visit.page.locator("#task"), "cancelled")
    state_is(rows(visit), "cancelled")


def test_data_is_deleted_only_after_the_page_has_said_what_stays(visitor, house: House, forgiven):
    guest = house.guest()
    task_id = Program(house, guest).finish("a secret lake")
    visit = enter(visitor(), guest, f"#/tasks/{task_id}")
    question = visit.page.get_by_role("dialog")
    visit.page.get_by_role("button", name="Delete data").click()
    expect(question).to_contain_text("State, times, prices and the movements of money")
    question.get_by_role("button", name="Keep as it is").click()
    expect(visit.page.locator("#task-title")).to_have_text("a secret lake")
    visit.page.get_by_role("button", name="Delete data").click()
    question.get_by_role("button", name="Delete for good").click()
    expect(visit.page.locator("#task-title")).to_have_text("Deleted")
    expect(part(visit, "Request")).to_contain_text("Data deleted")
    expect(rows(visit).locator(".prompt")).to_have_text("Deleted")
    expect(visit.page.get_by_role("link", name="Same again")).to_have_count(0)
    assert "dataDeletedTime" in Program(house, guest).call("GET", f"/api/v1/tasks/{task_id}")


def test_another_accounts_task_is_not_there(visitor, house: House, forgiven):
    task_id = Program(house, house.guest()).finish("not yours")
    visit = enter(visitor(), house.guest(), f"#/tasks/{task_id}")
    expect(visit.page.locator("#task-title")).to_have_text("There is no such task in your account.")
    forgiven(visit, "404")


def test_whoever_signs_out_leaves_nothing_behind(visitor, house: House):
    guest = house.guest()
    Program(house, guest).finish("a secret lake")
    visit = enter(visitor(), guest)
    expect(rows(visit)).to_have_count(1)
    visit.page.locator("#account summary").click()
    visit.page.locator("#sign-out").click()
    expect(visit.page.locator("#key-panel")).to_be_visible()
    assert "a secret lake" not in visit.page.content()
    visit.sign_in(house.guest())
    expect(visit.page.locator("#history .empty")).to_contain_text("Nothing here yet.")


@pytest.mark.parametrize(
    ("entered", "asked", "besides"),
    [
        (Visit.open, "/api/v1/apikeys/usage", []),
        (open_console, "/api/v1/session", ["/api/v1/tasks?*"]),
    ],
)
def test_an_answer_that_was_on_its_way_at_the_sign_out_signs_nobody_in(
    visitor, house: House, entered, asked: str, besides: list[str]
):
    visit = entered(visitor()).sign_in(house.guest())
    held: list[tuple[Route, APIResponse]] = []
    visit.page.route(f"**{asked}", lambda route: held.append((route, route.fetch())), times=1)
    with contextlib.ExitStack() as answered:
        for address in besides:  # which would be refused after the sign-out
            answered.enter_context(visit.page.expect_response(f"**{address}"))
        answered.enter_context(visit.page.expect_request(f"**{asked}"))
        visit.page.evaluate("document.dispatchEvent(new Event('online-again'))")
    visit.page.locator("#account summary").click()
    visit.page.locator("#sign-out").click()
    expect(visit.page.locator("#key")).to_be_focused()
    [(route, answer)] = held
    with visit.page.expect_response(f"**{asked}"):
        route.fulfill(response=answer)
    visit.page.evaluate("fetch('/').then((answer) => answer.text())")
    expect(visit.page.locator("#key")).to_be_focused()
    expect(visit.page.locator("#account")).to_be_hidden()


def test_an_outage_is_said_and_survived(visitor, house: House, forgiven):
    guest = house.guest()
    Program(house, guest).finish("a lake")
    visit = enter(visitor(), guest)
    expect(rows(visit)).to_have_count(1)
    house.close()
    try:
        visit.page.get_by_role("link", name="Usage").click()
        expect(visit.page.locator("#offline")).to_be_visible()
    finally:
        house.open_again()
    expect(visit.page.locator("#offline")).to_be_hidden()
    expect(part(visit, "This key")).to_contain_text("browser")
    forgiven(visit, "ERR_CONNECTION_REFUSED")
