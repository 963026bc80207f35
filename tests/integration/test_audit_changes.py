"""The proof of what changed: how far it goes, what it leaves to the whole one, and who is not yet committed."""

import datetime

import asyncpg
import pytest

from heliograph.base.database import transaction
from heliograph.ledger import store
from heliograph.ledger.audit import Finding, audit, audit_changes
from heliograph.ledger.proven.store import NOTHING, Proven, read_proven
from integration.test_audit import CALLBACK, PICTURE, Books


@pytest.fixture
async def books(pool: asyncpg.Pool) -> Books:
    books = Books(pool)
    books.prove = audit_changes
    return books


async def proven(books: Books) -> Proven:
    async with books.pool.acquire() as connection:
        return await read_proven(connection)


async def test_without_an_earlier_proof_everything_is_looked_at(books: Books):
    account_id = await books.open_account()
    task_id = await books.submit(account_id)
    await books.end(task_id, 4)
    await books.tamper("UPDATE tasks SET num_images = 3 WHERE task_id = TASK", task_id=task_id)
    assert len(await books.audit()) == 1


async def test_a_clean_proof_of_either_kind_moves_on_and_stops_before_the_first_open_task(
    books: Books,
):
    account_id = await books.open_account()
    await books.end(await books.submit(account_id), 4)
    open_id = await books.submit(account_id)
    await books.end(await books.submit(account_id), 4)
    assert await proven(books) == NOTHING
    assert await audit(books.pool) == []
    assert (await proven(books)).tasks_before == open_id.__class__(int=open_id.int >> 80 << 80)
    await books.end(open_id, 2)
    assert await books.audit() == []
    assert (await proven(books)).tasks_before > books.new_id()


async def test_a_proof_that_finds_something_moves_nothing_on(books: Books):
    account_id = await books.open_account()
    assert await books.audit() == []
    before = await proven(books)
    task_id = await books.submit(account_id)
    await books.end(task_id, 4)
    await books.tamper("UPDATE tasks SET num_images = 3 WHERE task_id = TASK", task_id=task_id)
    found = await books.audit()
    assert len(found) == 1
    assert await books.audit() == found
    assert await proven(books) == before


async def test_what_was_proved_and_has_moved_no_money_since_is_left_to_the_whole_proof(
    books: Books,
):
    account_id = await books.open_account()
    task_id = await books.submit(account_id, callback_url=CALLBACK)
    await books.end(task_id, 4)
    assert await books.audit() == []
    await books.tamper("UPDATE tasks SET num_images = 3 WHERE task_id = TASK", task_id=task_id)
    await books.tamper("DELETE FROM notices WHERE task_id = TASK", task_id=task_id)
    assert await books.audit() == []
    assert len(await audit(books.pool)) == 2


async def test_a_proven_task_that_moves_money_again_is_found(books: Books):
    account_id = await books.open_account()
    task_id = await books.submit(account_id)
    await books.end(task_id, 4)
    assert await books.audit() == []
    await books.pool.execute(
        """
        INSERT INTO transfers (account_id, task_id, kind, debit, credit, amount_micros, created_at)
        VALUES ($1, $2, 'release', 'held', 'available', 7, now())
        """,
        account_id,
        task_id,
    )
    problem = "charge 120000 + release 7 is not its hold of 120000 micros"
    assert Finding(f"task {task_id.hex}", problem) in await books.audit()


async def test_a_balance_without_any_new_transfer_is_compared_with_what_it_was(books: Books):
    account_id = await books.open_account()
    assert await books.audit() == []
    await books.tamper(
        "UPDATE balances SET available_micros = available_micros + 5,"
        f" funded_micros = funded_micros + 5 WHERE account_id = '{account_id}'"
    )
    sides = [finding.problem.split(":")[0] for finding in await books.audit()]
    assert sides == ["available", "funding"]


async def test_a_transfer_that_is_committed_behind_younger_ones_is_missed_by_no_proof(books: Books):
    early, late = await books.open_account(), await books.open_account()
    assert await books.audit() == []
    now = datetime.datetime.now(datetime.UTC)
    async with transaction(books.pool) as connection:
        await store.fund(connection, early, store.Funding("topup", 5, None), now=now)
        await store.top_up(books.pool, late, 7, note=None, now=now)
        assert await books.audit() == []
    assert await books.audit() == []
    assert await audit(books.pool) == []


async def test_a_wrong_count_of_what_a_key_spends_is_found(books: Books):
    account_id = await books.open_account()
    assert await books.audit() == []
    for table, wrong in (
        ("key_spending", "INSERT INTO key_spending VALUES ('key', '2126-11-01', 5)"),
        ("balances", f"UPDATE balances SET has_caps = true WHERE account_id = '{account_id}'"),
    ):
        await books.tamper(wrong)
        assert len(await books.audit()) == 1, table
        await books.tamper("DELETE FROM key_spending")


async def test_a_batch_without_its_items_is_found(books: Books):
    account_id = await books.open_account()
    await books.submit(account_id)
    assert await books.audit() == []
    batch_id = books.new_id()
    await books.pool.execute(
        "INSERT INTO batches VALUES ($1, $2, 'key', 'wan-2-5-image', NULL, 2, 2, now(), NULL)",
        batch_id,
        account_id,
    )
    found = await books.audit()
    assert {finding.subject for finding in found} == {f"batch {batch_id.hex}"}
    assert "must have 2 items, has " in found[0].problem


async def test_what_is_older_than_deliveries_are_kept_needs_no_notice(books: Books):
    account_id = await books.open_account()
    task_id = await books.submit(account_id, callback_url=CALLBACK, price=PICTURE)
    await books.end(task_id, 4)
    await books.pool.execute("UPDATE tasks SET completed_at = now() - interval '1 hour'")
    await books.tamper("DELETE FROM notices WHERE task_id = TASK", task_id=task_id)
    assert len(await audit(books.pool)) == 1
    await books.pool.execute("INSERT INTO kept_since VALUES ('deliveries', now())")
    assert await audit(books.pool) == []
