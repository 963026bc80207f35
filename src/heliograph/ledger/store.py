"""Every statement that moves money. A movement and the balances it changes are one statement.

topup    funding   → available     a customer pays in
hold     available → held          a task is submitted
charge   held      → revenue       pictures were made
release  held      → available     the rest of the hold
adjust   funding   ↔ available     the operator corrects, with a note
"""

import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence

import asyncpg

from heliograph.base import errors
from heliograph.base.database import Connection, transaction
from heliograph.ledger.money import Balance, Funding, Hold, Settlement, Transfer, format_dollars


async def lock_balances(
    connection: Connection, account_ids: Iterable[str]
) -> Mapping[str, Balance]:
    """The balances of these accounts, without unknown ones, locked until the transaction ends.

    Locked in the order of their ids, so that two callers never wait for each other in a circle.
    """
    rows = await connection.fetch(
        """
        SELECT account_id, available_micros, held_micros, charged_micros, funded_micros,
            live_tasks, max_live_tasks, has_caps, low_balance_micros, low_balance_told
        FROM balances JOIN accounts USING (account_id)
        WHERE account_id = ANY($1)
        ORDER BY account_id
        FOR UPDATE OF balances
        """,
        list(account_ids),
    )
    return {row["account_id"]: Balance(**row) for row in rows}


async def lock_balance(connection: Connection, account_id: str) -> Balance | None:
    """The balance, locked until the transaction ends; None when there is no such account."""
    return (await lock_balances(connection, [account_id])).get(account_id)


async def read_balance(connection: Connection, account_id: str) -> Balance | None:
    """The balance as it is now, not locked; None when there is no such account."""
    row = await connection.fetchrow(
        """
        SELECT account_id, available_micros, held_micros, charged_micros, funded_micros,
            live_tasks, max_live_tasks, has_caps, low_balance_micros, low_balance_told
        FROM balances JOIN accounts USING (account_id)
        WHERE account_id = $1
        """,
        account_id,
    )
    return None if row is None else Balance(**row)


async def read_transfers(connection: Connection, task_id: uuid.UUID) -> list[Transfer]:
    """The movements of one task, in the order they were made: its receipt."""
    rows = await connection.fetch(
        """
        SELECT transfer_id, account_id, task_id, kind, debit, credit, amount_micros, note,
            created_at
        FROM transfers WHERE task_id = $1 ORDER BY transfer_id
        """,
        task_id,
    )
    return [Transfer(**row) for row in rows]


#: What shall be held for each account, of `hold`: account ids, task ids and micros.
TOTAL = """
    total AS (
        SELECT account_id, sum(amount_micros)::bigint AS amount_micros, count(*)::integer AS tasks
        FROM hold GROUP BY account_id
    )
"""

#: The beginning of a statement that holds money for tasks, and may write more where `verdict.payable`.
#: Not payable: somebody has too little or too many tasks, or is not this simple (caps, notices of a low
#: balance). After `hold`, as for TOTAL; $1 now.
HOLD_IF_PAYABLE = f"""
    {TOTAL}, locked AS MATERIALIZED (
        SELECT account_id, available_micros, live_tasks,
            live_tasks + tasks <= max_live_tasks AND available_micros >= amount_micros
                AND NOT has_caps AND low_balance_micros IS NULL AS payable
        FROM balances JOIN accounts USING (account_id) JOIN total USING (account_id)
        ORDER BY account_id
        FOR UPDATE OF balances
    ), verdict AS MATERIALIZED (
        SELECT bool_and(payable) AND count(*) = (SELECT count(*) FROM total) AS payable FROM locked
    ), entry AS (
        INSERT INTO transfers
            (account_id, task_id, kind, debit, credit, amount_micros, created_at)
        SELECT account_id, task_id, 'hold', 'available', 'held', amount_micros, $1::timestamptz
        FROM hold, verdict WHERE payable AND amount_micros > 0
    ), balance AS (
        UPDATE balances SET
            available_micros = balances.available_micros - total.amount_micros,
            held_micros = held_micros + total.amount_micros,
            live_tasks = balances.live_tasks + total.tasks
        FROM total, verdict
        WHERE balances.account_id = total.account_id AND payable
    )
"""


