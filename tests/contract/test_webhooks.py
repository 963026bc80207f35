"""Deliveries, receivers, the secret and inboxes, as a customer sees them."""

import datetime
import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from contract.service import GENERATE, Customer, Service, running_service
from contract.visitor import FROM_PAGE, SESSION, Visitor, refused
from heliograph.webhooks.inboxes.inbox import MOST_BODY_BYTES, MOST_POSTS_A_MINUTE
from support.database import Databases
from support.receiver import Receiver, Reply

WEBHOOKS = "/api/v1/webhooks"
INBOXES = f"{WEBHOOKS}/inboxes"
TEST = f"{WEBHOOKS}/test"
ENABLE = f"{WEBHOOKS}/receivers/enable"
ROTATE = f"{WEBHOOKS}/secret/rotate"
NOBODY = "0" * 32


@pytest.fixture(scope="module")
def service(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that may reach the receivers of these tests."""
    trusted = {"HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8"}
    folder = tmp_path_factory.mktemp("webhooks")
    with databases.fresh() as url, running_service(url, folder, **trusted) as service:
        yield service


@pytest.fixture
def receiver(service: Service) -> Iterator[Receiver]:
    receiver = Receiver()
    service.run(receiver.__aenter__())
    yield receiver
    service.run(receiver.__aexit__())


def read(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()["data"] if status == 200 else answer.json()["message"]


def submit(customer: Customer, url: str) -> str:
    body = {"mode": "text-to-image", "prompt": "a panda", "num_images": 1}
    request = {"request_type": "callback", "callback_url": url, "input": body}
    return read(customer.http.post(GENERATE, json=request))["taskId"]


def end(service: Service, customer: Customer, url: str) -> str:
    """A task with a callback, ended; gives the id of its delivery, which is not sent yet."""
    task_id = submit(customer, url)
    service.finish(task_id)
    (found,) = deliveries(customer, taskId=task_id)
    return found["id"]


def deliver(service: Service, delivery_id: str) -> None:
    service.run(service.runtime.deliverer.deliver(uuid.UUID(delivery_id)))


def deliveries(customer: Customer, **filters: Any) -> list[Any]:
    return read(customer.http.get(WEBHOOKS, params=filters))["items"]


def delivery(customer: Customer, delivery_id: str) -> Any:
    return read(customer.http.get(f"{WEBHOOKS}/{delivery_id}"))


def receivers(customer: Customer) -> list[Any]:
    return read(customer.http.get(f"{WEBHOOKS}/receivers"))["items"]


def open_inbox(customer: Customer) -> Any:
    return read(customer.http.post(INBOXES))


def messages(customer: Customer, inbox: Any, **query: int) -> list[Any]:
    path = f"{INBOXES}/{inbox['inboxId']}/messages"
    return read(customer.http.get(path, params=query))["items"]


def test_a_delivery_shows_every_attempt_and_when_the_next_one_is(
    service: Service, tester: Customer, receiver: Receiver
):
    url = receiver.script("/hook", Reply(500, b"out of order"), Reply(200, b"thanks"))
    fresh = delivery(tester, delivery_id := end(service, tester, url))
    assert (fresh["state"], fresh["attempts"]) == ("pending", [])
    assert fresh["nextAttemptTime"] == fresh["createTime"]
    deliver(service, delivery_id)
    waiting = delivery(tester, delivery_id)
    (attempt,) = waiting["attempts"]
    assert attempt.pop("latencyMs") >= 0
    assert attempt == {
        "number": 1,
        "time": fresh["createTime"],
        "status": 500,
        "error": "The receiver answered 500; only 200 counts as delivered.",
        "answer": "out of order",
    }
    assert waiting["nextAttemptTime"] - fresh["createTime"] >= 30_000
    service.clock.advance(40)
    deliver(service, delivery_id)
    done = delivery(tester, delivery_id)
    assert (done["state"], len(done["attempts"])) == ("delivered", 2)
    assert done["endTime"] > done["createTime"]
    assert not {"event", "reason", "nextAttemptTime"} & done.keys()
    assert deliveries(tester, state="delivered") == [done]


def test_deliveries_are_listed_page_by_page_the_youngest_first(
    service: Service, tester: Customer, receiver: Receiver
):
    ids = [end(service, tester, receiver.url()) for _ in range(5)]
    first = read(tester.http.get(WEBHOOKS, params={"limit": 2}))
    assert [one["id"] for one in first["items"]] == ids[:2:-1]
    second = read(tester.http.get(WEBHOOKS, params={"cursor": first["nextCursor"], "limit": 3}))
    assert [one["id"] for one in second["items"]] == ids[2::-1]
    assert "nextCursor" not in second


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "9" * 5000),
        ("state", "lost"),
        ("taskId", "x"),
        ("cursor", "x"),
        ("cursor", "9" * 30 + "-" + NOBODY),
        ("cursor", "5-"),
    ],
)
def test_a_filter_that_cannot_be_read_is_400_and_named(tester: Customer, name: str, value: str):
    answer = tester.http.get(WEBHOOKS, params={name: value})
    assert read(answer, 400).startswith(f"{name} must be ")
    assert answer.json()["data"]["field"] == name


def test_another_accounts_delivery_is_not_there(
    service: Service, tester: Customer, receiver: Receiver
):
    stranger = service.customer(test=True)
    delivery_id = end(service, tester, receiver.url())
    for asked in (delivery_id, NOBODY):
        for answer in (
            stranger.http.get(f"{WEBHOOKS}/{asked}"),
            stranger.http.post(f"{WEBHOOKS}/{asked}/resend"),
        ):
            assert read(answer, 404) == f"There is no delivery {asked}"
    assert deliveries(stranger) == []
    read(tester.http.get(f"{WEBHOOKS}/x"), 404)


def test_one_delivery_or_all_dead_ones_are_sent_again(
    service: Service, tester: Customer, receiver: Receiver
):
    url = receiver.script("/hook", *[Reply(500)] * 8, Reply())
    lost = [end(service, tester, url) for _ in range(2)]
    since = delivery(tester, lost[0])["createTime"]
    for _ in range(4):
        for one in lost:
            deliver(service, one)
        service.clock.advance(800)
    assert [one["state"] for one in deliveries(tester)] == ["dead", "dead"]
    again = read(tester.http.post(f"{WEBHOOKS}/{lost[0]}/resend"))
    assert (again["state"], len(again["attempts"])) == ("pending", 4)
    resend = f"{WEBHOOKS}/resend"
    assert read(tester.http.post(resend, json={"since": since, "url": receiver.url("/x")})) == {
        "resent": 0
    }
    assert read(tester.http.post(resend, json={"since": since, "url": url})) == {"resent": 1}
    for one in lost:
        deliver(service, one)
        assert delivery(tester, one)["state"] == "delivered"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("resend", {}, "since"),
        ("resend", {"since": -1}, "since"),
        ("resend", {"since": 10**18}, "since"),
        ("resend", {"since": 0, "url": "http://10.0.0.1/"}, "url"),
        ("test", {}, "url"),
        ("test", {"url": 5}, "url"),
        ("test", {"url": "http://10.0.0.1/"}, "url"),
        ("receivers/enable", {"url": "https://x.test/\0"}, "url"),
        ("secret/rotate", {"overlapHours": 169}, "overlapHours"),
        ("secret/rotate", {"overlapHours": "1"}, "overlapHours"),
        ("secret/rotate", [], None),
    ],
)
def test_a_wrong_field_is_400_and_named(service: Service, path: str, body: Any, field: str | None):
    answer = service.customer().http.post(f"{WEBHOOKS}/{path}", json=body)
    read(answer, 400)
    assert answer.json()["data"].get("field") == field


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_what_is_no_json_is_400(tester: Customer, body: bytes):
    answer = tester.http.post(TEST, content=body, headers={"Content-Type": "application/json"})
    assert "not valid JSON" in read(answer, 400)


def test_a_test_is_answered_with_its_attempt(tester: Customer, receiver: Receiver):
    url = receiver.script("/hook", Reply(200, b"hello"), Reply(404))
    good, bad = [read(tester.http.post(TEST, json={"url": url})) for _ in range(2)]
    assert (good["event"], good["state"], good["url"]) == ("webhook.test", "delivered", url)
    assert [(one["status"], one["answer"]) for one in good["attempts"]] == [(200, "hello")]
    assert (bad["state"], bad["attempts"][0]["status"]) == ("dead", 404)
    assert receiver.requests[0].headers["webhook-id"] == good["id"]
    assert {one["id"] for one in deliveries(tester)} == {good["id"], bad["id"]}


def test_a_receiver_that_answers_410_is_disabled_until_it_is_enabled(
    service: Service, tester: Customer, receiver: Receiver
):
    url = receiver.script("/hook", Reply(410), Reply())
    gone, after = end(service, tester, url), end(service, tester, url)
    deliver(service, gone)
    dead = delivery(tester, after)
    assert (dead["state"], dead["attempts"]) == ("dead", [])
    (listed,) = receivers(tester)
    assert (listed["url"], listed["state"], listed["reason"]) == (url, "disabled", dead["reason"])
    assert read(tester.http.post(f"{WEBHOOKS}/{after}/resend"), 409) == dead["reason"]
    assert receivers(service.customer()) == []
    assert read(tester.http.post(ENABLE, json={"url": url})) == {"url": url, "enabled": True}
    assert receivers(tester) == []
    read(tester.http.post(f"{WEBHOOKS}/{after}/resend"))
    deliver(service, after)
    assert delivery(tester, after)["state"] == "delivered"


def test_a_test_that_succeeds_enables_a_receiver(
    service: Service, tester: Customer, receiver: Receiver
):
    url = receiver.script("/hook", Reply(410), Reply())
    deliver(service, end(service, tester, url))
    assert [one["state"] for one in receivers(tester)] == ["disabled"]
    read(tester.http.post(TEST, json={"url": url}))
    assert receivers(tester) == []


def test_receivers_are_listed_page_by_page(service: Service, tester: Customer, receiver: Receiver):
    urls = [receiver.script(f"/{name}", Reply(500)) for name in "abc"]
    for url in urls:
        deliver(service, end(service, tester, url))
    path = f"{WEBHOOKS}/receivers"
    first = read(tester.http.get(path, params={"limit": 2}))
    rest = read(tester.http.get(path, params={"cursor": first["nextCursor"]}))
    found = [*first["items"], *rest["items"]]
    assert [(one["url"], one["state"]) for one in found] == [(url, "active") for url in urls]
    assert "nextCursor" not in rest
    read(tester.http.get(path, params={"cursor": "\0"}), 400)


def test_a_rotated_secret_and_the_one_before_it_both_verify(service: Service, tester: Customer):
    service.clock.moment = datetime.datetime.now(datetime.UTC)  # the package looks at the real one
    inbox = open_inbox(tester)
    live = service.another_key(tester, test=False)
    assert "test key" in read(tester.http.post(ROTATE, json={"overlapHours": 0}), 403)
    first = read(live.http.post(ROTATE, json={"overlapHours": 0}))
    second = read(live.http.post(ROTATE, json={}))
    day_ms = 24 * 3_600_000
    assert second["previousValidUntil"] - first["previousValidUntil"] == day_ms
    read(tester.http.post(TEST, json={"url": inbox["url"]}))
    (message,) = messages(tester, inbox)
    assert message["signatureValid"]
    for rotated in (first, second):
        Webhook(rotated["secret"]).verify(message["body"], message["headers"])
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "a" * 32).verify(message["body"], message["headers"])


def test_who_signed_in_with_a_test_key_is_told_who_may_replace_the_secret(
    service: Service, tester: Customer
):
    visitor = Visitor(service)
    visitor.http.post(SESSION, headers={"Authorization": f"Bearer {tester.api_key}"})
    asked = {"json": {"overlapHours": 0}, "headers": FROM_PAGE}
    refused(
        visitor.http.post(ROTATE, **asked), 403, "Use a live key of the account, or the console"
    )
    visitor.follow(visitor.link(tester.account_id))
    assert read(visitor.http.post(ROTATE, **asked))["secret"].startswith("whsec_")
    visitor.http.close()


def test_an_inbox_takes_the_callbacks_of_a_server_that_can_reach_nobody(
    service: Service, tester: Customer
):
    inbox = open_inbox(tester)
    assert inbox["url"] == f"{service.url}/inbox/{inbox['inboxId']}"
    delivery_id = end(service, tester, inbox["url"])
    deliver(service, delivery_id)
    (message,) = messages(tester, inbox)
    (attempt,) = delivery(tester, delivery_id)["attempts"]
    assert attempt["status"] == 200
    assert message["headers"]["webhook-id"] == delivery_id
    assert message["signatureValid"]
    assert json.loads(message["body"])["data"]["state"] == "success"
    assert messages(tester, inbox, after=message["id"]) == []


def test_a_reader_of_an_inbox_waits_for_its_message(service: Service, tester: Customer):
    inbox = open_inbox(tester)
    delivery_id = end(service, tester, inbox["url"])
    found: list[Any] = []
    reader = threading.Thread(target=lambda: found.extend(messages(tester, inbox, wait=15)))
    reader.start()
    deliver(service, delivery_id)
    reader.join(10)
    assert [one["headers"]["webhook-id"] for one in found] == [delivery_id]


def test_anybody_may_post_to_an_inbox_and_it_is_told_apart(service: Service, tester: Customer):
    inbox = open_inbox(tester)
    headers = {"Content-Type": "text/plain", "X-Mine": "caf\xe9"}
    answer = service.http.post(
        f"/inbox/{inbox['inboxId']}",
        content=b"hi \xff",
        headers=[(name, text.encode("latin-1")) for name, text in headers.items()],
    )
    assert read(answer) == {"accepted": True}
    (message,) = messages(tester, inbox)
    assert message["body"] == "hi \N{REPLACEMENT CHARACTER}"
    assert message["headers"]["x-mine"] == "caf\xe9"
    assert not message["signatureValid"]


def test_an_inbox_refuses_what_is_too_large_or_too_much(service: Service, tester: Customer):
    path = f"/inbox/{open_inbox(tester)['inboxId']}"
    read(service.http.post(path, content=b"x" * MOST_BODY_BYTES))
    read(service.http.post(path, content=b"x" * (MOST_BODY_BYTES + 1)), 413)
    read(service.http.post(path, headers={"X-Much": "x" * 17_000}), 413)
    for _ in range(MOST_POSTS_A_MINUTE - 1):
        read(service.http.post(path))
    answer = service.http.post(path)
    assert "120 messages a minute" in read(answer, 429)
    assert int(answer.headers["retry-after"]) >= 1
    service.clock.advance(60)
    read(service.http.post(path))


def test_an_inbox_that_is_gone_or_anothers_is_not_there(service: Service, tester: Customer):
    inbox_id = open_inbox(tester)["inboxId"]
    stranger = service.customer()
    for asked in (inbox_id, "x" * 32, "%00" * 32, "x"):
        read(stranger.http.get(f"{INBOXES}/{asked}/messages"), 404)
    for asked in ("x" * 32, "%00" * 32, "x"):
        read(service.http.post(f"/inbox/{asked}"), 404)
    service.clock.advance(24 * 3600)
    read(tester.http.get(f"{INBOXES}/{inbox_id}/messages"), 404)
    read(service.http.post(f"/inbox/{inbox_id}"), 404)


@pytest.mark.parametrize(
    ("name", "value"), [("wait", "61"), ("wait", "x"), ("after", "-1"), ("after", "9" * 19)]
)
def test_a_wrong_question_to_an_inbox_is_400(tester: Customer, name: str, value: str):
    inbox_id = open_inbox(tester)["inboxId"]
    answer = tester.http.get(f"{INBOXES}/{inbox_id}/messages", params={name: value})
    read(answer, 400)
    assert answer.json()["data"]["field"] == name
