"""Bodies that nobody documented: broken, hostile or random ones."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.base.errors import BadRequest
from heliograph.catalog.request import Submission
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE
from support.submissions import TEXT, changed, field_of, read, refusal

DEEP = b"[" * 500_000 + b"]" * 500_000
BROKEN = [
    (b"", "it is empty"),
    (b" \n", "it is empty"),
    (b"null", "must be a JSON object with `input`, but is null"),
    (b"[]", "but is []"),
    (b'"{}"', 'but is "{}"'),
    (b"5", "but is 5"),
    (b"{", "not valid JSON"),
    (b"{'input': {}}", "double-quoted"),
    (b"input=x", "not valid JSON"),
    (b"\xef\xbb\xbf{}", "byte order mark"),
    ("{}".encode("utf-16"), "not UTF-8"),
    (b'{"input": NaN}', "NaN"),
    (b'{"input": {"mode": "text-to-image", "prompt": "x", "num_images": Infinity}}', "Infinity"),
    (b'{"input": {"mode": "text-to-image", "prompt": "x"}, "x": -Infinity}', "Infinity"),
    (b'{"input": {"mode": "text-to-image", "prompt": "x"}} x', "trailing characters"),
    (b'{"input": {"mode": "text-to-image", "prompt": "\\ud800"}}', "second half"),
    (b'{"input": {"mode": "text-to-image", "prompt": "\\udc00 x"}}', "second half"),
    (b'{"input": {"mode": "text-to-image", "prompt": "x"}, "source": "\\ud800"}', "second half"),
    (b'{"input": {"mode": "text-to-image", "prompt": "x"}, "\\ud800": 1}', "second half"),
    (b'{"input": {"mode": "text-to-image", "prompt": "x\xff"}}', "not UTF-8 (byte 48)"),
    (b'{"input": {"mode": "text-to-image", "prompt": "x\xed\xa0\x80"}}', "not UTF-8"),
    (b'{"input": {"mode": "text-to-image", "prompt": "x"}, "x": "\xff"}', "not UTF-8"),
    (b'{"input": {"mode": "text-to-image", "prompt": "\0"}}', "not valid JSON"),
    (b'{"input": 5, oops', "not valid JSON"),
    (b"[oops", "not valid JSON"),
    (DEEP, "nested too deeply"),
    (b'{"input": ' + DEEP + b"}", "nested too deeply"),
    (b'{"input": {"mode": "text-to-image", "prompt": "x", "image_urls": ' + DEEP + b"}}", "deeply"),
    (b'{"input": 5, "input": {"mode": "text-to-image", "prompt": "x"}}', "a field twice"),
]


@pytest.mark.parametrize(("body", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_body_that_is_broken_as_a_whole_says_how(body: bytes, message: str) -> None:
    fault = refusal(body)
    assert fault.message.startswith("The request body")
    assert message in fault.message
    assert fault.data == {"error": fault.message}


@pytest.mark.parametrize("number", [b"9" * 5000, b"-" + b"9" * 5000, b"1e400", b"1e-400"])
def test_a_number_that_no_machine_holds_is_refused_by_name(number: bytes) -> None:
    body = b'{"input": {"mode": "text-to-image", "prompt": "x", "num_images": ' + number + b"}}"
    fault = refusal(body)
    assert field_of(fault) == "input.num_images"
    assert "a whole number from 1 to 4" in fault.message


def test_of_a_key_written_twice_the_last_one_counts() -> None:
    body = b'{"input": {"mode": "text-to-image", "prompt": "one", "prompt": "two"}}'
    assert read(body).image.prompt == "two"


def test_a_refused_value_is_shown_short_and_cannot_disturb_a_terminal() -> None:
    fault = refusal(changed(TEXT, aspect_ratio="\x1b[31m\u202e" + "9" * 10_000))
    assert fault.message.isprintable()
    assert "\\u001b[31m\\u202e999" in fault.message
    assert len(fault.message) < 250


def outcome(body: bytes) -> Submission | None:
    """What reading any body comes to, having checked what is promised of every refusal."""
    try:
        return read(body)
    except BadRequest as refused:
        fault = refused
    field = field_of(fault)
    assert (str(field) if field else "The request body") in fault.message
    assert fault.message.isprintable()
    assert len(fault.message) < 500
    return None


@given(st.binary(max_size=200))
def test_any_bytes_give_a_submission_or_a_named_refusal(body: bytes) -> None:
    outcome(body)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
NEARLY_INPUT = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["text-to-image", "image-to-image"]) | ANY_JSON,
        "prompt": st.text() | ANY_JSON,
        "negative_prompt": st.text() | ANY_JSON,
        "aspect_ratio": st.sampled_from(sorted(WAN_2_5_IMAGE.modes["image-to-image"].sizes))
        | ANY_JSON,
        "num_images": st.integers(-1, 6) | st.integers(-1, 6).map(str) | ANY_JSON,
        "image_urls": st.lists(st.just("https://a/1.png") | ANY_JSON, max_size=5) | ANY_JSON,
    },
)
NEARLY_BODY = st.fixed_dictionaries(
    {"input": NEARLY_INPUT | ANY_JSON},
    optional={
        "request_type": st.sampled_from(["async", "callback"]) | ANY_JSON,
        "callback_url": st.text() | ANY_JSON,
        "source": ANY_JSON,
    },
)


@given(ANY_JSON | NEARLY_BODY, st.booleans())
def test_any_json_gives_a_submission_within_every_limit_or_a_named_refusal(
    value: Any, ascii_only: bool
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    submission = outcome(body)
    if submission is None:
        return
    image = submission.image
    mode = WAN_2_5_IMAGE.modes[image.mode]
    assert mode.sizes[image.aspect_ratio] == (image.width, image.height)
    assert 1 <= image.num_images <= 4
    assert 1 <= len(image.prompt) <= 2000
    assert mode.min_references <= len(image.image_urls) <= mode.max_references
    assert b"\\u0000" not in msgspec.json.encode(submission)


@given(st.text(), st.text())
def test_a_text_is_trimmed_then_cut_whatever_it_holds(before: str, after: str) -> None:
    sent = before + "a" * 2000 + after
    body = json.dumps(changed(TEXT, prompt=sent)).encode(errors="surrogatepass")
    assert read(body).image.prompt == sent.replace("\0", "").strip()[:2000]
