"""When a key was last used is kept: seldom, for many at once, and off the way of requests."""

import asyncio
import datetime

import asyncpg
import pytest

from heliograph.accounts import store
from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.accounts.keys import KeyReader, MintedKey, rotate_key
from heliograph.accounts.uses import Uses
from heliograph.base.clock import SettableClock
from heliograph.base.database import open_pool

START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


@pytest.fixture
async def keys(pool: asyncpg.Pool) -> list[MintedKey]:
    account = await store.create_account(pool, "Ada", max_live_tasks=1000, now=START)
    wish = KeyWish(account.account_id, "laptop", True, "auto", 60)
    return [await issue_key(pool, wish, now=START) for _ in range(3)]


async def last_uses(pool: asyncpg.Pool, keys: list[MintedKey]) -> list[int | None]:
    """For each key, how many seconds after START it was used last as far as the database knows."""
    stored = await store.read_keys_by_id(pool, [key.key_id for key in keys])
    found = [stored[key.key_id].key.last_used_at for key in keys]
    return [None if at is None else round((at - START).total_seconds()) for at in found]


async def use(reader: KeyReader, *keys: MintedKey) -> None:
    for key in keys:
        await reader.authenticate(f"Bearer {key.api_key}")


async def test_what_was_used_is_written_at_the_end_for_all_keys_at_once(
    pool: asyncpg.Pool, keys: list[MintedKey]
):
    clock = SettableClock(START)
    reader = KeyReader(pool, clock)
    await use(reader, *keys[:2])
    clock.advance(7)
    await use(reader, keys[1])
    assert await last_uses(pool, keys) == [None, None, None]
    await reader.close()
    assert await last_uses(pool, keys) == [0, 7, None]
    commits = await pool.fetch(
        "SELECT DISTINCT xmin::text FROM api_keys WHERE last_used_at IS NOT NULL"
    )
    assert len(commits) == 1


async def test_it_is_written_in_time_without_being_asked_for(
    pool: asyncpg.Pool, keys: list[MintedKey]
):
    uses = Uses(pool, write_seconds=0.01)
    for seconds in (0, 90):
        uses.note(keys[0].key_id, START + datetime.timedelta(seconds=seconds))
        async with asyncio.timeout(20):
            while await last_uses(pool, keys) != [seconds, None, None]:
                await asyncio.sleep(0.01)


async def test_many_processes_write_a_key_once_a_minute(pool: asyncpg.Pool, keys: list[MintedKey]):
    for seconds, known in ((0, 0), (30, 0), (59, 0), (60, 60), (61, 60), (20, 60)):
        process = Uses(pool)
        process.note(keys[0].key_id, START + datetime.timedelta(seconds=seconds))
        await process.close()
        assert await last_uses(pool, keys[:1]) == [known]


async def test_a_refused_key_is_not_used(pool: asyncpg.Pool, keys: list[MintedKey]):
    reader = KeyReader(pool, SettableClock(START))
    await store.revoke_key(pool, keys[0].key_id, now=START)
    with pytest.raises(Exception, match="Invalid or missing"):
        await use(reader, keys[0])
    await reader.close()
    assert await last_uses(pool, keys) == [None, None, None]


async def test_a_key_that_replaces_another_was_not_used(pool: asyncpg.Pool, keys: list[MintedKey]):
    reader = KeyReader(pool, SettableClock(START))
    await use(reader, keys[0])
    await reader.close()
    successor = await rotate_key(pool, keys[0].key_id, now=START, keep_seconds=60)
    assert await last_uses(pool, [keys[0], successor]) == [0, None]


async def test_who_writes_waits_for_nobody(
    database_url: str, pool: asyncpg.Pool, keys: list[MintedKey]
):
    uses = Uses(pool)
    for key in keys:
        uses.note(key.key_id, START)
    async with (
        await open_pool(database_url, size=1) as other,
        other.acquire() as connection,
        connection.transaction(),
    ):
        await connection.fetch("SELECT FROM api_keys WHERE key_id = $1 FOR UPDATE", keys[0].key_id)
        await asyncio.wait_for(uses.close(), 5)
    assert await last_uses(pool, keys) == [None, 0, 0]


async def test_a_database_that_is_away_is_asked_again(
    database_url: str, pool: asyncpg.Pool, keys: list[MintedKey]
):
    async with await open_pool(database_url, size=1) as narrow:
        uses = Uses(narrow)
        uses.note(keys[0].key_id, START)
        await narrow.close()
        await uses.close()
        assert await last_uses(pool, keys) == [None, None, None]
        uses._pool = pool
        await uses.close()
    assert await last_uses(pool, keys) == [0, None, None]
