"""Result files: for whoever has the address, in parts or whole, and gone when their time is over."""

import hashlib
import json

import httpx2
import pytest

from contract.service import Customer, Service

DAY_SECONDS = 24 * 60 * 60


@pytest.fixture
def url(service: Service, tester: Customer) -> str:
    """The address of a picture that has just been made."""
    return made(service, tester)


def made(service: Service, tester: Customer) -> str:
    task_id = tester.submit(num_images=1)
    service.finish(task_id)
    data = tester.status(task_id).json()["data"]
    return json.loads(data["resultJson"])["resultUrls"][0]


def check_failure(answer: httpx2.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == status
    assert answer.json()["data"] is None


def test_a_result_is_served_to_whoever_has_its_address(service: Service, url: str):
    answer = service.http.get(url)
    assert answer.status_code == 200
    assert answer.content.startswith(b"\x89PNG\r\n")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["last-modified"]
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'


def test_a_result_can_do_no_harm_in_a_browser(service: Service, url: str):
    headers = service.http.get(url).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"


def test_a_copy_may_be_kept_for_a_day_and_never_past_the_retention_time(service: Service, url: str):
    assert service.http.get(url).headers["cache-control"] == "public, max-age=86400, immutable"
    retention_seconds = service.runtime.settings.result_retention_hours * 3600
    service.clock.advance(retention_seconds - 60)
    assert service.http.get(url).headers["cache-control"] == "public, max-age=60, immutable"
    service.clock.advance(60)
    check_failure(service.http.get(url), 410)


def test_a_copy_that_is_still_good_is_not_sent_again(service: Service, url: str):
    etag = service.http.get(url).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = service.http.get(url, headers={"If-None-Match": known})
        assert answer.status_code == 304
        assert answer.headers["etag"] == etag
        assert not answer.content
    assert service.http.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=100-", 100, None),
        ("bytes=-7", -7, None),
    ],
)
def test_a_part_is_served_when_one_is_asked_for(
    service: Service, url: str, asked: str, start: int, end: int | None
):
    whole = service.http.get(url).content
    answer = service.http.get(url, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == whole[start:end]
    first = start % len(whole)
    last = (end or len(whole)) - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"


def test_a_part_that_is_longer_than_the_file_ends_with_it(service: Service, url: str):
    whole = service.http.get(url).content
    for asked in ("bytes=5-999999999999", f"bytes=-{10**17}"):
        answer = service.http.get(url, headers={"Range": asked})
        assert answer.status_code == 206
        assert whole.endswith(answer.content)


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=999999999-999999999", "bytes=-0"])
def test_a_part_behind_the_end_is_416_in_the_envelope(service: Service, url: str, asked: str):
    answer = service.http.get(url, headers={"Range": asked})
    check_failure(answer, 416)
    size_bytes = len(service.http.get(url).content)
    assert answer.headers["content-range"] == f"bytes */{size_bytes}"


@pytest.mark.parametrize(
    "strange",
    [
        "bytes=" + ",".join(["0-"] * 3000),
        "bytes=0-1,5-6",
        "bytes=5-1",
        "bytes=-",
        "bytes=a-b",
        "lines=1-2",
        "bytes",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_a_range_that_is_odd_or_a_bomb_gets_the_whole_file_once(
    service: Service, url: str, strange: str
):
    whole = service.http.get(url)
    answer = service.http.get(url, headers={"Range": strange})
    assert answer.status_code == 200
    assert answer.content == whole.content


def test_a_part_of_another_version_is_never_mixed_in(service: Service, url: str):
    etag = service.http.get(url).headers["etag"]
    same = service.http.get(url, headers={"Range": "bytes=0-4", "If-Range": etag})
    assert same.status_code == 206
    other = service.http.get(url, headers={"Range": "bytes=9999999-", "If-Range": '"other"'})
    assert other.status_code == 200


def test_head_tells_the_size_and_sends_nothing(service: Service, url: str):
    got, asked = service.http.get(url), service.http.head(url)
    assert asked.content == b""
    for name in ("content-length", "etag", "content-type"):
        assert asked.headers[name] == got.headers[name]


def test_a_path_that_was_never_given_out_is_404(service: Service, url: str):
    head, _, name = url.rpartition("/")
    task_id = head.rpartition("/")[2]
    for path in (
        f"/files/{task_id}/1-0-{'0' * 32}.png",
        f"/files/{task_id}/{name}/",
        f"/files/{task_id}//{name}",
        f"/files/{task_id}",
        f"/files/{task_id}/",
        f"/files/{task_id.upper()}/{name}",
        f"/files/{'0' * 32}/{name}",
        "/files/",
        "/files/%2e%2e/%2e%2e/etc/passwd",
        "/files//etc/passwd",
        "/files/%00",
        "/files/uploads/a%00b.png",
    ):
        check_failure(service.http.get(service.url + path), 404)


def test_a_file_that_was_deleted_before_its_time_is_gone(service: Service, url: str):
    task_id = url.split("/")[-2]
    service.run(
        service.runtime.pool.execute(
            "UPDATE tasks SET files_deleted_at = $2 WHERE task_id::text = $1::uuid::text",
            task_id,
            service.clock.now(),
        )
    )
    check_failure(service.http.get(url), 410)


def test_a_file_that_got_lost_on_disk_is_404(service: Service, url: str):
    stored = "results/" + "/".join(url.split("/")[-2:])
    service.run(service.runtime.storage.delete(stored))
    check_failure(service.http.get(url), 404)
