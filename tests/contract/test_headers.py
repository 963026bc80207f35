"""What every answer tells a browser: what it is, what it may load, who may show it and keep it."""

import re
from collections.abc import Iterator

import httpx2
import pytest
from starlette.routing import Route

from contract.service import GENERATE, MODEL, Customer, Service
from heliograph.api.app import create_app
from support.pictures import encoded, photo

#: What anybody may see, and so keep; all else is for the caller alone.
PUBLIC = ("/", "/playground/", "/console", "/admin", "/sign-in", "/docs", "/pricing", "/llms.txt")
OPEN_TO_ALL = (*PUBLIC[1:], "/openapi.json", "/files/")
UNKNOWN = "00000000000000000000000000000000"
UUID = "00000000-0000-0000-0000-000000000000"
FORBIDDEN = ("unsafe-inline", "unsafe-eval", "http:", "https:", "*")


def routes(service: Service) -> list[Route]:
    return [one for one in create_app(service.runtime).router.routes if isinstance(one, Route)]


@pytest.fixture(scope="module")
def customer(service: Service) -> Customer:
    return service.customer(test=True)


@pytest.fixture(scope="module")
def task(service: Service, customer: Customer) -> dict:
    """A task that has ended, with its pictures."""
    task_id = customer.submit(num_images=2)
    service.finish(task_id)
    found = customer.http.get(f"/api/v1/tasks/{task_id}").json()["data"]
    assert found["state"] == "success", found
    return found


@pytest.fixture(scope="module")
def uploads(customer: Customer) -> list[str]:
    """The addresses of one picture that was given thrice, with a page written behind its end."""
    data = encoded(photo(500, 400), "PNG") + b"<script>alert(1)</script>"
    sent = [
        customer.http.post("/api/v1/files", content=data, headers={"Content-Type": "image/png"})
        for _ in range(3)
    ]
    return [answer.json()["data"]["url"] for answer in sent]


def filled(path: str, task_id: str) -> str:
    """The path of a route with something in each place."""
    values = {"model": MODEL, "taskId": task_id, "path": "quickstart", "name": "docs.css"}
    return re.sub(r"{(\w+)(:\w+)?}", lambda place: values.get(place[1], UUID), path)


def answers(
    service: Service, customer: Customer, task: dict
) -> Iterator[tuple[str, httpx2.Response]]:
    """Every route, asked with a key and without, and a path that is none."""
    for route in routes(service):
        for method in sorted(route.methods - {"HEAD"}):
            # what is deleted could not be looked at any more
            task_id = task["taskId"] if method == "GET" else UNKNOWN
            path, query = filled(route.path, task_id), {"taskId": task_id, "format": "csv"}
            asked = query if method == "GET" else {}
            for client in (service.http, customer.http):
                yield path, client.request(method, path, params=asked)
    for method in ("GET", "POST"):
        for path in ("/nothing", "/v1/nothing", "/mcp/nothing"):
            yield path, customer.http.request(method, path)


@pytest.fixture(scope="module")
def seen(
    service: Service, customer: Customer, task: dict, uploads: list[str]
) -> list[tuple[str, httpx2.Response]]:
    found = list(answers(service, customer, task))
    pages = ["/docs/reference/errors", "/docs/reference/errors.md", "/docs/images/panda.png"]
    home = service.http.get("/").text
    pages += sorted(set(re.findall(r'(?:href|src)="(/[^"#]+)"', home)))
    pages += [task["images"][0]["url"], uploads[0]]
    found += [(httpx2.URL(page).path, service.http.get(page)) for page in pages]
    assert sum(answer.status_code == 200 for _, answer in found) > 40
    return found


def test_no_answer_is_guessed_at(seen: list[tuple[str, httpx2.Response]]):
    wrong = [
        (path, answer.status_code)
        for path, answer in seen
        if answer.headers.get("x-content-type-options") != "nosniff"
        or (answer.content and "content-type" not in answer.headers)
    ]
    assert wrong == []


