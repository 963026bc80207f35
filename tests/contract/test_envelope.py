"""Every answer that is not a page, a file or a figure is the envelope, whatever went wrong."""

import asyncio
import collections
import dataclasses
import http.client
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from contract.service import BALANCE, GENERATE, MODEL, STATUS, Customer, Service
from heliograph.accounts.keys import KeyReader
from heliograph.api.app import create_app
from heliograph.api.described.operations import operations
from heliograph.base.database import open_pool
from heliograph.base.settings import Settings
from heliograph.catalog.models import MODELS

#: Other people's protocols, with their own shapes of errors.
DOORS = ("/v1/", "/mcp")

#: What stands in a path; whatever is not named here is an id that nothing has.
SAMPLES = collections.defaultdict(
    lambda: "0" * 32, model=MODEL, path="x/y", name="z", keyId="0" * 8
)
OPERATIONS = [
    (one.method, one.path.format_map(SAMPLES), one.keyed)
    for one in operations(MODELS)
    if not one.path.startswith(DOORS)
]
ROUTES = [(method, path) for method, path, _ in OPERATIONS]
KEYED = [(method, path) for method, path, keyed in OPERATIONS if keyed]
MOST_BYTES = Settings().max_body_bytes
GOOD_BODY = {"input": {"mode": "text-to-image", "prompt": "a panda"}}


