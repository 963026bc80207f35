"""Signatures by the Standard Webhooks specification 1.0: the receiver can tell that a notice is ours."""

import base64
import binascii
import datetime
import hashlib
import hmac

PREFIX = "whsec_"


def signed_headers(
    message_id: str, body: bytes, *, secret: str, moment: datetime.datetime
) -> dict[str, str]:
    """Give the three headers that prove `body` to the holder of `secret` (`whsec_` and base64).

    `message_id` is the same at every attempt, so that the receiver can tell a repetition;
    `moment`, the time of this attempt, is not. Raises ValueError for a secret of another form.
    """
    timestamp = str(int(moment.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signature = hmac.digest(_key(secret), content, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not key or not secret.startswith(PREFIX):
        # The value itself must not reach a log through this message.
        raise ValueError("a webhook secret is `whsec_` followed by base64")
    return key
