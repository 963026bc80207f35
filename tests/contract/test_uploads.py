"""Giving a picture, and using it as a reference image without a network round trip."""

import base64

import httpx2
import pytest

from contract.service import GENERATE, MODEL, Customer, Service
from heliograph.accounts.limit import KeyLimits, limit_key
from support.pictures import encoded, photo

FILES = "/api/v1/files"
QUOTE = f"/api/v1/quoteTask/{MODEL}"
PNG = encoded(photo(500, 400), "PNG")


@pytest.fixture
def customer(service: Service) -> Customer:
    return service.customer(dollars=1)


def upload(customer: Customer, data: bytes = PNG, media_type: str = "image/png") -> httpx2.Response:
    return customer.http.post(FILES, content=data, headers={"Content-Type": media_type})


def edit(url: str, **fields: object) -> dict:
    asked = {"mode": "image-to-image", "prompt": "warmer", "image_urls": [url], "num_images": 1}
    return {"input": asked | fields}


def test_an_upload_is_kept_served_and_described(service: Service, customer: Customer):
    answer = upload(customer)
    kept = answer.json()["data"]
    assert (kept["width"], kept["height"]) == (500, 400)
    served = service.http.get(kept["url"])
    assert served.headers["content-type"] == "image/png"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert len(served.content) == kept["sizeBytes"]
    assert kept["expiresTime"] > service.clock.now().timestamp() * 1000


def test_a_form_is_taken_too(customer: Customer):
    answer = customer.http.post(FILES, files={"file": ("a.png", PNG, "image/png")})
    assert answer.status_code == 200, answer.text
    without = customer.http.post(FILES, files={"picture": ("a.png", PNG, "image/png")})
    assert without.status_code == 400
    assert without.json()["data"]["field"] == "file"


@pytest.mark.parametrize(
    ("data", "media_type", "status", "words"),
    [
        (b"", "image/png", 400, "file"),
        (b"<svg/>", "image/png", 400, "file"),
        (encoded(photo(100, 400), "PNG"), "image/png", 400, "384"),
        (encoded(photo(500, 400).convert("RGBA"), "PNG"), "image/png", 400, "transparen"),
        (PNG, "text/plain", 415, "multipart/form-data"),
        (b"x" * (10 * 1024 * 1024 + 1), "image/png", 413, "10,485,760"),
        (b"--nothing", "multipart/form-data; boundary=x", 400, "form"),
        (b"--nothing", "multipart/form-data", 400, "form"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(
    customer: Customer, data: bytes, media_type: str, status: int, words: str
):
    answer = upload(customer, data, media_type)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["message"]


def test_an_own_address_is_a_reference_image(service: Service, customer: Customer):
    tester = service.customer(test=True)
    url = upload(tester).json()["data"]["url"]
    quoted = tester.http.post(QUOTE, json=edit(url)).json()["data"]
    assert quoted["images"] == [{"width": 500, "height": 400}]
    answer = tester.http.post(f"/api/v1/generateTask/{MODEL}", json=edit(url))
    task_id = answer.json()["data"]["taskId"]
    service.finish(task_id)
    made = tester.http.get(f"/api/v1/tasks/{task_id}").json()["data"]
    assert made["state"] == "success"
    again = tester.http.post(QUOTE, json=edit(made["images"][0]["url"]))
    assert again.status_code == 200, again.text


def test_an_own_address_is_known_with_a_query_or_a_fragment_behind_it(customer: Customer):
    url = upload(customer).json()["data"]["url"]
    for behind in ("?x=1", "#a", "?a#b"):
        answer = customer.http.post(QUOTE, json=edit(url + behind))
        assert answer.status_code == 200, answer.text


def test_a_compressed_file_is_refused_as_such(customer: Customer):
    for sent in ({"content": PNG}, {"files": {"file": PNG}}):
        headers = {"Content-Encoding": "gzip"}
        if "content" in sent:
            headers["Content-Type"] = "image/png"
        answer = customer.http.post(FILES, headers=headers, **sent)
        assert answer.status_code == 415
        assert "Content-Encoding: gzip" in answer.json()["message"]


HEAD = "data:image/png;base64,"
WRONG_IN_THE_MIDDLE = f"{HEAD}{'A' * 4000}@{'A' * 4003}"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"{HEAD}@@@@", "not valid base64"),
        (f"{HEAD}{'A' * 5001}", "not valid base64"),
        (f"{HEAD}{'A' * 4000}@AAA", "not valid base64"),
        (HEAD, "is empty"),
        (f"{HEAD}@@@", "not valid base64"),
        ("data:image/jpeg,x;base64,AAAA", "must be a string with an http, https or data:image"),
    ],
)
def test_a_data_url_that_shows_that_it_holds_nothing_is_refused_at_submit(
    customer: Customer, url: str, words: str
):
    answer = customer.http.post(GENERATE, json=edit(url))
    assert answer.status_code == 400, answer.text
    assert answer.json()["data"]["field"] == "input.image_urls[0]"
    assert words in answer.json()["message"]


