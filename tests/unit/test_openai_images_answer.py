"""What an engine's answers mean, in whichever shape they come."""

import base64
import io
import itertools
import json

import pytest
from PIL import Image

from heliograph.providers.openai_images.answer import checked_picture, outcome_of, picture_in
from heliograph.providers.openai_images.order import without_tags
from heliograph.providers.openai_images.trouble import (
    ADDRESS_WRONG,
    BILL_UNPAID,
    KEY_REFUSED,
    MODEL_MISMATCH,
    REQUEST_REFUSED,
    Kind,
    Trouble,
    judge,
    lost,
    unreachable,
    unusable,
    words_of,
)
from heliograph.providers.provider import FAIL_CODES, Failed, Finished, Made, Refused, Unknown

SIZE = (64, 48)


def encoded(kind="PNG", size=SIZE):
    file = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(file, kind)
    return file.getvalue()


PNG = encoded()
MADE = Made(PNG)


def body(**fields):
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (body(error={"message": "no room", "code": "full"}), "full", "no room"),
        (body(error={"message": "no room", "code": 400}), "", "no room"),
        (body(error="no room"), "", "no room"),
        (body(detail="no room"), "", "no room"),
        (body(detail=[{"loc": ["n"], "msg": "too many"}, {"msg": "no n"}]), "", "too many; no n"),
        (body(message="no room"), "", "no room"),
        (body(error="server_error", message="no room"), "", "server_error"),
        (body(error={}, detail="no\n room"), "", "no room"),
        (body(error={"message": "x" * 999}), "", "x" * 200),
        (b"[1]", "", ""),
        (b"<h1>Bad Gateway</h1>", "", ""),
        (b"", "", ""),
        # no database takes a NUL
        (body(error="a\0 \x1b[1m\nlong  way"), "", "a [1m long way"),
    ],
)
def test_the_words_of_an_error_are_found_wherever_they_stand(answer, code, words):
    assert words_of(answer) == (code, words)


@pytest.mark.parametrize(
    ("status", "answer", "kind", "code", "alert"),
    [
        (400, body(detail="bad size"), Kind.REQUEST, "BadRequest", REQUEST_REFUSED),
        (422, body(detail="no image"), Kind.REQUEST, "BadRequest", REQUEST_REFUSED),
        (413, b"", Kind.REQUEST, "BadRequest", REQUEST_REFUSED),
        (400, body(error="Model mismatch: x"), Kind.OPERATOR, "InternalError", MODEL_MISMATCH),
        (404, body(error="no such model"), Kind.OPERATOR, "InternalError", MODEL_MISMATCH),
        (404, body(detail="Not Found"), Kind.OPERATOR, "InternalError", ADDRESS_WRONG),
        (302, b"", Kind.OPERATOR, "InternalError", ADDRESS_WRONG),
        (405, b"", Kind.OPERATOR, "InternalError", ADDRESS_WRONG),
        (401, b"", Kind.OPERATOR, "InternalError", KEY_REFUSED),
        (403, b"", Kind.OPERATOR, "InternalError", KEY_REFUSED),
        (402, b"", Kind.OPERATOR, "InternalError", BILL_UNPAID),
        (
            429,
            body(error={"code": "insufficient_quota", "message": "pay"}),
            Kind.OPERATOR,
            "InternalError",
            BILL_UNPAID,
        ),
        (
            400,
            body(error={"code": "moderation_blocked", "message": "no"}),
            Kind.REQUEST,
            "SensitiveContentDetected",
            None,
        ),
        (429, b"", Kind.BUSY, "RateLimitExceeded", None),
        (503, b"", Kind.BUSY, "RateLimitExceeded", None),
        (408, b"", Kind.BROKEN, "InternalError", None),
        (500, body(detail="out of memory"), Kind.BROKEN, "InternalError", None),
        (502, b"<html>", Kind.BROKEN, "InternalError", None),
    ],
)
def test_a_status_has_one_meaning(status, answer, kind, code, alert):
    trouble = judge(status, answer, "", paid=False)
    assert (trouble.kind, trouble.missing.code, trouble.alert) == (kind, code, alert)
    assert trouble.missing.code in FAIL_CODES


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (500, body(error={"message": "failed"}), Kind.BROKEN),
        (500, b"", Kind.LOST),
        (502, b"<html>", Kind.LOST),
        (504, body(error={"message": "timed out"}), Kind.LOST),
        (408, body(error={"message": "timed out"}), Kind.LOST),
        (503, b"<html>", Kind.BUSY),
    ],
)
def test_a_paid_call_is_lost_where_somebody_in_between_gave_up_on_it(status, answer, kind):
    assert judge(status, answer, "", paid=True).kind is kind


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("99999", 300), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
def test_an_engine_may_say_when_to_come_back_but_not_for_ever(header, seconds):
    assert judge(503, b"", header, paid=False).wait_seconds == seconds


