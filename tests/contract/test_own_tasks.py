"""Listing, reading, cancelling and deleting tasks."""

import pytest

from contract.service import GENERATE, MODEL, Customer, Service
from heliograph.tasks.retention.store import FORGOTTEN

CANCEL = f"/api/v1/cancelTask/{MODEL}"


@pytest.fixture
def customer(service: Service) -> Customer:
    return service.customer(dollars=5)


@pytest.fixture
def tester(service: Service) -> Customer:
    return service.customer(test=True)


def listed(customer: Customer, **filters: object) -> list[str]:
    answer = customer.http.get("/api/v1/tasks", params=filters)
    assert answer.status_code == 200, answer.text
    return [item["taskId"] for item in answer.json()["data"]["items"]]


def detail(customer: Customer, task_id: str) -> dict:
    return customer.http.get(f"/api/v1/tasks/{task_id}").json()["data"]


def test_tasks_are_listed_page_by_page_the_youngest_first(customer: Customer):
    ids = [customer.submit(f"panda {number}") for number in range(5)]
    first = customer.http.get("/api/v1/tasks", params={"limit": 2}).json()["data"]
    assert [item["taskId"] for item in first["items"]] == sorted(ids)[:2:-1]
    rest = customer.http.get("/api/v1/tasks", params={"cursor": first["nextCursor"]}).json()["data"]
    assert [item["taskId"] for item in rest["items"]] == sorted(ids)[2::-1]
    assert "nextCursor" not in rest
    assert "timeline" not in rest["items"][0]


def test_tasks_are_filtered(service: Service, tester: Customer):
    wolf, panda = tester.submit("A grey Wolf"), tester.submit("a panda")
    service.finish(panda)
    assert listed(tester, state="success") == [panda]
    assert listed(tester, q="wolf") == [wolf]
    assert listed(tester, mode="image-to-image") == []
    assert set(listed(tester, model=MODEL)) == {wolf, panda}
    assert listed(tester, createdBefore=1_000) == []
    assert set(listed(tester, createdAfter=1_000)) == {wolf, panda}
    assert listed(tester, batchId="0" * 32) == []


def test_tasks_of_another_account_are_not_listed(service: Service, customer: Customer):
    customer.submit()
    assert listed(service.customer()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "x"),
        ("cursor", "zz"),
        ("state", "happy"),
        ("batchId", "1"),
        ("createdAfter", "yesterday"),
        ("createdBefore", "9" * 30),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(customer: Customer, name: str, value: str):
    answer = customer.http.get("/api/v1/tasks", params={name: value})
    assert answer.status_code == 400
    assert answer.json()["data"]["field"] == name
    assert "must be" in answer.json()["message"]


def test_a_task_tells_its_story_and_its_money(service: Service, tester: Customer):
    task_id = tester.submit(num_images=2)
    assert detail(tester, task_id)["queuePosition"] >= 1
    service.finish(task_id)
    task = detail(tester, task_id)
    events = [one["event"] for one in task["timeline"]]
    assert events == ["received", "claimed", "dispatched", "stored", "success"]
    assert [one["time"] for one in task["timeline"]] == sorted(o["time"] for o in task["timeline"])
    assert task["receipt"] == {"held": 0, "charged": 0, "refunded": 0, "lines": []}
    assert "queuePosition" not in task
    assert len(task["images"]) == 2


def test_a_cancelled_task_gives_everything_back(customer: Customer):
    task_id = customer.submit(num_images=4)
    held = detail(customer, task_id)["receipt"]
    assert (held["held"], held["charged"], held["refunded"]) == (0.12, 0, 0)
    answer = customer.http.post(CANCEL, params={"taskId": task_id})
    assert answer.json()["data"]["state"] == "failed"
    assert answer.json()["data"]["failCode"] == "Cancelled"
    receipt = detail(customer, task_id)["receipt"]
    assert [line["kind"] for line in receipt["lines"]] == ["hold", "release"]
    assert (receipt["held"], receipt["charged"], receipt["refunded"]) == (0.12, 0, 0.12)
    assert [e["event"] for e in detail(customer, task_id)["timeline"]][-1] == "refunded"
    again = customer.http.post(CANCEL, params={"taskId": task_id})
    assert again.status_code == 409
    assert "failed" in again.json()["message"]


