"""A plan that was made while there was little, and is kept, reads no more when there is much."""

import datetime
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import msgspec
import pytest

from heliograph.accounts.account import Key
from heliograph.base.database import open_pool
from heliograph.ledger.store import lock_balances
from heliograph.tasks import store as tasks
from heliograph.tasks.admit import Draft
from heliograph.tasks.ended.store import end_tasks
from heliograph.tasks.new.store import submit_if_payable
from heliograph.tasks.observe import store as observe
from heliograph.tasks.routing import store as routing
from heliograph.tasks.routing.choice import Refusal
from heliograph.tasks.task import Task
from heliograph.webhooks import store as webhooks
from integration.test_plans import ACCOUNT, NOW, told_ending
from support.many_tasks import fill, write_books
from support.submissions import TEXT, read

BEFORE = 1_000
LATER = 3_000

#: What the statements of one use read of all tables together.
MOST_ROWS = 100

#: Open tasks of one account: half of them wait, half are worked on until a minute from now.
OPEN_TASKS = """
INSERT INTO tasks (task_id, account_id, key_id, model, mode, test, routing, request, num_images,
    unit_price_micros, state, claim_no, provider, due_at, created_at, deadline_at)
SELECT gen_random_uuid(), $1, 'key_' || $1, 'wan-2-5-image', 'text-to-image', true, 'auto', $2, 1, 0,
    CASE WHEN n % 2 = 0 THEN 'pending' ELSE 'processing' END, n % 2,
    CASE WHEN n % 2 = 1 THEN 'studio' END, now() + interval '1 minute', now(),
    now() + interval '10 minutes'
FROM generate_series(1, $3) AS n
"""

CALLS = """
INSERT INTO attempts (task_id, claim_no, provider, outcome, intended_at)
SELECT task_id, 1, 'studio', 'intended', now() FROM tasks WHERE state = 'processing'
"""

WAITING_NOTICES = """
INSERT INTO notices (notice_id, task_id, account_id, url, body, state, due_at, created_at)
SELECT gen_random_uuid(), task_id, account_id, 'https://receiver.example/done', '', 'pending',
    now() - interval '1 hour', now()
FROM tasks WHERE state = 'pending'
"""

ROWS_READ = "SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_xact_user_tables"

Use = Callable[[asyncpg.Connection], Awaitable[object]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that makes one plan of each statement and keeps it."""
    pool = await open_pool(database_url, size=1)
    async with pool.acquire() as connection:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        yield connection
    await pool.close()


async def open_many(database: asyncpg.Connection, number: int) -> None:
    request = read({"input": TEXT}).image
    await database.execute(OPEN_TASKS, ACCOUNT, request, number)
    await database.execute(
        "UPDATE balances SET live_tasks = live_tasks + $2 WHERE account_id = $1", ACCOUNT, number
    )
    await database.execute("UPDATE accounts SET max_live_tasks = 1000000")
    await database.execute(CALLS)
    await database.execute(WAITING_NOTICES)


async def one_of(database: asyncpg.Connection, rows: str) -> uuid.UUID:
    """The id of one of `rows`; of none where there is none."""
    return await database.fetchval(f"SELECT {rows} LIMIT 1") or uuid.uuid4()


def draft() -> Draft:
    """A task of the account, paid for by a test key: with nothing."""
    key = Key(f"key_{ACCOUNT}", ACCOUNT, "other", True, "auto", 1000, NOW, None, None)
    soon = NOW + datetime.timedelta(minutes=10)
    return Draft(uuid.uuid4(), key, read({"input": TEXT}), 0, 0, "run", NOW, soon)


def uses_of(pending: uuid.UUID, working: uuid.UUID, notice: uuid.UUID) -> dict[str, Use]:
    """What is asked for each task on its way, by the API and by workers."""
    request = read({"input": TEXT}).image
    taken = Task(
        working, ACCOUNT, "wan-2-5-image", "text-to-image", True, "auto", request, 0, None,
        "processing", 1, "studio", None, 1, NOW, NOW,
    )  # fmt: skip
    sure = [tasks.SureCall(True, "auto", "text-to-image", "studio")]
    ending = msgspec.structs.replace(told_ending(working), charge_micros=0)
    refusal = Refusal("studio", "InternalError", "", None)
    return {
        "submit": lambda db: submit_if_payable(db, [draft(), draft()], NOW, 500),
        "status": lambda db: observe.read_statuses(db, [pending, working]),
        "claim": lambda db: tasks.claim_tasks(db, [pending, working], NOW, 15),
        "claim with a call": lambda db: tasks.claim_tasks(db, [pending, working], NOW, 15, sure),
        "start": lambda db: tasks.begin_attempts(db, [tasks.Call(working, 1, "studio")], NOW),
        "renew": lambda db: tasks.renew_claim(db, taken, NOW, [0.5]),
        "reference": lambda db: tasks.save_ref(db, taken, "ref", NOW),
        "hand back": lambda db: tasks.hand_back(db, taken, NOW, NOW, undo_at=["studio"]),
        "take over": lambda db: tasks.take_over(db, pending, NOW, 15),
        "end": lambda db: end_tasks(
            db, [ending], plain_only=True, costs_micros={}, paid_at=[], patience_ms=500
        ),
        "place": lambda db: routing.take_place(db, taken, "studio", 5, NOW),
        "refusal": lambda db: routing.note_refusal(db, taken, refusal, NOW, NOW),
        "balance": lambda db: lock_balances(db, [ACCOUNT]),
        "notice": lambda db: webhooks.read_waiting(db, notice),
        "delivery": lambda db: webhooks.claim_notice(db, notice, now=NOW, lease_until=NOW),
        "dead": lambda db: webhooks.bury(db, notice, reason="", now=NOW),
    }


async def rows_read(database: asyncpg.Connection, use: Use) -> tuple[int, object]:
    """How many rows the statements of `use` read, and what came of it. What they write is undone."""
    change = database.transaction()
    await change.start()
    before = await database.fetchval(ROWS_READ)
    found = await use(database)
    read_by_it: int = await database.fetchval(ROWS_READ) - before
    await change.rollback()
    return read_by_it, found


async def read_by_all(database: asyncpg.Connection) -> dict[str, tuple[int, object]]:
    uses = uses_of(
        await one_of(database, "task_id FROM tasks WHERE state = 'pending'"),
        await one_of(database, "task_id FROM tasks WHERE state = 'processing'"),
        await one_of(database, "notice_id FROM notices WHERE state = 'pending'"),
    )
    return {name: await rows_read(database, use) for name, use in uses.items()}


def must_read_little(all_uses: dict[str, tuple[int, object]]) -> None:
    assert {name: rows for name, (rows, _) in all_uses.items() if rows > MOST_ROWS} == {}
    assert [name for name, (_, found) in all_uses.items() if not found] == []


async def test_what_was_planned_for_an_empty_database(database: asyncpg.Connection):
    await read_by_all(database)
    await write_books(database, LATER)
    await open_many(database, LATER)
    must_read_little(await read_by_all(database))


async def test_what_was_planned_while_no_task_was_open(database: asyncpg.Connection):
    await fill(database, BEFORE)
    await read_by_all(database)
    await open_many(database, LATER)
    must_read_little(await read_by_all(database))


async def test_a_plan_that_reads_through_a_table_is_noticed(database: asyncpg.Connection):
    await write_books(database, BEFORE)
    rows, _ = await rows_read(database, lambda db: db.fetch("SELECT FROM tasks WHERE source = 'x'"))
    assert rows > MOST_ROWS
