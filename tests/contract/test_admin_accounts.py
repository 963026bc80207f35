"""What operators see of accounts and do to them, and what is written down of it."""

import asyncio
from collections.abc import Iterator

import pytest

from contract.operator import Operator
from contract.service import BALANCE, GENERATE, Customer, Service
from contract.visitor import refused
from heliograph.base.errors import UnprocessableEntity
from heliograph.ledger.audit import audit
from heliograph.ledger.money import Funding
from heliograph.operators.credit import Credit, credit_account

TASK = {"input": {"mode": "text-to-image", "prompt": "a panda", "num_images": 1}}


@pytest.fixture
def operator(service: Service) -> Iterator[Operator]:
    operator = Operator(service)
    yield operator
    operator.http.close()


def account(operator: Operator, customer: Customer) -> dict:
    return operator.get(f"accounts/{customer.account_id}")["account"]


def test_accounts_are_found_by_name_by_id_and_by_the_id_of_a_key(
    service: Service, operator: Operator, customer: Customer
):
    service.run(
        service.runtime.pool.execute(
            "UPDATE accounts SET name = 'Bäckerei 7%' WHERE account_id = $1", customer.account_id
        )
    )
    for words in ("bäckerei", "7%", customer.account_id, customer.account_id[:9], "ckerei 7"):
        found = operator.get("accounts", q=words)["items"]
        assert [one["accountId"] for one in found] == [customer.account_id], words
    (found,) = operator.get("accounts", q=customer.api_key.split("_")[2])["items"]
    assert (found["balance"], found["liveTasks"], found["keys"]) == (100, 0, 1)
    assert operator.get("accounts", q="no such account")["items"] == []


def test_accounts_come_page_by_page_the_youngest_first(service: Service, operator: Operator):
    made = [service.customer().account_id for _ in range(3)]
    first = operator.get("accounts", limit=2)
    second = operator.get("accounts", limit=2, cursor=first["nextCursor"])
    listed = [one["accountId"] for one in first["items"] + second["items"]]
    assert len(set(listed)) == 4
    assert set(made) & set(listed)


def test_an_account_shows_what_it_has_and_never_a_secret(operator: Operator, customer: Customer):
    customer.submit(num_images=2)
    answer = operator.http.get(f"/api/v1/admin/accounts/{customer.account_id}")
    shown = answer.json()["data"]
    assert (shown["account"]["liveTasks"], shown["account"]["held"]) == (1, 0.06)
    (key,) = shown["keys"]
    assert (key["usable"], key["rateLimitPerMinute"]) == (True, 10_000)
    assert "whsec_" not in answer.text
    assert customer.api_key not in answer.text


def test_an_account_that_is_not_there_is_404(operator: Operator):
    refused(operator.http.get("/api/v1/admin/accounts/acc_0"), 404, "There is no account")
    refused(operator.post("accounts/acc_0/credit", {"amount": 1}), 404, "There is no account")
    refused(operator.post("accounts/acc_0/limits", {"maxLiveTasks": 1}), 404, "There is no")
    refused(operator.post("keys/nobody00/revoke"), 404, "There is no key")


def test_what_the_database_cannot_hold_is_refused(operator: Operator, customer: Customer):
    refused(operator.http.get("/api/v1/admin/accounts/a%00"), 404, "nothing of that name")
    refused(operator.post("accounts/a%00/credit", {"amount": 1}), 404, "nothing of that name")
    refused(operator.post("keys/k%00/revoke"), 404, "nothing of that name")
    refused(operator.post("models/m%00/switch", {"on": True}), 404, "no such model")
    credit = f"accounts/{customer.account_id}/credit"
    refused(operator.post(credit, {"amount": 1, "note": "\0"}), 400, "note")
    refused(operator.post(credit, {"amount": 1, "note": "x" * 501}), 400, "note")
    refused(operator.post("webhooks/resend", {"since": 0, "url": "\0"}), 400, "url")
    refused(operator.post("webhooks/resend", {"since": 0, "accountId": "\0"}), 400, "accountId")


def test_a_top_up_can_be_spent_and_stands_in_statement_and_log(
    service: Service, operator: Operator, customer: Customer
):
    path = f"accounts/{customer.account_id}/credit"
    after = operator.done(path, {"amount": "12.345678", "note": " invoice 7 "})
    assert after["account"]["balance"] == 112.345678
    assert customer.http.get(BALANCE).json()["data"] == 112.345678
    line = customer.http.get("/api/v1/statement").json()["data"]["items"][-1]
    assert (line["kind"], line["amount"], line["note"]) == ("topup", 12.345678, "invoice 7")
    (entry,) = operator.log(customer.account_id)
    assert entry | {"id": 0, "time": 0} == {
        "id": 0,
        "time": 0,
        "operator": "Ada",
        "action": "topup",
        "subject": customer.account_id,
        "accountId": customer.account_id,
        "before": {"balance": 100},
        "after": {"balance": 112.345678, "amount": 12.345678},
        "note": "invoice 7",
    }
    found = service.run(audit(service.runtime.pool))
    assert [one for one in found if customer.account_id in one.subject] == []


def test_a_correction_may_be_below_zero_but_takes_no_more_than_there_is(
    operator: Operator, customer: Customer
):
    path = f"accounts/{customer.account_id}/credit"
    body = {"kind": "adjust", "amount": -40, "note": "paid twice"}
    assert operator.done(path, body)["account"]["balance"] == 60
    refused(operator.post(path, body | {"amount": -60.01}), 402, "$60.00 is available")
    refused(operator.post(path, body | {"note": "  "}), 400, "needs a note")
    assert account(operator, customer)["balance"] == 60
    assert [one["action"] for one in operator.log(customer.account_id)] == ["adjust"]


