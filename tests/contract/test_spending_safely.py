"""Idempotency keys, limits of keys, usage and statement, as a client meets them."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from contract.service import BALANCE, GENERATE, Customer, Service
from heliograph.accounts.limit import KeyLimits, limit_key
from heliograph.base.clock import unix_ms
from heliograph.ledger.store import top_up

USAGE = "/api/v1/apikeys/usage"
STATEMENT = "/api/v1/statement"
USAGE_DAYS = "/api/v1/usage"
BODY = {"input": {"mode": "text-to-image", "prompt": "a panda", "num_images": 2}}


def post(customer: Customer, key: str, body: Any = BODY) -> httpx2.Response:
    return customer.http.post(GENERATE, json=body, headers={"Idempotency-Key": key})


def limit(service: Service, customer: Customer, **limits: Any) -> None:
    """Change the limits of the customer's key; the key is known anew a second later."""
    key_id = customer.api_key.split("_")[2]
    service.run(limit_key(service.runtime.pool, key_id, KeyLimits(**limits)))
    service.clock.advance(1)


def test_a_repeated_request_is_answered_the_same_and_says_so(customer: Customer):
    first, again = post(customer, "order-7"), post(customer, "order-7")
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert customer.http.get(BALANCE).json()["data"] == 99.94


def test_the_same_request_in_other_words_is_the_same(customer: Customer):
    first = post(customer, "order-7")
    fields = {
        "num_images": "2",
        "aspect_ratio": "1:1",
        "prompt": " a panda",
        "mode": "text-to-image",
    }
    again = post(customer, "order-7", {"unknown": 1, "input": fields, "request_type": "async"})
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()


def test_two_idempotency_keys_in_one_request_are_refused(customer: Customer):
    def sent(*keys: str) -> httpx2.Response:
        headers = [("Idempotency-Key", key) for key in keys]
        return customer.http.post(GENERATE, json=BODY, headers=headers)

    refused = sent("one", "two")
    assert refused.status_code == 400
    assert refused.json()["data"]["field"] == "Idempotency-Key"
    assert sent("one", "one").status_code == 200
    assert customer.http.get(BALANCE).json()["data"] == 99.94


def test_a_rehearsal_with_a_test_key_is_not_the_answer_to_a_live_request(
    service: Service, customer: Customer
):
    rehearsal = service.another_key(customer, test=True)
    first, live = post(rehearsal, "order-7"), post(customer, "order-7")
    assert "idempotent-replayed" not in live.headers
    assert live.json() != first.json()
    assert post(rehearsal, "order-7").json() == first.json()
    assert post(customer, "order-7").json() == live.json()
    assert customer.http.get(BALANCE).json()["data"] == 99.94


def test_another_request_under_the_same_key_is_422(customer: Customer):
    post(customer, "order-7")
    other = post(customer, "order-7", {"input": BODY["input"] | {"num_images": 1}})
    assert (other.status_code, other.json()["code"]) == (422, 422)
    assert "order-7" in other.json()["message"]
    assert customer.http.get(BALANCE).json()["data"] == 99.94


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xe4"])
def test_what_cannot_be_a_key_is_400_and_named(customer: Customer, key: str):
    header = {"Idempotency-Key": key.encode("latin-1")}
    answer = customer.http.post(GENERATE, json=BODY, headers=header)
    assert answer.status_code == 400
    assert answer.json()["data"]["field"] == "Idempotency-Key"


def test_a_cap_refuses_with_402_and_says_what_is_spent(service: Service, customer: Customer):
    limit(service, customer, monthly_cap_micros=70_000)
    customer.submit(num_images=2)
    answer = customer.http.post(GENERATE, json=BODY)
    assert answer.status_code == 402
    assert answer.json()["message"].startswith(
        "The key's monthly cap of $0.07 would be passed: $0.06 is spent, the task needs $0.06."
    )


def test_usage_shows_the_limits_that_the_key_has_and_what_is_spent_of_them(
    service: Service, customer: Customer
):
    plain = customer.http.get(USAGE).json()["data"]
    assert plain == {
        "keyId": customer.api_key.split("_")[2],
        "name": "contract",
        "routing": "auto",
        "test": False,
        "rateLimitPerMinute": 10_000,
        "maxLiveTasks": 1_000,
        "liveTasks": 0,
        "balance": 100,
        "held": 0,
    }
    customer.submit(num_images=2)
    limits = {"models": ("wan-2-5-image",), "networks": ("127.0.0.0/8",)}
    limit(service, customer, total_cap_micros=10**6, **limits)
    usage = customer.http.get(USAGE).json()["data"]
    assert usage == plain | {
        "totalCap": 1,
        "spentThisMonth": 0.06,
        "spentTotal": 0.06,
        "models": ["wan-2-5-image"],
        "networks": ["127.0.0.0/8"],
        "liveTasks": 1,
        "balance": 99.94,
        "held": 0.06,
    }


