"""Whatever is sent, the answer is good or says what is wrong with it; it is never our fault."""

import json
from typing import Any

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.service import GENERATE, STATUS, Customer

quickly = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# Lone surrogates cannot be sent as UTF-8; json.dumps sends them as escapes, which can.
text = st.text(max_size=40)
scalar = st.none() | st.booleans() | st.integers() | st.floats() | text
anything = st.recursive(
    scalar, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=10
)
nearly_input = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["text-to-image", "image-to-image"]) | anything,
        "prompt": st.just("a panda") | anything,
        "negative_prompt": anything,
        "aspect_ratio": st.sampled_from(["1:1", "21:9"]) | anything,
        "num_images": st.integers(-1, 6) | st.sampled_from(["1", "\uff14", "1e9"]) | anything,
        "image_urls": st.lists(st.sampled_from(["https://example.com/a.png", "data:,"]) | anything),
    },
)
nearly_body = st.fixed_dictionaries(
    {},
    optional={
        "input": nearly_input | anything,
        "request_type": st.sampled_from(["async", "callback"]) | anything,
        "callback_url": st.just("https://example.com/hook") | anything,
        "source": anything,
        "provider": anything,
    },
)


def check(answer: httpx2.Response) -> None:
    body: Any = answer.json()
    assert answer.status_code in (200, 400, 404), answer.text
    assert body["code"] == answer.status_code
    assert isinstance(body["message"], str)
    if answer.status_code == 200:
        assert list(body["data"]) == ["taskId"]
    elif answer.status_code == 400:
        assert body["data"]["error"]


def post(customer: Customer, content: bytes) -> httpx2.Response:
    return customer.http.post(
        GENERATE, content=content, headers={"Content-Type": "application/json"}
    )


@quickly
@given(body=anything)
def test_any_json_is_answered_in_the_envelope(tester: Customer, body: Any):
    check(post(tester, json.dumps(body).encode()))


@quickly
@given(body=nearly_body)
def test_json_that_is_nearly_right_is_answered_in_the_envelope(tester: Customer, body: Any):
    check(post(tester, json.dumps(body).encode()))


@quickly
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered_in_the_envelope(tester: Customer, body: bytes):
    check(post(tester, body))


def test_a_body_that_is_nested_without_end_is_answered_in_the_envelope(tester: Customer):
    for opening in (b"[", b'{"input":', b'{"source":', b'{"input":{"image_urls":['):
        depth = 900_000 // len(opening)
        check(post(tester, opening * depth))
    for opening, closing in ((b"[", b"]"), (b'{"input":', b"}"), (b'{"source":[', b"]}")):
        depth = 50_000
        check(post(tester, opening * depth + b"1" + closing * depth))


@quickly
@given(task_id=st.text(max_size=80))
def test_any_task_id_is_answered_in_the_envelope(tester: Customer, task_id: str):
    encoded = task_id.encode("utf-8", "surrogatepass")
    query = "".join(f"%{byte:02x}" for byte in encoded)
    check(tester.http.get(f"{STATUS}?taskId={query}"))