def test_the_middle_of_a_data_url_is_looked_at_when_it_is_read(customer: Customer):
    assert customer.http.post(GENERATE, json=edit(WRONG_IN_THE_MIDDLE)).status_code == 200
    answer = customer.http.post(QUOTE, json=edit(WRONG_IN_THE_MIDDLE))
    assert "not valid base64" in answer.json()["message"]


@pytest.mark.parametrize("parameters", [";charset=utf-8", ";name=a.jpg", ";a=b;c=d", ""])
def test_a_data_url_may_have_parameters(customer: Customer, parameters: str):
    url = f"data:image/png{parameters};base64,{base64.b64encode(PNG).decode()}"
    answer = customer.http.post(QUOTE, json=edit(url))
    assert answer.status_code == 200, answer.text


def test_an_own_address_that_leads_nowhere_is_named(service: Service, customer: Customer):
    answer = customer.http.post(QUOTE, json=edit(f"{service.url}/files/uploads/{'0' * 32}.png"))
    assert answer.status_code == 400
    assert answer.json()["data"]["field"] == "input.image_urls[0]"
    climbing = customer.http.post(QUOTE, json=edit(f"{service.url}/files/../../secret"))
    assert climbing.status_code == 400


def test_an_upload_past_its_time_is_gone(service: Service, customer: Customer):
    from heliograph.uploads.upload import expire_uploads

    url = upload(customer).json()["data"]["url"]
    service.clock.advance(169 * 3600)
    assert service.http.get(url).status_code == 410
    assert service.run(expire_uploads(service.runtime)) >= 1
    assert service.http.get(url).status_code == 410
    assert customer.http.post(QUOTE, json=edit(url)).status_code == 400


def test_a_quote_moves_nothing(customer: Customer):
    body = {"input": {"mode": "text-to-image", "prompt": "a panda", "aspect_ratio": "16:9"}}
    quoted = customer.http.post(QUOTE, json=body).json()["data"]
    assert quoted == {
        "price": 0.12,
        "pricePerImage": 0.03,
        "numImages": 4,
        "balance": 1,
        "balanceAfter": 0.88,
        "affordable": True,
        "width": 1696,
        "height": 960,
    }
    assert customer.http.get("/api/v1/apikeys/current-balance").json()["data"] == 1
    assert customer.http.get("/api/v1/tasks").json()["data"]["items"] == []


def test_a_quote_says_what_cannot_be_paid_and_refuses_what_submit_refuses(service: Service):
    poor = service.customer(dollars=0.05)
    body = {"input": {"mode": "text-to-image", "prompt": "a panda"}}
    quoted = poor.http.post(QUOTE, json=body).json()["data"]
    assert (quoted["affordable"], quoted["balanceAfter"]) == (False, -0.07)
    assert poor.http.post(QUOTE, json={"input": {}}).status_code == 400
    assert poor.http.post("/api/v1/quoteTask/other", json=body).status_code == 404
    rich = service.customer(dollars=1)
    key_id = rich.api_key.split("_")[2]
    capped = KeyLimits(monthly_cap_micros=90_000)
    service.run(limit_key(service.runtime.pool, key_id, capped))
    assert not rich.http.post(QUOTE, json=body).json()["data"]["affordable"]
    cheaper = {"input": body["input"] | {"num_images": 3}}
    assert rich.http.post(QUOTE, json=cheaper).json()["data"]["affordable"]
    free = service.customer(test=True).http.post(QUOTE, json=body).json()["data"]
    assert free["price"] == 0
