"""One look at everything that must hold: it is taken after every step of every world."""

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
SELECT {books} AS books,
  ARRAY(SELECT concat_ws(' ', task_id, xmin, ctid) FROM tasks
    WHERE state IN ('success', 'failed') ORDER BY task_id) AS ended,
  (SELECT json_agg(queued ORDER BY id) FROM queued)::text AS queued
"""

#: Who ends a task knows of every call that was made for it: only the latest claim may do that.
CALL_LEFT_OPEN = """
SELECT task_id FROM attempts JOIN tasks USING (task_id)
WHERE state IN ('success', 'failed') AND ended_at IS NULL
"""

#: Those whose names, and those of their tables, are among the words $1.
COLUMNS = """
SELECT table_name, string_agg(column_name, ', ') AS columns FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = ANY($1) AND column_name = ANY($1)
GROUP BY table_name ORDER BY table_name
"""

#: Their order must not matter, for a row that is changed moves.
ROWS = "(SELECT sum(hashtextextended(ROW({columns})::text, 0)) FROM {table_name})"

THE_END = "SELECT now()"

#: Everything that a world writes.
WRITTEN = (
    "accounts, api_keys, balances, transfers, tasks, attempts, notices, notice_attempts, turns, provider_health,"
    " key_spending, pgqueuer, idempotency_keys, batches, batch_items, alarms, receivers"
)

#: After a vacuum every statement is planned anew; without one every look goes through what was deleted.
WORLDS_PER_VACUUM = 25

EMPTIED = ", ".join(
    f"emptied_{number} AS (DELETE FROM {table})" for number, table in enumerate(WRITTEN.split(", "))
)


@dataclass(frozen=True)
class Sight:
    """How much the rules find, which rows of ended tasks stand where, and the jobs that were queued."""

    findings: int
    ended: list[str]
    queued: list[dict]


class Lookout:
    """Looks over one connection. Its rules are those of the audit, word for word, and one more.

    They are asked again whenever something that they read is not what it was.
    """

    def __init__(self, connection: asyncpg.Connection, look: str, rules: str) -> None:
        self._connection, self._look, self._rules = connection, look, rules
        self._sound = ""
        self._worlds = 0

    async def clear(self) -> None:
        """Forget the last world: to delete a few rows takes far less time than to empty all tables."""
        await self._connection.fetch(f"WITH {EMPTIED} SELECT 1")
        self._worlds += 1
        if self._worlds % WORLDS_PER_VACUUM == 0:
            await self._connection.execute(f"VACUUM {WRITTEN}")

    async def look(self) -> Sight:
        """Take the queued jobs, and see the rest as it is now."""
        row = await self._connection.fetchrow(self._look)
        findings = 0
        if row["books"] != self._sound:
            findings = await self._connection.fetchval(self._rules)
            self._sound = "" if findings else row["books"]
        return Sight(findings, row["ended"], json.loads(row["queued"] or "[]"))


class Lent:
    """A pool of one connection, for one user at a time; no time passes for it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def acquire(self, *, timeout: float | None = None) -> asyncpg.Connection:  # noqa: ASYNC109 - the pool's own
        return self._connection

    async def release(self, connection: asyncpg.Connection) -> None:
        """It stays lent."""

    def __getattr__(self, name: str):
        return getattr(self._connection, name)


def _filled(record: asyncpg.connection.LoggedQuery) -> str:
    """A query with its values in it."""
    values = ["NULL" if value is None else f"'{value}'" for value in record.args]
    return re.sub(r"\$(\d+)", lambda place: values[int(place[1]) - 1], record.query.strip())


async def open_lookout(connection: asyncpg.Connection) -> Lookout:
    """A lookout that asks what the audit asks; the audit itself is listened to for that.

    It takes and deletes rows behind the back of every trigger.
    """
    await connection.execute("SET session_replication_role = replica")
    asked: list[str] = []
    with connection.query_logger(lambda record: asked.append(_filled(record))):
        assert await audit(Lent(connection)) == []
    # behind its rules, the audit that has found nothing writes down how far it came
    rules = [
        query for query in asked[: asked.index(THE_END)] if query.startswith(("WITH", "SELECT"))
    ]
    assert len(rules) > 5
    rules.append(CALL_LEFT_OPEN)
    counts = (f"(SELECT count(*) FROM ({rule}) AS rule)" for rule in rules)
    look = LOOK.format(books=await _books(connection, rules))
    return Lookout(connection, look, "SELECT " + " + ".join(counts))


async def _books(connection: asyncpg.Connection, rules: list[str]) -> str:
    """An expression of all that `rules` read: every column of a table of which they name both."""
    words = set(re.findall(r"\w+", " ".join(rules)))
    rows = await connection.fetch(COLUMNS, list(words))
    assert {"balances", "tasks", "transfers"} < {row["table_name"] for row in rows}
    return f"ARRAY[{', '.join(ROWS.format(**row) for row in rows)}]::text"
