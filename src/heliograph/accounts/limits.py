"""How often a key may ask: requests a minute, counted in this process."""

import inspect
import math
import threading
import time
from typing import NamedTuple

from limits.storage import MemoryStorage

from heliograph.accounts.account import Key
from heliograph.base import errors

WINDOW_SECONDS = 60

#: How often counters that have faded are forgotten.
FORGET_SECONDS = 30

# Seconds since 1970 as a float are good to a microsecond; waiting a little longer is the safe side.
_CLOCK_SLACK_SECONDS = 0.001


class Window(NamedTuple):
    """What the library counts for a key: this minute, and the last one, which fades meanwhile.

    `previous_left` is how many seconds the last minute still counts; `current_left` the same for
    this minute: what is left of it, and the 60 seconds over which it will fade.
    """

    previous: int
    previous_left: float
    current: int
    current_left: float


HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


class Allowance(NamedTuple):
    """What HEADERS say: the limit a minute, what is left of it, and when it is whole again.

    `reset_seconds` is the time until then if nothing is sent meanwhile.
    """

    limit: int
    remaining: int
    reset_seconds: int


class RateLimiter:
    """Counts the requests of each key over a sliding minute, in memory.

    Memory is not shared, so each of `share` processes of one service admits its part of every
    key's limit; a client whose connections all end at one process gets that part and no more.
    """

    # The sliding counter, because it keeps two numbers for a key. The moving window keeps one entry
    # for each request, 10,000 for a key at the default limit, and copies them to expire them.
    def __init__(self, share: int = 1) -> None:
        self._share = share
        self._counters = _Counters()

    def check(self, key: Key, cost: int = 1) -> Allowance:
        """Count `cost` requests of `key` and tell what is left.

        A cost over the whole limit is counted as the limit, else it could never be admitted.
        Raises TooManyRequests, with the headers that say the same, and then counts nothing.
        """
        amount = max(1, key.rate_limit_per_minute // self._share)
        cost = min(cost, amount)
        admitted = self._counters.acquire_sliding_window_entry(
            key.key_id, amount, WINDOW_SECONDS, cost
        )
        window = Window(*self._counters.get_sliding_window(key.key_id, WINDOW_SECONDS))
        allowance = _allowance(amount, window)
        if not admitted:
            raise errors.TooManyRequests(
                f"Rate limit reached: {amount} requests a minute for this key",
                retry_after_seconds(amount, cost, window),
                {name: str(number) for name, number in zip(HEADERS, allowance, strict=True)},
            )
        return allowance


class _SeldomTimer(threading.Timer):
    """Counts as running until it is time for the next one."""

    def __init__(self, timer: threading.Timer) -> None:
        super().__init__(timer.interval, timer.function)
        self.daemon = True
        self._next_at = time.monotonic() + FORGET_SECONDS

    def is_alive(self) -> bool:
        return time.monotonic() < self._next_at


class _Counters(MemoryStorage):
    """The library's counters, but forgotten twice a minute: else it starts a hundred threads a second."""

    @property
    def timer(self) -> threading.Timer:
        return self._timer

    @timer.setter
    def timer(self, timer: threading.Timer) -> None:
        self._timer = _SeldomTimer(timer)


# The library wraps these twice, to give errors of remote stores one name: memory has no such errors.
for _name in ("incr", "get", "get_expiry", "check", "reset", "clear"):
    setattr(_Counters, _name, inspect.unwrap(getattr(_Counters, _name)))


def retry_after_seconds(amount: int, cost: int, window: Window) -> int:
    """When `cost` will fit under `amount`: in whole seconds, at least 1, if nothing else is sent.

    The library's own reset time is when one request more fits into either minute's count alone:
    too early for their sum, so that who obeyed it would be refused again.
    """
    room = amount - cost + 1
    if window.current < room:
        fade_seconds = (room - window.current) * WINDOW_SECONDS / max(1, window.previous)
        wait_seconds = window.previous_left - fade_seconds
    else:
        wait_seconds = window.current_left - room * WINDOW_SECONDS / window.current
    return max(1, math.floor(wait_seconds + _CLOCK_SLACK_SECONDS) + 1)


def _allowance(amount: int, window: Window) -> Allowance:
    used = math.floor(window.previous * window.previous_left / WINDOW_SECONDS + window.current)
    reset_seconds = window.current_left if window.current else window.previous_left
    return Allowance(amount, max(0, amount - used), math.ceil(reset_seconds))
