"""What an idempotency key is, and when two requests are the same. Pure."""

import hashlib
import uuid

import msgspec

from heliograph.accounts.account import Key
from heliograph.base.errors import UnprocessableEntity

KEPT_HOURS = 24


class Remembered(msgspec.Struct, frozen=True):
    """What a key was used for first: the SHA-256 of that request, and the task or batch it made."""

    request_sha256: bytes
    task_id: uuid.UUID | None = None
    batch_id: uuid.UUID | None = None


def name_of(key: Key, idempotency_key: str) -> tuple[str, str]:
    """The account of `key`, and under which name it remembers `idempotency_key`.

    What was rehearsed with a test key is never the answer to a live request, nor the other way round.
    """
    # a customer's own has no space in it
    return key.account_id, f"test {idempotency_key}" if key.test else idempotency_key


def request_sha256(route: str, request: object) -> bytes:
    """What tells requests apart that came with one key: the route and the checked `request`.

    Checked, so that white space, the order of fields, fields that are ignored and defaults that are
    written out make no difference: what would make the same pictures is the same request.
    """
    return hashlib.sha256(msgspec.json.encode((route, request))).digest()


def check_repetition(key: str, known: Remembered, sha256: bytes) -> None:
    """Raise UnprocessableEntity unless the request with hash `sha256` is the one that is `known`."""
    if known.request_sha256 != sha256:
        raise UnprocessableEntity(
            f"The idempotency key {key} belongs to another request of the last {KEPT_HOURS} hours."
            " Repeat that one as it was, or choose a new key."
        )
