"""API keys: how they are made, how a typing error is seen, and whose a request is.

    hg_live_ 4fQ9xZ1b _ <32 random characters> <6 characters of CRC32>
    ───┬──── ───┬────
       kind     key_id, readable in logs; all of it in base62

The checksum lets us, and secret scanners, refuse a mistyped key without asking anybody. Stored is
only the SHA-256: for 190 random bits a slow hash adds nothing but a slow look-up.
"""

import dataclasses
import datetime
import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from heliograph.accounts import store
from heliograph.accounts.account import Key
from heliograph.accounts.uses import Uses
from heliograph.base import errors
from heliograph.base.batch import Batch
from heliograph.base.clock import Clock
from heliograph.base.database import Connection, Pool, borrow, transaction

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase

CACHE_SECONDS = 1
"""How long an answer is believed: a revocation reaches every process within this time."""

MOST_KEYS = 100
"""How many keys that can be used the owner of an account may have; operators may make more."""

MAX_CACHED_KEYS = 10_000
MAX_KEYS_PER_QUERY = 500

_API_KEY = re.compile(
    r"(?P<body>hg_(?:live|test)_(?P<key_id>[0-9A-Za-z]{8})_[0-9A-Za-z]{32})"
    r"(?P<checksum>[0-9A-Za-z]{6})"
)
_API_KEY_LENGTH = 55
_CHECKSUM_LENGTH = 6


class MintedKey(NamedTuple):
    """A new key. `api_key` is shown once and kept nowhere; `secret_sha256` (32 bytes) is stored."""

    key_id: str
    api_key: str
    secret_sha256: bytes


def mint_key(*, test: bool) -> MintedKey:
    """Make a key from the operating system's randomness."""
    key_id = _random(8)
    body = f"hg_{'test' if test else 'live'}_{key_id}_{_random(32)}"
    api_key = body + _checksum(body)
    return MintedKey(key_id, api_key, _sha256(api_key))


def parse_key(api_key: str) -> str | None:
    """The id of a key with the right shape and checksum, else None; any wrong character is seen."""
    match = _API_KEY.fullmatch(api_key)
    if match is None or _checksum(match["body"]) != match["checksum"]:
        return None
    return match["key_id"]


async def rotate_key(
    pool: Pool,
    key_id: str,
    *,
    now: datetime.datetime,
    keep_seconds: float,
    account_id: str | None = None,
) -> MintedKey:
    """Replace a key by a new one with the same rights; the old one works for `keep_seconds` more.

    With `account_id` it is the account's owner who asks: only the account's keys are there, and one
    that is kept for a time needs room for the other: no more than MOST_KEYS may work, else Conflict.
    Raises NotFound when there is no such key, or it has been revoked or has expired.
    """
    async with transaction(pool) as connection:
        stored = await store.lock_key(connection, key_id)
        if stored is None or account_id not in (None, stored.key.account_id):
            raise errors.NotFound(f"There is no usable key {key_id}")
        turn = await store.read_turn(connection, stored.key.account_id, now=now)
        if not stored.key.usable_at(turn):
            raise errors.NotFound(f"There is no usable key {key_id}")
        minted = mint_key(test=stored.key.test)
        successor = dataclasses.replace(
            stored.key, key_id=minted.key_id, created_at=now, last_used_at=None
        )
        await store.create_key(connection, successor, minted.secret_sha256)
        ends_at = now + datetime.timedelta(seconds=keep_seconds)
        await store.expire_key(connection, key_id, expires_at=ends_at)
        if account_id is not None and keep_seconds:
            await check_room(connection, account_id, now=now)
    return minted


async def check_room(connection: Connection, account_id: str, *, now: datetime.datetime) -> None:
    """Raise Conflict when more than MOST_KEYS of the account work, and so take back what was done.

    The caller has locked the account's keys.
    """
    if await store.count_usable_keys(connection, account_id, now=now) > MOST_KEYS:
        raise errors.Conflict(
            f"The account has {MOST_KEYS} keys that can be used, the most that there may be."
            " Revoke one that is not needed any more."
        )


class KeyReader:
    """Tells which key a request carries: from memory for a second, from the database after that.

    Only good answers are remembered, so that a new key works at once and strangers cannot fill the
    memory. They are kept under the SHA-256, never the key itself: as safe as the table, and a hit
    needs neither the shape nor the checksum again.
    """

    def __init__(self, pool: Pool, clock: Clock, *, max_cached: int = MAX_CACHED_KEYS) -> None:
        self._pool = pool
        self._clock = clock
        self._max_cached = max_cached
        self._known: dict[bytes, tuple[Key, datetime.datetime]] = {}
        self._look_up = Batch(self._read, MAX_KEYS_PER_QUERY)
        self._uses = Uses(pool)

    async def authenticate(self, authorization: str | None) -> Key:
        """The key of an `Authorization: Bearer …` header.

        Raises Unauthorized, always the same, when the header is missing or malformed or the key is
        unknown, revoked or expired; Busy when the database cannot be asked.
        """
        api_key = _bearer(authorization)
        secret_sha256 = _sha256(api_key)
        now = self._clock.now()
        key = self._remembered(secret_sha256, now)
        if key is None:
            key = await self._asked(api_key, secret_sha256)
            if key is None or not key.usable_at(now):
                raise errors.Unauthorized
            self._remember(secret_sha256, key, now)
            # once a second for each key: what memory answers costs nothing more
            self._uses.note(key.key_id, now)
        return key

    async def close(self) -> None:
        """Write down which keys were used since the last time."""
        await self._uses.close()

    async def _asked(self, api_key: str, secret_sha256: bytes) -> Key | None:
        key_id = parse_key(api_key)
        stored = None if key_id is None else await self._look_up(key_id)
        if stored is None or not hmac.compare_digest(stored.secret_sha256, secret_sha256):
            return None
        return stored.key

    def _remembered(self, secret_sha256: bytes, now: datetime.datetime) -> Key | None:
        key, read_at = self._known.get(secret_sha256, (None, now))
        if key is None or not key.usable_at(now):
            return None
        # Both sides, because a clock that is set back must not make an answer last.
        age_seconds = (now - read_at).total_seconds()
        return key if 0 <= age_seconds < CACHE_SECONDS else None

    def _remember(self, secret_sha256: bytes, key: Key, asked_at: datetime.datetime) -> None:
        # From the moment of asking, not of the answer: the row may have been read just before a
        # revocation was committed, and never before the question.
        self._known.pop(secret_sha256, None)
        if len(self._known) >= self._max_cached:
            del self._known[next(iter(self._known))]
        self._known[secret_sha256] = (key, asked_at)

    async def _read(self, key_ids: Sequence[str]) -> list[store.StoredKey | None]:
        async with borrow(self._pool) as connection:
            stored = await store.read_keys_by_id(connection, key_ids)
        return [stored.get(key_id) for key_id in key_ids]


def _bearer(authorization: str | None) -> str:
    scheme, _, api_key = (authorization or "").partition(" ")
    api_key = api_key.strip()
    if scheme.lower() != "bearer" or len(api_key) != _API_KEY_LENGTH:
        raise errors.Unauthorized
    return api_key


def _sha256(api_key: str) -> bytes:
    return hashlib.sha256(api_key.encode(errors="replace")).digest()


def _checksum(body: str) -> str:
    rest, digits = zlib.crc32(body.encode("ascii")), ""
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return digits


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))
