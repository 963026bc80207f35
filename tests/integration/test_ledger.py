import asyncio
import datetime
import random
import uuid

import asyncpg
import pytest

from heliograph.accounts.store import create_account
from heliograph.base import errors
from heliograph.base.database import transaction
from heliograph.ledger import store
from heliograph.ledger.money import Balance, Hold, Settlement
from support import settling

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
PICTURE = 30_000


@pytest.fixture
async def account_id(pool: asyncpg.Pool) -> str:
    """An account with $1.20: enough for ten tasks of four pictures."""
    return await funded(pool, 40 * PICTURE)


async def funded(pool: asyncpg.Pool, amount_micros: int) -> str:
    account = await create_account(pool, "Ada", max_live_tasks=1000, now=NOW)
    await store.top_up(pool, account.account_id, amount_micros, note=None, now=NOW)
    return account.account_id


async def hold(pool: asyncpg.Pool, account_id: str, *amounts: int) -> list[uuid.UUID]:
    holds = [Hold(account_id, uuid.uuid4(), amount) for amount in amounts]
    async with transaction(pool) as connection:
        await store.hold_many(connection, holds, now=NOW)
    return [held.task_id for held in holds]


async def settle(
    pool: asyncpg.Pool, account_id: str, task_id: uuid.UUID, charge: int, release: int
) -> bool:
    return await settling.settle(pool, account_id, task_id, Settlement(charge, release), NOW)


async def balance(pool: asyncpg.Pool, account_id: str) -> Balance:
    found = await store.read_balance(pool, account_id)
    assert found is not None
    return found


def money(balance: Balance) -> tuple[int, int, int, int]:
    return (
        balance.available_micros,
        balance.held_micros,
        balance.charged_micros,
        balance.live_tasks,
    )


async def test_a_top_up_is_available(pool: asyncpg.Pool, account_id: str):
    after = await store.top_up(pool, account_id, 5, note="invoice 7", now=NOW)
    assert after == Balance(account_id, 1_200_005, 0, 0, 1_200_005, 0, 1000)
    assert await balance(pool, account_id) == after


@pytest.mark.parametrize("amount", [0, -1])
async def test_a_top_up_of_nothing_or_less_is_refused(
    pool: asyncpg.Pool, account_id: str, amount: int
):
    with pytest.raises(errors.BadRequest):
        await store.top_up(pool, account_id, amount, note=None, now=NOW)


async def test_money_for_an_unknown_account_is_refused(pool: asyncpg.Pool):
    with pytest.raises(errors.NotFound, match="acc_0"):
        await store.top_up(pool, "acc_0", 5, note=None, now=NOW)
    with pytest.raises(errors.NotFound, match="acc_0"):
        await store.adjust(pool, "acc_0", 5, note="gift", now=NOW)
    assert await store.read_balance(pool, "acc_0") is None


async def test_an_adjustment_goes_both_ways_with_its_note(pool: asyncpg.Pool, account_id: str):
    await store.adjust(pool, account_id, 100, note="gift", now=NOW)
    after = await store.adjust(pool, account_id, -1_200_100, note="closed", now=NOW)
    assert money(after) == (0, 0, 0, 0)
    rows = await pool.fetch("SELECT note, debit FROM transfers WHERE kind = 'adjust' ORDER BY 1")
    assert [tuple(row) for row in rows] == [("closed", "available"), ("gift", "funding")]


async def test_an_adjustment_below_zero_says_what_is_available(pool: asyncpg.Pool, account_id: str):
    with pytest.raises(errors.PaymentRequired, match=r"\$1\.200001 .* \$1\.20 is available"):
        await store.adjust(pool, account_id, -1_200_001, note="oops", now=NOW)
    assert money(await balance(pool, account_id)) == (1_200_000, 0, 0, 0)


@pytest.mark.parametrize(("amount", "note"), [(0, "why"), (5, " ")])
async def test_an_adjustment_needs_an_amount_and_a_note(
    pool: asyncpg.Pool, account_id: str, amount: int, note: str
):
    with pytest.raises(errors.BadRequest):
        await store.adjust(pool, account_id, amount, note=note, now=NOW)


