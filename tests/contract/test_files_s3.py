"""Pictures that are kept in a bucket, as those see it who collect them; the server is a real one."""

import hashlib
import json
import os
from collections.abc import Iterator

import httpx2
import pytest
from PIL import Image

from contract.service import Customer, Service, running_service
from support.ceph import INSTALLED, Ceph, running_ceph
from support.database import Databases
from support.pictures import encoded, photo

pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs Ceph's object gateway: make test-s3")

#: Noise, which no format makes smaller: more than one piece.
LARGE = encoded(Image.frombytes("RGB", (1500, 1200), os.urandom(1500 * 1200 * 3)), "PNG")


@pytest.fixture(scope="module")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceph]:
    with (
        running_ceph(tmp_path_factory.mktemp("ceph")) as ceph,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in ceph.environment.items():
            patch.setenv(name, value)
        yield ceph


@pytest.fixture(scope="module")
def service(
    ceph: Ceph, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    address = f"s3://{ceph.make_bucket()}/pictures"
    data_dir = tmp_path_factory.mktemp("data")
    with (
        databases.fresh() as url,
        running_service(url, data_dir, HELIOGRAPH_STORAGE_URL=address) as service,
    ):
        yield service
        assert not (data_dir / "files").exists(), "nothing of it belongs on this machine"


@pytest.fixture(scope="module")
def signing(
    ceph: Ceph, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    settings = {
        "HELIOGRAPH_STORAGE_URL": f"s3://{ceph.make_bucket()}",
        "HELIOGRAPH_STORAGE_SIGNED_URLS": "true",
    }
    with (
        databases.fresh() as url,
        running_service(url, tmp_path_factory.mktemp("data"), **settings) as service,
    ):
        yield service


def made(service: Service) -> str:
    """The address of a picture that has just been made."""
    tester = service.customer(test=True)
    task_id = tester.submit(num_images=1)
    service.finish(task_id)
    return result_url(tester, task_id)


def result_url(tester: Customer, task_id: str) -> str:
    data = tester.status(task_id).json()["data"]
    return json.loads(data["resultJson"])["resultUrls"][0]


def uploaded(service: Service, data: bytes) -> dict:
    customer = service.customer(dollars=1)
    headers = {"Content-Type": "image/png"}
    return customer.http.post("/api/v1/files", content=data, headers=headers).json()["data"]


@pytest.fixture
def url(service: Service) -> str:
    return made(service)


def test_a_result_is_served_to_whoever_has_its_address(service: Service, url: str):
    answer = service.http.get(url)
    assert answer.status_code == 200
    assert answer.content.startswith(b"\x89PNG\r\n")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer.headers["cache-control"] == "public, max-age=86400, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


def test_a_large_upload_comes_whole_and_in_any_part(service: Service):
    kept = uploaded(service, LARGE)
    whole = service.http.get(kept["url"]).content
    assert len(whole) == kept["sizeBytes"] > 4 * 1024 * 1024
    assert hashlib.sha256(whole).hexdigest() in service.http.head(kept["url"]).headers["etag"]
    answer = service.http.get(kept["url"], headers={"Range": "bytes=100-"})
    assert answer.content == whole[100:]


def test_a_copy_that_is_still_good_is_not_sent_again(service: Service, url: str):
    etag = service.http.get(url).headers["etag"]
    answer = service.http.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=100-", 100, None),
        ("bytes=-7", -7, None),
        ("bytes=5-999999999999", 5, None),
        (f"bytes=-{10**17}", 0, None),
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
    assert answer.headers["content-length"] == str(len(answer.content))


def test_a_part_behind_the_end_is_416_and_an_odd_one_the_whole(service: Service, url: str):
    whole = service.http.get(url).content
    behind = service.http.get(url, headers={"Range": "bytes=999999999-"})
    assert behind.status_code == 416
    assert behind.headers["content-range"] == f"bytes */{len(whole)}"
    odd = service.http.get(url, headers={"Range": "bytes=0-1,5-6"})
    assert (odd.status_code, odd.content) == (200, whole)


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}])
def test_head_tells_the_size_and_sends_nothing(service: Service, url: str, headers: dict[str, str]):
    got, asked = service.http.get(url, headers=headers), service.http.head(url, headers=headers)
    assert asked.content == b""
    assert asked.status_code == got.status_code
    for name in ("content-length", "etag", "content-type"):
        assert asked.headers[name] == got.headers[name]


def test_a_file_that_got_lost_is_404_and_one_past_its_time_410(service: Service):
    lost, old = made(service), made(service)
    service.run(service.runtime.storage.delete("results/" + "/".join(lost.split("/")[-2:])))
    assert service.http.get(lost).status_code == 404
    service.clock.advance(service.runtime.settings.result_retention_hours * 3600)
    assert service.http.get(old).status_code == 410


def test_without_the_server_a_picture_is_503_and_a_task_waits_for_its_return(
    ceph: Ceph, service: Service, url: str
):
    tester = service.customer(test=True)
    task_id = tester.submit(num_images=1)
    ceph.stop_gateway()
    try:
        answer = service.http.get(url)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        with pytest.raises(Exception, match="does not work at the moment"):
            service.finish(task_id)
        assert tester.status(task_id).json()["data"]["state"] in ("pending", "processing")
    finally:
        ceph.start_gateway()
    service.finish(task_id, seconds=60)
    assert service.http.get(result_url(tester, task_id)).status_code == 200


def test_an_upload_is_used_as_a_reference_without_a_way_out(service: Service):
    customer = service.customer(dollars=1)
    kept = customer.http.post(
        "/api/v1/files",
        content=encoded(photo(500, 400), "PNG"),
        headers={"Content-Type": "image/png"},
    ).json()["data"]
    fields = {"mode": "image-to-image", "prompt": "warmer", "image_urls": [kept["url"]]}
    answer = customer.http.post("/api/v1/quoteTask/wan-2-5-image", json={"input": fields})
    assert answer.status_code == 200, answer.text


def test_a_signed_address_leads_into_the_bucket_for_ten_minutes(ceph: Ceph, signing: Service):
    url = made(signing)
    answer = signing.http.get(url, follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["cache-control"] == "no-store"
    address = httpx2.URL(answer.headers["location"])
    assert str(address).startswith(f"{ceph.url}/")
    assert address.path.rpartition("/")[2] == url.rpartition("/")[2]
    assert address.params["X-Amz-Expires"] == "600"
    picture = httpx2.get(address)
    assert picture.content.startswith(b"\x89PNG\r\n")
    assert picture.headers["content-type"] == "image/png"


def test_a_signed_address_never_outlives_the_picture(signing: Service):
    url = made(signing)
    retention_seconds = signing.runtime.settings.result_retention_hours * 3600
    signing.clock.advance(retention_seconds - 60)
    answer = signing.http.get(url, follow_redirects=False)
    seconds = httpx2.URL(answer.headers["location"]).params["X-Amz-Expires"]
    assert 0 < int(seconds) <= 60
    signing.clock.advance(60)
    assert signing.http.get(url, follow_redirects=False).status_code == 410


def test_what_needs_no_bytes_needs_no_signature(signing: Service):
    url = made(signing)
    asked = signing.http.head(url, follow_redirects=False)
    assert asked.status_code == 200
    known = signing.http.get(url, headers={"If-None-Match": asked.headers["etag"]})
    assert known.status_code == 304
    unknown = f"{signing.url}/files/{'0' * 32}/1-0-{'0' * 32}.png"
    assert signing.http.get(unknown, follow_redirects=False).status_code == 404