@pytest.mark.parametrize(
    "amount", [0, -1, "1e3", "0.0000001", "ten", "", "NaN", 10**12, 0.1 + 0.2, True, None, [1]]
)
def test_what_is_no_amount_moves_nothing(operator: Operator, customer: Customer, amount: object):
    answer = operator.post(f"accounts/{customer.account_id}/credit", {"amount": amount})
    assert answer.status_code == 400, answer.text
    assert answer.json()["data"]["field"] == "amount"
    assert account(operator, customer)["balance"] == 100
    assert operator.log(customer.account_id) == []


def test_money_moves_once_for_each_idempotency_key(operator: Operator, customer: Customer):
    path, key = f"accounts/{customer.account_id}/credit", {"Idempotency-Key": customer.account_id}
    first = operator.post(path, {"amount": 5, "note": "a"}, **key)
    again = operator.post(path, {"amount": 5, "note": "a"}, **key)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    for other in ({"amount": 6, "note": "a"}, {"amount": 5, "note": "b"}):
        refused(operator.post(path, other, **key), 422, "another movement")
    assert account(operator, customer)["balance"] == 105
    assert len(operator.log(customer.account_id)) == 1


def test_of_twenty_equal_top_ups_at_once_one_moves_money(service: Service, customer: Customer):
    async def all_at_once() -> list[bool]:
        credit = Credit(customer.account_id, Funding("topup", 1_000_000, None), "twenty")
        calls = [
            credit_account(service.runtime.pool, "Ada", credit, now=service.clock.now())
            for _ in range(20)
        ]
        return [replayed for _, replayed in await asyncio.gather(*calls)]

    assert sorted(service.run(all_at_once())) == [False] + [True] * 19
    assert customer.http.get(BALANCE).json()["data"] == 101


def test_of_one_key_for_many_accounts_at_once_one_counts(service: Service):
    accounts = [service.customer().account_id for _ in range(8)]

    async def credited(account_id: str) -> bool:
        credit = Credit(account_id, Funding("topup", 5, None), "shared")
        try:
            await credit_account(service.runtime.pool, "Ada", credit, now=service.clock.now())
        except UnprocessableEntity:
            return False
        return True

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*map(credited, accounts))

    assert sorted(service.run(all_at_once())) == [False] * 7 + [True]


def test_a_limit_holds_from_the_next_submit_on(operator: Operator, customer: Customer):
    path = f"accounts/{customer.account_id}/limits"
    customer.submit()
    customer.submit()
    assert operator.done(path, {"maxLiveTasks": 1})["account"]["maxLiveTasks"] == 1
    assert account(operator, customer)["liveTasks"] == 2
    assert customer.http.post(GENERATE, json=TASK).status_code == 429
    operator.done(path, {"maxLiveTasks": 3})
    customer.submit()
    changes = [(one["before"], one["after"]) for one in operator.log(customer.account_id)]
    assert changes == [
        ({"maxLiveTasks": 1}, {"maxLiveTasks": 3}),
        ({"maxLiveTasks": 1000}, {"maxLiveTasks": 1}),
    ]
    operator.done(path, {"maxLiveTasks": 3})
    assert len(operator.log(customer.account_id)) == 2


@pytest.mark.parametrize("most", [0, -1, 1_000_001, 1.5, "7", None])
def test_what_is_no_limit_is_refused(operator: Operator, customer: Customer, most: object):
    answer = operator.post(f"accounts/{customer.account_id}/limits", {"maxLiveTasks": most})
    refused(answer, 400, "maxLiveTasks")


def test_a_revoked_key_is_over_within_a_second_and_logged_once(
    service: Service, operator: Operator, customer: Customer
):
    key_id = customer.api_key.split("_")[2]
    assert customer.http.get(BALANCE).status_code == 200
    for _ in range(2):
        assert operator.done(f"keys/{key_id}/revoke") == {"keyId": key_id, "revoked": True}
    service.clock.advance(1)
    assert customer.http.get(BALANCE).status_code == 401
    (key,) = operator.get(f"accounts/{customer.account_id}")["keys"]
    assert key["usable"] is False
    assert key["revokedTime"]
    (entry,) = operator.log(customer.account_id)
    assert (entry["action"], entry["subject"]) == ("revoke", key_id)


def test_the_log_comes_page_by_page_the_youngest_first(operator: Operator, customer: Customer):
    for amount in (1, 2, 3):
        operator.done(f"accounts/{customer.account_id}/credit", {"amount": amount})
    first = operator.get("log", accountId=customer.account_id, limit=2)
    rest = operator.get("log", accountId=customer.account_id, cursor=first["nextCursor"])
    amounts = [one["after"]["amount"] for one in first["items"] + rest["items"]]
    assert amounts == [3, 2, 1]
    assert "nextCursor" not in rest


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("accounts", {"limit": "0"}),
        ("accounts", {"cursor": "x"}),
        ("accounts", {"q": "x" * 101}),
        ("accounts", {"q": "\0"}),
        ("log", {"cursor": "-1"}),
        ("log", {"accountId": "\0"}),
        ("providers", {"days": "0"}),
        ("webhooks", {"cursor": "7"}),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(operator: Operator, path: str, query: dict):
    answer = operator.http.get(f"/api/v1/admin/{path}", params=query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["data"]["field"] in query
