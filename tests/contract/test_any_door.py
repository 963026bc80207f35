"""Whatever is sent through a door, it is answered in the door's own shape; it is never our fault."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.service import Customer, Service
from contract.test_any_body import anything, quickly

TOOLS = ["generate_image", "get_task", "cancel_task", "quote", "get_balance", "list_models"]


@pytest.fixture
def poor(service: Service) -> Customer:
    """Can pay for nothing, so that nobody waits for a task."""
    return service.customer(rate_limit_per_minute=1_000_000)


nearly_body = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.just("a lake") | anything,
        "n": anything,
        "size": st.sampled_from(["1x1", "auto"]) | anything,
        "model": anything,
        "image": st.lists(st.text(max_size=40)) | anything,
        "images": st.lists(st.fixed_dictionaries({}, optional={"image_url": anything})) | anything,
        "mask": anything,
        "response_format": anything,
        "stream": anything,
    },
)


@quickly
@given(
    path=st.sampled_from(["/v1/images/generations", "/v1/images/edits"]),
    body=nearly_body | anything,
)
def test_any_json_is_answered_in_openais_shape(poor: Customer, path: str, body: object):
    content = json.dumps(body).encode()
    answer = poor.http.post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 404, 429), answer.text
    assert answer.json()["error"]["message"]


nearly_message = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | anything},
    optional={
        "id": st.integers(0, 9) | anything,
        "method": st.sampled_from(["tools/list", "tools/call", "ping", "x"]) | anything,
        "params": st.fixed_dictionaries(
            {"name": st.sampled_from(TOOLS) | anything}, optional={"arguments": anything}
        )
        | anything,
    },
)


@quickly
@given(
    message=nearly_message | anything,
    version=st.sampled_from(["", "2025-06-18", "2026-07-28", "x"]),
)
def test_no_message_is_our_fault(poor: Customer, message: object, version: str):
    headers = {"content-type": "application/json", "accept": "application/json"}
    named = {"mcp-protocol-version": version} if version else {}
    answer = poor.http.post("/mcp", content=json.dumps(message).encode(), headers=headers | named)
    assert answer.status_code in (200, 202, 400, 404), answer.text
