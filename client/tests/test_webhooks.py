"""Messages are believed when they are signed, and only then; the public package is the oracle."""

import base64
import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from heliograph_client import BadSignature, webhooks

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 25))).decode()
SENT = 1_767_965_652
TASK = {
    "taskId": "t1",
    "state": "success",
    "createTime": 1,
    "completeTime": 2,
    "resultJson": '{"resultUrls": ["https://example.com/1.png"]}',
}
BODY = json.dumps({"code": 200, "message": "success", "data": TASK}).encode()


def signed(body: bytes = BODY, *secrets: str, sent: int = SENT) -> dict[str, str]:
    moment = datetime.datetime.fromtimestamp(sent, datetime.UTC)
    signatures = [Webhook(one).sign("m1", moment, body.decode()) for one in secrets or (SECRET,)]
    return {
        "Webhook-Id": "m1",
        "Webhook-Timestamp": str(sent),
        "Webhook-Signature": " ".join(signatures),
    }


def verify(body: bytes | str, headers: dict[str, str], **options: Any) -> webhooks.Notice:
    return webhooks.verify(body, headers, SECRET, now=lambda: SENT, **options)


def test_the_end_of_a_task_is_read():
    notice = verify(BODY, signed())
    assert (notice.id, notice.sent_seconds, notice.event) == ("m1", SENT, None)
    assert notice.task is not None
    assert notice.task.urls == ("https://example.com/1.png",)
    assert verify(BODY.decode(), {k.lower(): v for k, v in signed().items()}) == notice


def test_another_event_is_read():
    body = b'{"type":"balance.low","timestamp":"2026-11-26T00:00:00Z","data":{"balance":1.5}}'
    notice = verify(body, signed(body))
    assert (notice.event, notice.task, notice.data) == ("balance.low", None, {"balance": 1.5})


def test_while_a_secret_is_replaced_either_is_enough():
    assert verify(BODY, signed(BODY, OTHER, SECRET)) == verify(BODY, signed(BODY, SECRET, OTHER))


@pytest.mark.parametrize("change", ["body", "id", "time", "secret", "version", "non-ascii"])
def test_what_was_changed_on_its_way_is_refused(change: str):
    headers, body = signed(), BODY
    match change:
        case "body":
            body += b" "
        case "id":
            headers["Webhook-Id"] = "m2"
        case "time":
            headers["Webhook-Timestamp"] = str(SENT + 1)
        case "secret":
            headers = signed(BODY, OTHER)
        case "version":
            headers["Webhook-Signature"] = headers["Webhook-Signature"].replace("v1,", "v2,")
        case "non-ascii":
            headers["Webhook-Signature"] = "v1,ÿÿ"
    with pytest.raises(BadSignature, match="not signed with this secret"):
        verify(body, headers)


@pytest.mark.parametrize("away", [-301, 301])
def test_an_old_message_and_one_from_the_future_are_refused(away: int):
    with pytest.raises(BadSignature, match="a repetition, or a clock is wrong"):
        verify(BODY, signed(sent=SENT + away))
    assert verify(BODY, signed(sent=SENT + away), tolerance_seconds=400).id == "m1"


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_message_without_one_of_the_headers_is_refused(name: str):
    headers = signed()
    del headers[name]
    with pytest.raises(BadSignature, match=name.lower()):
        verify(BODY, headers)


def test_a_timestamp_that_is_no_number_is_refused():
    with pytest.raises(BadSignature, match="no number"):
        verify(BODY, signed() | {"Webhook-Timestamp": "now"})


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_???", SECRET.removeprefix("whsec_")])
def test_a_secret_of_another_form_is_refused_without_being_shown(secret: str):
    with pytest.raises(ValueError, match="whsec_ followed by base64") as raised:
        webhooks.verify(BODY, signed(), secret, now=lambda: SENT)
    assert "AAEC" not in str(raised.value)


@pytest.mark.parametrize("body", [b"[]", b"no JSON", b'{"data": {}}', b'{"type": "x"}'])
def test_a_signed_message_that_is_no_notice_is_refused(body: bytes):
    with pytest.raises(BadSignature, match="no notice of this API"):
        verify(body, signed(body))


@given(content=st.text(), sent=st.integers(0, 2**33), key=st.binary(min_size=1, max_size=64))
def test_whatever_the_public_package_signs_is_verified(content: str, sent: int, key: bytes):
    secret = "whsec_" + base64.b64encode(key).decode()
    body = json.dumps({"type": "x", "data": content}).encode()
    notice = webhooks.verify(body, signed(body, secret, sent=sent), secret, now=lambda: sent)
    assert notice.data == content
