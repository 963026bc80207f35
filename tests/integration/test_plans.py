"""No statement of the service reads through a table that grows: an index leads to what it needs."""

import asyncio
import datetime
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest

from heliograph.base.database import open_pool
from heliograph.base.metrics import read_figures
from heliograph.base.tallies.store import add_up, read_settled
from heliograph.ledger.audit import audit, drift_micros
from heliograph.ledger.proven.store import NOTHING, find_next
from heliograph.ledger.statement.line import Period
from heliograph.ledger.statement.store import read_lines
from heliograph.ledger.store import read_transfers
from heliograph.operators import store as operators
from heliograph.tasks import store as tasks
from heliograph.tasks.ended.store import Ended, end_tasks
from heliograph.tasks.idempotency.store import forget
from heliograph.tasks.observe import store as observe
from heliograph.tasks.observe.store import Wanted
from heliograph.tasks.retention import store as retention
from heliograph.tasks.routing import store as routing
from heliograph.uploads import store as uploads
from heliograph.webhooks import store as webhooks
from heliograph.webhooks.deliveries import store as deliveries
from heliograph.webhooks.deliveries.store import Filter, Lost
from support.many_tasks import fill

GROWING = {
    "tasks",
    "transfers",
    "attempts",
    "notices",
    "notice_attempts",
    "idempotency_keys",
    "uploads",
    "batches",
    "batch_items",
}
TASKS = 8_000

#: Pages of lists, a day, or a range of a BRIN index are looked at; never half of the smallest table.
MOST_ROWS = 2_500

NOW = datetime.datetime.now(datetime.UTC)
DAY = NOW - datetime.timedelta(days=1)
WEEK = NOW - datetime.timedelta(days=7)
ACCOUNT = "acc_other00001"

Use = Callable[[asyncpg.Connection, uuid.UUID], Awaitable[object]]


def told_ending(task_id: uuid.UUID) -> Ended:
    """The end of a task of four pictures, told to a receiver."""
    return Ended(
        task_id=task_id,
        account_id=ACCOUNT,
        claim_no=1,
        charge_micros=120_000,
        release_micros=0,
        state="success",
        images=[],
        made=4,
        fail_code=None,
        fail_message=None,
        warnings=[],
        scene=None,
        stored_at=NOW,
        completed_at=NOW,
        files_expire_at=NOW,
        cut_off=False,
        notice_id=uuid.uuid4(),
        callback_url="https://example.com/hook",
        body="{}",
    )


#: What is asked of the database on the way of requests, by workers, by schedules, and for operators.
USES: dict[str, Use] = {
    "status": lambda db, task: observe.read_statuses(db, [task]),
    "first open task": lambda db, _: read_settled(db, NOW),
    "end of a proof": lambda db, _: find_next(db, NOTHING),
    "place in line": observe.count_ahead,
    "detail": observe.read_detail,
    "attempts": observe.read_attempts,
    "receipt": read_transfers,
    "claim": lambda db, task: tasks.claim_tasks(db, [task], NOW, 15),
    "claim with a call": lambda db, task: tasks.claim_tasks(
        db, [task], NOW, 15, [tasks.SureCall(False, "auto", "text-to-image", "studio")] * 4
    ),
    "start": lambda db, task: tasks.begin_attempts(db, [tasks.Call(task, 1, "studio")], NOW),
    "end": lambda db, task: end_tasks(
        db, [told_ending(task)] * 2, plain_only=True, costs_micros={}, paid_at=[], patience_ms=500
    ),
    "sweep of tasks": lambda db, _: tasks.nudge_overdue(db, NOW, 4, 1000),
    "sweep of notices": lambda db, _: webhooks.overdue(db, before=NOW, limit=1000),
    "files past their time": lambda db, _: retention.read_expired(db, NOW, 500),
    "texts past their time": lambda db, _: retention.forget_texts(db, WEEK, NOW, 100),
    "deliveries past their time": lambda db, _: deliveries.delete_old(db, WEEK, limit=100),
    "keys past their time": lambda db, _: forget(db, NOW, 1000),
    "uploads past their time": lambda db, _: uploads.list_expired(db, NOW, 500),
    "uploads long gone": lambda db, _: uploads.forget_deleted(db, NOW, 500),
    "refusals": routing.read_refusals,
    "lost call": routing.read_lost_call,
    "known references": lambda db, _: routing.known_refs(db, "dashscope", ["a"]),
    "who waits for a place": lambda db, _: routing.wake_waiting(db, "dashscope", 5, NOW),
    "usual durations": lambda db, _: observe.read_durations(db, WEEK, 200),
    "own tasks": lambda db, _: observe.list_details(db, Wanted(50, ACCOUNT)),
    "own failed tasks": lambda db, _: observe.list_details(db, Wanted(50, ACCOUNT, state="failed")),
    "own open tasks": lambda db, _: observe.list_details(db, Wanted(50, ACCOUNT, state="pending")),
    "own tasks of a batch": lambda db, task: observe.list_details(
        db, Wanted(50, ACCOUNT, batch_id=task)
    ),
    "own tasks of a time": lambda db, _: observe.list_details(
        db, Wanted(50, ACCOUNT, created_after=WEEK, created_before=NOW)
    ),
    "all tasks": lambda db, _: observe.list_details(db, Wanted(50)),
    "all failed tasks": lambda db, _: observe.list_details(db, Wanted(50, state="failed")),
    "deliveries": lambda db, _: deliveries.list_deliveries(db, Filter(ACCOUNT)),
    "deliveries of a task": lambda db, task: deliveries.list_deliveries(db, Filter(ACCOUNT, task)),
    "all dead deliveries": lambda db, _: deliveries.list_deliveries(db, Filter(state="dead")),
    "all deliveries": lambda db, _: deliveries.list_deliveries(db, Filter()),
    "dead ones again": lambda db, _: deliveries.resend_dead(db, Lost(WEEK), now=NOW, limit=100),
    "statement of a day": lambda db, _: read_lines(db, ACCOUNT, Period(DAY, NOW), limit=50),
    "calls of a day": lambda db, _: operators.read_calls(db, DAY),
    "charges of a day": lambda db, _: operators.read_charges(db, DAY),
    "open tasks": lambda db, _: operators.read_open_tasks(db),
    "metrics": lambda db, _: read_figures(db, 0),
}


