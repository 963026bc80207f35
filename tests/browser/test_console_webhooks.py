"""What was told to receivers: seen, sent again, tried out, and read in an inbox."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from browser.console_support import Program, enter, part, state_is
from browser.house import House
from support.database import Databases
from support.service import installed


class Receiver:
    """A customer's receiver, which answers as it is told."""

    def __init__(self) -> None:
        self.status = 200
        outer = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                said = f"I say {outer.status}".encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                """A test needs no log."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture(scope="module")
def house(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One that may tell receivers on this machine."""
    folder = tmp_path_factory.mktemp("house")
    trusted = {"HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8"}
    with databases.fresh() as url, installed(folder, url, **trusted) as installation:
        yield House(installation)


def test_a_delivery_that_died_is_explained_enabled_and_sent_again(
    visitor, house: House, receiver: Receiver
):
    guest = house.guest()
    receiver.status = 410
    program = Program(house, guest)
    task_id = program.finish("a lake", receiver.url)
    program.await_deliveries("dead", 1)
    visit = enter(visitor(), guest, "#/webhooks?state=dead")
    delivery = visit.page.locator(".deliveries .delivery")
    state_is(delivery, "failed")
    delivery.locator("summary").click()
    expect(delivery.locator(".attempts")).to_contain_text("I say 410")
    trouble = part(visit, "Receivers in trouble")
    expect(trouble).to_contain_text("Disabled since")
    receiver.status = 200
    trouble.get_by_role("button", name="Enable").click()
    expect(trouble).to_contain_text("All receivers are in good order.")
    delivery.get_by_role("button", name="Send again").click()
    state_is(delivery, "success")
    expect(delivery.locator(".attempts li")).to_have_count(2)
    delivery.get_by_role("link", name=re.compile(task_id[:8])).click()
    state_is(part(visit, "Webhook"), "success")
    expect(part(visit, "Webhook")).to_contain_text("I say 200")


def test_all_that_died_are_sent_again_at_once(visitor, house: House, receiver: Receiver):
    guest = house.guest()
    program = Program(house, guest)
    receiver.status = 410
    for name in ("a lake", "a hill"):
        program.finish(name, receiver.url)
    program.await_deliveries("dead", 2)
    visit = enter(visitor(), guest, "#/webhooks?state=dead")
    expect(visit.page.locator(".deliveries .delivery")).to_have_count(2)
    receiver.status = 200
    program.call("POST", "/api/v1/webhooks/receivers/enable", {"url": receiver.url})
    card = part(visit, "Send again what was given up")
    card.get_by_role("button", name="Send again").click()
    expect(card).to_contain_text("2 deliveries are sent again.")
    expect(visit.page.locator("#webhooks .empty")).to_have_text("No delivery is in this state.")
    program.await_deliveries("delivered", 2)
    visit.page.get_by_role("link", name="Delivered").click()
    expect(visit.page.locator(".deliveries .delivery")).to_have_count(2)


def test_a_receiver_is_tried_and_what_it_says_is_shown(visitor, house: House, receiver: Receiver):
    receiver.status = 503
    visit = enter(visitor(), house.guest(), "#/webhooks")
    card = part(visit, "Try a receiver")
    card.get_by_label("Receiver").fill(receiver.url)
    card.get_by_role("button", name="Send a test").click()
    expect(card.locator(".attempts")).to_contain_text("The receiver answered 503")
    expect(visit.page.locator(".deliveries .delivery")).to_have_count(1)


def test_an_address_that_cannot_be_called_is_refused_where_it_was_written(
    visitor, house: House, forgiven
):
    visit = enter(visitor(), house.guest(), "#/webhooks")
    card = part(visit, "Try a receiver")
    card.get_by_label("Receiver").fill("ftp://example.com")
    card.get_by_label("Receiver").press("Enter")
    expect(card.get_by_role("alert")).to_contain_text("url: ")
    forgiven(visit, "400")


def replace_secret(visit, card):
    card.get_by_role("button", name="Replace the secret").click()
    question = visit.page.get_by_role("dialog")
    expect(question).to_contain_text("For 24 hours every notice is signed with both secrets.")
    question.get_by_role("button", name="Replace the secret").click()


def test_who_came_with_a_test_key_is_told_who_may_replace_the_secret(
    visitor, house: House, forgiven
):
    visit = enter(visitor(), house.guest(), "#/webhooks")
    replace_secret(visit, part(visit, "Signing secret"))
    expect(visit.page.get_by_text("Use a live key of the account")).to_be_visible()
    forgiven(visit, "403")


def test_the_new_secret_is_shown_once(visitor, house: House):
    visit = enter(visitor(), house.guest(dollars=1), "#/webhooks")
    card = part(visit, "Signing secret")
    replace_secret(visit, card)
    expect(card.locator(".secret")).to_have_text(re.compile(r"^whsec_\S{20,}$"))
    visit.page.get_by_role("link", name="Usage").click()
    visit.page.get_by_role("link", name="Webhooks").click()
    visit.page.reload()
    expect(part(visit, "Signing secret")).to_be_visible()
    assert "whsec_" not in visit.page.content()


def test_an_inbox_shows_messages_as_they_come_and_whether_they_are_signed(visitor, house: House):
    guest = house.guest()
    visit = enter(visitor(), guest, "#/inbox")
    visit.page.get_by_role("button", name="Open an inbox").click()
    address = visit.page.locator("#inbox-url").inner_text()
    visit.page.get_by_role("button", name="Send a test to it").click()
    messages = visit.page.locator(".message")
    expect(messages).to_contain_text("webhook.test")
    expect(messages).to_contain_text("Signature good")
    visit.page.evaluate("(address) => fetch(address, { method: 'POST', body: 'hello' })", address)
    expect(messages).to_have_count(2)
    expect(messages.first).to_contain_text("Not signed")
    task_id = Program(house, guest).finish("a lake", address)
    expect(messages).to_have_count(3)
    expect(messages.first).to_contain_text(f"Task {task_id[:8]}…{task_id[-4:]}: Done")
    visit.page.reload()
    expect(messages).to_have_count(3)
    messages.first.get_by_role("link", name="See the task").click()
    expect(visit.page.locator("#task-title")).to_have_text("a lake")


def test_a_request_that_reports_to_the_inbox_is_one_press_away(visitor, house: House):
    visit = enter(visitor(), house.guest(), "#/inbox")
    visit.page.get_by_role("button", name="Open an inbox").click()
    address = visit.page.locator("#inbox-url").inner_text()
    visit.page.get_by_role("link", name="Make a picture that reports to it").click()
    expect(visit.page.locator("html.ready #make")).to_be_visible()
    text = visit.json()
    assert f'"callback_url": "{address}"' in text
    assert '"prompt": "a lighthouse at dawn"' in text


def test_an_inbox_of_another_account_is_not_listened_to(visitor, house: House):
    visit = enter(visitor(), house.guest(), "#/inbox")
    visit.page.get_by_role("button", name="Open an inbox").click()
    expect(visit.page.locator("#inbox-url")).to_be_visible()
    visit.page.locator("#account summary").click()
    visit.page.locator("#sign-out").click()
    visit.sign_in(house.guest())
    expect(visit.page.get_by_role("button", name="Open an inbox")).to_be_visible()