def test_results_are_kept_as_long_as_the_request_says_and_no_longer_than_the_operator(
    service: Service, tester: Customer
):
    body = {"input": {"mode": "text-to-image", "prompt": "a panda"}}
    short = tester.http.post(GENERATE, json=body | {"retention_hours": 2}).json()["data"]["taskId"]
    service.finish(short)
    task = detail(tester, short)
    kept_ms = task["filesExpireTime"] - task["completeTime"]
    assert kept_ms == 2 * 3600 * 1000
    for hours, words in ((0, "at least 1"), ("2", "whole number"), (169, "at most 168")):
        refused = tester.http.post(GENERATE, json=body | {"retention_hours": hours})
        assert refused.status_code == 400
        assert refused.json()["data"]["field"] == "retention_hours"
        assert words in refused.json()["message"]


def test_what_cannot_be_cancelled_is_said(service: Service, customer: Customer):
    assert customer.http.post(CANCEL).status_code == 400
    assert customer.http.post(CANCEL, params={"taskId": "x"}).status_code == 404
    theirs = service.customer(dollars=1).submit(num_images=1)
    assert customer.http.post(CANCEL, params={"taskId": theirs}).status_code == 404
    mine = customer.submit()
    wrong = customer.http.post("/api/v1/cancelTask/other-model", params={"taskId": mine})
    assert wrong.status_code == 404


def test_what_was_said_of_a_failure_goes_with_the_data_that_it_quotes(
    service: Service, tester: Customer
):
    task_id = tester.submit("a panda [[nope secret-words]]")
    path = f"/api/v1/tasks/{task_id}"
    service.finish(task_id)
    assert "secret-words" in tester.status(task_id).json()["data"]["failMsg"]
    assert tester.http.delete(path).status_code == 200
    task = detail(tester, task_id)
    assert "secret-words" not in str(task)
    assert "files deleted" not in {event["event"] for event in task["timeline"]}
    failed = tester.status(task_id).json()["data"]
    assert failed["failCode"] == "BadRequest"
    assert failed["failMsg"] == FORGOTTEN


def test_what_was_said_of_single_pictures_goes_too_and_those_that_were_made_stay_named(
    service: Service, tester: Customer
):
    task_id = tester.submit("a panda [[partial:1]]", num_images=2)
    service.finish(task_id)
    made, missing = detail(tester, task_id)["images"]
    assert missing["failMsg"] != FORGOTTEN
    assert tester.http.delete(f"/api/v1/tasks/{task_id}").status_code == 200
    assert detail(tester, task_id)["images"] == [made, missing | {"failMsg": FORGOTTEN}]


def test_a_deleted_task_keeps_its_money_and_loses_its_content(service: Service, tester: Customer):
    task_id = tester.submit("a secret panda", negative_prompt="zebras")
    path = f"/api/v1/tasks/{task_id}"
    assert tester.http.delete(path).status_code == 409
    service.finish(task_id)
    url = detail(tester, task_id)["images"][0]["url"]
    assert service.http.get(url).status_code == 200
    assert tester.http.delete(path).json()["data"] == {"taskId": task_id, "deleted": True}
    assert tester.http.delete(path).status_code == 200
    assert service.http.get(url).status_code == 410
    task = detail(tester, task_id)
    assert "secret" not in str(task)
    assert "zebras" not in str(task)
    assert task["dataDeletedTime"]
    assert listed(tester, q="secret") == []
    assert service.customer().http.delete(path).status_code == 404
    assert tester.status(task_id).json()["data"]["state"] == "success"
