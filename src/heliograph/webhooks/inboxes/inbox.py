"""An inbox: a receiver whose messages lie here until somebody fetches them."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT_HOURS = 24
MOST_INBOXES = 20
"""Of one account; another one takes the place of the oldest."""

MOST_MESSAGES = 1000
"""Of one inbox; another one takes the place of the oldest."""

MOST_POSTS_A_MINUTE = 120
"""From outside to one inbox. Our own notices are not counted."""

MOST_FETCHED = 100
"""Messages in one answer."""

MOST_BODY_BYTES = 64 * 1024

_INBOX_ID = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True)
class Inbox:
    """Nobody can guess `inbox_id`: who knows it may post. `secrets` are those of the account."""

    inbox_id: str
    account_id: str
    expires_at: datetime.datetime
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What was posted; names of headers in lower case."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class Message(Posted):
    """What lies in an inbox, in which `message_id` grows."""

    message_id: int


def is_inbox_id(text: str) -> bool:
    """Whether `text` can be the id of an inbox."""
    return _INBOX_ID.fullmatch(text) is not None


def inbox_url(inbox_id: str, public_url: str) -> str:
    """Where an inbox takes messages."""
    return f"{public_url}/inbox/{inbox_id}"


def inbox_id_of(url: str, public_url: str) -> str | None:
    """The id of the inbox that lies at `url`, or None when it leads elsewhere."""
    prefix = inbox_url("", public_url)
    inbox_id = url.removeprefix(prefix)
    return inbox_id if public_url and url.startswith(prefix) and is_inbox_id(inbox_id) else None


def topic_of(inbox_id: str) -> str:
    """Under what name it is told that an inbox has a new message."""
    return f"inbox:{inbox_id}"
