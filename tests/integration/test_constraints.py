"""What the database itself refuses, asked directly in SQL, as a defect of ours or a hurried hand would.

What no constraint can see because it takes two rows to see it, the audit names: that is shown too.
"""

import contextlib
import itertools
import tempfile

import asyncpg
import pytest
import pytest_asyncio

from heliograph.ledger.audit import audit
from heliograph.tasks.run import advance
from support.spine import open_spine, pictures

KINDS = ("topup", "hold", "charge", "release", "adjust", "refund", "")
SIDES = ("funding", "available", "held", "revenue", "nowhere")
WAYS = {
    ("topup", "funding", "available"),
    ("hold", "available", "held"),
    ("charge", "held", "revenue"),
    ("release", "held", "available"),
    ("adjust", "funding", "available"),
    ("adjust", "available", "funding"),
}
TRANSFER = (
    "INSERT INTO transfers (account_id, task_id, kind, debit, credit, amount_micros, created_at)"
    " VALUES ('{account}', {task}, {kind}, {debit}, {credit}, {amount}, now())"
)


def transfer(kind, debit, credit, *, amount="1", task="NULL"):
    quoted = {"kind": f"'{kind}'", "debit": f"'{debit}'", "credit": f"'{credit}'"}
    return TRANSFER.format(account="{account}", task=task, amount=amount, **quoted)


