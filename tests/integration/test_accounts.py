import asyncio
import base64
import dataclasses
import datetime
import re
from typing import Any

import asyncpg
import pytest

from heliograph.accounts import store
from heliograph.accounts.account import Account, Key
from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.accounts.keys import KeyReader, MintedKey, _checksum, mint_key, rotate_key
from heliograph.base import errors
from heliograph.base.clock import SettableClock
from heliograph.base.database import open_pool

START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(START)


@pytest.fixture
def reader(pool: asyncpg.Pool, clock: SettableClock) -> KeyReader:
    return KeyReader(pool, clock)


@pytest.fixture
async def account(pool: asyncpg.Pool) -> Account:
    return await store.create_account(pool, "Ada", max_live_tasks=1000, now=START)


async def add_key(
    pool: asyncpg.Pool, account: Account, minted: MintedKey | None = None, **rights: Any
) -> MintedKey:
    minted = minted or mint_key(test=rights.get("test", False))
    key = Key(
        key_id=minted.key_id,
        account_id=account.account_id,
        name="laptop",
        test=False,
        routing="auto",
        rate_limit_per_minute=10_000,
        created_at=START,
        expires_at=None,
        revoked_at=None,
    )
    await store.create_key(pool, dataclasses.replace(key, **rights), minted.secret_sha256)
    return minted


def bearer(minted: MintedKey) -> str:
    return f"Bearer {minted.api_key}"


async def is_refused(reader: KeyReader, header: str | None) -> bool:
    try:
        await reader.authenticate(header)
    except errors.Unauthorized:
        return True
    return False


async def test_a_new_account_has_an_id_a_secret_and_an_empty_balance(
    pool: asyncpg.Pool, account: Account
):
    assert re.fullmatch(r"acc_[0-9a-z]{12}", account.account_id)
    assert account.webhook_secret.startswith("whsec_")
    assert len(base64.b64decode(account.webhook_secret[6:], validate=True)) == 24
    assert account.webhook_secret not in repr(account)
    assert await pool.fetchval("SELECT funded_micros FROM balances") == 0


async def test_an_account_is_read_as_it_was_created(pool: asyncpg.Pool, account: Account):
    assert await store.read_account(pool, account.account_id) == account
    assert await store.read_account(pool, "acc_000000000000") is None


async def test_accounts_are_listed_the_oldest_first(pool: asyncpg.Pool, account: Account):
    earlier = START - datetime.timedelta(days=1)
    older = await store.create_account(pool, "Babbage", max_live_tasks=5, now=earlier)
    assert await store.list_accounts(pool) == [older, account]
    known = await store.read_accounts(pool, [older.account_id, "acc_0"])
    assert known == {older.account_id: older}


async def test_an_issued_key_works_at_once_as_it_was_wished(
    pool: asyncpg.Pool, account: Account, reader: KeyReader
):
    wish = KeyWish(account.account_id, "laptop", True, "value", 60)
    minted = await issue_key(pool, wish, now=START)
    key = await reader.authenticate(bearer(minted))
    assert key == (await store.list_keys(pool))[0]
    assert (key.test, key.routing, key.rate_limit_per_minute) == (True, "value", 60)


async def test_a_key_for_an_account_that_does_not_exist_is_refused(
    pool: asyncpg.Pool, account: Account
):
    stranger = dataclasses.replace(account, account_id="acc_000000000000")
    with pytest.raises(errors.NotFound, match="acc_000000000000"):
        await add_key(pool, stranger)


async def test_the_database_never_sees_the_key(pool: asyncpg.Pool, account: Account):
    minted = await add_key(pool, account)
    row = await pool.fetchval("SELECT api_keys::text FROM api_keys")
    assert minted.key_id in row
    assert minted.api_key[17:49] not in row


async def test_keys_are_listed_for_one_account_or_all(pool: asyncpg.Pool, account: Account):
    other = await store.create_account(pool, "Babbage", max_live_tasks=5, now=START)
    mine, theirs = await add_key(pool, account), await add_key(pool, other)
    assert [key.key_id for key in await store.list_keys(pool, account.account_id)] == [mine.key_id]
    assert {key.key_id for key in await store.list_keys(pool)} == {mine.key_id, theirs.key_id}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
