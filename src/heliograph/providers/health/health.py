"""When a provider or engine that keeps failing is left alone, and for how long."""

import datetime
from dataclasses import dataclass

#: Failures in a row after which it is left alone.
MOST_FAILURES = 3
FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 300


@dataclass(frozen=True)
class Health:
    """What is known of the provider or engine `name`; `failures` are those in a row."""

    name: str
    failures: int = 0
    open_until: datetime.datetime | None = None
    error: str | None = None
    failed_at: datetime.datetime | None = None
    worked_at: datetime.datetime | None = None

    def is_open(self, now: datetime.datetime) -> bool:
        """Whether it is left alone at `now`: its circuit is open."""
        return self.open_until is not None and now < self.open_until


def pause_seconds(failures: int) -> float:
    """How long it is left alone after so many failures in a row: 0, then 10 s, doubling up to 300."""
    if failures < MOST_FAILURES:
        return 0
    doublings = min(failures - MOST_FAILURES, 10)
    return min(FIRST_PAUSE_SECONDS * 2.0**doublings, LONGEST_PAUSE_SECONDS)
