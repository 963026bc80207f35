"""One look at everything that must hold, in one statement: it is taken after every step of every world."""

import json
import re
from dataclasses import dataclass

import asyncpg

from heliograph.ledger.audit import audit

#: Whatever is changed in a row gives it another place and another writer.
LOOK = """
WITH queued AS (
  DELETE FROM pgqueuer RETURNING id, entrypoint, convert_from(payload, 'UTF8') AS task,
    extract(epoch FROM execute_after - created)::float8 AS pause_seconds)
SELECT ({findings}) AS findings,
  ARRAY(SELECT concat_ws(' ', task_id, xmin, ctid) FROM tasks
    WHERE state IN ('success', 'failed') ORDER BY task_id) AS ended,
  (SELECT json_agg(queued ORDER BY id) FROM queued)::text AS queued
"""

THE_END = "SELECT now()"


@dataclass(frozen=True)
class Sight:
    """How much the audit finds, which rows of ended tasks stand where, and the jobs that were queued."""

    findings: int
    ended: list[str]
    queued: list[dict]


class Lookout:
    """Looks over one connection. Its statement holds those of the audit, word for word."""

    def __init__(self, connection: asyncpg.Connection, statement: str) -> None:
        self._connection, self._statement = connection, statement

    async def look(self) -> Sight:
        """Take the queued jobs, and see the rest as it is now."""
        row = await self._connection.fetchrow(self._statement)
        return Sight(row["findings"], row["ended"], json.loads(row["queued"] or "[]"))


class Lent:
    """A pool of one connection, for the audit."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def acquire(self, *, timeout: float | None = None) -> asyncpg.Connection:  # noqa: ASYNC109 - the pool's own
        return self._connection

    async def release(self, connection: asyncpg.Connection) -> None:
        """It stays lent."""


def _filled(record: asyncpg.connection.LoggedQuery) -> str:
    """A query with its values in it."""
    values = ["NULL" if value is None else f"'{value}'" for value in record.args]
    return re.sub(r"\$(\d+)", lambda place: values[int(place[1]) - 1], record.query.strip())


async def open_lookout(connection: asyncpg.Connection) -> Lookout:
    """A lookout that asks what the audit asks; the audit itself is listened to for that."""
    asked: list[str] = []
    with connection.query_logger(lambda record: asked.append(_filled(record))):
        assert await audit(Lent(connection)) == []
    # behind its rules, the audit that has found nothing writes down how far it came
    rules = [
        query for query in asked[: asked.index(THE_END)] if query.startswith(("WITH", "SELECT"))
    ]
    assert len(rules) > 5
    counts = (f"(SELECT count(*) FROM ({rule}) AS rule)" for rule in rules)
    return Lookout(connection, LOOK.format(findings=" + ".join(counts)))
