import asyncio

import asyncpg
import pytest

from heliograph.base import migrate as migrations
from heliograph.base.database import connect
from heliograph.base.errors import OperatorError
from heliograph.base.migrate import downgrade, latest_revision, migrate, read_revision
from support.database import Databases

TABLES = {
    "accounts",
    "api_keys",
    "attempts",
    "balances",
    "notice_attempts",
    "notices",
    "pgqueuer",
    "tasks",
    "transfers",
}

TOP_UP = """
INSERT INTO transfers (account_id, kind, debit, credit, amount_micros, created_at)
VALUES ('acc_1', $1, $2, $3, $4, now())
"""


@pytest.fixture
def empty_url(databases: Databases):
    with databases.fresh("template0") as url:
        yield url


@pytest.fixture
async def ledger(pool: asyncpg.Pool):
    await pool.execute(
        "INSERT INTO accounts VALUES ('acc_1', 'Ada', 'whsec_x', now(), 10);"
        "INSERT INTO balances (account_id) VALUES ('acc_1');"
    )
    return pool


async def read_tables(url: str) -> set[str]:
    connection = await connect(url)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return {row["tablename"] for row in rows}


async def test_an_empty_database_gets_every_table(empty_url: str):
    await migrate(empty_url)

    assert await read_tables(empty_url) >= TABLES


async def test_migrating_twice_changes_nothing(empty_url: str):
    await migrate(empty_url)
    before = await read_tables(empty_url)
    await migrate(empty_url)

    assert await read_tables(empty_url) == before


async def test_processes_may_migrate_at_the_same_moment(empty_url: str):
    await asyncio.gather(*(migrate(empty_url) for _ in range(4)))

    assert await read_tables(empty_url) >= TABLES


async def test_the_schema_can_be_undone_and_made_again(empty_url: str):
    await migrate(empty_url)
    await downgrade(empty_url)
    assert await read_tables(empty_url) == set()
    connection = await connect(empty_url)
    functions = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    assert await connection.fetch(functions) == []
    await connection.close()

    await migrate(empty_url)
    assert await read_tables(empty_url) >= TABLES


async def test_a_database_of_a_newer_version_is_left_alone(database_url: str):
    connection = await connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(OperatorError, match=r"9999.*newer version"):
        await migrate(database_url)
    await connection.close()


async def test_a_change_that_fails_leaves_nothing_behind(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
):
    written = migrations._script
    monkeypatch.setattr(
        migrations, "_script", lambda *revisions: written(*revisions) + "SELECT 1 / 0;"
    )
    with pytest.raises(OperatorError, match="division by zero"):
        await migrate(empty_url)

    assert await read_tables(empty_url) == set()


async def test_the_database_says_which_revision_it_is_at(database_url: str, empty_url: str):
    migrated, empty = await connect(database_url), await connect(empty_url)

    assert await read_revision(migrated) == latest_revision()
    assert await read_revision(empty) is None
    await migrated.close()
    await empty.close()


@pytest.mark.parametrize(
    ("kind", "debit", "credit"),
    [
        ("topup", "funding", "available"),
        ("hold", "available", "held"),
        ("charge", "held", "revenue"),
        ("release", "held", "available"),
        ("adjust", "funding", "available"),
        ("adjust", "available", "funding"),
    ],
)
async def test_money_moves_in_the_known_ways(
    ledger: asyncpg.Pool, kind: str, debit: str, credit: str
):
    await ledger.execute(TOP_UP, kind, debit, credit, 1)


@pytest.mark.parametrize(
    ("kind", "debit", "credit"),
    [
        ("topup", "available", "funding"),
        ("charge", "available", "revenue"),
        ("release", "revenue", "available"),
        ("gift", "funding", "available"),
    ],
)
async def test_money_moves_in_no_other_way(
    ledger: asyncpg.Pool, kind: str, debit: str, credit: str
):
    with pytest.raises(asyncpg.CheckViolationError, match="transfers_known_ways"):
        await ledger.execute(TOP_UP, kind, debit, credit, 1)


async def test_a_transfer_moves_something(ledger: asyncpg.Pool):
    with pytest.raises(asyncpg.CheckViolationError):
        await ledger.execute(TOP_UP, "topup", "funding", "available", 0)


@pytest.mark.parametrize(
    "change",
    ["UPDATE transfers SET amount_micros = 2", "DELETE FROM transfers", "TRUNCATE transfers"],
)
async def test_a_transfer_is_never_changed_or_removed(ledger: asyncpg.Pool, change: str):
    await ledger.execute(TOP_UP, "topup", "funding", "available", 1)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="only ever added"):
        await ledger.execute(change)


@pytest.mark.parametrize(
    "change",
    [
        "available_micros = -1, funded_micros = -1",
        "held_micros = -1, funded_micros = -1",
        "charged_micros = -1, funded_micros = -1",
        "live_tasks = -1",
        "available_micros = 5",
        "funded_micros = 5",
    ],
)
async def test_a_balance_never_contradicts_itself(ledger: asyncpg.Pool, change: str):
    with pytest.raises(asyncpg.CheckViolationError):
        await ledger.execute(f"UPDATE balances SET {change}")


async def test_a_task_moves_money_of_each_kind_only_once(ledger: asyncpg.Pool):
    hold = """
        INSERT INTO transfers (account_id, task_id, kind, debit, credit, amount_micros, created_at)
        VALUES ('acc_1', 'd6b3b1f0-0000-7000-8000-000000000001', 'hold', 'available', 'held', 1, now())
    """
    await ledger.execute(hold)

    with pytest.raises(asyncpg.UniqueViolationError):
        await ledger.execute(hold)