async def test_holds_of_many_accounts_are_one_statement(pool: asyncpg.Pool, account_id: str):
    other_id = await funded(pool, PICTURE)
    holds = [
        Hold(account_id, uuid.uuid4(), 4 * PICTURE),
        Hold(other_id, uuid.uuid4(), PICTURE),
        Hold(account_id, uuid.uuid4(), PICTURE),
        Hold(account_id, uuid.uuid4(), 0),
    ]
    async with transaction(pool) as connection:
        await store.hold_many(connection, holds, now=NOW)
    assert money(await balance(pool, account_id)) == (35 * PICTURE, 5 * PICTURE, 0, 3)
    assert money(await balance(pool, other_id)) == (0, PICTURE, 0, 1)


async def test_no_holds_are_no_change(pool: asyncpg.Pool, account_id: str):
    await hold(pool, account_id)
    assert money(await balance(pool, account_id)) == (1_200_000, 0, 0, 0)


async def test_a_settlement_charges_and_releases_in_one_statement(
    pool: asyncpg.Pool, account_id: str
):
    [task_id] = await hold(pool, account_id, 4 * PICTURE)
    assert await settle(pool, account_id, task_id, 3 * PICTURE, PICTURE)
    assert money(await balance(pool, account_id)) == (37 * PICTURE, 0, 3 * PICTURE, 0)
    receipt = await store.read_transfers(pool, task_id)
    assert [(row.kind, row.debit, row.credit, row.amount_micros) for row in receipt] == [
        ("hold", "available", "held", 120_000),
        ("charge", "held", "revenue", 90_000),
        ("release", "held", "available", 30_000),
    ]
    assert {(row.account_id, row.task_id, row.created_at) for row in receipt} == {
        (account_id, task_id, NOW)
    }


@pytest.mark.parametrize(
    ("charge", "release", "kinds"),
    [(30_000, 0, ["hold", "charge"]), (0, 30_000, ["hold", "release"])],
)
async def test_a_side_of_zero_writes_no_row(
    pool: asyncpg.Pool, account_id: str, charge: int, release: int, kinds: list[str]
):
    [task_id] = await hold(pool, account_id, PICTURE)
    assert await settle(pool, account_id, task_id, charge, release)
    assert [row.kind for row in await store.read_transfers(pool, task_id)] == kinds


async def test_a_test_task_moves_no_money_and_counts_as_live(pool: asyncpg.Pool, account_id: str):
    [task_id] = await hold(pool, account_id, 0)
    assert money(await balance(pool, account_id)) == (1_200_000, 0, 0, 1)
    assert await settle(pool, account_id, task_id, 0, 0)
    assert money(await balance(pool, account_id)) == (1_200_000, 0, 0, 0)
    assert await store.read_transfers(pool, task_id) == []


@pytest.mark.parametrize(
    ("charge", "release"),
    [(0, PICTURE), (PICTURE, 0), (0, 5 * PICTURE), (3 * PICTURE, 0), (0, 0)],
)
async def test_a_settlement_that_is_not_the_whole_hold_is_stopped(
    pool: asyncpg.Pool, account_id: str, charge: int, release: int
):
    task_id, _ = await hold(pool, account_id, 4 * PICTURE, 4 * PICTURE)
    before = await balance(pool, account_id)
    assert not await settle(pool, account_id, task_id, charge, release)
    assert await balance(pool, account_id) == before


@pytest.mark.parametrize(("charge", "release"), [(120_000, 0), (0, 120_000)])
async def test_a_second_settlement_is_stopped_whatever_it_says(
    pool: asyncpg.Pool, account_id: str, charge: int, release: int
):
    task_id, _ = await hold(pool, account_id, 4 * PICTURE, 4 * PICTURE)
    assert await settle(pool, account_id, task_id, 4 * PICTURE, 0)
    before = await balance(pool, account_id)
    assert not await settle(pool, account_id, task_id, charge, release)
    assert await balance(pool, account_id) == before


async def test_a_settlement_on_the_account_of_someone_else_is_stopped(
    pool: asyncpg.Pool, account_id: str
):
    other_id = await funded(pool, 4 * PICTURE)
    [task_id] = await hold(pool, account_id, 4 * PICTURE)
    await hold(pool, other_id, 4 * PICTURE)
    assert not await settle(pool, other_id, task_id, 4 * PICTURE, 0)


async def test_a_hold_on_an_unknown_account_is_stopped(pool: asyncpg.Pool):
    with pytest.raises(AssertionError, match="holds: expected"):
        await hold(pool, "acc_0", 0)


