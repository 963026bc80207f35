"""Signing in and out over HTTP, and what is tried against it."""

import dataclasses
import datetime
import uuid
from collections.abc import Iterator

import httpx2
import msgspec
import pytest

from contract.service import GENERATE, Customer, Service
from contract.visitor import COOKIE, FROM_PAGE, SESSION, Visitor, refused
from heliograph.accounts.sessions.session import MOST_PER_KEY
from heliograph.accounts.sessions.sign_in import forget_expired
from heliograph.accounts.store import revoke_key
from heliograph.api.app import create_app

NOBODY = {"role": "nobody"}


@pytest.fixture
def visitor(service: Service) -> Iterator[Visitor]:
    visitor = Visitor(service)
    yield visitor
    visitor.http.close()


def test_a_link_signs_in_for_its_account(visitor: Visitor, customer: Customer):
    answer = visitor.follow(visitor.link(customer.account_id))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    who = visitor.who()
    assert (who["role"], who["accountId"]) == ("account", customer.account_id)
    assert (who["ownsAccount"], who["balance"]) == (True, 100)
    assert "key" not in who


def test_an_operators_link_leads_to_the_operators_page(visitor: Visitor):
    answer = visitor.follow(visitor.link())
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
    assert (visitor.who()["role"], visitor.who()["name"]) == ("operator", "Ada")


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    visitor: Visitor, customer: Customer
):
    cookie = visitor.follow(visitor.link(customer.account_id)).headers["set-cookie"].lower()
    parts = set(cookie.split("; ")[1:])
    assert {"httponly", "samesite=strict", "path=/"} == parts


def test_a_preview_does_not_use_a_link_up(visitor: Visitor, customer: Customer):
    link = visitor.link(customer.account_id)
    for method in ("GET", "HEAD", "GET"):
        answer = visitor.http.request(method, link)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
    assert '<form method="post">' in answer.text
    assert visitor.follow(link).headers["location"] == "/console"


def test_a_link_works_once(visitor: Visitor, service: Service, customer: Customer):
    link = visitor.link(customer.account_id)
    visitor.follow(link)
    other = Visitor(service)
    again = other.follow(link)
    assert (again.status_code, again.headers["location"]) == (303, "/sign-in/over")
    assert "set-cookie" not in again.headers
    assert "This link is over." in other.http.get(again.headers["location"]).text
    assert other.who() == NOBODY
    other.http.close()


def test_a_link_is_over_after_its_quarter_of_an_hour(
    visitor: Visitor, service: Service, customer: Customer
):
    link = visitor.link(customer.account_id)
    service.clock.advance(15 * 60)
    assert visitor.follow(link).headers["location"] == "/sign-in/over"


@pytest.mark.parametrize("token", ["over", "hgl_" + "A" * 43, "hgs_" + "A" * 43, "%00", "x" * 2000])
def test_a_link_that_nobody_made_opens_nothing(visitor: Visitor, token: str):
    answer = visitor.follow(f"/sign-in/{token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/over")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_sign_a_visitor_in(
    visitor: Visitor, customer: Customer, headers: dict[str, str]
):
    link = visitor.link(customer.account_id)
    refused(visitor.http.post(link, headers=headers), 403, "Only a page of this server")
    assert visitor.follow(link).headers["location"] == "/console"


def test_a_browser_on_plain_http_says_its_origin_instead(
    visitor: Visitor, service: Service, customer: Customer
):
    link = visitor.link(customer.account_id)
    assert visitor.http.post(link, headers={"Origin": service.url}).status_code == 303
    assert visitor.who()["role"] == "account"


def test_a_session_ends_after_twelve_hours(visitor: Visitor, service: Service, customer: Customer):
    visitor.follow(visitor.link(customer.account_id))
    service.clock.advance(12 * 3600 - 1)
    assert visitor.who()["role"] == "account"
    service.clock.advance(1)
    assert visitor.who() == NOBODY
    refused(visitor.http.get("/api/v1/tasks"), 401, "Nobody is signed in")


def test_who_signed_out_is_out_with_the_cookie_that_was_kept_too(
    visitor: Visitor, customer: Customer
):
    visitor.follow(visitor.link(customer.account_id))
    token = visitor.token
    answer = visitor.http.delete(SESSION, headers=FROM_PAGE)
    assert answer.json()["data"] == {"signedOut": True}
    assert 'heliograph_session=""' in answer.headers["set-cookie"]
    visitor.token = token
    assert visitor.who() == NOBODY
    refused(visitor.http.get("/api/v1/statement"), 401, "Nobody is signed in")


