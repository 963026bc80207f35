"""How often a key may ask: requests a minute, counted by all processes of a service together."""

import math
from pathlib import Path
from typing import NamedTuple, Protocol

from heliograph.accounts.counters import WINDOW_SECONDS, Counters, Window
from heliograph.base import errors

# Seconds since 1970 as a float are good to a microsecond; waiting a little longer is the safe side.
_CLOCK_SLACK_SECONDS = 0.001

HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


class Allowance(NamedTuple):
    """What HEADERS say: the limit a minute, what is left of it, and when it is whole again.

    `reset_seconds` is the time until then if nothing is sent meanwhile.
    """

    limit: int
    remaining: int
    reset_seconds: int


class Counted(Protocol):
    """Who may ask so often: a key, or all who are signed in for an account."""

    @property
    def key_id(self) -> str:
        """What they are counted under, eight bytes at most."""

    @property
    def rate_limit_per_minute(self) -> int:
        """How many requests a minute they may send."""


class RateLimiter:
    """Admits what fits into each key's sliding minute.

    `shared` is the table that the other processes of the service count in too.
    """

    # The sliding counter, because it keeps two numbers for a key. A moving window keeps one entry
    # for each request, 10,000 for a key at the default limit.
    def __init__(self, shared: Path | None = None) -> None:
        self._counters = Counters(shared)

    def check(self, key: Counted, cost: int = 1) -> Allowance:
        """Count `cost` requests of `key` and tell what is left.

        A cost over the whole limit is counted as the limit, else it could never be admitted.
        Raises TooManyRequests, with the headers that say the same, and then counts nothing.
        """
        limit = key.rate_limit_per_minute
        cost = min(cost, limit)
        admitted, window = self._counters.count(key.key_id, limit, cost)
        allowance = _allowance(limit, window)
        if not admitted:
            raise errors.TooManyRequests(
                f"Rate limit reached: {limit} requests a minute for this key",
                retry_after_seconds(limit, cost, window),
                {name: str(number) for name, number in zip(HEADERS, allowance, strict=True)},
            )
        return allowance

    def close(self) -> None:
        """Let go of the table."""
        self._counters.close()


def retry_after_seconds(amount: int, cost: int, window: Window) -> int:
    """When `cost` will fit under `amount`: in whole seconds, at least 1, if nothing else is sent.

    Both minutes count in the sum, so the wait is for the sum to fall, not for either of them alone.
    """
    room = amount - cost + 1
    if window.current < room:
        fade_seconds = (room - window.current) * WINDOW_SECONDS / max(1, window.previous)
        wait_seconds = window.previous_left - fade_seconds
    else:
        wait_seconds = window.current_left - room * WINDOW_SECONDS / window.current
    return max(1, math.floor(wait_seconds + _CLOCK_SLACK_SECONDS) + 1)


def _allowance(amount: int, window: Window) -> Allowance:
    used = math.floor(window.used)
    reset_seconds = window.current_left if window.current else window.previous_left
    return Allowance(amount, max(0, amount - used), math.ceil(reset_seconds))
