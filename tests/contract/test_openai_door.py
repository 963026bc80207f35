"""OpenAI's own client, unmodified, against a running service; and what it is told when something is wrong."""

import base64
import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import openai
import pytest
from PIL import Image

from contract.service import MODEL, Customer, Service, working_service
from heliograph.api.doors.openai.answer import FAILURES, refusal_body
from heliograph.api.doors.openai.body import nearest_ratio
from heliograph.base.errors import Fault, TaskFault
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE
from heliograph.providers.provider import FAIL_CODES
from support.database import Databases
from support.pictures import encoded, photo

GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"
PNG = encoded(photo(1000, 600), "PNG")
TEXT, EDIT = WAN_2_5_IMAGE.modes.values()


@pytest.fixture
def customer(live: Service) -> Customer:
    return live.customer(dollars=1)


@pytest.fixture
def tester(live: Service) -> Customer:
    return live.customer(test=True)


def client(customer: Customer) -> openai.OpenAI:
    return openai.OpenAI(api_key=customer.api_key, base_url=f"{customer.http.base_url}/v1")


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size


def tasks(customer: Customer) -> list[dict]:
    return customer.http.get("/api/v1/tasks").json()["data"]["items"]


def test_the_openai_client_generates_an_image_for_what_it_costs(live: Service, customer: Customer):
    with client(customer) as api:
        answer = api.images.with_raw_response.generate(
            prompt="a lighthouse", size="1792x1024", quality="hd", user="ada", background="opaque"
        )
    made = answer.parse()
    (image,) = made.data
    assert size_of(live.http.get(image.url).content) == (1696, 960)
    assert made.size == "1696x960"
    assert customer.http.get("/api/v1/apikeys/current-balance").json()["data"] == 0.97
    (task,) = tasks(customer)
    assert answer.headers["x-task-id"] == task["taskId"]
    assert (task["numImages"], task["source"]) == (1, "openai")


async def test_the_asynchronous_client_gets_bytes_when_it_asks_for_them(tester: Customer):
    async with openai.AsyncOpenAI(
        api_key=tester.api_key, base_url=f"{tester.http.base_url}/v1"
    ) as api:
        made = await api.images.generate(
            prompt="a lighthouse", model=MODEL, n=2, size="auto", response_format="b64_json"
        )
    sizes = [size_of(base64.b64decode(image.b64_json)) for image in made.data]
    assert sizes == [(1280, 1280)] * 2
    assert made.data[0].url is None


def test_the_client_edits_files_in_the_shape_of_the_first(live: Service, tester: Customer):
    tall = encoded(photo(600, 1000), "JPEG")
    with client(tester) as api:
        one = api.images.edit(prompt="make it winter", image=("a.png", PNG))
        many = api.images.edit(
            prompt="merge", image=[("a.jpg", tall), ("b.png", PNG)], n=2, size="auto"
        )
        sized = api.images.edit(prompt="wider", image=("a.jpg", tall), size="1536x1024")
    assert size_of(live.http.get(one.data[0].url).content) == (1280, 720)
    assert [one.size, many.size, sized.size] == ["1280x720", "720x1280", "1200x800"]
    assert len(many.data) == 2
    assert {task["mode"] for task in tasks(tester)} == {"image-to-image"}


async def test_the_asynchronous_client_edits_too(tester: Customer):
    async with openai.AsyncOpenAI(
        api_key=tester.api_key, base_url=f"{tester.http.base_url}/v1"
    ) as api:
        made = await api.images.edit(prompt="make it winter", image=io.BytesIO(PNG))
    assert len(made.data) == 1


def test_an_edit_takes_addresses_in_json(tester: Customer):
    url = tester.http.post(
        "/api/v1/files", content=PNG, headers={"Content-Type": "image/png"}
    ).json()["data"]["url"]
    for named in ({"image": url}, {"image": [url, url]}, {"images": [{"image_url": url}]}):
        answer = tester.http.post(EDITS, json={"prompt": "winter", **named})
        assert answer.status_code == 200, answer.text
        assert answer.json()["size"] == "1280x1280"