async def test_a_key_is_accepted_whatever_the_case_of_its_scheme(
    pool: asyncpg.Pool, account: Account, reader: KeyReader, scheme: str
):
    minted = await add_key(pool, account)
    key = await reader.authenticate(f"{scheme} {minted.api_key}")
    assert (key.key_id, key.account_id) == (minted.key_id, account.account_id)


async def test_a_key_says_whether_it_is_for_tests_and_how_it_is_routed(
    pool: asyncpg.Pool, account: Account, reader: KeyReader
):
    minted = await add_key(pool, account, test=True, routing="official")
    key = await reader.authenticate(bearer(minted))
    assert (key.test, key.routing, key.rate_limit_per_minute) == (True, "official", 10_000)


KEY = mint_key(test=False).api_key


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "Bearer", "Bearer ", "Bearer x", KEY, f"Basic {KEY}", f"Bearer{KEY}"),
        *(f"Bearer {KEY}", f"Bearer {KEY} x", f"Bearer {KEY[:-1]}", f"Bearer \udcff{KEY[1:]}"),
        *(f"Bearer {KEY}é", f"Bearer {'x' * 55}", f"Bearer {'x' * 100_000}", "Bearer \x00"),
    ],
    # the key is a new one each time, and two processes that share the tests must agree on their names
    ids=range(16),
)
async def test_a_missing_malformed_or_unknown_key_is_always_refused_alike(
    reader: KeyReader, header: str | None
):
    with pytest.raises(errors.Unauthorized) as refusal:
        await reader.authenticate(header)
    assert (refusal.value.message, refusal.value.data) == ("Invalid or missing API key", None)


@pytest.mark.parametrize("scheme", ["Basic", "Token", "BearerBearer"])
async def test_a_good_key_in_another_scheme_is_refused(
    pool: asyncpg.Pool, account: Account, reader: KeyReader, scheme: str
):
    minted = await add_key(pool, account)
    assert await is_refused(reader, f"{scheme} {minted.api_key}")
    assert await is_refused(reader, minted.api_key)
    assert not await is_refused(reader, bearer(minted))
    assert await is_refused(reader, f"{scheme} {minted.api_key}")


async def test_a_known_id_with_another_secret_is_refused(
    pool: asyncpg.Pool, account: Account, reader: KeyReader
):
    minted = await add_key(pool, account)
    body = minted.api_key[:17] + mint_key(test=False).api_key[17:49]
    assert await is_refused(reader, f"Bearer {body}{_checksum(body)}")
    assert not await is_refused(reader, bearer(minted))


async def test_a_typing_error_is_refused_without_the_database(
    pool: asyncpg.Pool, reader: KeyReader
):
    await pool.close()
    assert await is_refused(reader, f"Bearer {KEY[:-1]}{'a' if KEY[-1] != 'a' else 'b'}")


async def test_a_database_in_trouble_is_busy_never_a_refused_key(
    pool: asyncpg.Pool, reader: KeyReader
):
    await pool.close()
    with pytest.raises(errors.Busy):
        await reader.authenticate(f"Bearer {KEY}")


async def test_a_refused_key_works_at_once_when_it_is_created(
    pool: asyncpg.Pool, account: Account, reader: KeyReader
):
    minted = mint_key(test=False)
    assert await is_refused(reader, bearer(minted))
    await add_key(pool, account, minted=minted)
    assert not await is_refused(reader, bearer(minted))


async def test_a_revoked_key_is_refused_by_every_process_within_a_second(
    pool: asyncpg.Pool, account: Account, clock: SettableClock
):
    minted = await add_key(pool, account)
    readers = [KeyReader(pool, clock), KeyReader(pool, clock)]
    assert [await is_refused(reader, bearer(minted)) for reader in readers] == [False, False]
    clock.advance(0.5)
    assert await store.revoke_key(pool, minted.key_id, now=clock.now())
    clock.advance(0.499)
    assert [await is_refused(reader, bearer(minted)) for reader in readers] == [False, False]
    clock.advance(0.001)
    assert [await is_refused(reader, bearer(minted)) for reader in readers] == [True, True]


