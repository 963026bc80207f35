import datetime

import pytest

from heliograph.webhooks.notice import Reply, Rules
from heliograph.webhooks.receivers.receiver import CURE, judge

NOW = datetime.datetime(2026, 1, 10, tzinfo=datetime.UTC)
RULES = Rules(pause_hours=72)
PAUSE = datetime.timedelta(hours=72)
FAILED = Reply(latency_ms=5, status=500, error="The receiver answered 500.")
GONE = Reply(latency_ms=5, status=410, error="The receiver answered 410.")


def test_a_receiver_that_fails_for_long_is_paused_and_the_customer_told_why_and_what_to_do():
    closing = judge(FAILED, failing_since=NOW - PAUSE, now=NOW, rules=RULES)
    assert closing is not None
    assert (closing.state, closing.failing_before) == ("paused", NOW - PAUSE)
    assert closing.reason == (
        f"The receiver has failed for 72 hours without one success, so it is paused. {CURE}"
    )


@pytest.mark.parametrize(
    "failing_since", [None, NOW, NOW - PAUSE + datetime.timedelta(microseconds=1)]
)
def test_a_receiver_that_fails_for_less_stays_open(failing_since):
    assert judge(FAILED, failing_since=failing_since, now=NOW, rules=RULES) is None


def test_a_success_closes_nothing_however_long_it_failed():
    delivered = Reply(latency_ms=5, status=200)
    assert judge(delivered, failing_since=NOW - 9 * PAUSE, now=NOW, rules=RULES) is None


@pytest.mark.parametrize("failing_since", [None, NOW, NOW - PAUSE])
def test_410_disables_at_once(failing_since):
    closing = judge(GONE, failing_since=failing_since, now=NOW, rules=RULES)
    assert closing is not None
    assert (closing.state, closing.failing_before) == ("disabled", NOW)
    assert closing.reason == f"The receiver answered 410, so it is disabled. {CURE}"