async def hold_many(
    connection: Connection, holds: Sequence[Hold], *, now: datetime.datetime
) -> None:
    """Set money aside for new tasks, and count each as live, those that hold nothing too.

    The caller has locked the balances and decided that they suffice. An overdraft, or a second hold
    for a task, is refused by the database and ends the transaction.
    """
    written = await connection.fetchrow(
        f"""
        WITH hold AS (
            SELECT * FROM unnest($1::text[], $2::uuid[], $3::bigint[])
                AS hold (account_id, task_id, amount_micros)
        ), {TOTAL}, entry AS (
            INSERT INTO transfers
                (account_id, task_id, kind, debit, credit, amount_micros, created_at)
            SELECT account_id, task_id, 'hold', 'available', 'held', amount_micros, $4::timestamptz
            FROM hold WHERE amount_micros > 0
            RETURNING 1
        ), balance AS (
            UPDATE balances SET
                available_micros = available_micros - total.amount_micros,
                held_micros = held_micros + total.amount_micros,
                live_tasks = live_tasks + total.tasks
            FROM total WHERE balances.account_id = total.account_id
            RETURNING total.tasks
        )
        SELECT (SELECT count(*) FROM entry) AS entries, (SELECT sum(tasks) FROM balance) AS tasks
        """,
        [hold.account_id for hold in holds],
        [hold.task_id for hold in holds],
        [hold.amount_micros for hold in holds],
        now,
    )
    paid = sum(hold.amount_micros > 0 for hold in holds)
    _must_be((paid, len(holds)), (written["entries"], written["tasks"] or 0), "holds")


async def settle(
    connection: Connection,
    account_id: str,
    task_id: uuid.UUID,
    settlement: Settlement,
    *,
    now: datetime.datetime,
) -> Balance:
    """Resolve the hold of an ended task, once and in full, and count the task as live no more.

    Gives the balance after that; whoever has enough again can be told again when it is low.
    The caller has ended the task under its fence, in the same transaction. A settlement that does
    not match the hold, or comes a second time, is a defect of ours: AssertionError, or
    UniqueViolationError from the database, and the transaction ends.
    """
    row = await connection.fetchrow(
        """
        WITH held AS (
            SELECT
                COALESCE(sum(amount_micros) FILTER (WHERE kind = 'hold'), 0) = $3::bigint + $4::bigint
                AND count(*) FILTER (WHERE kind <> 'hold') = 0 AS unresolved
            FROM transfers WHERE task_id = $2 AND account_id = $1
        ), entry AS (
            INSERT INTO transfers
                (account_id, task_id, kind, debit, credit, amount_micros, created_at)
            SELECT $1, $2, kind, 'held', credit, amount_micros, $5::timestamptz
            FROM (VALUES ('charge', 'revenue', $3::bigint), ('release', 'available', $4::bigint))
                AS entry (kind, credit, amount_micros)
            WHERE amount_micros > 0 AND (SELECT unresolved FROM held)
            RETURNING 1
        )
        UPDATE balances SET
            held_micros = held_micros - $3 - $4,
            charged_micros = charged_micros + $3,
            available_micros = available_micros + $4,
            live_tasks = live_tasks - 1,
            low_balance_told = low_balance_told AND available_micros + $4 < low_balance_micros
        WHERE account_id = $1 AND (SELECT unresolved FROM held)
        RETURNING (SELECT count(*) FROM entry), account_id, available_micros, held_micros,
            charged_micros, funded_micros, live_tasks,
            (SELECT max_live_tasks FROM accounts WHERE account_id = $1), has_caps,
            low_balance_micros, low_balance_told
        """,
        account_id,
        task_id,
        settlement.charge_micros,
        settlement.release_micros,
        now,
    )
    due = (settlement.charge_micros > 0) + (settlement.release_micros > 0)
    entries, *balance = row or (None,)
    _must_be(due, entries, f"settlement rows of task {task_id}")
    return Balance(*balance)


