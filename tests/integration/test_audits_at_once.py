"""Two proofs of the books at once: both tell the truth, and the faster one is remembered."""

import asyncpg
import pytest

from heliograph.ledger.audit import audit
from heliograph.ledger.proven.store import find_next, read_proven, remember_proven


@pytest.mark.parametrize("earlier_proofs", [0, 1])
async def test_a_proof_that_was_overtaken_is_not_remembered(
    pool: asyncpg.Pool, earlier_proofs: int
):
    for _ in range(earlier_proofs):
        assert await audit(pool) == []
    async with pool.acquire() as slow, slow.transaction(isolation="repeatable_read"):
        overtaken = await find_next(slow, await read_proven(slow))
        assert await audit(pool) == []
        await remember_proven(slow, overtaken)
        assert await slow.fetchval("SELECT 1") == 1
    async with pool.acquire() as connection:
        remembered = await read_proven(connection)
    assert remembered.at > overtaken.at
