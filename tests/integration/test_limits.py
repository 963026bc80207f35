import datetime
import itertools
import random
import time
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from heliograph.accounts.account import Key
from heliograph.accounts.counters import BUCKETS, PLACES_PER_BUCKET, Window, make_shared
from heliograph.accounts.limits import Allowance, RateLimiter, retry_after_seconds
from heliograph.base import errors


class Now:
    """The moment that the limiter reads; it moves only when told to."""

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


def test_limiters_on_one_table_share_what_a_key_may_send(now: Now, tmp_path: Path):
    table = make_shared(tmp_path / "rates")
    with closing(RateLimiter(table)) as first, closing(RateLimiter(table)) as second:
        assert admitted(first, key(100), 70) == 70
        assert admitted(second, key(100), 250) == 30
        assert admitted(first, key(100), 9) == 0


def test_when_a_bucket_is_full_a_key_that_was_silent_for_a_minute_is_forgotten(now: Now):
    limiter = RateLimiter()
    first, silent, *others = rivals(PLACES_PER_BUCKET + 1)
    busy = [first, *others]
    assert [admitted(limiter, key(1, one), 2) for one in (first, silent)] == [1, 1]
    now.seconds += 120
    assert [admitted(limiter, key(1, one), 2) for one in busy] == [1] * len(busy)
    assert [admitted(limiter, key(1, one), 1) for one in busy] == [0] * len(busy)


def rivals(number: int) -> list[str]:
    """Ids of so many keys that share a bucket."""
    ids = (f"{one:08}" for one in itertools.count())
    found = (one for one in ids if zlib.crc32(one.encode()) % BUCKETS == 0)
    return list(itertools.islice(found, number))


def test_what_was_counted_before_the_clock_was_set_back_is_in_nobodys_way(now: Now):
    limiter = RateLimiter()
    *before, first, second = rivals(PLACES_PER_BUCKET + 2)
    now.seconds += 3600
    assert {admitted(limiter, key(1, one), 1) for one in before} == {1}
    now.seconds -= 3600
    for _ in range(2):
        left = [admitted(limiter, key(1, one), 1) for one in (before[3], first, second)]
    assert left == [0, 0, 0]


def test_thousands_of_keys_are_counted_each_for_itself(now: Now):
    limiter = RateLimiter()
    ids = [f"k{number}" for number in range(3000)]
    assert {admitted(limiter, key(1, one), 1) for one in ids} == {1}
    assert {admitted(limiter, key(1, one), 1) for one in ids} == {0}


def test_nobody_else_may_read_or_write_the_table(tmp_path: Path):
    assert make_shared(tmp_path / "rates").stat().st_mode & 0o777 == 0o600


def test_after_two_silent_minutes_nothing_counts_any_more(now: Now):
    limiter = RateLimiter()
    admitted(limiter, key(100), 100)
    now.seconds += 120
    assert limiter.check(key(100)).remaining == 99


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


@pytest.mark.parametrize(
    ("amount", "cost", "window", "seconds"),
    [
        (80, 1, Window(previous=100, previous_left=30, current=40, current_left=90), 7),
        (80, 21, Window(previous=100, previous_left=30, current=40, current_left=90), 19),
        (80, 1, Window(previous=100, previous_left=24.5, current=40, current_left=84.5), 1),
        (1, 1, Window(previous=1, previous_left=60, current=0, current_left=120), 1),
        (80, 1, Window(previous=0, previous_left=0, current=80, current_left=70), 11),
        (80, 41, Window(previous=0, previous_left=0, current=80, current_left=70), 41),
    ],
)
def test_the_time_to_wait_is_that_until_both_minutes_together_leave_room(
    amount: int, cost: int, window: Window, seconds: int
):
    assert retry_after_seconds(amount, cost, window) == seconds


def test_no_sliding_minute_admits_more_than_the_limit_of_an_even_client(now: Now):
    limiter = RateLimiter()
    times = []
    for _ in range(6000):
        now.seconds += 0.1
        if refusal(limiter, key(300)) is None:
            times.append(now.seconds)
    busiest = max(sum(start <= other < start + 60 for other in times) for start in times[::50])
    assert 295 <= busiest <= 303
