"""The clients with the hosted API, which knows the documented routes alone."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import heliograph_client
from hosted_api import KEY, PICTURE, HostedApi, Refuse, Time

DOCUMENTED = {
    "POST /api/v1/generateTask/wan-2-5-image",
    "GET /api/v1/statusTask/wan-2-5-image",
    "GET /api/v1/apikeys/current-balance",
}


def picture_file(format_name: str = "PNG", mode: str = "RGB", side: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (side, side), "red" if mode == "RGB" else 0).save(buffer, format_name)
    return buffer.getvalue()


def test_generate_gives_images_that_are_fetched_once_and_without_the_key(
    client: Any, hosted: HostedApi, tmp_path: Path
):
    result = client.generate("a fox", num_images=2)
    first, second = result.images
    assert (result.task_id, result.urls) == ("task_1", (first.url, second.url))
    assert not any("/files/" in path for path in hosted.paths())
    assert first.read() == first.read() == PICTURE
    assert first.save(tmp_path / "fox") == tmp_path / "fox.png"
    assert first.save(tmp_path) == tmp_path / "img1.png"
    assert second.save(str(tmp_path / "other.png")).read_bytes() == PICTURE
    assert hosted.paths().count("GET /files/img1.png") == 1


def test_only_documented_routes_and_parameters_are_used(client: Any, hosted: HostedApi):
    client.generate("a fox")
    assert client.balance() == pytest.approx(10 - 4 * 0.03)
    assert set(hosted.paths()) == DOCUMENTED
    assert {tuple(one.query) for one in hosted.seen} <= {(), ("taskId",)}


def test_the_request_is_the_documented_one(client: Any, hosted: HostedApi):
    client.submit(
        "a fox",
        images=["https://example.com/a.png"],
        aspect_ratio="16:9",
        num_images=3,
        negative_prompt="blur",
        callback_url="https://example.com/hook",
    )
    assert hosted.seen[0].json == {
        "request_type": "callback",
        "callback_url": "https://example.com/hook",
        "input": {
            "mode": "image-to-image",
            "prompt": "a fox",
            "negative_prompt": "blur",
            "aspect_ratio": "16:9",
            "num_images": 3,
            "image_urls": ["https://example.com/a.png"],
        },
    }
    client.submit("a fox", negative_prompt=None)
    plain = {"request_type": "async", "input": {"mode": "text-to-image", "prompt": "a fox"}}
    assert hosted.seen[1].json == plain


def test_polling_follows_the_documented_advice(client: Any, hosted: HostedApi, passing: Time):
    client.wait(client.submit("a fox"))
    assert passing.slept == [5.0, 5.0]
    assert hosted.reads == {"task_1": 3}


def test_events_are_the_changes_of_the_status(client: Any, hosted: HostedApi):
    hosted.outcomes = [{"state": state} for state in ("pending", "pending", "processing")]
    hosted.outcomes.append(hosted.success(1))
    task_id = client.submit("a fox")
    states = [status.state for status in client.events(task_id)]
    assert states == ["pending", "processing", "success"]


def test_whoever_has_seen_enough_events_may_leave(client: Any, hosted: HostedApi):
    for status in client.events(client.submit("a fox")):
        assert status.state == "pending"
        break
    assert hosted.reads == {"task_1": 1}


async def test_the_plain_client_works_inside_of_an_event_loop_too(hosted: HostedApi, passing: Time):
    # A notebook runs its cells like this.
    with heliograph_client.Client(KEY, hosted.url, sleep=passing.sleep, now=passing.now) as client:
        states = [status.state for status in client.events(client.submit("a fox"))]
    assert states == ["pending", "processing", "success"]


async def test_the_other_client_lets_the_loop_go_on_while_it_waits(hosted: HostedApi):
    hosted.faults = [Refuse(503, headers={"Retry-After": "0"})]
    async with heliograph_client.AsyncClient(KEY, hosted.url) as client:
        assert await client.balance() == 10.0


def test_a_status_is_read_once(client: Any):
    status = client.status(client.submit("a fox"))
    assert (status.state, status.ended, status.urls) == ("pending", False, ())


def test_a_failed_task_is_an_error_with_its_code(client: Any, hosted: HostedApi):
    hosted.outcomes = [
        {"state": "failed", "failCode": "PromptInvalid", "failMsg": "Prompt is invalid"}
    ]
    with pytest.raises(heliograph_client.TaskFailed) as raised:
        client.generate("a fox")
    error = raised.value
    assert (error.task_id, error.code) == ("task_1", "PromptInvalid")
    assert str(error) == "PromptInvalid: Prompt is invalid"


def test_when_the_time_to_wait_is_over_the_task_is_named_and_not_lost(
    client: Any, hosted: HostedApi, passing: Time
):
    hosted.outcomes = [{"state": "processing"}]
    with pytest.raises(heliograph_client.StillRunning) as raised:
        client.generate("a fox", timeout_seconds=12)
    assert sum(passing.slept) == 12
    assert (raised.value.task_id, raised.value.state) == ("task_1", "processing")
    hosted.outcomes = [hosted.success(1)]
    assert len(client.wait("task_1").images) == 1


def test_an_error_while_waiting_names_the_task(client: Any, hosted: HostedApi):
    task_id = client.submit("a fox")
    hosted.faults = [Refuse(403, "The key was revoked")]
    with pytest.raises(heliograph_client.Forbidden) as raised:
        client.wait(task_id)
    assert raised.value.task_id == task_id


@pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
def test_the_documented_base_url_is_taken_in_any_spelling(
    make_client: Any, hosted: HostedApi, ending: str
):
    assert make_client(base_url=hosted.url + ending).balance() == 10.0


def test_key_and_base_url_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, hosted: HostedApi
):
    monkeypatch.setenv("HELIOGRAPH_API_KEY", KEY)
    monkeypatch.setenv("HELIOGRAPH_BASE_URL", hosted.url)
    with heliograph_client.Client() as client:
        assert client.balance() == 10.0
    monkeypatch.delenv("HELIOGRAPH_API_KEY")
    with pytest.raises(heliograph_client.NoKey, match="HELIOGRAPH_API_KEY"):
        heliograph_client.Client()
    with pytest.raises(heliograph_client.NoAnswer, match="must start with http"):
        heliograph_client.Client("key", "localhost:8080")


@pytest.mark.parametrize("kind", ["bytes", "path", "name", "file", "alone"])
def test_a_local_picture_goes_as_data_where_there_are_no_uploads(
    client: Any, hosted: HostedApi, tmp_path: Path, kind: str
):
    path = tmp_path / "fox.png"
    path.write_bytes(picture_file())
    with path.open("rb") as file:
        given: dict[str, Any] = {
            "bytes": [path.read_bytes()],
            "path": [path],
            "name": [str(path)],
            "file": [file],
            "alone": path,
        }
        client.submit("warmer", images=given[kind])
    (url,) = hosted.tasks[0]["input"]["image_urls"]
    assert url.startswith("data:image/png;base64,iVBOR")
    client.submit("warmer", images=[path, path])
    assert hosted.paths().count("POST /api/v1/files") == 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "CMYK"])
def test_a_pillow_image_goes_as_a_picture_without_alpha(client: Any, hosted: HostedApi, mode: str):
    client.submit("warmer", images=[Image.new(mode, (8, 8))])
    (url,) = hosted.tasks[0]["input"]["image_urls"]
    assert url.startswith("data:image/jpeg;base64,/9j/")


def test_what_is_transparent_becomes_white():
    content = heliograph_client._reference.read_picture(Image.new("RGBA", (8, 8))).content
    assert Image.open(io.BytesIO(content)).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("format_name", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("BMP", "image/bmp"), ("WEBP", "image/webp")],
)
def test_the_kind_of_a_picture_is_seen_in_its_bytes(format_name: str, media_type: str):
    found = heliograph_client._reference.read_picture(picture_file(format_name))
    assert found.media_type == media_type


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (b"GIF89a", "The reference image cannot be read as a picture: it is no JPEG"),
        ("missing.png", "missing.png cannot be read as a picture: No such file"),
        (io.StringIO("text"), "must be opened as bytes"),
        (b"BM" + bytes(11 << 20), "too large: at most 10 MiB"),
    ],
)
def test_what_is_no_usable_picture_is_refused_before_anything_is_sent(
    client: Any, hosted: HostedApi, reference: Any, words: str
):
    with pytest.raises(heliograph_client.BadPicture, match=words):
        client.submit("warmer", images=[reference])
    assert hosted.seen == []


def test_an_option_that_does_not_exist_is_refused(client: Any, hosted: HostedApi):
    with pytest.raises(TypeError, match="size"):
        client.submit("a fox", size="16:9")
    assert hosted.seen == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, heliograph_client.BadRequest),
        (401, heliograph_client.Unauthorized),
        (402, heliograph_client.PaymentRequired),
        (403, heliograph_client.Forbidden),
        (404, heliograph_client.NotFound),
        (413, heliograph_client.ApiError),
        (429, heliograph_client.RateLimited),
        (500, heliograph_client.ServerError),
        (504, heliograph_client.ServerError),
    ],
)
def test_each_refusal_has_its_own_error(
    make_client: Any, hosted: HostedApi, status: int, kind: type[heliograph_client.ApiError]
):
    hosted.faults = [Refuse(status, "Not today")]
    with pytest.raises(heliograph_client.ApiError) as raised:
        make_client(max_retries=0).submit("a fox")
    error = raised.value
    assert type(error) is kind
    assert (error.status, error.message, error.request_id) == (status, "Not today", "req-1")
    named = ", request req-1" if status >= 500 else ""
    assert str(error) == f"Not today (HTTP {status}{named})"
    assert hosted.tasks == []


def test_a_conflict_of_a_call_without_a_key_is_final(client: Any, hosted: HostedApi):
    hosted.faults = [Refuse(409, "The task has not ended")]
    with pytest.raises(heliograph_client.Conflict):
        client.delete("task_1")
    assert len(hosted.seen) == 1


def test_a_wrong_field_is_named_in_either_way_of_the_documents(client: Any, hosted: HostedApi):
    said = {"error": "Missing required field: input.prompt", "field": "input.prompt"}
    hosted.faults = [Refuse(400, "Invalid request", said), Refuse(400, said["error"], said)]
    with pytest.raises(heliograph_client.BadRequest) as raised:
        client.submit("")
    assert raised.value.field == "input.prompt"
    assert raised.value.message == "Invalid request: Missing required field: input.prompt"
    with pytest.raises(heliograph_client.BadRequest) as raised:
        client.submit("")
    assert raised.value.message == "Missing required field: input.prompt"


def test_a_refusal_inside_of_an_http_200_is_a_refusal(client: Any, hosted: HostedApi):
    hosted.outcomes = [{"state": "pending"}]
    task_id = client.submit("a fox")
    hosted._status = lambda _: (200, {"code": 402, "message": "Insufficient balance"})  # type: ignore[method-assign]
    with pytest.raises(heliograph_client.PaymentRequired):
        client.status(task_id)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.models(),
        lambda client: client.quote("a fox"),
        lambda client: client.cancel("task_1"),
        lambda client: client.task("task_1"),
        lambda client: list(client.list()),
        lambda client: client.upload(picture_file()),
    ],
)
def test_what_the_hosted_api_does_not_have_is_not_found(client: Any, call: Any):
    with pytest.raises(heliograph_client.NotFound):
        call(client)


def test_an_answer_that_makes_no_sense_is_told_as_such(client: Any, hosted: HostedApi):
    hosted.balance = "much"  # type: ignore[assignment]
    with pytest.raises(heliograph_client.NoAnswer, match="none of this API"):
        client.balance()
    hosted.outcomes = [{"state": "success", "resultJson": json.dumps([1])}]
    hosted.balance = 10.0
    with pytest.raises(heliograph_client.NoAnswer, match="none of this API"):
        client.generate("a fox")
