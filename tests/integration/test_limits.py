import datetime
import random
import time

import pytest

from heliograph.accounts.account import Key
from heliograph.accounts.limits import Allowance, RateLimiter
from heliograph.base import errors


class Now:
    """The moment that the library of limits reads; it moves only when told to."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0  # the start of a minute

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    now = Now()
    monkeypatch.setattr(time, "time", now)
    return now


def key(limit: int, key_id: str = "4fQ9xZ1b") -> Key:
    start = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
    return Key(key_id, "acc_0", "laptop", False, "auto", limit, start, None, None)


def admitted(limiter: RateLimiter, caller: Key, requests: int) -> int:
    return sum(refusal(limiter, caller) is None for _ in range(requests))


def refusal(limiter: RateLimiter, caller: Key, cost: int = 1) -> errors.TooManyRequests | None:
    try:
        limiter.check(caller, cost)
    except errors.TooManyRequests as refused:
        return refused
    return None


def test_exactly_the_limit_is_admitted_in_a_minute(now: Now):
    assert admitted(RateLimiter(), key(100), 250) == 100


def test_a_refusal_names_the_limit_and_says_when_to_come_back(now: Now):
    limiter = RateLimiter()
    admitted(limiter, key(100), 100)
    refused = refusal(limiter, key(100))
    assert refused is not None
    assert refused.message == "Rate limit reached: 100 requests a minute for this key"
    assert refused.headers["X-RateLimit-Limit"] == "100"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["Retry-After"]) >= 1


def test_the_headers_count_down_and_say_when_the_limit_is_whole_again(now: Now):
    limiter = RateLimiter()
    limiter.check(key(100))
    now.seconds += 10
    assert limiter.check(key(100)) == Allowance(limit=100, remaining=98, reset_seconds=110)
    now.seconds += 110
    assert limiter.check(key(100)).remaining == 99


def test_what_was_used_fades_over_the_next_minute(now: Now):
    limiter = RateLimiter()
    admitted(limiter, key(100), 100)
    now.seconds += 90
    assert limiter.check(key(100)).remaining == 49


def test_keys_do_not_use_up_each_others_limit(now: Now):
    limiter = RateLimiter()
    assert admitted(limiter, key(5, "first"), 9) == 5
    assert admitted(limiter, key(5, "second"), 9) == 5


def test_each_process_admits_its_share(now: Now):
    assert admitted(RateLimiter(share=4), key(100), 250) == 25


def test_a_share_is_never_less_than_one_request(now: Now):
    assert admitted(RateLimiter(share=4), key(1), 9) == 1


def test_a_batch_is_counted_by_its_items_or_not_at_all(now: Now):
    limiter = RateLimiter()
    assert refusal(limiter, key(100), cost=60) is None
    assert refusal(limiter, key(100), cost=60) is not None
    assert admitted(limiter, key(100), 250) == 40


def test_a_batch_over_the_whole_limit_needs_the_whole_limit(now: Now):
    limiter = RateLimiter()
    assert refusal(limiter, key(10), cost=50) is None
    assert refusal(limiter, key(10)) is not None


@pytest.mark.parametrize("seed", range(20))
def test_a_client_that_obeys_retry_after_is_never_refused_twice_in_a_row(now: Now, seed: int):
    chance = random.Random(seed)
    limiter, caller = RateLimiter(), key(chance.choice([1, 7, 100, 600]))
    refusals = 0
    for _ in range(2000):
        cost = chance.randint(1, 5) if caller.rate_limit_per_minute > 50 else 1
        refused = refusal(limiter, caller, cost)
        if refused is not None:
            refusals += 1
            now.seconds += int(refused.headers["Retry-After"])
            assert refusal(limiter, caller, cost) is None
        now.seconds += chance.random() * chance.choice([0, 0.01, 1])
    assert refusals > 0


def test_retry_after_does_not_ask_for_more_than_the_time_needed(now: Now):
    limiter = RateLimiter()
    admitted(limiter, key(60), 60)
    now.seconds += 59
    refused = refusal(limiter, key(60))
    assert refused is not None
    assert refused.headers["Retry-After"] == "2"


def test_no_sliding_minute_admits_more_than_the_limit_of_an_even_client(now: Now):
    limiter = RateLimiter()
    times = []
    for _ in range(6000):
        now.seconds += 0.1
        if refusal(limiter, key(300)) is None:
            times.append(now.seconds)
    busiest = max(sum(start <= other < start + 60 for other in times) for start in times[::50])
    assert 295 <= busiest <= 303