@pytest.fixture
async def grown(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A database that has been at work for a month, its figures added up and its books proved."""
    pool = await open_pool(database_url, size=2)
    async with pool.acquire() as connection:
        await fill(connection, TASKS)
    await add_up(pool, NOW)
    assert await audit(pool) == []
    yield pool
    await pool.close()


async def rows_read(connection: asyncpg.Connection, use: Awaitable[object]) -> int:
    """How many rows of growing tables the statements of `use` look at, at most, in one step of a plan."""
    said: list[asyncpg.connection.LoggedQuery] = []
    with connection.query_logger(said.append):
        await use
        await asyncio.sleep(0)  # so that the last is told too
    most = 0
    for one in said:
        if "FROM" in one.query:
            explained = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {one.query}"
            plan = json.loads(await connection.fetchval(explained, *one.args))
            most = max(most, *(_looked_at(node) for node in _nodes(plan[0]["Plan"])))
    return most


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _looked_at(node: dict[str, Any]) -> int:
    if node.get("Relation Name") not in GROWING or "Scan" not in node["Node Type"]:
        return 0
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return round(sum(node.get(name, 0) for name in names) * node["Actual Loops"])


async def test_no_statement_reads_through_a_table_that_grows(grown: asyncpg.Pool):
    task_id = await grown.fetchval("SELECT task_id FROM tasks LIMIT 1")
    found = {}
    async with grown.acquire() as connection:
        # such a small table is read as a whole with good reason: see what a large one would have
        await connection.execute("SET enable_seqscan = off")
        for name, use in USES.items():
            rows = await rows_read(connection, use(connection, task_id))
            if rows > MOST_ROWS:
                found[name] = rows
    assert found == {}


async def test_a_statement_that_does_is_noticed(grown: asyncpg.Pool):
    async with grown.acquire() as connection:
        for condition in (
            "tasks WHERE source = $1",
            "transfers WHERE note = $1",
            "notices WHERE url = $1",
        ):
            use = connection.fetch(f"SELECT FROM {condition}", "mine")
            assert await rows_read(connection, use) > MOST_ROWS


async def test_the_books_that_are_made_for_it_look_as_those_of_the_service(grown: asyncpg.Pool):
    states = await grown.fetch("SELECT state, count(*) FROM tasks GROUP BY state ORDER BY state")
    assert [tuple(row) for row in states] == [
        ("failed", TASKS // 20),
        ("success", TASKS * 19 // 20),
    ]
    assert await grown.fetchval("SELECT count(*) FROM notices") == TASKS // 2
    assert await drift_micros(grown) == 0
