"""Time, so that tests can set it."""

import datetime
import time
import uuid

#: The clock that goes on while the machine is suspended; elsewhere than on Linux the usual one does.
SLEEP_COUNTED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

#: The first of all ids.
LEAST_ID = uuid.UUID(int=0)


class Clock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime.datetime:
        """The present moment, with its zone (UTC)."""
        return datetime.datetime.now(datetime.UTC)


class SteadyClock(Clock):
    """A moment that was read somewhere once, and the time since: a machine's clock may jump, this does not.

    The time in which the machine slept is counted, which `time.monotonic` leaves out.
    """

    def __init__(self, moment: datetime.datetime) -> None:
        self.set(moment)

    def set(self, moment: datetime.datetime) -> None:
        """Go on from `moment`."""
        self._start_seconds = moment.timestamp() - time.clock_gettime(SLEEP_COUNTED)

    def now(self) -> datetime.datetime:
        """The moment, and the time since it was set."""
        # half as dear as to add a timedelta
        seconds = self._start_seconds + time.clock_gettime(SLEEP_COUNTED)
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


class SettableClock(Clock):
    """A clock that stands still until it is moved: for tests and simulations."""

    def __init__(self, start: datetime.datetime) -> None:
        self.moment = start

    def now(self) -> datetime.datetime:
        """The moment that was set last."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Move time on by `seconds`."""
        self.moment += datetime.timedelta(seconds=seconds)


def unix_ms(moment: datetime.datetime) -> int:
    """`moment` as Unix milliseconds, the unit of every time in the public JSON."""
    return int(moment.timestamp() * 1000)


def first_id_at(moment: datetime.datetime) -> uuid.UUID:
    """What the id of a task or batch made at `moment` is not below: such ids begin with their time."""
    return uuid.UUID(int=unix_ms(moment) << 80)