#: By what is tried: the statement. {account}, {key}, {open} and {ended} stand for rows that are there.
MONEY = {
    "a transfer is made larger": "UPDATE transfers SET amount_micros = amount_micros + 1",
    "a transfer gets another note": "UPDATE transfers SET note = 'x'",
    "a transfer moves to another task": "UPDATE transfers SET task_id = gen_random_uuid()",
    "no transfer at all is changed": "UPDATE transfers SET note = 'x' WHERE false",
    "a transfer is deleted": "DELETE FROM transfers WHERE kind = 'charge'",
    "all transfers are emptied": "TRUNCATE transfers",
    "all transfers are emptied with their accounts": "TRUNCATE accounts CASCADE",
    "a transfer of nothing": transfer("topup", "funding", "available", amount="0"),
    "a transfer of less than nothing": transfer("topup", "funding", "available", amount="-5"),
    "a transfer of no amount": transfer("topup", "funding", "available", amount="NULL"),
    "a transfer beyond all numbers": transfer(
        "topup", "funding", "available", amount="9223372036854775808"
    ),
    "a second hold": transfer("hold", "available", "held", task="'{open}'"),
    "a second hold of an ended task": transfer("hold", "available", "held", task="'{ended}'"),
    "a second charge": transfer("charge", "held", "revenue", task="'{ended}'"),
    "a second release": transfer("release", "held", "available", task="'{ended}'"),
    "a transfer of an unknown account": transfer("topup", "funding", "available").replace(
        "{account}", "acc_nobody"
    ),
    "a transfer with a number of its own": (
        "INSERT INTO transfers (transfer_id, account_id, kind, debit, credit, amount_micros, created_at)"
        " VALUES (1, '{account}', 'topup', 'funding', 'available', 1, now())"
    ),
    "more is spent than there is": (
        "UPDATE balances SET available_micros = available_micros - 2000000,"
        " held_micros = held_micros + 2000000"
    ),
    "more is taken back than is held": (
        "UPDATE balances SET available_micros = available_micros + 2000000,"
        " held_micros = held_micros - 2000000"
    ),
    "more is charged than is held": (
        "UPDATE balances SET held_micros = held_micros - 2000000,"
        " charged_micros = charged_micros + 2000000"
    ),
    "what was charged becomes less than nothing": (
        "UPDATE balances SET charged_micros = -1, funded_micros = funded_micros - charged_micros - 1"
    ),
    "fewer than no live tasks": "UPDATE balances SET live_tasks = -1",
    "a second balance": "INSERT INTO balances (account_id) VALUES ('{account}')",
    "a balance of nobody": "INSERT INTO balances (account_id) VALUES ('acc_nobody')",
    "a balance without a number": "UPDATE balances SET held_micros = NULL",
    "a threshold below nothing": "UPDATE balances SET low_balance_micros = -1",
    "told of a threshold that is none": "UPDATE balances SET low_balance_told = true",
    "an account with money goes": "DELETE FROM accounts",
    "an account gets another id": "UPDATE accounts SET account_id = 'acc_other'",
}
MONEY |= {
    f"{column} out of thin air": f"UPDATE balances SET {column} = {column} + 1"
    for column in ("available_micros", "held_micros", "charged_micros", "funded_micros")
}
MONEY |= {
    f"{kind or 'nothing'} from {debit} to {credit}": transfer(kind, debit, credit)
    for kind, debit, credit in itertools.product(KINDS, SIDES, SIDES)
    if (kind, debit, credit) not in WAYS
}
ROWS = {
    "an unknown state": "UPDATE tasks SET state = 'done'",
    "no state": "UPDATE tasks SET state = NULL",
    "a second task of one id": "INSERT INTO tasks SELECT * FROM tasks",
    "a task that is kept for no time": "UPDATE tasks SET retention_hours = 0",
    "a task without a price": "UPDATE tasks SET unit_price_micros = NULL",
    "a task without a deadline": "UPDATE tasks SET deadline_at = NULL",
    "an unknown outcome": "UPDATE attempts SET outcome = 'maybe'",
    "two attempts of one claim": "INSERT INTO attempts SELECT * FROM attempts",
    "an attempt that costs less than nothing": "UPDATE attempts SET cost_micros = -1",
    "an unknown state of a notice": "UPDATE notices SET state = 'lost'",
    "a second notice of an ending": (
        "INSERT INTO notices (notice_id, task_id, account_id, url, body, state, due_at, created_at)"
        " SELECT gen_random_uuid(), task_id, account_id, url, body, state, due_at, created_at FROM notices"
    ),
    "a notice of nothing": "UPDATE notices SET task_id = NULL",
    "an attempt to deliver no notice": (
        "INSERT INTO notice_attempts (notice_id, attempt_no, started_at)"
        " VALUES (gen_random_uuid(), 1, now())"
    ),
    "an account that may do nothing": "UPDATE accounts SET max_live_tasks = 0",
    "a key of nobody": "UPDATE api_keys SET account_id = 'acc_nobody'",
    "a key that replaces none": "UPDATE api_keys SET first_key_id = 'key_none'",
    "an unknown route": "UPDATE api_keys SET routing = 'cheapest'",
    "two keys of one secret": "UPDATE api_keys SET secret_sha256 = 'x'",
    "a monthly cap below nothing": "UPDATE api_keys SET monthly_cap_micros = -1",
    "a total cap below nothing": "UPDATE api_keys SET total_cap_micros = -1",
    "spending below nothing": "INSERT INTO key_spending VALUES ('{key}', '2026-11-01', -1)",
    "spending of no key": "INSERT INTO key_spending VALUES ('key_none', '2026-11-01', 1)",
    "an idempotency key of nothing": (
        "INSERT INTO idempotency_keys VALUES ('{account}', 'a', 'x', NULL, NULL, now())"
    ),
    "an idempotency key of a task and a batch": (
        "INSERT INTO idempotency_keys VALUES"
        " ('{account}', 'a', 'x', gen_random_uuid(), gen_random_uuid(), now())"
    ),
    "an idempotency key used twice": (
        "INSERT INTO idempotency_keys SELECT '{account}', 'a', 'x', gen_random_uuid(), NULL, now()"
        " FROM generate_series(1, 2)"
    ),
    "fewer than no open items": (
        "INSERT INTO batches (batch_id, account_id, key_id, model, items, open_items, created_at)"
        " VALUES (gen_random_uuid(), '{account}', '{key}', 'm', 1, -1, now())"
    ),
    "an item of no batch": (
        "INSERT INTO batch_items VALUES (gen_random_uuid(), 1, 'a', gen_random_uuid())"
    ),
    "an active receiver with a reason": (
        "INSERT INTO receivers (account_id, url, state, failing_since, reason, changed_at)"
        " VALUES ('{account}', 'u', 'active', now(), 'x', now())"
    ),
    "a closed receiver without a reason": (
        "INSERT INTO receivers (account_id, url, state, failing_since, changed_at)"
        " VALUES ('{account}', 'u', 'paused', now(), now())"
    ),
    "fewer than no failures": (
        "INSERT INTO provider_health (name, failures) VALUES ('studio', -1)"
    ),
}  # fmt: skip
#: By what is tried: the statement, and what the audit says of it afterwards.
SEEN_BY_THE_AUDIT = {
    "a charge over the hold": (
        "WITH one AS (" + transfer("charge", "held", "revenue", amount="40000", task="'{open}'") + ")"
        " UPDATE balances SET held_micros = held_micros - 40000,"
        " charged_micros = charged_micros + 40000"
    ),
    "a release over the hold": (
        "WITH one AS (" + transfer("release", "held", "available", amount="40000", task="'{open}'") + ")"
        " UPDATE balances SET held_micros = held_micros - 40000,"
        " available_micros = available_micros + 40000"
    ),
    "a charge of a task that holds nothing": (
        "WITH one AS ("
        + transfer("charge", "held", "revenue", task="gen_random_uuid()")
        + ") UPDATE balances SET held_micros = held_micros - 1, charged_micros = charged_micros + 1"
    ),
    "a transfer that no balance shows": transfer("topup", "funding", "available"),
    "a balance that no transfer explains": (
        "UPDATE balances SET available_micros = available_micros + 1, funded_micros = funded_micros + 1"
    ),
    "an ended task that is open again": (
        "UPDATE tasks SET state = 'processing' WHERE task_id = '{ended}'"
    ),
    "an open task that is said to have ended": (
        "UPDATE tasks SET state = 'failed', images = '[]' WHERE task_id = '{open}'"
    ),
    "another price than was agreed": "UPDATE tasks SET unit_price_micros = unit_price_micros * 2",
    "a task that is gone": "DELETE FROM tasks WHERE task_id = '{ended}'",
    "a balance that is gone": "DELETE FROM balances",
    "a notice that is gone": "DELETE FROM notices",
}  # fmt: skip