def test_what_was_made_is_answered_although_some_was_refused(tester: Customer):
    with client(tester) as api:
        made = api.images.generate(prompt="a lake [[partial:2]]", n=4)
    assert len(made.data) == 2


def test_models_are_listed_and_read(tester: Customer):
    with client(tester) as api:
        assert [model.id for model in api.models.list()] == [MODEL]
        assert api.models.retrieve(MODEL).object == "model"
        with pytest.raises(openai.NotFoundError) as caught:
            api.models.retrieve("gpt-image-2")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize(
    ("asked", "error", "code", "param"),
    [
        ({"prompt": "a [[fail:SensitiveContentDetected]]"}, openai.BadRequestError,
         "content_policy_violation", None),
        ({"prompt": "a [[fail:PromptInvalid]]"}, openai.BadRequestError, "invalid_prompt", None),
        ({"prompt": "a [[fail:InternalError]]"}, openai.InternalServerError, "generation_failed",
         None),
        ({"prompt": "a", "model": "dall-e-3"}, openai.NotFoundError, "model_not_found", "model"),
        ({"prompt": "  "}, openai.BadRequestError, "invalid_value", "prompt"),
        ({"prompt": "a", "n": 9}, openai.BadRequestError, "invalid_value", "n"),
        ({"prompt": "a", "n": "x"}, openai.BadRequestError, "invalid_value", "n"),
        ({"prompt": "a", "size": "big"}, openai.BadRequestError, "invalid_value", "size"),
        ({"prompt": "a", "size": "0x10"}, openai.BadRequestError, "invalid_value", "size"),
        ({"prompt": "a", "stream": True}, openai.BadRequestError, "invalid_value", "stream"),
        ({"prompt": "a", "response_format": "xml"}, openai.BadRequestError, "invalid_value",
         "response_format"),
    ],
)  # fmt: skip
def test_the_client_raises_what_it_would_raise_at_openai(
    tester: Customer, asked: dict, error: type, code: str, param: str | None
):
    with client(tester) as api, pytest.raises(error) as caught:
        api.images.generate(**asked)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert "input." not in caught.value.message
    assert caught.value.request_id


def test_a_prompt_is_required_and_named(tester: Customer):
    for path in (GENERATIONS, EDITS):
        error = tester.http.post(path, json={"n": 1}).json()["error"]
        assert (error["type"], error["param"]) == ("invalid_request_error", "prompt")


@pytest.mark.parametrize(
    ("parts", "param", "words"),
    [
        ({}, "image", "1 to 3 images"),
        ({"image": [PNG] * 4}, "image", "there are 4"),
        ({"image": [b"<svg/>"]}, "image[0]", "image[0]"),
        (
            {"image": [PNG, encoded(photo(500, 500).convert("RGBA"), "PNG")]},
            "image[1]",
            "transparency",
        ),
        ({"image": [PNG], "mask": [PNG]}, "mask", "mask"),
    ],
)
def test_files_that_cannot_be_taken_are_named(
    tester: Customer, parts: dict, param: str, words: str
):
    files = [(name, ("a.png", data)) for name, many in parts.items() for data in many]
    sent = {"files": files, "data": {"prompt": "a"}} if files else {"json": {"prompt": "a"}}
    answer = tester.http.post(EDITS, **sent)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert words in error["message"]
    assert tasks(tester) == []


def test_addresses_that_cannot_be_taken_are_named(tester: Customer):
    body = {"prompt": "a", "images": [{"file_id": "file-1"}]}
    assert tester.http.post(EDITS, json=body).json()["error"]["param"] == "images"
    body = {"prompt": "a", "image": ["https://example.com/a.png", "ftp://example.com/b.png"]}
    error = tester.http.post(EDITS, json=body).json()["error"]
    assert error["param"] == "image[1]"
    assert error["message"].startswith("image[1] ")


def test_a_form_that_cannot_be_read_is_refused(tester: Customer):
    for media_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = tester.http.post(EDITS, content=b"--no", headers={"Content-Type": media_type})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "image"


