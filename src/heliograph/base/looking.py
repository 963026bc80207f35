"""How a worker looks for jobs: PgQueuer's own way, with fewer looks that find nothing.

PgQueuer wakes every worker at each job that is added or removed, and asks four times until it sleeps.
"""

from datetime import timedelta

import msgspec
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.types import QueueEntrypoint

from heliograph.base.listening import ListeningDriver, Payload

_LOOK = """
SELECT EXISTS (SELECT FROM pgqueuer
        WHERE status = 'queued' AND entrypoint = ANY($1) AND execute_after <= now()) AS waiting,
    (SELECT execute_after - now() FROM pgqueuer
        WHERE status = 'queued' AND entrypoint = ANY($1) AND execute_after > now()
        ORDER BY execute_after LIMIT 1) AS next_in
"""


class _Event(msgspec.Struct):
    operation: str = ""


class SparingQueries(Queries):
    """One statement tells all that is asked between two looks for jobs.

    Jobs that are removed wake nobody, unless one was seen that waits for their slot.
    """

    def __init__(self, driver: ListeningDriver) -> None:
        super().__init__(driver)
        self._waiting = False
        self._next_in: timedelta | None = None
        driver.hears = self._is_news

    async def eligible_queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        """1 if a job could be done now, else 0. What is asked next is read as well."""
        row = (await self.driver.fetch(_LOOK, entrypoints))[0]
        next_in = row["next_in"]
        assert next_in is None or isinstance(next_in, timedelta)
        self._waiting, self._next_in = bool(row["waiting"]), next_in
        return int(self._waiting)

    async def next_deferred_eta(self, entrypoints: list[QueueEntrypoint]) -> timedelta | None:  # noqa: ARG002 - PgQueuer's signature; the look has asked for them
        """In how much time the next job may be done that may not yet; None: there is none."""
        return self._next_in

    async def queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:  # noqa: ARG002 - PgQueuer's signature; the look has asked for them
        """1 if there was any job at that look, else 0."""
        return int(self._waiting or self._next_in is not None)

    def _is_news(self, payload: Payload) -> bool:
        return self._waiting or msgspec.json.decode(payload, type=_Event).operation != "delete"
