"""Who is signed in at the pages, for how long, and what their secrets look like. Pure."""

import dataclasses
import datetime
import hashlib
import re
from typing import NamedTuple

from heliograph.accounts.account import Key

LINK_LIFE = datetime.timedelta(minutes=15)
SESSION_LIFE = datetime.timedelta(hours=12)

#: What the pages may ask for in a minute, for all who are signed in for the same account together.
REQUESTS_PER_MINUTE = 1_200

#: How many sessions a key may have open; with one more, the oldest ends.
MOST_PER_KEY = 100

LINK_PREFIX = "hgl_"
SESSION_PREFIX = "hgs_"
#: 32 random bytes in base64 for addresses.
_RANDOM = r"[A-Za-z0-9_-]{43}"
_NAME = re.compile(r"[\w.@+-]+(?: [\w.@+-]+)*")
MOST_NAME_CHARACTERS = 60

_LINK = re.compile(LINK_PREFIX + _RANDOM)
_SESSION = re.compile(SESSION_PREFIX + _RANDOM)


class Pages(NamedTuple):
    """What all who are signed in for an account are counted as: no key has an id like that."""

    key_id: str
    rate_limit_per_minute: int


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in: for an account, or as the operator of that name.

    `key` is the key that the session was opened with: it may no more than the key, ends with it, and
    cannot change keys. None: it was opened by a link, and stands for the account itself.
    """

    account_id: str | None
    operator: str | None
    expires_at: datetime.datetime
    key: Key | None = None

    def __post_init__(self) -> None:
        assert (self.account_id is None) != (self.operator is None), "an account or an operator"
        assert self.key is None or self.key.account_id == self.account_id, "a key of its account"

    @property
    def owns_account(self) -> bool:
        """Whether it may decide what a key alone may not: which keys there are."""
        return self.account_id is not None and self.key is None

    @property
    def counted(self) -> Key | Pages:
        """Whose requests its own are counted as."""
        # a name may have letters of any script, an id of what is counted has eight bytes
        owner = self.account_id or hash_token(self.operator or "").hex()
        return self.key or Pages(f"@{owner[-7:]:7}", REQUESTS_PER_MINUTE)

    def usable_at(self, now: datetime.datetime) -> bool:
        """Whether it has not ended, by its own time or with its key; at `expires_at` it is over."""
        return now < self.expires_at and (self.key is None or self.key.usable_at(now))


def check_operator(name: str) -> None:
    """Raise ValueError unless an operator can be called `name` in a log that people read."""
    if len(name) > MOST_NAME_CHARACTERS or not _NAME.fullmatch(name):
        raise ValueError(
            f"must be a name of up to {MOST_NAME_CHARACTERS} letters, digits, spaces and . @ + - _"
        )


def is_link_token(text: str) -> bool:
    """Whether `text` looks like the secret of a link."""
    return _LINK.fullmatch(text) is not None


def is_session_token(text: str) -> bool:
    """Whether `text` looks like the secret of a session."""
    return _SESSION.fullmatch(text) is not None


def hash_token(token: str) -> bytes:
    """What is stored of a secret: its SHA-256, enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()
