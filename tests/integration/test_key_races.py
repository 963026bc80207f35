"""Two who change one key at the same time: it is as if one had come after the other."""

import asyncio
import contextlib
import datetime

import asyncpg
import pytest

from heliograph.accounts import store
from heliograph.accounts.account import Account
from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.accounts.keys import MintedKey, rotate_key
from heliograph.accounts.limit import KeyLimits, limit_key
from heliograph.accounts.revoke import revoke_own_key
from heliograph.base import errors

START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


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