async def top_up(
    pool: asyncpg.Pool,
    account_id: str,
    amount_micros: int,
    *,
    note: str | None,
    now: datetime.datetime,
) -> Balance:
    """Add what a customer paid, more than zero. Raises NotFound for an unknown account."""
    async with transaction(pool) as connection:
        return await fund(connection, account_id, Funding("topup", amount_micros, note), now=now)


async def adjust(
    pool: asyncpg.Pool, account_id: str, amount_micros: int, *, note: str, now: datetime.datetime
) -> Balance:
    """Correct a balance by a positive or negative amount; `note` says why, for the books.

    Raises NotFound for an unknown account, PaymentRequired when less than that is available, and
    BadRequest for an amount of zero or an empty note.
    """
    async with transaction(pool) as connection:
        return await fund(connection, account_id, Funding("adjust", amount_micros, note), now=now)


async def fund(
    connection: Connection, account_id: str, funding: Funding, *, now: datetime.datetime
) -> Balance:
    """Move money in or out for `funding`; gives the balance after it, which stays locked.

    Raises as top_up and adjust do.
    """
    _check_funding(funding)
    balance = await _lock_one(connection, account_id)
    if balance.available_micros + funding.amount_micros < 0:
        available = format_dollars(balance.available_micros)
        raise errors.PaymentRequired(
            f"{format_dollars(-funding.amount_micros)} cannot be taken: {available} is available"
        )
    await _write_funding(connection, account_id, funding, now=now)
    return await _lock_one(connection, account_id)


def _check_funding(funding: Funding) -> None:
    if funding.kind == "topup" and funding.amount_micros <= 0:
        raise errors.BadRequest("a top-up must be more than $0.00", "amount")
    if funding.amount_micros == 0:
        raise errors.BadRequest("an adjustment of $0.00 changes nothing", "amount")
    if funding.kind == "adjust" and not (funding.note or "").strip():
        raise errors.BadRequest("an adjustment needs a note that says why", "note")


async def watch_balance(
    connection: Connection, account_id: str, low_balance_micros: int | None
) -> None:
    """Watch from now on for less than `low_balance_micros`, or for nothing."""
    await connection.execute(
        """
        UPDATE balances SET low_balance_micros = $2, low_balance_told = false WHERE account_id = $1
        """,
        account_id,
        low_balance_micros,
    )


async def mark_told(connection: Connection, account_id: str) -> None:
    """Note that the account was told that its balance is low; once is enough until it rises again."""
    await connection.execute(
        "UPDATE balances SET low_balance_told = true WHERE account_id = $1", account_id
    )


async def _lock_one(connection: Connection, account_id: str) -> Balance:
    balance = await lock_balance(connection, account_id)
    if balance is None:
        raise errors.NotFound(f"There is no account {account_id}")
    return balance


async def _write_funding(
    connection: Connection, account_id: str, funding: Funding, *, now: datetime.datetime
) -> None:
    inward = funding.amount_micros > 0
    sides = ("funding", "available") if inward else ("available", "funding")
    status = await connection.execute(
        """
        WITH entry AS (
            INSERT INTO transfers (account_id, kind, debit, credit, amount_micros, note, created_at)
            VALUES ($1, $3, $4, $5, abs($2::bigint), $6, $7)
        )
        UPDATE balances SET
            available_micros = available_micros + $2::bigint,
            funded_micros = funded_micros + $2::bigint,
            low_balance_told = low_balance_told AND available_micros + $2 < low_balance_micros
        WHERE account_id = $1
        """,
        account_id,
        funding.amount_micros,
        funding.kind,
        *sides,
        funding.note,
        now,
    )
    _must_be("UPDATE 1", status, "balances funded")


def _must_be(expected: object, written: object, what: str) -> None:
    """Stop before the commit when a statement wrote other rows than it must have."""
    if written != expected:
        raise AssertionError(f"{what}: expected {expected}, the database wrote {written}")
