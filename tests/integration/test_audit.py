import asyncio
import datetime
import itertools
import random
import uuid

import asyncpg
import pytest

from heliograph.accounts.store import create_account
from heliograph.base.clock import unix_ms
from heliograph.base.database import transaction
from heliograph.ledger import store
from heliograph.ledger.audit import Finding, audit, audit_changes, drift_micros
from heliograph.ledger.money import Hold, settle
from heliograph.tasks.task import task_id_at
from support import settling

PICTURE = 30_000
CALLBACK = "https://example.org/done"


class Books:
    """A small business whose tasks are submitted and ended as the service does it, an hour ago."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.prove = audit
        self.begin(datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1))

    def begin(self, moment: datetime.datetime) -> None:
        """Go on at `moment`: then money moves, and then the ids of tasks begin."""
        self.moment = moment
        self._milliseconds = itertools.count(unix_ms(moment))

    async def audit(self) -> list[Finding]:
        """The proof that is tried."""
        return await self.prove(self.pool)

    def new_id(self) -> uuid.UUID:
        """The id of a task that is younger than all before it."""
        return task_id_at(next(self._milliseconds), bytes(10))

    async def open_account(self) -> str:
        account = await create_account(self.pool, "Ada", max_live_tasks=1000, now=self.moment)
        await store.top_up(self.pool, account.account_id, 10**9, note=None, now=self.moment)
        return account.account_id

    async def submit(
        self,
        account_id: str,
        *,
        pictures: int = 4,
        price: int = PICTURE,
        test: bool = False,
        callback_url: str | None = None,
    ) -> uuid.UUID:
        task_id = self.new_id()
        held = Hold(account_id, task_id, 0 if test else pictures * price)
        async with transaction(self.pool) as connection:
            await store.hold_many(connection, [held], now=self.moment)
            await connection.execute(
                """
                INSERT INTO tasks (task_id, account_id, key_id, model, mode, test, routing, request,
                    num_images, unit_price_micros, callback_url, state, due_at, created_at,
                    deadline_at)
                VALUES ($1, $2, 'key', 'wan-2-5-image', 'text-to-image', $3, 'auto', $8, $4, $5, $6,
                    'pending', $7, $7, $7)
                """,
                *(task_id, account_id, test, pictures, price, callback_url, self.moment, {}),
            )
        return task_id

    async def end(self, task_id: uuid.UUID, made: int) -> None:
        async with transaction(self.pool) as connection:
            task = await connection.fetchrow("SELECT * FROM tasks WHERE task_id = $1", task_id)
            pictures, price = task["num_images"], 0 if task["test"] else task["unit_price_micros"]
            paid = settle(pictures * price, made, price)
            assert await settling.settle(connection, task["account_id"], task_id, paid, self.moment)
            images = [{"path": f"results/{index}.png", "width": 1024} for index in range(made)]
            images += [{"fail_code": "Timeout", "fail_message": "late"}] * (pictures - made)
            await connection.execute(
                "UPDATE tasks SET state = $2, images = $3 WHERE task_id = $1",
                *(task_id, "success" if made else "failed", images),
            )
            if task["callback_url"]:
                await self.write_notice(connection, task_id, task["account_id"])

    async def write_notice(
        self, connection: asyncpg.Connection, task_id: uuid.UUID, account_id: str
    ) -> None:
        await connection.execute(
            """
            INSERT INTO notices
                (notice_id, task_id, account_id, url, body, state, due_at, created_at)
            VALUES (gen_random_uuid(), $1, $2, $3, '{}', 'pending', $4, $4)
            """,
            *(task_id, account_id, CALLBACK, self.moment),
        )

    async def tamper(self, *statements: str, task_id: uuid.UUID | None = None) -> None:
        """Change what the database protects, as a defect or an intruder might."""
        async with transaction(self.pool) as connection:
            await connection.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement.replace("TASK", f"'{task_id}'::uuid"))


@pytest.fixture(params=[audit, audit_changes])
async def books(pool: asyncpg.Pool, request: pytest.FixtureRequest) -> Books:
    """Two accounts with tasks of every kind: open, made in whole, in part and not at all.

    They have been proved once: what comes then is in the range of both proofs.
    """
    books = Books(pool)
    for account_id in [await books.open_account(), await books.open_account()]:
        for made in (0, 3, 4):
            await books.end(await books.submit(account_id), made)
            await books.end(await books.submit(account_id, test=True), made)
            await books.end(await books.submit(account_id, price=0), made)
            await books.end(await books.submit(account_id, callback_url=CALLBACK), made)
        await books.submit(account_id)
        await books.submit(account_id, test=True)
        await books.submit(account_id, price=0, callback_url=CALLBACK)
    assert await audit(pool) == []
    books.prove = request.param
    return books


@pytest.fixture
async def account_id(books: Books) -> str:
    return await books.open_account()


async def the_finding(books: Books) -> Finding:
    findings = await books.audit()
    assert len(findings) == 1, findings
    return findings[0]


async def test_an_empty_database_has_nothing_wrong(pool: asyncpg.Pool):
    assert await audit(pool) == []
    assert await drift_micros(pool) == 0


async def test_clean_books_have_nothing_wrong(books: Books):
    assert await books.audit() == []
    assert await drift_micros(books.pool) == 0


@pytest.mark.parametrize("seed", range(3))
async def test_any_mixed_history_has_nothing_wrong(pool: asyncpg.Pool, seed: int):
    chance, books, open_tasks = random.Random(seed), Books(pool), []
    accounts = [await books.open_account() for _ in range(3)]
    for _ in range(150):
        step = chance.random()
        account_id = chance.choice(accounts)
        if step < 0.1:
            await store.adjust(
                pool, account_id, chance.choice([-7, 7]), note="why", now=books.moment
            )
        elif step < 0.55 or not open_tasks:
            pictures = chance.randint(1, 4)
            options = {"test": chance.random() < 0.2, "price": chance.choice([0, 12_500, PICTURE])}
            callback_url = chance.choice([None, CALLBACK])
            task_id = await books.submit(
                account_id, pictures=pictures, callback_url=callback_url, **options
            )
            open_tasks.append((task_id, pictures))
        else:
            task_id, pictures = open_tasks.pop(chance.randrange(len(open_tasks)))
            await books.end(task_id, chance.randint(0, pictures))
        if step > 0.9:
            assert await audit_changes(pool) == []
    assert await audit(pool) == []
    assert await drift_micros(pool) == 0


async def test_an_audit_while_the_business_goes_on_finds_nothing_wrong(
    books: Books, account_id: str
):
    books.begin(datetime.datetime.now(datetime.UTC))

    async def trade() -> None:
        for made in range(20):
            task_id = await books.submit(account_id, callback_url=CALLBACK)
            await books.end(task_id, made % 5)

    trading = asyncio.gather(*(trade() for _ in range(3)))
    audits = 0
    while not trading.done():
        assert await books.audit() == []
        audits += 1
    await trading
    assert audits >= 3


async def test_the_audit_changes_nothing_and_leaves_no_setting_behind(
    books: Books, account_id: str
):
    before = await books.pool.fetch("SELECT * FROM balances ORDER BY account_id")
    await books.audit()
    assert await books.pool.fetch("SELECT * FROM balances ORDER BY account_id") == before
    assert await books.pool.fetchval("SHOW transaction_read_only") == "off"
    assert await books.pool.fetchval("SHOW statement_timeout") == "30s"


async def test_money_that_no_transfer_explains_is_found(books: Books, account_id: str):
    await books.tamper(
        "UPDATE balances SET available_micros = available_micros + 5,"
        f" funded_micros = funded_micros + 5 WHERE account_id = '{account_id}'"
    )
    available, funding = await books.audit()
    assert available == Finding(
        f"account {account_id}",
        "available: the balance says 1000000005 micros, the transfers 1000000000",
    )
    assert "funding: the balance says -1000000005 micros" in funding.problem


async def test_a_transfer_that_no_balance_shows_is_found(books: Books, account_id: str):
    await books.pool.execute(
        """
        INSERT INTO transfers (account_id, kind, debit, credit, amount_micros, created_at)
        VALUES ($1, 'topup', 'funding', 'available', 7, now())
        """,
        account_id,
    )
    sides = [finding.problem.split(":")[0] for finding in await books.audit()]
    assert sides == ["available", "funding"]


async def test_earned_money_that_was_never_charged_is_found(books: Books, account_id: str):
    await books.tamper(
        "UPDATE balances SET available_micros = available_micros - 5,"
        f" charged_micros = charged_micros + 5 WHERE account_id = '{account_id}'"
    )
    sides = [finding.problem.split(":")[0] for finding in await books.audit()]
    assert sides == ["available", "revenue"]


async def test_an_account_without_a_balance_is_found(books: Books, account_id: str):
    await books.tamper(f"DELETE FROM balances WHERE account_id = '{account_id}'")
    findings = await books.audit()
    assert {finding.subject for finding in findings} == {f"account {account_id}"}
    assert "the balance says None micros" in findings[0].problem


async def test_a_wrong_count_of_live_tasks_is_found(books: Books, account_id: str):
    await books.submit(account_id)
    await books.tamper(f"UPDATE balances SET live_tasks = 0 WHERE account_id = '{account_id}'")
    assert await the_finding(books) == Finding(
        f"account {account_id}", "0 live tasks are counted, 1 are open"
    )


async def test_held_money_that_no_open_task_holds_is_found(books: Books, account_id: str):
    await books.submit(account_id)
    await books.tamper(
        "UPDATE balances SET held_micros = held_micros + 5,"
        f" available_micros = available_micros - 5 WHERE account_id = '{account_id}'"
    )
    problems = [finding.problem for finding in await books.audit()]
    assert "120005 micros are held, the open tasks hold 120000" in problems
    assert await drift_micros(books.pool) == 5


async def test_opposite_errors_do_not_cancel_out_in_the_drift(books: Books, account_id: str):
    other_id = await books.open_account()
    for name, amount in ((account_id, 5), (other_id, -5)):
        await books.submit(name)
        await books.tamper(
            f"UPDATE balances SET held_micros = held_micros + {amount},"
            f" available_micros = available_micros - {amount} WHERE account_id = '{name}'"
        )
    assert await drift_micros(books.pool) == 10


async def test_transfers_of_an_unknown_task_are_found(books: Books, account_id: str):
    task_id = await books.submit(account_id)
    await books.end(task_id, 4)
    await books.tamper("DELETE FROM tasks WHERE task_id = TASK", task_id=task_id)
    assert await the_finding(books) == Finding(
        f"task {task_id.hex}", "there is no such task, yet transfers name it"
    )


async def test_a_task_paid_by_another_account_is_found(books: Books, account_id: str):
    task_id = await books.submit(await books.open_account())
    await books.end(task_id, 4)
    await books.tamper(
        f"UPDATE tasks SET account_id = '{account_id}' WHERE task_id = TASK", task_id=task_id
    )
    assert await the_finding(books) == Finding(
        f"task {task_id.hex}", "its transfers are on the account of someone else"
    )


@pytest.mark.parametrize("other_id", ["acc_", "acc_~"])
async def test_a_task_paid_in_part_by_another_account_is_found(
    books: Books, account_id: str, other_id: str
):
    task_id = await books.submit(account_id)
    await books.end(task_id, 3)
    await books.tamper(
        f"UPDATE transfers SET account_id = '{other_id}' WHERE kind = 'charge' AND task_id = TASK",
        task_id=task_id,
    )
    problem = "its transfers are on the account of someone else"
    assert Finding(f"task {task_id.hex}", problem) in await books.audit()


async def test_a_test_task_that_moved_money_is_found(books: Books, account_id: str):
    task_id = await books.submit(account_id)
    await books.end(task_id, 0)
    await books.tamper("UPDATE tasks SET test = true WHERE task_id = TASK", task_id=task_id)
    assert await the_finding(books) == Finding(
        f"task {task_id.hex}", "it is a test task and has moved money"
    )


async def test_a_task_without_its_hold_is_found(books: Books, account_id: str):
    task_id = await books.submit(account_id, test=True)
    await books.end(task_id, 0)
    await books.tamper("UPDATE tasks SET test = false WHERE task_id = TASK", task_id=task_id)
    assert await the_finding(books) == Finding(
        f"task {task_id.hex}", "must hold 120000 micros once, holds 0 in 0 transfers"
    )


async def test_a_hold_of_another_amount_than_the_frozen_price_is_found(
    books: Books, account_id: str
):
    task_id = await books.submit(account_id)
    await books.end(task_id, 0)
    await books.tamper("UPDATE tasks SET num_images = 3 WHERE task_id = TASK", task_id=task_id)
    assert await the_finding(books) == Finding(
        f"task {task_id.hex}", "must hold 90000 micros once, holds 120000 in 1 transfers"
    )


async def test_a_task_held_twice_is_found(books: Books, account_id: str):
    task_id = await books.submit(account_id, pictures=2)
    await books.tamper(
        "ALTER TABLE transfers DROP CONSTRAINT transfers_task_id_kind_key",
        "UPDATE transfers SET amount_micros = amount_micros / 2 WHERE task_id = TASK",
        """
        INSERT INTO transfers (account_id, task_id, kind, debit, credit, amount_micros, created_at)
        SELECT account_id, task_id, kind, debit, credit, amount_micros, created_at
        FROM transfers WHERE task_id = TASK
        """,
        task_id=task_id,
    )
    assert await the_finding(books) == Finding(
        f"task {task_id.hex}", "must hold 60000 micros once, holds 60000 in 2 transfers"
    )


async def test_an_open_task_that_is_already_settled_is_found(books: Books, account_id: str):
    task_id = await books.submit(account_id)
    await books.end(task_id, 4)
    await books.tamper("UPDATE tasks SET state = 'pending' WHERE task_id = TASK", task_id=task_id)
    findings = await books.audit()
    assert Finding(f"task {task_id.hex}", "it is open, yet its hold is resolved") in findings
    assert len(findings) == 3  # and the account holds nothing for a task that is open


async def test_a_hold_that_is_not_wholly_resolved_is_found(books: Books, account_id: str):
    task_id = await books.submit(account_id)
    await books.end(task_id, 3)
    await books.tamper(
        "DELETE FROM transfers WHERE kind = 'release' AND task_id = TASK", task_id=task_id
    )
    problem = "charge 90000 + release 0 is not its hold of 120000 micros"
    assert Finding(f"task {task_id.hex}", problem) in await books.audit()


async def test_an_ended_task_that_was_never_settled_is_found(books: Books, account_id: str):
    task_id = await books.submit(account_id)
    await books.tamper("UPDATE tasks SET state = 'failed' WHERE task_id = TASK", task_id=task_id)
    problem = "charge 0 + release 0 is not its hold of 120000 micros"
    assert Finding(f"task {task_id.hex}", problem) in await books.audit()


async def test_a_charge_for_a_picture_that_is_not_stored_is_found(books: Books, account_id: str):
    task_id = await books.submit(account_id)
    await books.end(task_id, 4)
    await books.tamper("UPDATE tasks SET images = images - 0 WHERE task_id = TASK", task_id=task_id)
    assert await the_finding(books) == Finding(
        f"task {task_id.hex}", "is charged 120000 micros for 3 stored pictures at 30000"
    )


@pytest.mark.parametrize("images", ["NULL", "'null'", "'[]'", "'[{\"path\": null}]'"])
async def test_a_charge_for_no_picture_at_all_is_found(books: Books, account_id: str, images: str):
    task_id = await books.submit(account_id, pictures=1)
    await books.end(task_id, 1)
    await books.tamper(f"UPDATE tasks SET images = {images} WHERE task_id = TASK", task_id=task_id)
    assert await the_finding(books) == Finding(
        f"task {task_id.hex}", "is charged 30000 micros for 0 stored pictures at 30000"
    )


async def test_an_ended_task_without_its_notice_is_found(books: Books, account_id: str):
    task_id = await books.submit(account_id, callback_url=CALLBACK)
    await books.end(task_id, 4)
    await books.tamper("DELETE FROM notices WHERE task_id = TASK", task_id=task_id)
    assert await the_finding(books) == Finding(f"task {task_id.hex}", "must have 1 notices, has 0")


@pytest.mark.parametrize("callback_url", [CALLBACK, None])
async def test_a_notice_of_a_task_that_is_open_is_found(
    books: Books, account_id: str, callback_url: str | None
):
    task_id = await books.submit(account_id, callback_url=callback_url)
    await books.write_notice(books.pool, task_id, account_id)
    assert await the_finding(books) == Finding(f"task {task_id.hex}", "must have 0 notices, has 1")


async def test_a_notice_of_an_unknown_task_is_found(books: Books, account_id: str):
    task_id = books.new_id()
    await books.write_notice(books.pool, task_id, account_id)
    assert (await the_finding(books)).subject == f"task {task_id.hex}"