async def test_a_clock_set_back_does_not_keep_a_revoked_key_alive(
    pool: asyncpg.Pool, account: Account, clock: SettableClock, reader: KeyReader
):
    minted = await add_key(pool, account)
    assert not await is_refused(reader, bearer(minted))
    await store.revoke_key(pool, minted.key_id, now=clock.now())
    clock.advance(-3600)
    assert await is_refused(reader, bearer(minted))


async def test_revoking_twice_keeps_the_first_moment(pool: asyncpg.Pool, account: Account):
    minted = await add_key(pool, account)
    assert await store.revoke_key(pool, minted.key_id, now=START)
    assert await store.revoke_key(pool, minted.key_id, now=START + datetime.timedelta(hours=1))
    assert [key.revoked_at for key in await store.list_keys(pool)] == [START]


async def test_revoking_a_key_that_does_not_exist_says_so(pool: asyncpg.Pool):
    assert not await store.revoke_key(pool, "00000000", now=START)
    assert not await store.expire_key(pool, "00000000", expires_at=START)


async def test_an_expired_key_is_refused_from_its_moment_on_although_it_was_just_used(
    pool: asyncpg.Pool, account: Account, clock: SettableClock, reader: KeyReader
):
    expires_at = START + datetime.timedelta(seconds=0.5)
    minted = await add_key(pool, account, expires_at=expires_at)
    clock.advance(0.499)
    assert not await is_refused(reader, bearer(minted))
    clock.advance(0.001)
    assert await is_refused(reader, bearer(minted))


async def test_a_rotated_key_has_the_same_rights_and_the_old_one_ends_later(
    pool: asyncpg.Pool, account: Account, clock: SettableClock, reader: KeyReader
):
    old = await add_key(pool, account, test=True, routing="value")
    new = await rotate_key(pool, old.key_id, now=clock.now(), keep_seconds=60)
    before, after = [await reader.authenticate(bearer(key)) for key in (old, new)]
    assert after == dataclasses.replace(before, key_id=new.key_id, expires_at=None)
    assert new.api_key.startswith("hg_test_")
    clock.advance(60)
    assert await is_refused(reader, bearer(old))
    assert not await is_refused(reader, bearer(new))


async def test_rotation_never_makes_a_key_last_longer(pool: asyncpg.Pool, account: Account):
    expires_at = START + datetime.timedelta(seconds=10)
    old = await add_key(pool, account, expires_at=expires_at)
    await rotate_key(pool, old.key_id, now=START, keep_seconds=60)
    assert [key.expires_at for key in await store.list_keys(pool)] == [expires_at, expires_at]


async def test_a_revoked_or_unknown_key_cannot_be_rotated(pool: asyncpg.Pool, account: Account):
    minted = await add_key(pool, account)
    await store.revoke_key(pool, minted.key_id, now=START)
    for key_id in (minted.key_id, "00000000"):
        with pytest.raises(errors.NotFound, match=key_id):
            await rotate_key(pool, key_id, now=START, keep_seconds=0)
    assert len(await store.list_keys(pool)) == 1


async def test_the_memory_for_keys_is_bounded_and_all_keys_still_work(
    pool: asyncpg.Pool, account: Account, clock: SettableClock
):
    reader = KeyReader(pool, clock, max_cached=2)
    keys = [await add_key(pool, account) for _ in range(5)]
    for minted in [*keys, *keys]:
        assert (await reader.authenticate(bearer(minted))).key_id == minted.key_id
        assert len(reader._known) <= 2


async def test_requests_that_arrive_together_share_a_query(
    database_url: str, pool: asyncpg.Pool, account: Account, clock: SettableClock
):
    keys = [await add_key(pool, account) for _ in range(20)]
    async with await open_pool(database_url, size=1) as narrow:
        await narrow.fetchval("SELECT 1")
        reader = KeyReader(narrow, clock)
        before = await key_scans(pool)
        found = await asyncio.gather(*(reader.authenticate(bearer(key)) for key in keys * 10))
        await narrow.execute("SELECT pg_stat_force_next_flush()")
    assert [key.key_id for key in found] == [key.key_id for key in keys * 10]
    assert 1 <= await key_scans(pool) - before <= 2


async def key_scans(pool: asyncpg.Pool) -> int:
    """How often the table of keys has been read, as PostgreSQL counts it."""
    return await pool.fetchval(
        "SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = 'api_keys'"
    )
