"""The keys of an account in the hands of its owner, and what others try with them."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from contract.service import BALANCE, GENERATE, Customer, Service
from contract.visitor import FROM_PAGE, SESSION, Visitor, refused
from heliograph.accounts.keys import MOST_KEYS

KEYS = "/api/v1/apikeys"


class Owner(Visitor):
    """An account's owner, signed in by a link."""

    def __init__(self, service: Service, account_id: str) -> None:
        super().__init__(service)
        self.follow(self.link(account_id))

    def send(self, method: str, path: str = "", **body: object) -> httpx2.Response:
        return self.http.request(method, KEYS + path, json=body, headers=FROM_PAGE)

    def done(self, method: str, path: str = "", **body: object) -> Any:
        answer = self.send(method, path, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def listed(self) -> list[dict[str, Any]]:
        return self.http.get(KEYS).json()["data"]["items"]


@pytest.fixture
def owner(service: Service, customer: Customer) -> Iterator[Owner]:
    owner = Owner(service, customer.account_id)
    yield owner
    owner.http.close()


def works(service: Service, api_key: str) -> bool:
    answer = service.http.get(BALANCE, headers={"Authorization": f"Bearer {api_key}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def test_a_new_key_is_shown_once_and_works(owner: Owner, service: Service):
    made = owner.done("POST", name="shop")
    assert works(service, made["apiKey"])
    assert made["apiKey"].startswith(made["key"]["prefix"] + "_")
    assert made["key"] | {"state": "active", "routing": "auto", "test": False} == made["key"]
    listed = owner.http.get(KEYS)
    assert made["apiKey"] not in listed.text
    assert made["key"] in listed.json()["data"]["items"]


def test_a_key_has_the_limits_that_its_owner_gave_it(owner: Owner, service: Service):
    ends_ms = int(service.clock.now().timestamp() * 1000) + 3_600_000
    limits = {
        "monthlyCap": 50.5,
        "totalCap": 0.000001,
        "models": ["wan-2-5-image"],
        "networks": ["203.0.113.0/24", "2001:db8::/32"],
        "expiresTime": ends_ms,
    }
    made = owner.done("POST", name="shop", test=True, routing="value", **limits)
    assert made["key"] | limits == made["key"]
    assert (made["key"]["test"], made["key"]["routing"]) == (True, "value")
    answer = service.http.get(BALANCE, headers={"Authorization": f"Bearer {made['apiKey']}"})
    refused(answer, 403, "may not be used from your address")


def test_a_key_says_when_it_was_last_used(owner: Owner, service: Service):
    made = owner.done("POST", name="shop")
    assert "lastUsedTime" not in made["key"]
    assert works(service, made["apiKey"])
    service.run(service.runtime.keys.close())
    key = next(key for key in owner.listed() if key["keyId"] == made["key"]["keyId"])
    assert key["lastUsedTime"] == int(service.clock.now().timestamp() * 1000)
    new = owner.done("POST", f"/{key['keyId']}/rotate", keepHours=1)["key"]
    assert "lastUsedTime" not in new


def test_limits_are_changed_and_taken_away_and_what_is_absent_stays(owner: Owner):
    key_id = owner.done("POST", name="shop", monthlyCap=5, models=["wan-2-5-image"])["key"]["keyId"]
    changed = owner.done("PATCH", f"/{key_id}", name="store", monthlyCap=None, totalCap=7)
    assert (changed["name"], changed["totalCap"]) == ("store", 7)
    assert changed["models"] == ["wan-2-5-image"]
    assert "monthlyCap" not in changed
    assert next(key for key in owner.listed() if key["keyId"] == key_id) == changed


def test_what_a_capped_key_has_spent_is_told(owner: Owner, service: Service):
    made = owner.done("POST", name="shop", monthlyCap=1)
    body = {"input": {"mode": "text-to-image", "prompt": "a panda", "num_images": 2}}
    headers = {"Authorization": f"Bearer {made['apiKey']}"}
    assert service.http.post(GENERATE, json=body, headers=headers).status_code == 200
    (key,) = [key for key in owner.listed() if key["keyId"] == made["key"]["keyId"]]
    assert key["spentThisMonth"] == 0.06


def test_a_replaced_key_works_for_its_time_and_shares_its_caps(owner: Owner, service: Service):
    old = owner.done("POST", name="shop", totalCap=9)
    new = owner.done("POST", f"/{old['key']['keyId']}/rotate", keepHours=1)
    assert (new["key"]["name"], new["key"]["totalCap"]) == ("shop", 9)
    assert works(service, old["apiKey"])
    assert works(service, new["apiKey"])
    service.clock.advance(3600)
    assert not works(service, old["apiKey"])
    assert works(service, new["apiKey"])
    states = {key["keyId"]: key["state"] for key in owner.listed()}
    assert states[old["key"]["keyId"]] == "expired"


def test_a_revoked_key_works_no_more_and_stays_in_the_list_behind_the_others(
    owner: Owner, service: Service
):
    made = owner.done("POST", name="leaked")
    key_id = made["key"]["keyId"]
    revoked = owner.done("POST", f"/{key_id}/revoke")
    assert revoked["state"] == "revoked"
    service.clock.advance(1)
    assert not works(service, made["apiKey"])
    assert owner.done("POST", f"/{key_id}/revoke") == revoked
    assert [key["state"] for key in owner.listed()] == ["active", "revoked"]
    assert owner.send("POST", f"/{key_id}/rotate", keepHours=1).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "a\u0000b"),
        ("name", "a\nb"),
        ("monthlyCap", -1),
        ("monthlyCap", 1e300),
        ("totalCap", 0.0000001),
        ("totalCap", "5"),
        ("models", []),
        ("models", ["no-such-model"]),
        ("networks", ["203.0.113.7/24"]),
        ("networks", ["everywhere"]),
        ("networks", ["10.0.0.0/8"] * 101),
        ("expiresTime", 1),
        ("expiresTime", 10**30),
        ("routing", "fast"),
    ],
)
def test_a_wrong_field_is_named_and_no_key_is_made(owner: Owner, field: str, value: object):
    before = owner.listed()
    answer = owner.send("POST", **{"name": "shop", field: value})
    assert answer.status_code == 400, answer.text
    assert answer.json()["data"]["field"].startswith(field)
    assert owner.listed() == before
    if field != "routing":
        assert owner.send("PATCH", f"/{before[0]['keyId']}", **{field: value}).status_code == 400
        assert owner.listed() == before