def test_half_a_character_in_a_form_is_refused(tester: Customer):
    form = b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n\\ud800\r\n--x--\r\n'
    media_type = "multipart/form-data; boundary=x; charset=unicode_escape"
    answer = tester.http.post(EDITS, content=form, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "prompt")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/images/variations", 404, None),
        ("GET", "/v1/", 404, None),
        ("POST", "/v1/chat/completions", 404, None),
        ("GET", GENERATIONS, 405, "method_not_supported"),
        ("DELETE", "/v1/models/x", 405, "method_not_supported"),
    ],
)
def test_what_is_not_there_is_told_in_openais_shape(
    tester: Customer, method: str, path: str, status: int, code: str | None
):
    answer = tester.http.request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    assert (status == 405) == ("allow" in answer.headers)


def test_wrong_keys_and_bodies_are_told_in_openais_shape(live: Service, tester: Customer):
    wrong = openai.OpenAI(api_key="sk-wrong", base_url=f"{live.url}/v1")
    with wrong as api, pytest.raises(openai.AuthenticationError) as caught:
        api.images.generate(prompt="a")
    assert caught.value.code == "invalid_api_key"
    assert caught.value.response.headers["www-authenticate"] == "Bearer"
    typed = tester.http.post(GENERATIONS, content=b"{}", headers={"Content-Type": "text/plain"})
    assert (typed.status_code, "error" in typed.json()) == (415, True)
    long = tester.http.post(GENERATIONS, json={"prompt": "x" * 1_100_000})
    assert (long.status_code, "error" in long.json()) == (413, True)


def test_too_many_requests_are_told_when_to_come_back(live: Service):
    slow = live.customer(test=True, rate_limit_per_minute=1)
    slow.http.get("/v1/models")
    answer = slow.http.get("/v1/models")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert int(answer.headers["retry-after"]) >= 1


def test_who_has_no_money_is_told_so_once(live: Service):
    beggar = live.customer(dollars=0.01)
    with client(beggar) as api, pytest.raises(openai.RateLimitError) as caught:
        api.images.generate(prompt="a")
    assert (caught.value.type, caught.value.code) == ("insufficient_quota", "insufficient_quota")
    # else the client would ask twice more by itself
    assert caught.value.response.headers["x-should-retry"] == "false"


def kept_uploads(live: Service, customer: Customer) -> int:
    sql = "SELECT count(*) FROM uploads WHERE account_id = $1 AND expires_at > created_at"
    return live.run(live.runtime.pool.fetchval(sql, customer.account_id))


def test_an_edit_that_is_refused_keeps_no_file(live: Service):
    beggar = live.customer(dollars=0.01)
    with client(beggar) as api:
        for fields in ({}, {"size": "bogus"}, {"extra_headers": {"Idempotency-Key": "a b"}}):
            with pytest.raises(openai.APIStatusError):
                api.images.edit(prompt="a", image=("a.png", PNG), **fields)
        with pytest.raises(openai.BadRequestError):
            api.images.edit(prompt="a", image=[("a.png", PNG), ("b.png", b"no picture")])
    assert kept_uploads(live, beggar) == 0


def test_of_an_edit_whose_second_file_cannot_be_kept_the_first_is_not_either(
    live: Service, customer: Customer
):
    pool = live.runtime.pool
    live.run(
        pool.execute(
            """
            CREATE FUNCTION refuse_second() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF EXISTS (SELECT FROM uploads WHERE account_id = NEW.account_id) THEN
                    RAISE EXCEPTION 'somebody holds it' USING ERRCODE = 'lock_not_available';
                END IF;
                RETURN NEW; END $$;
            CREATE TRIGGER refuse_second BEFORE INSERT ON uploads FOR EACH ROW
                EXECUTE FUNCTION refuse_second();
            """
        )
    )
    try:
        files = [("image[]", PNG), ("image[]", PNG)]
        answer = customer.http.post(EDITS, data={"prompt": "a"}, files=files)
    finally:
        live.run(pool.execute("DROP TRIGGER refuse_second ON uploads; DROP FUNCTION refuse_second"))
    assert answer.status_code == 503
    assert kept_uploads(live, customer) == 0


