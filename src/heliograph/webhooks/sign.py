"""Signatures by the Standard Webhooks specification 1.0: the receiver can tell that a notice is ours."""

import base64
import binascii
import datetime
import hashlib
import hmac
from collections.abc import Iterable, Mapping

PREFIX = "whsec_"

#: How far the time in the headers may be from the time of receipt: that of the public packages.
TOLERANCE_SECONDS = 5 * 60


def secret_of(key: bytes) -> str:
    """The secret whose key is `key`, as customers get it; at least 24 random bytes."""
    return PREFIX + base64.b64encode(key).decode()


def signed_headers(
    message_id: str,
    body: bytes,
    *,
    secret: str,
    moment: datetime.datetime,
    previous_secret: str | None = None,
) -> dict[str, str]:
    """Give the three headers that prove `body` to the holder of `secret` (`whsec_` and base64).

    `message_id` is the same at every attempt, so that the receiver can tell a repetition;
    `moment`, the time of this attempt, is not. With a `previous_secret` there are two signatures,
    and the holder of either can verify. Raises ValueError for a secret of another form.
    """
    timestamp = str(int(moment.timestamp()))
    secrets = [secret] if previous_secret is None else [secret, previous_secret]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(message_id, timestamp, body, s) for s in secrets),
    }


def is_signed(
    headers: Mapping[str, str], body: bytes, *, secrets: Iterable[str], moment: datetime.datetime
) -> bool:
    """Whether `headers` (names in lower case) prove `body`, received at `moment`, to any of `secrets`."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdecimal()):
        return False
    if abs(float(timestamp[:18]) - moment.timestamp()) > TOLERANCE_SECONDS:
        return False
    given = headers.get("webhook-signature", "").split()
    wanted = [_signature(message_id, timestamp, body, secret).encode() for secret in secrets]
    return any(hmac.compare_digest(one.encode(), right) for one in given for right in wanted)


def _signature(message_id: str, timestamp: str, body: bytes, secret: str) -> str:
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signature = hmac.digest(_key(secret), content, hashlib.sha256)
    return "v1," + base64.b64encode(signature).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not key or not secret.startswith(PREFIX):
        # The value itself must not reach a log through this message.
        raise ValueError("a webhook secret is `whsec_` followed by base64")
    return key