def check_envelope(answer: httpx2.Response, status: int) -> Any:
    """The message of a failure, after looking at everything that all failures share."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    body = answer.json()
    assert list(body) == ["code", "message"] if status == 401 else ["code", "message", "data"]
    assert type(body["code"]) is int
    assert body["code"] == status
    assert body["message"]
    if status == 400:
        assert body["data"]["error"] == body["message"]
        assert set(body["data"]) <= {"error", "field"}
    elif status != 401:
        assert body["data"] is None
    return body["message"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_wrong_method_is_405_and_names_the_right_ones(service: Service, method: str, path: str):
    answer = service.http.request("PROPFIND", path)
    check_envelope(answer, 405)
    allowed = {right for right, other in ROUTES if other == path}
    expected = allowed | {"HEAD"} if "GET" in allowed else allowed
    assert set(answer.headers["allow"].split(", ")) == expected
    assert method in expected


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_slash_too_many_is_another_path(service: Service, method: str, path: str):
    answer = service.http.request(method, f"{service.url}{path}/")
    check_envelope(answer, 404)


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api", "/api/v1/", "/api/v2/statusTask/x", "//", "/%00", "/docs/../metrics/x"],
)
def test_a_path_that_leads_nowhere_is_404(service: Service, path: str):
    check_envelope(service.http.get(service.url + path), 404)


@pytest.mark.parametrize(("method", "path"), KEYED)
@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Basic YTpi", "Bearer hg_live_12345678_" + "a" * 38, "Bearer ä"],
)
def test_without_a_good_key_the_answer_is_the_documented_one(
    service: Service, method: str, path: str, header: str | None
):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answer = service.http.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.content == b'{"code":401,"message":"Invalid or missing API key"}'
    assert answer.headers["www-authenticate"] == "Bearer"
    check_envelope(answer, 401)


@pytest.mark.parametrize(("method", "path"), KEYED)
def test_too_many_requests_are_429_with_their_limits_and_when_to_come_back(
    service: Service, method: str, path: str
):
    customer = service.customer(rate_limit_per_minute=1)
    first = customer.http.request(method, path)
    second = customer.http.request(method, path)
    assert first.headers["x-ratelimit-limit"] == second.headers["x-ratelimit-limit"] == "1"
    assert first.headers["x-ratelimit-remaining"] == "0"
    check_envelope(second, 429)
    assert int(second.headers["retry-after"]) >= 1


def test_too_many_live_tasks_are_429(service: Service):
    customer = service.customer(dollars=1, max_live_tasks=1)
    customer.submit(num_images=1)
    answer = customer.http.post(GENERATE, json=GOOD_BODY)
    check_envelope(answer, 429)
    assert int(answer.headers["retry-after"]) >= 1


def test_a_balance_that_is_too_low_is_402_and_says_what_is_needed(service: Service):
    answer = service.customer(dollars=0.05).http.post(GENERATE, json=GOOD_BODY)
    message = check_envelope(answer, 402)
    assert "$0.12" in message
    assert "$0.05" in message


def test_a_key_whose_route_has_no_provider_is_403(service: Service):
    customer = service.customer(dollars=1, routing="official")
    check_envelope(customer.http.post(GENERATE, json=GOOD_BODY), 403)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "input"),
        ({"input": {"mode": "text-to-image"}}, "input.prompt"),
        ({"input": {**GOOD_BODY["input"], "num_images": 5}}, "input.num_images"),
        ({**GOOD_BODY, "request_type": "callback"}, "callback_url"),
        (
            {**GOOD_BODY, "request_type": "callback", "callback_url": "http://10.0.0.1/"},
            "callback_url",
        ),
    ],
)
def test_a_wrong_field_is_400_and_named(customer: Customer, body: Any, field: str):
    answer = customer.http.post(GENERATE, json=body)
    check_envelope(answer, 400)
    assert answer.json()["data"]["field"] == field


def test_a_status_without_a_task_id_is_400(customer: Customer):
    for query in ("", "?taskId=", "?taskid=1"):
        answer = customer.http.get(STATUS + query)
        check_envelope(answer, 400)
        assert answer.json()["data"]["field"] == "taskId"


def test_whatever_a_caller_may_not_see_is_the_same_404(service: Service, customer: Customer):
    mine = customer.submit()
    theirs = service.customer(dollars=1).submit()
    asked = [
        f"{STATUS}?taskId={theirs}",
        f"{STATUS}?taskId={uuid.uuid4().hex}",
        f"{STATUS}?taskId={mine.upper()}",
        f"{STATUS}?taskId=%00",
        f"{STATUS}?taskId=" + "9" * 4000,
        f"/api/v1/statusTask/wan-2-6-image?taskId={mine}",
        f"/api/v1/statusTask/%F0%9F%90%BC?taskId={mine}",
    ]
    answers = [customer.http.get(path) for path in asked]
    answers.append(customer.http.post("/api/v1/generateTask/wan-2-6-image", json=GOOD_BODY))
    for answer in answers:
        check_envelope(answer, 404)
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonp", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_only_json_is_taken(customer: Customer, content_type: str | None, status: int):
    headers = {} if content_type is None else {"Content-Type": content_type}
    content = json.dumps(GOOD_BODY).encode()
    answer = customer.http.post(GENERATE, content=content, headers=headers)
    if status == 200:
        assert answer.status_code == 200
    else:
        check_envelope(answer, status)


@pytest.mark.parametrize(
    ("coding", "status"), [("identity", 200), ("gzip", 415), ("zstd, gzip", 415), ("", 200)]
)
def test_a_body_is_sent_as_it_is(customer: Customer, coding: str, status: int):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    content = json.dumps(GOOD_BODY).encode()
    answer = customer.http.post(GENERATE, content=content, headers=headers)
    if status == 200:
        assert answer.status_code == 200
    else:
        assert coding in check_envelope(answer, status)


def padded(size_bytes: int) -> bytes:
    body = json.dumps(GOOD_BODY).encode()
    return body + b" " * (size_bytes - len(body))


def test_a_body_may_have_one_megabyte_and_not_a_byte_more(customer: Customer):
    json_type = {"Content-Type": "application/json"}
    taken = customer.http.post(GENERATE, content=padded(MOST_BYTES), headers=json_type)
    assert taken.status_code == 200
    refused = customer.http.post(GENERATE, content=padded(MOST_BYTES + 1), headers=json_type)
    check_envelope(refused, 413)


def test_a_body_of_unknown_length_is_refused_while_it_arrives(customer: Customer):
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 65536
            yield b" " * 65536

    json_type = {"Content-Type": "application/json"}
    check_envelope(customer.http.post(GENERATE, content=endless(), headers=json_type), 413)
    assert customer.http.get(BALANCE).status_code == 200


def test_a_body_that_is_announced_too_large_is_refused_unread(service: Service, customer: Customer):
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", GENERATE)
    connection.putheader("Authorization", f"Bearer {customer.api_key}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.load(answer)["code"] == 413
    connection.close()


def test_the_rate_limit_goes_with_every_answer_to_a_key(customer: Customer):
    for answer in (
        customer.http.get(BALANCE),
        customer.http.get(STATUS),
        customer.http.post(GENERATE, json={}),
        customer.http.post(GENERATE, json=GOOD_BODY),
    ):
        for name in ("limit", "remaining", "reset"):
            assert answer.headers[f"x-ratelimit-{name}"].isdigit()


@pytest.mark.parametrize("sane", ["a", "A-b_c.9", "x" * 64])
def test_a_sane_request_id_of_the_client_is_kept(service: Service, sane: str):
    for path in ("/health/live", "/nothing", BALANCE, "/docs"):
        answer = service.http.get(path, headers={"X-Request-Id": sane})
        assert answer.headers.get_list("x-request-id") == [sane]


@pytest.mark.parametrize("strange", ["", "x" * 65, "a b", "ä".encode(), "a;b"])
def test_a_strange_request_id_is_replaced(service: Service, strange: str | bytes):
    answer = service.http.get("/health/live", headers={"X-Request-Id": strange})
    (given,) = answer.headers.get_list("x-request-id")
    assert given
    assert given.encode() != strange


@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "GET"])
def test_head_is_get_without_the_body(service: Service, path: str):
    got, asked = service.http.get(path), service.http.head(path)
    assert asked.status_code == got.status_code
    assert asked.content == b""
    assert asked.headers["content-type" if got.content else "location"]


async def ask(app: Any, method: str, path: str, **request: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.request(method, path, **request)


@pytest.mark.parametrize(("method", "path"), [*KEYED, ("GET", "/health/ready")])
def test_a_database_that_is_gone_is_503_and_never_the_keys_fault(
    service: Service, customer: Customer, method: str, path: str
):
    async def without_database() -> httpx2.Response:
        settings = service.runtime.settings
        pool = await open_pool(str(settings.database_url), size=1)
        await pool.close()
        keys = KeyReader(pool, service.clock)
        app = create_app(dataclasses.replace(service.runtime, pool=pool, keys=keys))
        return await ask(app, method, path, headers=customer.http.headers)

    answer = service.run(without_database())
    check_envelope(answer, 503)
    assert int(answer.headers["retry-after"]) >= 1


def test_a_defect_of_ours_is_500_logged_whole_and_told_to_nobody(
    service: Service, customer: Customer
):
    broken = dataclasses.replace(service.runtime, keys=None)  # type: ignore[arg-type]
    with capture_logs() as logged:
        answer = service.run(
            ask(create_app(broken), "POST", GENERATE, headers=customer.http.headers, json=GOOD_BODY)
        )
    message = check_envelope(answer, 500)
    assert answer.headers["x-request-id"] in message
    assert "NoneType" not in answer.text
    (line,) = logged
    assert isinstance(line["exc_info"], AttributeError)
    assert customer.api_key not in str(line)


def test_a_client_that_leaves_before_its_body_is_whole_makes_no_noise(
    service: Service, customer: Customer
):
    with capture_logs() as logged:
        connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=10)
        connection.putrequest("POST", GENERATE)
        connection.putheader("Authorization", f"Bearer {customer.api_key}")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b"{")
        connection.close()
        service.run(asyncio.sleep(0))
        assert customer.http.get(BALANCE).status_code == 200
    assert not logged
