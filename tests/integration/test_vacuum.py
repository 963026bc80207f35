"""Tables whose rows live for seconds are vacuumed when many of them are dead."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from heliograph.base import vacuum
from heliograph.base.database import open_pool
from heliograph.base.vacuum import MOST_DEAD, remove_dead_rows

DEAD = "SELECT n_dead_tup, vacuum_count FROM pg_stat_user_tables WHERE relname = 'engine_calls'"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database_url, size=1)
    yield pool
    await pool.close()


async def make_dead(pool: asyncpg.Pool, rows: int) -> None:
    await pool.execute(
        """INSERT INTO engine_calls (call_id, engine, lease_until)
        SELECT gen_random_uuid(), 'here', now() FROM generate_series(1, $1)""",
        rows,
    )
    await pool.execute("DELETE FROM engine_calls")
    await pool.execute("SELECT pg_stat_force_next_flush()")


async def test_dead_rows_are_removed_when_there_are_many(pool: asyncpg.Pool):
    await make_dead(pool, MOST_DEAD // 2)
    assert await remove_dead_rows(pool) == []
    await make_dead(pool, MOST_DEAD)
    assert await remove_dead_rows(pool) == ["engine_calls"]
    assert tuple(await pool.fetchrow(DEAD)) == (0, 1)
    assert await remove_dead_rows(pool) == []


async def test_a_large_table_is_left_to_postgresql(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
):
    await make_dead(pool, 2 * MOST_DEAD)
    await pool.execute("ANALYZE engine_calls")
    pages = await pool.fetchval("SELECT relpages FROM pg_class WHERE relname = 'engine_calls'")
    monkeypatch.setattr(vacuum, "MOST_PAGES", pages - 1)
    assert await remove_dead_rows(pool) == []
    monkeypatch.setattr(vacuum, "MOST_PAGES", pages)
    assert await remove_dead_rows(pool) == ["engine_calls"]


async def test_nobody_is_waited_for(pool: asyncpg.Pool, database_url: str):
    await make_dead(pool, 2 * MOST_DEAD)
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("LOCK TABLE engine_calls")
        assert await remove_dead_rows(pool) == ["engine_calls"]
        assert (await pool.fetchrow(DEAD))["vacuum_count"] == 0
    await other.close()


async def test_what_belongs_to_another_is_left_to_its_owner(pool: asyncpg.Pool):
    await make_dead(pool, 2 * MOST_DEAD)
    await pool.execute("CREATE ROLE vacuum_guest; GRANT SELECT ON engine_calls TO vacuum_guest")
    try:
        async with pool.acquire() as connection:
            await connection.execute("SET ROLE vacuum_guest")
        assert await remove_dead_rows(pool) == []
    finally:
        await pool.execute("RESET ROLE; DROP OWNED BY vacuum_guest; DROP ROLE vacuum_guest")