def test_the_words_of_an_engine_are_not_for_the_customer():
    trouble = judge(400, body(detail="/models/secret.safetensors"), "", paid=False)
    assert trouble.words == "/models/secret.safetensors"
    assert "secret" not in trouble.missing.message


def test_a_picture_is_read_from_base64_or_named_by_an_address():
    text = base64.b64encode(PNG).decode()
    assert picture_in(body(data=[{"b64_json": text, "url": None}])) == PNG
    assert picture_in(body(data=[{"b64_json": None, "url": "/files/1.png"}])) == "/files/1.png"
    assert picture_in(body(data=[{}, {"b64_json": text, "file_path": "/tmp/x"}])) == PNG


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (body(data=[]), "no picture"),
        (body(data=[{"url": None}]), "no picture"),
        (body(data=None), "no list"),
        (body(created=1), "no picture"),
        (b"<html>", "no list"),
        (body(data=[{"b64_json": "?"}]), "base64"),
    ],
)
def test_an_answer_without_a_picture_says_why(answer, why):
    with pytest.raises(ValueError, match=why):
        picture_in(answer)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_sound_picture_keeps_its_bytes_and_tells_its_type(kind):
    data = encoded(kind)
    assert checked_picture(data, SIZE) == Made(data, f"image/{kind.lower()}")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a sound picture"),
        (b"this is no picture", "not a sound picture"),
        (PNG[: len(PNG) // 2], "not a sound picture"),
        (PNG[:-30] + b"?" + PNG[-29:], "not a sound picture"),
        (encoded("BMP"), "not a sound picture"),
        (encoded(size=(32, 32)), "32x32 instead of 64x48"),
    ],
)
def test_what_is_no_sound_picture_of_the_size_is_not_taken(data, why):
    with pytest.raises(ValueError, match=why):
        checked_picture(data, SIZE)


def test_pictures_that_were_made_are_kept_whatever_became_of_the_others():
    for paid, trouble in itertools.product(
        (True, False), (lost("gone", paid=True), unusable("text"), unreachable("refused"))
    ):
        outcome = outcome_of([trouble, MADE], paid=paid, warnings=("w",))
        assert outcome == Finished((trouble.missing, MADE), ("w",))


BUSY = judge(429, b"", "40", paid=False)
OPERATOR = judge(401, b"", "", paid=False)
REQUEST = judge(400, b"", "", paid=False)
BROKEN = lost("gone", paid=False)


@pytest.mark.parametrize(
    ("troubles", "seconds"),
    [
        ([unreachable("refused")], 10),
        ([BROKEN, BROKEN], 10),
        ([BUSY, BROKEN], 40),
        ([OPERATOR, BUSY], 40),
        ([OPERATOR, OPERATOR], None),
        ([unusable("text")], None),
    ],
)
def test_without_a_picture_the_job_is_refused_until_the_engines_may_be_well(troubles, seconds):
    outcome = outcome_of(troubles, paid=False)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_seconds == seconds


def test_a_fault_of_the_request_fails_the_job_wherever_it_was_found():
    assert outcome_of([BROKEN, REQUEST], paid=False) == Failed(
        "BadRequest", REQUEST.missing.message
    )


@pytest.mark.parametrize("other", [BUSY, BROKEN, OPERATOR])
def test_a_paid_call_that_was_lost_leaves_the_outcome_open(other: Trouble):
    assert outcome_of([other, lost("gone", paid=True)], paid=True) == Unknown("gone")


def test_a_paid_answer_without_a_usable_picture_fails_the_job():
    assert isinstance(outcome_of([unusable("text")], paid=True), Failed)


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [
        ("a lake", "a lake"),
        ("a <sd_cpp_extra_args>{}</sd_cpp_extra_args>lake", "a lake"),
        ('a lake<SD_cpp_Extra_Args>{"n":\n9}</sd_CPP_extra_args>', "a lake"),
        ("a lake<sd_cpp_extra_args>{", "a lake"),
        ("a </sd_cpp_extra_args>lake", "a lake"),
        ("a <sd_cpp_<sd_cpp_extra_args></sd_cpp_extra_args>extra_args>{}lake", "a "),
        ("a <b>lake</b> < 3", "a <b>lake</b> < 3"),
    ],
)
def test_no_prompt_can_carry_parameters(prompt, kept):
    assert without_tags(prompt) == kept
