"""Waiting for a task: the long poll, the copy that is still good, and the stream of events."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from contract.service import STATUS, Customer, Service
from heliograph.accounts.keys import parse_key
from heliograph.accounts.store import revoke_key


@pytest.fixture
def customer(service: Service) -> Customer:
    return service.customer(test=True)


def wait(customer: Customer, task_id: str, seconds: object) -> httpx2.Response:
    return customer.http.get(STATUS, params={"taskId": task_id, "wait": seconds})


def events(text: str) -> list[tuple[int, dict]]:
    """Id and data of each event; comments are passed over."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if fields:
            assert fields["event"] == "status"
            found.append((int(fields["id"]), json.loads(fields["data"])))
    return found


def test_a_wait_ends_with_the_task(service: Service, customer: Customer):
    task_id = customer.submit()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait, customer, task_id, 60)
        service.finish(task_id)
        finished = time.monotonic()
        answer = waiting.result(20)
        print(f"\nanswered {1000 * (time.monotonic() - finished):.0f} ms after the end")
    assert answer.json()["data"]["state"] == "success"
    assert "retry-after" not in answer.headers


def test_a_wait_that_is_over_tells_how_it_stands(customer: Customer):
    task_id = customer.submit()
    started = time.monotonic()
    answer = wait(customer, task_id, 1)
    assert answer.json()["data"]["state"] == "pending"
    assert 0.9 < time.monotonic() - started < 10


def test_a_task_that_has_ended_is_not_waited_for(service: Service, customer: Customer):
    task_id = customer.submit()
    service.finish(task_id)
    started = time.monotonic()
    assert wait(customer, task_id, 60).json()["data"]["state"] == "success"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "seconds", ["61", "-1", "1.5", "x", "", "²", "0" * 9 + "75", "0" * 9 + "9" * 400]
)
def test_a_wait_that_cannot_be_read_is_refused_with_its_limits(customer: Customer, seconds: str):
    answer = wait(customer, customer.submit(), seconds)
    assert answer.status_code == 400
    assert answer.json()["data"]["field"] == "wait"
    assert "from 0 to 60" in answer.json()["message"]


def test_nobody_waits_for_a_task_of_another_account(service: Service, customer: Customer):
    assert wait(service.customer(), customer.submit(), 60).status_code == 404


def test_an_unfinished_task_says_when_to_ask_again(service: Service):
    customer = service.customer(dollars=1)
    assert int(customer.status(customer.submit()).headers["retry-after"]) >= 1


def test_a_copy_that_is_still_good_is_not_sent_again(service: Service, customer: Customer):
    task_id = customer.submit()
    first = customer.status(task_id)
    again = customer.http.get(
        STATUS, params={"taskId": task_id}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    service.finish(task_id)
    changed = customer.http.get(
        STATUS, params={"taskId": task_id}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_events_tell_every_change_and_end_with_the_task(service: Service, customer: Customer):
    task_id = customer.submit("a panda [[delay:1]]")
    ready, texts = threading.Event(), []

    def follow() -> None:
        with customer.http.stream("GET", f"/api/v1/tasks/{task_id}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            for text in stream.iter_text():
                texts.append(text)
                ready.set()

    follower = threading.Thread(target=follow)
    follower.start()
    assert ready.wait(10)
    service.finish(task_id)
    service.finish(task_id, 2)
    follower.join(20)
    told = events("".join(texts))
    states = [data["state"] for _, data in told]
    assert states[0] == "pending"
    assert told[0][1]["queuePosition"] >= 1
    assert "processing" in states
    assert states[-1] == "success"
    assert [number for number, _ in told] == sorted({number for number, _ in told})


def test_events_are_resumed_behind_the_last_one_seen(service: Service, customer: Customer):
    task_id = customer.submit()
    service.finish(task_id)
    path = f"/api/v1/tasks/{task_id}/events"
    ((last, data),) = events(customer.http.get(path).text)
    assert data["resultJson"]
    assert events(customer.http.get(path, headers={"Last-Event-ID": str(last)}).text) == []
    assert len(events(customer.http.get(path, headers={"Last-Event-ID": str(last - 1)}).text)) == 1


def test_events_of_another_account_are_not_there(service: Service, customer: Customer):
    path = f"/api/v1/tasks/{customer.submit()}/events"
    assert service.customer().http.get(path).status_code == 404


def revoke(service: Service, customer: Customer) -> None:
    key_id = parse_key(customer.api_key)
    assert key_id
    service.run(revoke_key(service.runtime.pool, key_id, now=service.clock.now()))


def test_a_wait_with_a_key_that_is_revoked_meanwhile_is_refused(
    service: Service, customer: Customer
):
    task_id = customer.submit()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait, customer, task_id, 60)
        revoke(service, customer)
        service.finish(task_id)
        answer = waiting.result(20)
    assert answer.status_code == 401
    assert "files" not in answer.text


def test_events_end_when_the_key_is_revoked(service: Service, customer: Customer):
    task_id = customer.submit()
    with customer.http.stream("GET", f"/api/v1/tasks/{task_id}/events") as stream:
        texts = stream.iter_text()
        ((_, first),) = events(next(texts))
        revoke(service, customer)
        service.finish(task_id)
        assert events("".join(texts)) == []
    assert first["state"] == "pending"