def test_a_key_that_may_not_use_the_model_is_403(service: Service, customer: Customer):
    limit(service, customer, models=("another-model",))
    answer = customer.http.post(GENERATE, json=BODY)
    assert (answer.status_code, answer.json()["data"]) == (403, None)


def test_a_key_is_good_only_in_its_networks(service: Service, customer: Customer):
    limit(service, customer, networks=("10.0.0.0/8", "2001:db8::/32"))
    for method, path in (("GET", BALANCE), ("POST", GENERATE), ("GET", USAGE)):
        answer = customer.http.request(method, path, headers={"X-Forwarded-For": "10.0.0.1"})
        assert answer.status_code == 403
        assert "not be used from your address, 127.0.0.1." in answer.json()["message"]
    limit(service, customer, networks=("127.0.0.0/8",))
    assert customer.http.get(BALANCE).status_code == 200


async def pay_in(service: Service, customer: Customer, times: int) -> None:
    pool, now = service.runtime.pool, service.clock.now()
    for _ in range(times):
        await top_up(pool, customer.account_id, 10_000, note=None, now=now)


def pages(customer: Customer, **query: Any) -> Iterator[list[dict[str, Any]]]:
    cursor: dict[str, str] = {}
    while True:
        data = customer.http.get(STATEMENT, params={**query, **cursor}).json()["data"]
        yield data["items"]
        if "nextCursor" not in data:
            return
        cursor = {"cursor": data["nextCursor"]}


def test_a_statement_shows_every_movement_page_by_page(service: Service):
    customer = service.customer(dollars=1)
    task_id = customer.submit(num_images=1)
    service.run(pay_in(service, customer, 100))
    first, second = pages(customer)
    assert (len(first), len(second)) == (100, 2)
    for line in first[:2]:
        assert line.pop("time") > 0
    assert first[:2] == [
        {"kind": "topup", "amount": 1, "moved": 1, "balance": 1, "note": "contract"},
        {"kind": "hold", "amount": -0.03, "moved": 0.03, "balance": 0.97, "taskId": task_id},
    ]
    assert second[-1]["balance"] == customer.http.get(BALANCE).json()["data"] == 1.97


def test_a_statement_of_a_period_has_what_moved_in_it(service: Service):
    customer = service.customer(dollars=1)
    service.clock.advance(10)
    since = unix_ms(service.clock.now())
    customer.submit(num_images=1)
    (lines,) = pages(customer, **{"from": since})
    assert [line["kind"] for line in lines] == ["hold"]
    (lines,) = pages(customer, to=since)
    assert [line["kind"] for line in lines] == ["topup"]


def test_a_statement_comes_as_a_file_too(service: Service):
    customer = service.customer(dollars=1)
    service.run(pay_in(service, customer, 120))
    answer = customer.http.get(STATEMENT, params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "statement.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 121
    assert rows[-1]["balance"] == "2.200000"


def test_the_usage_has_an_entry_for_each_of_the_days_up_to_today(service: Service):
    customer = service.customer(dollars=1)
    today = service.clock.now().date()
    for query, count in (({}, 30), ({"days": "1"}, 1), ({"days": "366"}, 366)):
        items = customer.http.get(USAGE_DAYS, params=query).json()["data"]["items"]
        assert len(items) == count
        assert items[-1] == {"date": today.isoformat(), "charged": 0, "tasks": 0}
    for wrong in ("0", "367", "x", ""):
        answer = customer.http.get(USAGE_DAYS, params={"days": wrong})
        assert (answer.status_code, answer.json()["data"]["field"]) == (400, "days")


@pytest.mark.parametrize(
    "query", [{"from": "now"}, {"to": "-1"}, {"to": "9" * 20}, {"format": "pdf"}, {"cursor": "x"}]
)
def test_a_parameter_that_cannot_be_read_is_400_and_named(
    customer: Customer, query: dict[str, str]
):
    answer = customer.http.get(STATEMENT, params=query)
    assert answer.status_code == 400
    assert [answer.json()["data"]["field"]] == list(query)