def test_what_is_not_for_all_is_kept_by_nobody(seen: list[tuple[str, httpx2.Response]]):
    private = [
        (path, answer) for path, answer in seen if path != "/" and not path.startswith(OPEN_TO_ALL)
    ]
    assert len(private) > 60
    wrong = [
        (path, answer.status_code)
        for path, answer in private
        if answer.headers.get("cache-control") != "no-store"
    ]
    assert wrong == []


def test_no_refusal_is_kept(seen: list[tuple[str, httpx2.Response]]):
    refused = [(path, answer) for path, answer in seen if answer.status_code >= 400]
    assert len(refused) > 40
    assert [path for path, one in refused if one.headers["cache-control"] != "no-store"] == []


def test_a_page_runs_only_what_is_ours_stands_in_no_other_and_tells_nobody_where_one_was(
    seen: list[tuple[str, httpx2.Response]],
):
    pages = [
        (path, one) for path, one in seen if one.headers["content-type"].startswith("text/html")
    ]
    assert {"/", "/console", "/docs", "/docs/quickstart", "/pricing"} <= {path for path, _ in pages}
    for path, page in pages:
        policy = page.headers["content-security-policy"]
        directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert directives["default-src"] == "'none'", path
        assert directives["frame-ancestors"] == "'none'", path
        assert directives["base-uri"] == "'none'", path
        assert not any(word in policy for word in FORBIDDEN), path
        assert page.headers["referrer-policy"] in {"no-referrer", "same-origin"}, path
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|javascript:", page.text), path


def test_json_can_be_shown_in_no_page(seen: list[tuple[str, httpx2.Response]]):
    private = [
        one
        for path, one in seen
        if one.headers["content-type"] == "application/json" and path.startswith(("/api/", "/v1/"))
    ]
    assert len(private) > 40
    policies = {one.headers["content-security-policy"] for one in private}
    assert policies == {"default-src 'none'; frame-ancestors 'none'"}


def test_nobody_is_told_what_serves_and_no_cookie_is_set_in_passing(
    seen: list[tuple[str, httpx2.Response]],
):
    for path, answer in seen:
        assert not answer.headers.keys() & {"x-powered-by", "access-control-allow-origin"}, path
        for cookie in answer.headers.get_list("set-cookie"):
            assert all(word in cookie.lower() for word in ("httponly", "samesite")), (path, cookie)


def test_a_file_of_a_customer_is_a_picture_and_runs_nothing(
    service: Service, task: dict, uploads: list[str]
):
    for url in (task["images"][0]["url"], uploads[0]):
        served = service.http.get(url)
        assert served.headers["content-type"] in {"image/png", "image/jpeg", "image/webp"}
        assert served.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert served.headers["cross-origin-resource-policy"] == "cross-origin"
        assert b"<script>" not in served.content


def test_the_address_of_a_file_cannot_be_guessed(service: Service, task: dict, uploads: list[str]):
    urls = [*(image["url"] for image in task["images"]), *uploads]
    secrets = [re.search(r"([0-9a-f]{32})\.(?:png|jpg|webp)$", url) for url in urls]
    assert all(secrets)
    assert len({one[1] for one in secrets if one}) == len(urls)
    for url in urls:
        guess = re.sub(r"[0-9a-f]{32}(?=\.)", UNKNOWN, url)
        assert service.http.get(guess).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/api/v1/statusTask/{MODEL}?taskId={{}}"),
        ("POST", f"/api/v1/cancelTask/{MODEL}?taskId={{}}"),
        ("GET", "/api/v1/tasks/{}"),
        ("DELETE", "/api/v1/tasks/{}"),
        ("GET", "/api/v1/tasks/{}/events"),
    ],
)
def test_another_accounts_task_looks_like_one_that_never_was(
    service: Service, task: dict, method: str, path: str
):
    stranger = service.customer(test=True)
    theirs, nobodys = (
        stranger.http.request(method, path.format(one)) for one in (task["taskId"], UNKNOWN)
    )
    assert (theirs.status_code, theirs.json()) == (nobodys.status_code, nobodys.json())
    assert theirs.status_code == 404
    assert theirs.headers.keys() == nobodys.headers.keys()
    assert GENERATE not in theirs.text
