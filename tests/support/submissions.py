"""Bodies of Generate Task, and reading them without looking at any URL."""

import json
from typing import Any

import pytest

from heliograph.base.errors import BadRequest
from heliograph.catalog.request import Submission, read_submission
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE

TEXT = {"mode": "text-to-image", "prompt": "a panda"}
EDIT = {"mode": "image-to-image", "prompt": "a panda", "image_urls": ["https://example.com/1.png"]}
ABSENT: Any = object()


def accept(url: str) -> None:
    """A check that any URL passes."""


def read(body: Any) -> Submission:
    """Read `body`, raw bytes or a value to be written as JSON, with every URL accepted."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return read_submission(raw, WAN_2_5_IMAGE, check_callback=accept, check_image_url=accept)


def refusal(body: Any) -> BadRequest:
    """Read `body`, which must be refused."""
    with pytest.raises(BadRequest) as caught:
        read(body)
    return caught.value


def field_of(fault: BadRequest) -> object:
    """Name the field that the client is told of, or None for the body as a whole."""
    return (fault.data or {}).get("field")


def changed(base: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Make a body of the input `base` with other `fields`; ABSENT takes one away."""
    return {
        "input": {name: value for name, value in (base | fields).items() if value is not ABSENT}
    }
