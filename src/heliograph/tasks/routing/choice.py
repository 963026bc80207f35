"""Which provider is asked next: a pure function of the route, the refusals and the health."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heliograph.providers.health.health import Health

LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Refusal:
    """A provider that did not take the task; it may be asked again at `retry_at`, if ever."""

    provider: str
    code: str
    message: str
    retry_at: datetime.datetime | None

    def stands(self, now: datetime.datetime) -> bool:
        """Whether the provider is not to be asked at `now`."""
        return self.retry_at is None or now < self.retry_at


@dataclass(frozen=True)
class Rest:
    """Nobody can take the task before `until`."""

    until: datetime.datetime


def choose(
    route: Sequence[str],
    refusals: Sequence[Refusal],
    health: Mapping[str, Health],
    now: datetime.datetime,
) -> str | Rest | Refusal:
    """The provider of `route` that is asked next, when to ask again, or the last refusal for good.

    `refusals` are in the order in which they came. One whose circuit is open is passed over, but
    not when there is no other: it may be well again, and a task that nobody tries helps nobody.
    """
    standing = {refusal.provider: refusal for refusal in refusals if refusal.stands(now)}
    free = [name for name in route if name not in standing]
    if free:
        return min(free, key=lambda name: _open_until(health.get(name), now))
    times = [standing[name].retry_at for name in route]
    later = [moment for moment in times if moment is not None]
    return Rest(min(later)) if later else refusals[-1]


def _open_until(health: Health | None, now: datetime.datetime) -> datetime.datetime:
    if health is None or health.open_until is None or not health.is_open(now):
        return LONG_AGO
    return health.open_until