def test_another_site_cannot_sign_a_visitor_out(visitor: Visitor, customer: Customer):
    visitor.follow(visitor.link(customer.account_id))
    answer = visitor.http.delete(SESSION, headers=FROM_PAGE | {"Sec-Fetch-Site": "cross-site"})
    refused(answer, 403, "Only a page of this server")
    assert visitor.who()["role"] == "account"


@pytest.mark.parametrize("token", ["", "x", "hgs_" + "A" * 43, "hgl_" + "A" * 43, "é" * 47])
def test_a_cookie_that_nobody_was_given_is_nobodys(visitor: Visitor, token: str):
    headers = {"Cookie": f"{COOKIE}={token}".encode()}
    assert visitor.http.get(SESSION, headers=headers).json()["data"] == NOBODY
    assert visitor.http.get("/api/v1/tasks", headers=headers).status_code == 401


def test_a_link_is_no_session_and_a_session_is_no_link(visitor: Visitor, customer: Customer):
    link = visitor.link(customer.account_id)
    visitor.token = link.rpartition("/")[2]
    assert visitor.who() == NOBODY
    visitor.http.cookies.clear()
    visitor.follow(link)
    assert visitor.follow(f"/sign-in/{visitor.token}").headers["location"] == "/sign-in/over"


def test_a_key_signs_in_as_itself(visitor: Visitor, customer: Customer):
    headers = {"Authorization": f"Bearer {customer.api_key}"}
    answer = visitor.http.post(SESSION, headers=headers)
    assert answer.status_code == 200
    assert "x-ratelimit-limit" in answer.headers
    who = visitor.who()
    assert who == answer.json()["data"]
    assert who["key"]["name"] == "contract"
    assert "ownsAccount" not in who


def test_a_wrong_key_signs_nobody_in(visitor: Visitor, customer: Customer):
    answer = visitor.http.post(SESSION, headers={"Authorization": f"Bearer {customer.api_key}x"})
    refused(answer, 401, "Invalid or missing API key")
    assert "set-cookie" not in answer.headers


def test_a_session_ends_with_the_key_that_opened_it(
    visitor: Visitor, service: Service, customer: Customer
):
    visitor.http.post(SESSION, headers={"Authorization": f"Bearer {customer.api_key}"})
    assert visitor.http.get("/api/v1/tasks").status_code == 200
    key_id = customer.api_key.split("_")[2]
    service.run(revoke_key(service.runtime.pool, key_id, now=service.clock.now()))
    assert visitor.who() == NOBODY
    assert visitor.http.get("/api/v1/tasks").status_code == 401


def test_a_session_may_be_used_only_from_where_its_key_may(
    visitor: Visitor, service: Service, customer: Customer
):
    visitor.http.post(SESSION, headers={"Authorization": f"Bearer {customer.api_key}"})
    service.run(
        service.runtime.pool.execute(
            "UPDATE api_keys SET networks = '{203.0.113.0/24}' WHERE account_id = $1",
            customer.account_id,
        )
    )
    for path in (SESSION, "/api/v1/tasks"):
        refused(visitor.http.get(path), 403, "may not be used from your address")


def test_what_the_console_reads_a_session_may_read(visitor: Visitor, customer: Customer):
    task_id = customer.submit()
    item = {
        "client_item_id": "a",
        "idempotency_key": "k",
        "input": {"mode": "text-to-image", "prompt": "a"},
    }
    batches = f"{GENERATE}/batches"
    sent = customer.http.post(
        batches, json={"items": [item]}, headers={"Idempotency-Key": uuid.uuid4().hex}
    )
    visitor.follow(visitor.link(customer.account_id))
    tasks = visitor.http.get("/api/v1/tasks").json()["data"]["items"]
    assert task_id in {task["taskId"] for task in tasks}
    for path in (
        f"/api/v1/tasks/{task_id}",
        f"{batches}/{sent.json()['data']['batchId']}",
        "/api/v1/statement",
        "/api/v1/models",
        "/api/v1/webhooks",
        "/api/v1/webhooks/receivers",
        "/api/v1/apikeys/current-balance",
    ):
        answer = visitor.http.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["x-ratelimit-limit"] == "1200"


def test_what_belongs_to_another_account_is_not_there(
    visitor: Visitor, service: Service, customer: Customer
):
    task_id = service.customer(test=True).submit()
    visitor.follow(visitor.link(customer.account_id))
    assert visitor.http.get(f"/api/v1/tasks/{task_id}").status_code == 404
    answer = visitor.http.delete(f"/api/v1/tasks/{task_id}", headers=FROM_PAGE)
    assert answer.status_code == 404