def test_a_change_that_names_nothing_is_refused(owner: Owner):
    key_id = owner.listed()[0]["keyId"]
    refused(owner.send("PATCH", f"/{key_id}"), 400, "nothing that shall change")


def test_the_keys_of_another_account_are_not_there(owner: Owner, service: Service):
    theirs = service.customer()
    key_id = theirs.api_key.split("_")[2]
    answers = [
        owner.send("PATCH", f"/{key_id}", name="mine"),
        owner.send("POST", f"/{key_id}/rotate", keepHours=1),
        owner.send("POST", f"/{key_id}/revoke"),
    ]
    nobodys = [
        owner.send("PATCH", "/00000000", name="mine"),
        owner.send("POST", "/00000000/rotate", keepHours=1),
        owner.send("POST", "/00000000/revoke"),
    ]
    assert [answer.status_code for answer in answers + nobodys] == [404] * 6
    for answer, nobody in zip(answers, nobodys, strict=True):
        told = (answer.json()["message"], nobody.json()["message"])
        assert told[0].replace(key_id, "00000000") == told[1]
    assert key_id not in {key["keyId"] for key in owner.listed()}
    service.clock.advance(2)
    assert works(service, theirs.api_key)


@pytest.mark.parametrize("key_id", ["%00%00%00%00%00%00%00%00", "x", "'; DROP--", "é" * 8, "..%2f"])
def test_an_id_that_can_be_none_is_not_there(owner: Owner, key_id: str):
    assert owner.send("POST", f"/{key_id}/revoke").status_code == 404


