"""Two who change one key at the same time: it is as if one had come after the other."""

import asyncio
import contextlib
import datetime

import asyncpg
import pytest

from heliograph.accounts import store
from heliograph.accounts.account import Account
from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.accounts.keys import MOST_KEYS, MintedKey, rotate_key
from heliograph.accounts.limit import KeyLimits, limit_key
from heliograph.accounts.revoke import revoke_own_key
from heliograph.base import errors
from heliograph.tasks.low_balance import Watch, watch_account

START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
MOMENT = datetime.timedelta(milliseconds=1)


@pytest.fixture
async def account(pool: asyncpg.Pool) -> Account:
    return await store.create_account(pool, "Ada", max_live_tasks=1000, now=START)


async def add_key(pool: asyncpg.Pool, account: Account, **limits: int) -> MintedKey:
    wish = KeyWish(account.account_id, "laptop", False, "auto", 10_000, KeyLimits(**limits))
    return await issue_key(pool, wish, now=START)


@contextlib.asynccontextmanager
async def held(pool: asyncpg.Pool, account: Account):
    """The account's balance is locked in the block: who changes a key with a cap stands before it."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT FROM balances WHERE account_id = $1 FOR UPDATE", account.account_id
        )
        yield


async def waits(pool: asyncpg.Pool, count: int) -> None:
    """Until so many wait for locks."""
    async with asyncio.timeout(10):
        while (
            await pool.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            )
            != count
        ):
            await asyncio.sleep(0.01)


async def test_what_comes_while_a_key_is_being_replaced_finds_it_replaced(
    pool: asyncpg.Pool, account: Account
):
    old = await add_key(pool, account, monthly_cap_micros=5)
    async with held(pool, account):
        first = asyncio.create_task(rotate_key(pool, old.key_id, now=START, keep_seconds=0))
        await waits(pool, 1)
        others = [
            asyncio.create_task(rotate_key(pool, old.key_id, now=START, keep_seconds=0)),
            asyncio.create_task(limit_key(pool, old.key_id, KeyLimits(monthly_cap_micros=1))),
            asyncio.create_task(
                revoke_own_key(pool, old.key_id, account_id=account.account_id, now=START)
            ),
        ]
        await waits(pool, 4)
    new = await first
    refused, *_ = await asyncio.gather(*others, return_exceptions=True)
    assert isinstance(refused, errors.NotFound)
    keys = {key.key_id: key for key in await store.list_keys(pool)}
    assert set(keys) == {old.key_id, new.key_id}
    assert {key.monthly_cap_micros for key in keys.values()} == {1}
    assert not keys[old.key_id].usable_at(START)


async def test_who_changes_what_an_account_is_told_and_who_changes_its_key_wait_in_no_circle(
    pool: asyncpg.Pool, account: Account
):
    old = await add_key(pool, account, monthly_cap_micros=5)
    async with held(pool, account):
        watch = Watch(webhook_url="https://example.com/hook")
        watching = asyncio.create_task(watch_account(pool, account.account_id, watch))
        await waits(pool, 1)
        rotating = asyncio.create_task(rotate_key(pool, old.key_id, now=START, keep_seconds=0))
        await waits(pool, 2)
    await asyncio.gather(watching, rotating)


async def test_a_key_that_is_revoked_meanwhile_is_not_replaced(
    pool: asyncpg.Pool, account: Account
):
    minted = await add_key(pool, account)
    async with pool.acquire() as connection, connection.transaction():
        await store.lock_key(connection, minted.key_id)
        rotating = asyncio.create_task(rotate_key(pool, minted.key_id, now=START, keep_seconds=60))
        await waits(pool, 1)
        await store.revoke_key(connection, minted.key_id, now=START)
    with pytest.raises(errors.NotFound, match=minted.key_id):
        await rotating


async def test_who_read_the_clock_first_and_comes_second_finds_the_key_replaced(
    pool: asyncpg.Pool, account: Account
):
    old = await add_key(pool, account)
    await rotate_key(pool, old.key_id, now=START + MOMENT, keep_seconds=0)
    with pytest.raises(errors.NotFound, match=old.key_id):
        await rotate_key(pool, old.key_id, now=START, keep_seconds=0)
    assert len(await store.list_keys(pool)) == 2


async def test_who_read_the_clock_first_and_comes_second_gives_no_ended_key_back_without_room(
    pool: asyncpg.Pool, account: Account
):
    *_, old = [await add_key(pool, account) for _ in range(MOST_KEYS)]
    whose = account.account_id
    later = START + MOMENT
    await rotate_key(pool, old.key_id, now=later, keep_seconds=0, account_id=whose)
    with pytest.raises(errors.Conflict):
        await limit_key(pool, old.key_id, KeyLimits(expires_at=None), account_id=whose, now=START)
    assert await store.count_usable_keys(pool, whose, now=later) == MOST_KEYS


async def test_who_has_more_keys_from_operators_still_replaces_and_names_them(
    pool: asyncpg.Pool, account: Account
):
    *_, old = [await add_key(pool, account) for _ in range(MOST_KEYS + 1)]
    whose = account.account_id
    await rotate_key(pool, old.key_id, now=START, keep_seconds=0, account_id=whose)
    named = await limit_key(pool, old.key_id, KeyLimits(name="old"), account_id=whose, now=START)
    assert named.name == "old"
    with pytest.raises(errors.Conflict):
        await limit_key(pool, old.key_id, KeyLimits(expires_at=None), account_id=whose, now=START)
    assert await store.count_usable_keys(pool, whose, now=START) == MOST_KEYS + 1
