"""A clock that was set once goes on, whatever becomes of that of the machine."""

import datetime
import time

from heliograph.base.clock import SteadyClock

START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)

#: The machine's own account of the time it has been asleep.
SLEPT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def test_the_time_in_which_the_machine_slept_is_counted(monkeypatch):
    clock, really = SteadyClock(START), time.clock_gettime
    slept_seconds = {SLEPT: 8 * 3600}
    monkeypatch.setattr(time, "clock_gettime", lambda one: really(one) + slept_seconds.get(one, 0))
    passed = clock.now() - START
    assert datetime.timedelta(hours=8) <= passed < datetime.timedelta(hours=8, minutes=1)
