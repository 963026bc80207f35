"""Batches, as a client meets them."""

from typing import Any

import httpx2
import pytest

from contract.service import BALANCE, GENERATE, Customer, Service

BATCHES = f"{GENERATE}/batches"


def body(*numbers: int, **fields: Any) -> dict[str, Any]:
    items = [
        {
            "client_item_id": f"row-{number}",
            "idempotency_key": f"k-{number}",
            "input": {"mode": "text-to-image", "prompt": "a panda", "num_images": number},
        }
        for number in numbers
    ]
    return {"items": items, **fields}


def post(customer: Customer, sent: Any, key: str | None = "batch-1") -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return customer.http.post(BATCHES, json=sent, headers=headers)


def show(customer: Customer, batch_id: str) -> httpx2.Response:
    return customer.http.get(f"{BATCHES}/{batch_id}")


def test_a_batch_is_submitted_followed_and_repeated(service: Service, tester: Customer):
    answer = post(tester, body(1, 2))
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    first, second = data["items"]
    assert (list(data), list(first)) == (
        ["batchId", "items"],
        ["client_item_id", "taskId", "state"],
    )
    assert [(one["client_item_id"], one["state"]) for one in data["items"]] == [
        ("row-1", "pending"),
        ("row-2", "pending"),
    ]
    service.finish(first["taskId"])
    shown = show(tester, data["batchId"]).json()["data"]
    assert (shown["state"], "completeTime" in shown) == ("processing", False)
    assert shown["counts"] == {"pending": 1, "processing": 0, "success": 1, "failed": 0}
    status = tester.status(first["taskId"]).json()["data"]
    assert shown["items"][0] == status | {"client_item_id": "row-1"}
    service.finish(second["taskId"])
    ended = show(tester, data["batchId"]).json()["data"]
    assert ended["state"] == "completed"
    assert ended["completeTime"] == ended["items"][1]["completeTime"]
    again = post(tester, body(1, 2))
    assert again.headers["idempotent-replayed"] == "true"
    assert [one["state"] for one in again.json()["data"]["items"]] == ["success", "success"]


def test_without_an_idempotency_key_a_batch_is_400_and_says_so(customer: Customer):
    answer = post(customer, body(1), None)
    assert answer.status_code == 400
    assert answer.json()["data"]["field"] == "Idempotency-Key"
    assert "Missing required header: Idempotency-Key" in answer.json()["message"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "items"),
        (body(1, 5), "items[1].input.num_images"),
        (body(1, webhook_url="http://10.0.0.1/"), "webhook_url"),
        (body(1, webhook_url=7), "webhook_url"),
    ],
)
def test_a_wrong_batch_is_400_and_names_the_field(customer: Customer, sent: Any, field: str):
    answer = post(customer, sent)
    assert answer.status_code == 400, answer.text
    assert answer.json()["data"]["field"] == field
    assert customer.http.get(BALANCE).json()["data"] == 100


def test_a_batch_of_which_not_all_can_be_paid_is_402_and_nothing_is_held(service: Service):
    customer = service.customer(dollars=0.1)
    answer = post(customer, body(1, 3))
    assert answer.status_code == 402
    assert "the batch needs $0.12, available is $0.10" in answer.json()["message"]
    assert customer.http.get(BALANCE).json()["data"] == 0.1


def test_another_batch_or_an_item_of_before_is_422(customer: Customer):
    post(customer, body(1, 2))
    assert post(customer, body(1)).status_code == 422
    answer = post(customer, body(2, 3), "batch-2")
    assert (answer.status_code, answer.json()["data"]) == (422, None)
    assert "items[0].idempotency_key k-2" in answer.json()["message"]


def test_a_batch_is_seen_by_its_account_alone(service: Service, customer: Customer):
    batch_id = post(customer, body(1)).json()["data"]["batchId"]
    asked = [
        show(service.customer(), batch_id),
        show(customer, batch_id.upper()),
        show(customer, "0" * 32),
        customer.http.get(f"/api/v1/generateTask/wan-2-6-image/batches/{batch_id}"),
    ]
    assert {one.status_code for one in asked} == {404}
    assert len({one.content for one in asked}) == 1
    assert customer.http.post("/api/v1/generateTask/x/batches", json=body(1)).status_code == 404
    listed = customer.http.get("/api/v1/tasks", params={"batchId": batch_id}).json()["data"]
    assert [one["batchId"] for one in listed["items"]] == [batch_id]