REFUSALS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.GeneratedAlwaysError,
)


@contextlib.asynccontextmanager
async def opened(database_url):
    """An account with a key, tasks that hold money, and one that has ended in part, with its notice."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_spine(database_url, folder) as spine:
            key = await spine.key(dollars=1)
            await spine.another_key(key.account_id)
            ended = await spine.submit(key, num_images=2, callback_url="https://receiver.example/")
            held, _ = [await spine.submit(key, num_images=1) for _ in range(2)]
            spine.engine.outcomes.append(pictures(1, missing=1))
            await advance(spine.runtime, ended, "render")
            names = {"account": key.account_id, "key": key.key_id, "open": held, "ended": ended}
            yield spine.runtime.pool, names


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def books(databases):
    """Books that stay as they are, for whatever is tried on them is refused."""
    with databases.fresh() as url:
        async with opened(url) as books:
            yield books


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("what", [*MONEY, *ROWS])
async def test_the_database_refuses(books, what):
    pool, names = books
    with pytest.raises(REFUSALS):
        await pool.execute((MONEY | ROWS)[what].format(**names))
    assert await audit(pool) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_rows_that_are_tried_are_there(books):
    pool, names = books
    kinds = await pool.fetch(
        "SELECT kind FROM transfers WHERE task_id = $1 ORDER BY kind", names["ended"]
    )
    assert [row["kind"] for row in kinds] == ["charge", "hold", "release"]
    for table in ("attempts", "notices"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 1
    assert await pool.fetchval("SELECT count(*) FROM api_keys") == 2


@pytest.mark.parametrize("what", SEEN_BY_THE_AUDIT)
async def test_what_takes_two_rows_to_see_the_audit_names(database_url, what):
    async with opened(database_url) as (pool, names):
        assert await audit(pool) == []
        await pool.execute(SEEN_BY_THE_AUDIT[what].format(**names))
        assert await audit(pool) != []
