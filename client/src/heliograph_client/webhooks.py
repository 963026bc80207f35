"""Webhooks: check that a message comes from your server, and read it.

    notice = heliograph_client.webhooks.verify(body, headers, secret)

Signatures follow the Standard Webhooks specification 1.0.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from heliograph_client._task import TaskStatus, read_status
from heliograph_client.errors import BadSignature

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret starts with
SIGNATURE_PREFIX = "v1,"

#: How far the time of signing may be from now.
TOLERANCE_SECONDS = 300.0


@dataclass(frozen=True)
class Notice:
    """What a message says.

    `id` is the same whenever this message is sent again: remember it to act once. `sent_seconds` is when
    it was signed, in Unix seconds. `task` is the state of a task that has ended, else None; then
    `event` names what happened (`batch.completed`, `balance.low`). `data` is the message's own data.
    """

    id: str
    sent_seconds: int
    task: TaskStatus | None
    event: str | None
    data: Mapping[str, Any]


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str,
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now: Callable[[], float] = time.time,
) -> Notice:
    """Give the notice in `body`. Raises BadSignature when it was not signed with `secret` just now.

    `body` is the body as it arrived, not parsed and written again. `headers` may be spelled in any
    case. `secret` is the account's, `whsec_…`; another form raises ValueError.
    """
    raw = body.encode() if isinstance(body, str) else body
    found = {name.lower(): value for name, value in headers.items()}
    message_id = _header(found, "webhook-id")
    sent_seconds = _sent_seconds(_header(found, "webhook-timestamp"), now(), tolerance_seconds)
    content = b".".join((message_id.encode(), str(sent_seconds).encode(), raw))
    wanted = hmac.digest(_key(secret), content, hashlib.sha256)
    if not any(_equal(one, wanted) for one in _header(found, "webhook-signature").split()):
        raise BadSignature("The message is not signed with this secret.")
    return _notice(message_id, sent_seconds, raw)


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise BadSignature(f"The message has no header {name}.")
    return value


def _sent_seconds(text: str, now: float, tolerance_seconds: float) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise BadSignature("The header webhook-timestamp is no number.")
    sent_seconds = int(text[:18])
    if abs(now - sent_seconds) > tolerance_seconds:
        raise BadSignature(
            f"The message was signed {now - sent_seconds:.0f} s ago,"
            f" more than {tolerance_seconds:.0f} s from now: it is a repetition, or a clock is wrong."
        )
    return sent_seconds


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not key or not secret.startswith(SECRET_PREFIX):
        # The value itself must not reach a log through this message.
        raise ValueError(f"a webhook secret is {SECRET_PREFIX} followed by base64")
    return key


def _equal(signature: str, wanted: bytes) -> bool:
    """Compared in constant time. While a secret is being replaced a message carries two signatures."""
    if not signature.startswith(SIGNATURE_PREFIX):
        return False
    right = base64.b64encode(wanted)
    return hmac.compare_digest(signature.removeprefix(SIGNATURE_PREFIX).encode(), right)


def _notice(message_id: str, sent_seconds: int, raw: bytes) -> Notice:
    try:
        message = json.loads(raw)
        data = message["data"]
        event = message.get("type")
        task = None if event else read_status(data)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadSignature("The message is signed, but is no notice of this API.") from None
    return Notice(message_id, sent_seconds, task, event, data)
