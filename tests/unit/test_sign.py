import base64
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from heliograph.webhooks.sign import TOLERANCE_SECONDS, is_signed, secret_of, signed_headers

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
BODY = '{"code":200,"message":"success","data":{"failMsg":"ungültig ✓"}}'.encode()


def sign(body: bytes = BODY, *, ago_seconds: float = 0, secret: str = SECRET) -> dict[str, str]:
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=ago_seconds)
    return signed_headers("0198a5", body, secret=secret, moment=moment)


def test_a_customer_verifies_a_notice_with_the_public_package_and_none_of_our_code():
    assert Webhook(SECRET).verify(BODY, sign())["code"] == 200


@given(st.text(min_size=1), st.binary(min_size=24, max_size=64))
def test_any_body_and_any_secret_verify(text, key):
    secret = "whsec_" + base64.b64encode(key).decode()
    Webhook(secret).verify(text.encode(), sign(text.encode(), secret=secret), json_parse=False)


def test_the_headers_are_the_three_of_the_specification():
    moment = datetime.datetime(2024, 1, 1, microsecond=999_999, tzinfo=datetime.UTC)
    headers = signed_headers("msg", b"{}", secret=SECRET, moment=moment)
    assert list(headers) == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    assert headers["webhook-id"] == "msg"
    assert headers["webhook-timestamp"] == "1704067200"
    assert headers["webhook-signature"].startswith("v1,")


def test_a_changed_body_does_not_verify():
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY + b" ", sign())


def test_the_signature_of_another_account_does_not_verify():
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, sign(secret=other))


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_a_changed_id_or_time_does_not_verify(header):
    headers = sign()
    headers[header] = headers[header][:-1] + ("1" if headers[header][-1] != "1" else "2")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, headers)


def test_a_recording_played_back_after_ten_minutes_does_not_verify():
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(BODY, sign(ago_seconds=600))


def test_while_secrets_overlap_the_holder_of_either_verifies():
    moment = datetime.datetime.now(datetime.UTC)
    new = secret_of(b"n" * 24)
    headers = signed_headers("0198a5", BODY, secret=new, previous_secret=SECRET, moment=moment)
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (new, SECRET):
        assert Webhook(secret).verify(BODY, headers)["code"] == 200
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(b"o" * 24)).verify(BODY, headers)


NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def known(headers: dict[str, str], body: bytes = BODY, *, secret: str = SECRET) -> bool:
    return is_signed(headers, body, secrets=[secret_of(b"x" * 24), secret], moment=NOW)


def test_our_own_signature_is_known_again_and_nothing_else():
    headers = signed_headers("0198a5", BODY, secret=SECRET, moment=NOW)
    assert known(headers)
    assert not known(headers, BODY + b" ")
    assert not known(headers, secret=secret_of(b"y" * 24))
    for name in headers:
        assert not known({**headers, name: headers[name] + "1"})
        assert not known({other: text for other, text in headers.items() if other != name})


@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS, TOLERANCE_SECONDS])
def test_a_signature_is_good_at_about_its_time(seconds):
    moment = NOW + datetime.timedelta(seconds=seconds)
    assert known(signed_headers("0198a5", BODY, secret=SECRET, moment=moment))
    late = moment + datetime.timedelta(seconds=1 if seconds > 0 else -1)
    assert not known(signed_headers("0198a5", BODY, secret=SECRET, moment=late))


@given(st.dictionaries(st.sampled_from(list(sign())), st.text()))
def test_any_headers_are_judged(headers):
    assert known(headers) is False


def test_five_minutes_are_tolerated_as_by_the_public_packages():
    assert TOLERANCE_SECONDS == 300
    early = signed_headers("0198a5", BODY, secret=SECRET, moment=NOW - datetime.timedelta(days=1))
    assert known(early) is False


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!", "AAAA", "whsec_abc", "whsec_!!AAAA"])
def test_a_secret_of_another_form_is_refused_without_being_repeated(secret):
    with pytest.raises(ValueError, match="followed by base64") as caught:
        sign(secret=secret)
    assert caught.value.__context__ is None or secret not in str(caught.value)