def test_a_session_spends_nothing(visitor: Visitor, customer: Customer):
    visitor.follow(visitor.link(customer.account_id))
    body = {"input": {"mode": "text-to-image", "prompt": "a panda"}}
    for path in (GENERATE, "/v1/images/generations", "/mcp", f"{GENERATE}/batches"):
        assert visitor.http.post(path, json=body, headers=FROM_PAGE).status_code == 401
    assert visitor.who()["held"] == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_another_site_changes_nothing_in_the_name_of_a_visitor(
    visitor: Visitor, customer: Customer, site: str
):
    task_id = customer.submit()
    visitor.follow(visitor.link(customer.account_id))
    headers = FROM_PAGE | {"Sec-Fetch-Site": site}
    cancel = f"/api/v1/cancelTask/wan-2-5-image?taskId={task_id}"
    refused(visitor.http.post(cancel, headers=headers), 403, "Only a page of this server")
    assert visitor.http.get(f"/api/v1/tasks/{task_id}").json()["data"]["state"] == "pending"
    assert visitor.http.post(cancel, headers=FROM_PAGE).json()["data"]["state"] == "failed"


def test_a_form_changes_nothing(visitor: Visitor, customer: Customer):
    visitor.follow(visitor.link(customer.account_id))
    answer = visitor.http.post(
        "/api/v1/webhooks/inboxes",
        data={"a": "b"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 415


def test_an_operator_is_no_customer(visitor: Visitor):
    visitor.follow(visitor.link())
    refused(visitor.http.get("/api/v1/tasks"), 403, "not an account")


def test_a_key_counts_before_the_cookie(visitor: Visitor, service: Service, customer: Customer):
    task_id = customer.submit()
    visitor.follow(visitor.link(service.customer().account_id))
    headers = {"Authorization": f"Bearer {customer.api_key}"}
    assert visitor.http.get(f"/api/v1/tasks/{task_id}", headers=headers).status_code == 200
    assert visitor.http.get(f"/api/v1/tasks/{task_id}").status_code == 404


def test_expired_links_and_sessions_are_forgotten(service: Service, visitor: Visitor):
    account_id = service.customer().account_id
    visitor.link(account_id)
    visitor.follow(visitor.link(account_id))
    count = (
        "SELECT (SELECT count(*) FROM sign_in_links WHERE account_id = $1),"
        " (SELECT count(*) FROM sessions WHERE account_id = $1)"
    )
    left = []
    for seconds in (0, 15 * 60, 12 * 3600):
        now = service.clock.now() + datetime.timedelta(seconds=seconds)
        service.run(forget_expired(service.runtime.pool, now=now))
        left.append(tuple(service.run(service.runtime.pool.fetchrow(count, account_id))))
    assert left == [(1, 1), (0, 1), (0, 0)]


def test_of_too_many_sessions_of_a_key_the_oldest_ends(
    visitor: Visitor, service: Service, customer: Customer
):
    headers = {"Authorization": f"Bearer {customer.api_key}"}
    tokens = []
    for _ in range(MOST_PER_KEY + 1):
        service.clock.advance(1)
        visitor.http.post(SESSION, headers=headers)
        tokens.append(visitor.token)
    roles = []
    for token in (tokens[0], tokens[1], tokens[-1]):
        visitor.token = token
        roles.append(visitor.who()["role"])
    assert roles == ["nobody", "account", "account"]


def test_behind_tls_the_cookie_is_for_tls_alone_and_the_public_origin_is_ours(
    visitor: Visitor, service: Service, customer: Customer
):
    settings = msgspec.structs.replace(
        service.runtime.settings, public_url="https://images.example.com"
    )
    app = create_app(dataclasses.replace(service.runtime, settings=settings))
    link = visitor.link(customer.account_id)

    async def follow(origin: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://inside") as client:
            return await client.post(link, headers={"Origin": origin})

    assert service.run(follow("https://images.example.com.evil.example")).status_code == 403
    answer = service.run(follow("https://images.example.com"))
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower().split("; ")


def test_no_secret_is_stored(service: Service, visitor: Visitor, customer: Customer):
    link = visitor.link(customer.account_id)
    visitor.follow(visitor.link(customer.account_id))
    stored = service.run(
        service.runtime.pool.fetch(
            "SELECT sign_in_links::text AS row FROM sign_in_links"
            " UNION ALL SELECT sessions::text FROM sessions"
        )
    )
    text = " ".join(row["row"] for row in stored)
    assert link.rpartition("/")[2] not in text
    assert visitor.token not in text
