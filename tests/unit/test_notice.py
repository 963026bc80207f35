import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.webhooks.notice import (
    LONGEST_RETRY_AFTER_SECONDS,
    SPREAD,
    Dead,
    Delivered,
    Reply,
    RetryAt,
    Rules,
    next_attempt,
    place_of,
    refusal,
    retry_after_seconds,
)

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
RULES = Rules()
ANY_2XX = Rules(accept_any_2xx=True)
FAILED = Reply(latency_ms=5, status=500, error="The receiver answered 500.")


def overloaded(retry_after: str | None, status: int = 503) -> Reply:
    return Reply(latency_ms=5, status=status, error="Not now.", retry_after=retry_after)


def delay_seconds(
    try_no: int, *, rules: Rules = RULES, jitter: float = 0, reply: Reply = FAILED
) -> float | None:
    verdict = next_attempt(try_no, reply, now=NOW, rules=rules, jitter=jitter)
    return (verdict.moment - NOW).total_seconds() if isinstance(verdict, RetryAt) else None


def test_a_failing_receiver_gets_one_attempt_and_three_retries_with_growing_delays():
    assert [delay_seconds(try_no) for try_no in (1, 2, 3)] == [30, 120, 600]
    assert next_attempt(4, FAILED, now=NOW, rules=RULES, jitter=0) == Dead()


def test_a_reply_without_error_is_the_end_at_any_try():
    delivered = Reply(latency_ms=5, status=200)
    for try_no in range(1, 6):
        verdict = next_attempt(try_no, delivered, now=NOW, rules=RULES, jitter=0)
        assert verdict == Delivered()


def test_without_delays_there_is_one_attempt():
    assert delay_seconds(1, rules=Rules(retry_seconds=())) is None


@given(
    st.lists(st.floats(0, 86_400), max_size=10).map(tuple),
    st.integers(1, 12),
    st.floats(0, 1),
)
def test_a_retry_is_never_early_and_never_later_than_its_spread(delays, try_no, jitter):
    delay = delay_seconds(try_no, rules=Rules(retry_seconds=delays), jitter=jitter)
    if try_no > len(delays):
        assert delay is None
    else:
        wanted = delays[try_no - 1]
        assert wanted - 1e-5 <= delay <= wanted * (1 + SPREAD) + 1e-5


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_is_overloaded_says_when_to_come_back(status):
    assert delay_seconds(1, reply=overloaded("90", status)) == 90
    assert delay_seconds(1, reply=overloaded("Thu, 01 Jan 2026 00:02:00 GMT", status)) == 120
    assert delay_seconds(1, reply=overloaded("100", status), jitter=1) == 120


def test_a_retry_after_is_never_earlier_than_the_schedule_and_at_most_an_hour():
    assert delay_seconds(2, reply=overloaded("5")) == 120
    assert delay_seconds(2, reply=overloaded("5"), jitter=1) == 144
    for jitter in (0, 1):
        assert delay_seconds(1, reply=overloaded("86400"), jitter=jitter) == 3600
    assert delay_seconds(1, rules=Rules(retry_seconds=(7200,)), reply=overloaded("90")) == 7200


def test_a_retry_after_of_another_answer_counts_for_nothing():
    assert delay_seconds(1, reply=overloaded("90", 500)) == 30


def test_a_retry_after_gives_no_further_try():
    assert delay_seconds(4, reply=overloaded("90")) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (" 7 ", 7),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0),
        ("Thu, 01 Jan 2026 01:00:30 +0100", 30),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 30),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("", 0),
        ("٣", 0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0),
        ("Mon, 01 Jan 2026 99999999999999999999:00:00 GMT", 0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("Mon, 01 Jan 2026 00:00:00 +" + "9" * 20, 0),
        ("9" * 5000, 10**18),
    ],
)
def test_a_retry_after_is_read_as_seconds_or_as_a_date_and_else_ignored(text, seconds):
    assert retry_after_seconds(text, NOW) == seconds


def test_a_date_at_the_end_of_time_is_far_away():
    assert retry_after_seconds("Fri, 31 Dec 9999 23:59:59 -2359", NOW) > 10**11


DATES = st.from_regex(
    r"(Mon, )?[0-9]{1,2} Jan [0-9]{1,25} [0-9]{2,25}:[0-9]{2}:[0-9]{2} [+-][0-9]{1,25}"
)


@given(st.text(max_size=60) | st.integers().map(str) | DATES)
def test_no_retry_after_breaks_the_schedule(text):
    assert 30 <= delay_seconds(1, reply=overloaded(text)) <= LONGEST_RETRY_AFTER_SECONDS


def test_a_receiver_that_wants_no_more_is_not_tried_again():
    gone = Reply(latency_ms=5, status=410, error="The receiver answered 410.")
    assert next_attempt(1, gone, now=NOW, rules=RULES, jitter=0) == Dead()


def test_only_200_counts_as_delivered():
    assert [status for status in range(100, 600) if refusal(status, RULES) is None] == [200]


def test_any_2xx_counts_by_the_operators_setting():
    accepted = [status for status in range(100, 600) if refusal(status, ANY_2XX) is None]
    assert accepted == list(range(200, 300))


@pytest.mark.parametrize(
    ("status", "rules", "sentence"),
    [
        (204, RULES, "The receiver answered 204; only 200 counts as delivered."),
        (
            404,
            ANY_2XX,
            "The receiver answered 404; only a status from 200 to 299 counts as delivered.",
        ),
        (410, RULES, "The receiver answered 410: it wants no more notices."),
        (302, RULES, "The receiver answered 302, a redirect; redirects are not followed."),
        (308, ANY_2XX, "The receiver answered 308, a redirect; redirects are not followed."),
    ],
)
def test_a_refused_answer_says_what_would_have_counted(status, rules, sentence):
    assert refusal(status, rules) == sentence


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Example.com/hook?token=secret", "example.com:443"),
        ("https://user:secret@example.com:8443/hook", "example.com:8443"),
        ("http://[::1]:9/x", "::1:9"),
    ],
)
def test_the_place_of_a_url_is_its_host_and_port_and_none_of_its_secrets(url, place):
    assert place_of(url) == place
