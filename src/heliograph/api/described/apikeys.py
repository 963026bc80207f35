"""Operations on the keys of an account, for its owner."""

from collections.abc import Iterator, Mapping
from typing import Any

from heliograph.accounts.keys import MOST_KEYS
from heliograph.api.apikeys import MOST_LISTED
from heliograph.api.apikeys_wire import (
    KeyBody,
    KeyChange,
    KeyData,
    KeyList,
    NewKey,
    RotateKeyBody,
)
from heliograph.api.described.inboxes import path_parameter
from heliograph.api.described.operation import JSON_BODY, SIGNED, Operation
from heliograph.api.session import NO_OWNER, NOT_FROM_HERE
from heliograph.api.wire import Success
from heliograph.base.errors import BadRequest, Conflict, Forbidden, NotFound

TAG = "Keys"
PATH = "/api/v1/apikeys"
OWNED = (
    "Only for who is signed in by a link of `heliograph account sign-in`: an API key, and who signed in"
    " with one, is refused, so that a key that leaked makes no others."
)

KEY_ID = "4fQ9xZ1b"
KEY: Mapping[str, Any] = {
    "keyId": KEY_ID,
    "prefix": f"hg_live_{KEY_ID}",
    "name": "shop",
    "state": "active",
    "test": False,
    "routing": "auto",
    "rateLimitPerMinute": 10000,
    "createdTime": 1767965610929,
    "lastUsedTime": 1769900000000,
    "expiresTime": 1924992000000,
    "monthlyCap": 50,
    "spentThisMonth": 12.36,
    "spentTotal": 140.07,
    "models": ["wan-2-5-image"],
    "networks": ["203.0.113.0/24"],
}
REVOKED = {**KEY, "state": "revoked", "revokedTime": 1769904000000}
NEW = {"apiKey": f"hg_live_{KEY_ID}_" + "•" * 38, "key": KEY}

LIMITS: Mapping[str, Any] = {
    "monthlyCap": 50,
    "models": ["wan-2-5-image"],
    "networks": ["203.0.113.0/24"],
    "expiresTime": 1924992000000,
}
REFUSED = (Forbidden(NO_OWNER), Forbidden(NOT_FROM_HERE))
GONE = NotFound(f"There is no usable key {KEY_ID}")
FULL = Conflict(
    f"The account has {MOST_KEYS} keys that can be used, the most that there may be."
    " Revoke one that is not needed any more."
)


def key_operations() -> Iterator[Operation]:
    """List, make, change, replace, revoke."""
    yield Operation(
        "GET",
        PATH,
        "keys",
        TAG,
        "List the keys of the account",
        f"Those that can be used, then those that have ended, the youngest first, {MOST_LISTED} at most. {OWNED}",
        [REFUSED[0], *SIGNED],
        answer=Success[KeyList],
        examples={"two keys": {"items": [KEY, REVOKED]}},
        signed=True,
    )
    yield Operation(
        "POST",
        PATH,
        "createKey",
        TAG,
        "Make a key",
        f"`apiKey` is shown in this answer and nowhere else. An account has up to {MOST_KEYS} that can be"
        f" used. {OWNED}",
        [BadRequest("Missing required field: name", "name"), *REFUSED, FULL, *JSON_BODY, *SIGNED],
        answer=Success[NewKey],
        examples={"made": NEW},
        body=KeyBody,
        body_examples={
            "a key with limits": {"name": "shop", **LIMITS},
            "a test key": {"name": "ci", "test": True},
        },
        signed=True,
    )
    yield _change()
    yield _rotate()
    yield Operation(
        "POST",
        f"{PATH}/{{keyId}}/revoke",
        "revokeKey",
        TAG,
        "Revoke a key",
        f"Within one second no process accepts it any more. It cannot be undone. {OWNED}",
        [GONE, *REFUSED, JSON_BODY[1], *SIGNED],
        answer=Success[KeyData],
        examples={"revoked": REVOKED},
        parameters=[_key_id()],
        signed=True,
    )


def _change() -> Operation:
    return Operation(
        "PATCH",
        f"{PATH}/{{keyId}}",
        "changeKey",
        TAG,
        "Change the name or the limits of a key",
        "A limit that is null is taken away, one that is absent stays. Caps hold at once and count what"
        " was spent before; all else is known everywhere within a second. A key that has ended and shall"
        f" work again needs room like a new one. {OWNED}",
        [
            BadRequest("networks: '203.0.113.7/24' has host bits set", "networks"),
            GONE,
            *REFUSED,
            FULL,
            *JSON_BODY,
            *SIGNED,
        ],
        answer=Success[KeyData],
        examples={"changed": KEY},
        body=KeyChange,
        body_examples={"a cap, and no end": {"monthlyCap": 50, "expiresTime": None}},
        parameters=[_key_id()],
        signed=True,
    )


def _rotate() -> Operation:
    return Operation(
        "POST",
        f"{PATH}/{{keyId}}/rotate",
        "rotateKey",
        TAG,
        "Replace a key by a new one",
        "The new one has the same rights and goes on with what is spent. The present one works for"
        f" `keepHours` more. {OWNED}",
        [
            BadRequest(
                "keepHours: Expected `int` <= 168. /docs shows what this body holds.", "keepHours"
            ),
            GONE,
            *REFUSED,
            FULL,
            *JSON_BODY,
            *SIGNED,
        ],
        answer=Success[NewKey],
        examples={"replaced": NEW},
        body=RotateKeyBody,
        body_examples={"a day": {"keepHours": 24}},
        parameters=[_key_id()],
        signed=True,
    )


def _key_id() -> Mapping[str, Any]:
    return path_parameter("keyId", "The id of the key.", "^[0-9A-Za-z]{8}$", KEY_ID)