async def test_sixty_four_at_once_never_overdraw(pool: asyncpg.Pool, account_id: str):
    async def submit() -> bool:
        async with transaction(pool) as connection:
            locked = (await store.lock_balances(connection, [account_id]))[account_id]
            if locked.available_micros < 4 * PICTURE:
                return False
            wanted = Hold(account_id, uuid.uuid4(), 4 * PICTURE)
            await store.hold_many(connection, [wanted], now=NOW)
            return True

    accepted = await asyncio.gather(*(submit() for _ in range(64)))
    assert sum(accepted) == 10
    assert money(await balance(pool, account_id)) == (0, 40 * PICTURE, 0, 10)


async def test_accounts_locked_in_any_order_never_wait_in_a_circle(pool: asyncpg.Pool):
    accounts = [await funded(pool, 1000) for _ in range(6)]

    async def submit(seed: int) -> None:
        order = random.Random(seed).sample(accounts, 6)
        async with transaction(pool) as connection:
            assert list(await store.lock_balances(connection, order)) == sorted(accounts)
            holds = [Hold(account_id, uuid.uuid4(), 10) for account_id in order]
            await store.hold_many(connection, holds, now=NOW)

    await asyncio.gather(*(submit(seed) for seed in range(40)))
    for account_id in accounts:
        assert money(await balance(pool, account_id)) == (600, 400, 0, 40)


async def test_unknown_accounts_are_left_out_of_the_locked(pool: asyncpg.Pool, account_id: str):
    async with transaction(pool) as connection:
        locked = await store.lock_balances(connection, ["acc_0", account_id, account_id])
    assert list(locked) == [account_id]
    assert locked[account_id].max_live_tasks == 1000


# What our code should never do, written by hand: the database refuses it.


async def test_the_database_refuses_an_overdraft(pool: asyncpg.Pool, account_id: str):
    with pytest.raises(asyncpg.CheckViolationError, match="available_micros"):
        await hold(pool, account_id, 40 * PICTURE, 1)
    assert money(await balance(pool, account_id)) == (1_200_000, 0, 0, 0)
    assert await pool.fetchval("SELECT count(*) FROM transfers WHERE kind = 'hold'") == 0


async def test_the_database_refuses_a_second_hold_for_a_task(pool: asyncpg.Pool, account_id: str):
    [task_id] = await hold(pool, account_id, PICTURE)
    async with transaction(pool) as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await store.hold_many(connection, [Hold(account_id, task_id, PICTURE)], now=NOW)


@pytest.mark.parametrize("kind", ["charge", "release"])
async def test_the_database_refuses_a_second_settlement(
    pool: asyncpg.Pool, account_id: str, kind: str
):
    [task_id] = await hold(pool, account_id, 2 * PICTURE)
    assert await settle(pool, account_id, task_id, PICTURE, PICTURE)
    with pytest.raises(asyncpg.UniqueViolationError):
        await pool.execute(
            """
            INSERT INTO transfers
                (account_id, task_id, kind, debit, credit, amount_micros, created_at)
            SELECT account_id, task_id, kind, debit, credit, 1, created_at
            FROM transfers WHERE task_id = $1 AND kind = $2
            """,
            task_id,
            kind,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount_micros = 1",
        "UPDATE transfers SET note = 'better'",
        "DELETE FROM transfers",
        "TRUNCATE transfers",
    ],
)
async def test_the_database_refuses_to_change_or_delete_a_transfer(
    pool: asyncpg.Pool, account_id: str, statement: str
):
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="only ever added"):
        await pool.execute(statement)
    assert await pool.fetchval("SELECT sum(amount_micros) FROM transfers") == 1_200_000


@pytest.mark.parametrize(
    "movement",
    [
        ("charge", "available", "revenue", 1),
        ("topup", "available", "funding", 1),
        ("release", "revenue", "available", 1),
        ("gift", "funding", "available", 1),
        ("topup", "funding", "available", 0),
        ("topup", "funding", "available", -1),
    ],
)
async def test_the_database_refuses_a_movement_that_does_not_exist(
    pool: asyncpg.Pool, account_id: str, movement: tuple[str, str, str, int]
):
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(
            """
            INSERT INTO transfers (account_id, kind, debit, credit, amount_micros, created_at)
            VALUES ($1, $2, $3, $4, $5, now())
            """,
            account_id,
            *movement,
        )


@pytest.mark.parametrize(
    "change",
    [
        "available_micros = available_micros + 1",
        "held_micros = -1, available_micros = available_micros + 1",
        "charged_micros = -1, available_micros = available_micros + 1",
        "live_tasks = -1",
    ],
)
async def test_the_database_refuses_a_balance_that_does_not_add_up(
    pool: asyncpg.Pool, account_id: str, change: str
):
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(f"UPDATE balances SET {change}")