def routes(key_id: str) -> list[tuple[str, str]]:
    return [
        ("GET", KEYS),
        ("POST", KEYS),
        ("PATCH", f"{KEYS}/{key_id}"),
        ("POST", f"{KEYS}/{key_id}/rotate"),
        ("POST", f"{KEYS}/{key_id}/revoke"),
    ]


def count_keys(service: Service, customer: Customer) -> list[Any]:
    return service.run(
        service.runtime.pool.fetch(
            "SELECT key_id, name, revoked_at, expires_at FROM api_keys WHERE account_id = $1",
            customer.account_id,
        )
    )


def test_a_key_makes_no_keys_and_says_what_does(service: Service, customer: Customer):
    key_id = customer.api_key.split("_")[2]
    before = count_keys(service, customer)
    for method, path in routes(key_id):
        answer = customer.http.request(method, path, json={"name": "more"}, headers=FROM_PAGE)
        refused(answer, 403, "heliograph account sign-in ACCOUNT_ID")
    assert count_keys(service, customer) == before


def test_who_signed_in_with_a_key_makes_no_keys_either(service: Service, customer: Customer):
    visitor = Visitor(service)
    visitor.http.post(SESSION, headers={"Authorization": f"Bearer {customer.api_key}"})
    before = count_keys(service, customer)
    for method, path in routes(customer.api_key.split("_")[2]):
        answer = visitor.http.request(method, path, json={"name": "more"}, headers=FROM_PAGE)
        refused(answer, 403, "heliograph account sign-in ACCOUNT_ID")
    assert count_keys(service, customer) == before
    visitor.http.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Content-Type": "application/json"}, 403),
        ({"Origin": "https://evil.example", "Content-Type": "application/json"}, 403),
        ({"Origin": "null", "Content-Type": "application/json"}, 403),
        ({"Content-Type": "application/json"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"}, 415),
        ({"Sec-Fetch-Site": "same-origin"}, 415),
    ],
)
def test_another_site_makes_no_keys(
    owner: Owner, service: Service, customer: Customer, headers: dict[str, str], status: int
):
    before = count_keys(service, customer)
    for method, path in routes(owner.listed()[0]["keyId"])[1:]:
        answer = owner.http.request(method, path, content=b'{"name": "more"}', headers=headers)
        assert answer.status_code == status, answer.text
    assert count_keys(service, customer) == before


def test_who_signed_out_and_who_is_nobody_makes_no_keys(
    owner: Owner, service: Service, customer: Customer
):
    token = owner.token
    owner.http.delete(SESSION, headers=FROM_PAGE)
    for cookie in (token, "hgs_" + "A" * 43):
        owner.token = cookie
        for method, path in routes("00000000"):
            answer = owner.http.request(method, path, json={"name": "more"}, headers=FROM_PAGE)
            refused(answer, 401, "Nobody is signed in")
    assert len(count_keys(service, customer)) == 1


def test_an_operator_makes_no_keys_here(service: Service):
    operator = Visitor(service)
    operator.follow(operator.link())
    answer = operator.http.post(KEYS, json={"name": "more"}, headers=FROM_PAGE)
    refused(answer, 403, "not an account")
    operator.http.close()


def test_an_account_has_so_many_keys_and_no_more(owner: Owner, customer: Customer):
    made = [owner.done("POST", name=f"key {number}") for number in range(MOST_KEYS - 1)]
    refused(owner.send("POST", name="one more"), 409, f"{MOST_KEYS} keys")
    key_id = made[0]["key"]["keyId"]
    refused(owner.send("POST", f"/{key_id}/rotate", keepHours=1), 409, f"{MOST_KEYS} keys")
    assert owner.send("POST", f"/{key_id}/rotate", keepHours=0).status_code == 200
    # the one that was replaced has ended, and finds no room when it shall work again
    refused(owner.send("PATCH", f"/{key_id}", expiresTime=None), 409, f"{MOST_KEYS} keys")
    assert owner.send("PATCH", f"/{key_id}", name="old").status_code == 200
    owner.done("POST", f"/{made[1]['key']['keyId']}/revoke")
    assert owner.send("POST", name="one more").status_code == 200
