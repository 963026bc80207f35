"""The trouble there may be with an engine, and what its answers other than 200 mean.

The shapes of error bodies differ from engine to engine and from release to release, so that all of
them are read for every dialect; only whether a call is paid for makes a difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

import msgspec

from heliograph.providers.provider import Missing
from heliograph.providers.quoted import quoted

LONGEST_WAIT_SECONDS: Final = 300.0


class Kind(Enum):
    """What kind of trouble it is, and so what is done about it."""

    REQUEST = "no engine will make it"
    OPERATOR = "this engine will make nothing until the operator sees to it"
    BUSY = "this engine has no room"
    BROKEN = "this engine failed, and nothing is owed"
    UNREACHABLE = "nothing was sent"
    LOST = "it may have been made and may be owed"
    UNUSABLE = "this engine answered with no picture that can be used"


@dataclass(frozen=True)
class Alert:
    """What the operator is told: a code, and what to do."""

    code: str
    remedy: str


@dataclass(frozen=True)
class Trouble:
    """Why there is no picture: `missing` for the customer, `words` (the engine's own) for the log."""

    kind: Kind
    missing: Missing
    words: str = ""
    alert: Alert | None = None
    wait_seconds: float | None = None


FAILED: Final = Missing("InternalError", "The image engine failed. Nothing was charged; try again.")
_FULL: Final = Missing("RateLimitExceeded", "The image engine has too much to do. Try again later.")
_REFUSED: Final = Missing("BadRequest", "The image engine refused the request.")
_TOO_LARGE: Final = Missing("BadRequest", "A reference image is too large for the image engine.")
_SENSITIVE: Final = Missing(
    "SensitiveContentDetected", "The prompt or a picture failed the safety check"
)

REQUEST_REFUSED: Final = Alert(
    "RequestRefused",
    "check that the model can make the size, and take as many references as are sent",
)
KEY_REFUSED: Final = Alert(
    "KeyRefused", "set HELIOGRAPH_OPENAI_IMAGES_API_KEY to a key that the engine takes"
)
MODEL_MISMATCH: Final = Alert(
    "ModelMismatch", "set HELIOGRAPH_OPENAI_IMAGES_MODEL to the model that the engine serves"
)
ADDRESS_WRONG: Final = Alert(
    "AddressWrong", "check the base URL: whatever answers there has no images API of OpenAI's shape"
)
BILL_UNPAID: Final = Alert("BillUnpaid", "bring the account at the hosted service into order")
PICTURE_UNUSABLE: Final = Alert(
    "PictureUnusable", "check that the engine makes PNG pictures of exactly the size that is asked"
)
ALERTS: Final = (
    REQUEST_REFUSED,
    KEY_REFUSED,
    MODEL_MISMATCH,
    ADDRESS_WRONG,
    BILL_UNPAID,
    PICTURE_UNUSABLE,
)

_UNPAID: Final = {"insufficient_quota", "billing_hard_limit_reached"}
_MODERATED: Final = {"content_policy_violation", "moderation_blocked"}
_OPERATOR: Final = {
    HTTPStatus.UNAUTHORIZED: KEY_REFUSED,
    HTTPStatus.FORBIDDEN: KEY_REFUSED,
    HTTPStatus.PAYMENT_REQUIRED: BILL_UNPAID,
}
_CUSTOMER: Final = {
    HTTPStatus.BAD_REQUEST: _REFUSED,
    HTTPStatus.UNPROCESSABLE_ENTITY: _REFUSED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _TOO_LARGE,
}
_PERHAPS_MADE: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}


def judge(status: int, body: bytes, retry_after: str, *, paid: bool) -> Trouble:
    """What an answer other than 200 means; `retry_after` is that header, or empty.

    A `paid` call may be owed when somebody in between gave up on it.
    """
    code, words = words_of(body)
    alert = _operators_fault(status, code, words)
    if alert is not None:
        return Trouble(Kind.OPERATOR, FAILED, words, alert)
    if code in _MODERATED:
        return Trouble(Kind.REQUEST, _SENSITIVE, words)
    if status in _CUSTOMER:
        return Trouble(Kind.REQUEST, _CUSTOMER[HTTPStatus(status)], words, REQUEST_REFUSED)
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return Trouble(Kind.BUSY, _FULL, words, wait_seconds=_seconds(retry_after))
    if paid and (status in _PERHAPS_MADE or not words):
        return Trouble(Kind.LOST, FAILED, words or f"answered {status}")
    return Trouble(Kind.BROKEN, FAILED, words or f"answered {status}")


def lost(words: str, *, paid: bool) -> Trouble:
    """The connection broke after the request was sent, or while it was."""
    return Trouble(Kind.LOST if paid else Kind.BROKEN, FAILED, words)


def unreachable(words: str) -> Trouble:
    """No connection, or no sign of health: nothing was sent."""
    return Trouble(Kind.UNREACHABLE, FAILED, words)


def unusable(words: str) -> Trouble:
    """An answer of 200 without a picture, or with one that is not what was asked for."""
    return Trouble(Kind.UNUSABLE, FAILED, words, PICTURE_UNUSABLE)


def words_of(body: bytes) -> tuple[str, str]:
    """Code and sentence of an error body, each empty where there is none."""
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return "", ""
    if not isinstance(answer, dict):
        return "", ""
    error = answer.get("error")
    inner: Mapping[str, Any] = error if isinstance(error, dict) else {}
    spoken = (inner.get("message"), error, answer.get("detail"), answer.get("message"))
    words = next((found for part in spoken if (found := _plain(part))), "")
    return _plain(inner.get("code")), quoted(words)


def _operators_fault(status: int, code: str, words: str) -> Alert | None:
    if code in _UNPAID:
        return BILL_UNPAID
    if status in _OPERATOR:
        return _OPERATOR[HTTPStatus(status)]
    if status == HTTPStatus.BAD_REQUEST and "model mismatch" in words.lower():
        return MODEL_MISMATCH
    if status == HTTPStatus.NOT_FOUND:
        return MODEL_MISMATCH if "model" in words.lower() else ADDRESS_WRONG
    understood = (*_CUSTOMER, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
    other = status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in understood
    return ADDRESS_WRONG if other else None


def _seconds(retry_after: str) -> float | None:
    return min(float(retry_after), LONGEST_WAIT_SECONDS) if retry_after.isdecimal() else None


def _plain(part: object) -> str:
    """The text of `part`: a sentence, or the sentences of a list of validation errors."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "; ".join(str(one.get("msg", "")) for one in part if isinstance(one, dict))
    return ""