def test_a_task_that_failed_for_a_busy_engine_says_when_to_ask_again(tester: Customer):
    prompt = {"prompt": "a fox [[fail:RateLimitExceeded]]"}
    answer = tester.http.post("/v1/images/generations", json=prompt)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_a_repetition_with_an_idempotency_key_is_neither_made_nor_paid_twice(
    live: Service, customer: Customer
):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    with client(customer) as api:
        both = [
            api.images.edit(prompt="a", image=("a.png", PNG), extra_headers=key) for _ in range(2)
        ]
        other = [api.images.generate(prompt="a", extra_headers={"Idempotency-Key": "b"})]
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            api.images.edit(prompt="b", image=("a.png", PNG), extra_headers=key)
    # of the repetition and of the one that was refused nothing is kept
    assert kept_uploads(live, customer) == 1
    assert both[0].data == both[1].data != other[0].data
    assert caught.value.code == "idempotency_key_reused"
    assert len(tasks(customer)) == 2
    assert customer.http.get("/api/v1/apikeys/current-balance").json()["data"] == 0.94


def test_a_client_that_leaves_does_not_end_its_task(tester: Customer):
    with pytest.raises(httpx2.ReadTimeout):
        tester.http.post(GENERATIONS, json={"prompt": "a [[never]]"}, timeout=0.5)
    (task,) = tasks(tester)
    assert task["state"] in ("pending", "processing")
    cancelled = tester.http.post(f"/api/v1/cancelTask/{MODEL}", params={"taskId": task["taskId"]})
    assert cancelled.json()["data"]["failCode"] == "Cancelled"


def test_a_task_that_is_cancelled_meanwhile_is_a_conflict(tester: Customer):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(tester.http.post, GENERATIONS, json={"prompt": "a [[never]]"})
        while not (found := tasks(tester)):
            assert not waiting.done()
        tester.http.post(f"/api/v1/cancelTask/{MODEL}", params={"taskId": found[0]["taskId"]})
        answer = waiting.result(20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "cancelled")
    assert answer.headers["x-should-retry"] == "false"


def test_a_service_that_stops_says_how_to_go_on(databases: Databases, tmp_path: Path):
    with databases.fresh() as url, working_service(url, tmp_path) as stopping:
        stopping.loop.call_soon_threadsafe(stopping.runtime.changes.stop_waiting)
        tester = stopping.customer(test=True)
        asked = {"prompt": "a [[never]]"}
        plain = tester.http.post(GENERATIONS, json=asked)
        keyed = tester.http.post(GENERATIONS, json=asked, headers={"Idempotency-Key": "k"})
    assert (plain.status_code, keyed.status_code) == (503, 503)
    assert plain.headers["x-task-id"] in plain.json()["error"]["message"]
    assert (plain.headers["x-should-retry"], keyed.headers["x-should-retry"]) == ("false", "true")


@pytest.mark.parametrize(
    ("size", "text", "edit"),
    [
        ((1024, 1024), "1:1", "1:1"),
        ((1792, 1024), "16:9", "16:9"),
        ((1024, 1792), "9:16", "9:16"),
        ((1536, 1024), "4:3", "3:2"),
        ((1024, 1536), "3:4", "2:3"),
        ((3000, 1000), "16:9", "21:9"),
        ((99999, 1), "16:9", "21:9"),
        ((1, 99999), "9:16", "9:16"),
    ],
)
def test_a_size_becomes_the_nearest_ratio(size: tuple[int, int], text: str, edit: str):
    assert (nearest_ratio(TEXT, size), nearest_ratio(EDIT, size)) == (text, edit)


def test_every_failure_of_a_task_has_a_status_and_a_code():
    assert set(FAILURES) == set(FAIL_CODES)
    for code in FAIL_CODES:
        status, body = refusal_body(TaskFault(code, "why"))
        assert 400 <= status < 600
        assert body.error.code
        assert body.error.message == "why"


def test_a_fault_without_a_name_at_openai_keeps_its_status():
    fault = Fault("why")
    fault.status = 507
    assert refusal_body(fault)[0] == 507
