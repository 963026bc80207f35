"""The smallest amounts that move: one micro-dollar is money, nothing is none."""

import datetime

import asyncpg
import pytest

from heliograph.accounts.store import create_account
from heliograph.base import errors
from heliograph.ledger import store
from heliograph.ledger.audit import audit

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


@pytest.fixture
async def account_id(pool: asyncpg.Pool) -> str:
    return (await create_account(pool, "Ada", max_live_tasks=10, now=NOW)).account_id


async def test_one_micro_dollar_comes_and_goes(pool: asyncpg.Pool, account_id: str):
    after = await store.top_up(pool, account_id, 1, note=None, now=NOW)
    assert (after.available_micros, after.funded_micros) == (1, 1)
    assert await audit(pool) == []
    after = await store.adjust(pool, account_id, -1, note="back", now=NOW)
    assert (after.available_micros, after.funded_micros) == (0, 0)
    assert await audit(pool) == []


async def test_a_refusal_of_nothing_says_of_what(pool: asyncpg.Pool, account_id: str):
    with pytest.raises(errors.BadRequest, match=r"a top-up must be more than \$0\.00"):
        await store.top_up(pool, account_id, 0, note=None, now=NOW)
    with pytest.raises(errors.BadRequest, match=r"an adjustment of \$0\.00 changes nothing"):
        await store.adjust(pool, account_id, 0, note="gift", now=NOW)
