"""The rules that need no server: when to try again, when to ask again."""

import pytest

from heliograph_client._follow import NextQuestion, next_question
from heliograph_client._retry import asked_seconds, may_pass, pause_seconds

DATE = "Thu, 26 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 12 "}, 12),
        ({"retry-after": "9" * 5000}, 999_999_999),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "Thu, 26 Nov 2026 12:00:30 GMT", "date": DATE}, 30),
        ({"retry-after": "Thu, 26 Nov 2026 11:00:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Thu, 26 Nov 2026 12:00:30 GMT"}, None),
        ({"retry-after": "Thu, 26 Nov 2026 12:00:30 GMT", "date": "today"}, None),
        ({"retry-after": "Thu, 26 Nov 2026 12:00:30 -0000", "date": DATE}, None),
    ],
)
def test_retry_after_is_read_as_a_number_or_beside_the_date_of_its_answer(
    headers: dict[str, str], seconds: float | None
):
    assert asked_seconds(headers) == seconds


def test_pauses_double_up_to_a_limit_and_spread():
    whole = [pause_seconds(failures, None, 1.0) for failures in range(1, 8)]
    assert whole == [0.5, 1, 2, 4, 8, 8, 8]
    assert [pause_seconds(n, None, 0.0) for n in (1, 2)] == [0.25, 0.5]


def test_a_pause_that_was_asked_for_is_never_shortened_but_limited():
    assert pause_seconds(1, 10, 0.0) == 10
    assert pause_seconds(5, 10, 1.0) == 11
    assert pause_seconds(1, 4000, 0.0) == 60


def test_which_refusals_may_pass():
    passing = {status for status in range(400, 600) if may_pass(status, has_idempotency_key=False)}
    assert passing == {408, 429, *range(500, 600)}
    assert may_pass(409, has_idempotency_key=True)


@pytest.mark.parametrize(
    ("held", "took", "asked", "left", "following"),
    [
        # A server that says nothing is polled by the documented advice, up to the deadline.
        (0, 0.1, None, 100, NextQuestion(5, 0)),
        (0, 0.1, None, 2, NextQuestion(2, 0)),
        # One that sends Retry-After is asked to hold its answer back.
        (0, 0.1, 3, 100, NextQuestion(0, 30)),
        (0, 0.1, 3, 12.7, NextQuestion(0, 12)),
        (0, 0.1, 3, 0.4, NextQuestion(0, 1)),
        # It did: ask again at once. It did not: wait as it says, and never hammer.
        (30, 30.1, 3, 100, NextQuestion(0, 30)),
        (30, 0.1, 3, 100, NextQuestion(3, 30)),
        (30, 0.1, 0, 100, NextQuestion(0.5, 30)),
        (30, 0.1, 3, 1, NextQuestion(1, 1)),
    ],
)
def test_when_to_ask_for_a_status_again(
    held: int, took: float, asked: float | None, left: float, following: NextQuestion
):
    assert next_question(held, took, asked, left) == following
