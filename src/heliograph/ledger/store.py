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
from heliograph.ledger.money import Balance, Funding, Hold, Transfer, format_dollars

#: Of accounts `asked`, in the order of their ids, the balances, each looked up by its id and locked in turn.
WITH_BALANCE = """
    JOIN LATERAL (
        SELECT * FROM balances WHERE balances.account_id = asked.account_id FOR UPDATE
    ) AS balance USING (account_id)
"""
WITH_LIMIT = """
    JOIN LATERAL (
        SELECT account_id, max_live_tasks FROM accounts
        WHERE accounts.account_id = asked.account_id LIMIT 1
    ) AS account USING (account_id)
"""


async def lock_balances(
    connection: Connection, account_ids: Iterable[str], *, patience_ms: int | None = None
) -> Mapping[str, Balance]:
    """The balances of these accounts, without unknown ones, locked until the transaction ends.

    Locked in the order of their ids, so that two callers never wait for each other in a circle. With
    `patience_ms` no lock of this transaction is waited for longer.
    """
    rows = await connection.fetch(
        f"""
        SELECT account_id, available_micros, held_micros, charged_micros, funded_micros,
            live_tasks, max_live_tasks, has_caps, low_balance_micros, low_balance_told
        FROM (
            SELECT DISTINCT account_id FROM unnest($1::text[]) AS account_id
            WHERE $2::text IS NULL OR set_config('lock_timeout', $2, true) IS NOT NULL
            ORDER BY account_id
        ) AS asked
        {WITH_BALANCE} {WITH_LIMIT}
        """,
        list(account_ids),
        None if patience_ms is None else f"{patience_ms}ms",
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
        SELECT account_id, tasks, amount_micros, live_tasks,
            live_tasks + tasks <= max_live_tasks AND available_micros >= amount_micros
                AND NOT has_caps AND low_balance_micros IS NULL AS payable
        FROM (SELECT * FROM total ORDER BY account_id) AS asked
        {WITH_BALANCE} {WITH_LIMIT}
    ), verdict AS MATERIALIZED (
        SELECT bool_and(payable) AND count(*) = (SELECT count(*) FROM total) AS payable FROM locked
    ), entry AS (
        INSERT INTO transfers
            (account_id, task_id, kind, debit, credit, amount_micros, created_at)
        SELECT account_id, task_id, 'hold', 'available', 'held', amount_micros, $1::timestamptz
        FROM hold, verdict WHERE payable AND amount_micros > 0
    ), balance AS (
        UPDATE balances SET
            available_micros = available_micros - locked.amount_micros,
            held_micros = held_micros + locked.amount_micros,
            live_tasks = balances.live_tasks + locked.tasks
        FROM locked, verdict
        WHERE balances.account_id = locked.account_id AND verdict.payable
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


#: For endings `given`, each with its charge and release: locks the balances, then `booked` tells of each
#: whether the account is `plain` (no caps, no notices of a low balance), and whether its money
#: `agrees` with the task's hold, which nothing has resolved before.
BOOKED = f"""
    locked AS MATERIALIZED (
        SELECT account_id, NOT has_caps AND low_balance_micros IS NULL AS plain
        FROM (SELECT DISTINCT account_id FROM given ORDER BY account_id) AS asked
        {WITH_BALANCE}
    ), booked AS MATERIALIZED (
        SELECT given.task_id, account_id, plain, (
            SELECT count(*) FILTER (WHERE kind <> 'hold') = 0
                AND coalesce(sum(amount_micros) FILTER (
                    WHERE kind = 'hold' AND transfers.account_id = given.account_id), 0)
                    = given.charge_micros + given.release_micros
            FROM transfers WHERE transfers.task_id = given.task_id
        ) AS agrees
        FROM given JOIN locked USING (account_id)
    )
"""

#: Resolves the holds of tasks that `ended`, once and in full, and counts them as live no more. Whoever has
#: enough again can be told again when it is low.
SETTLE_ENDED = """
    entry AS (
        INSERT INTO transfers (account_id, task_id, kind, debit, credit, amount_micros, created_at)
        SELECT account_id, task_id, kind, 'held', credit, amount_micros, completed_at
        FROM ended CROSS JOIN LATERAL (VALUES
            ('charge', 'revenue', charge_micros), ('release', 'available', release_micros)
        ) AS entry (kind, credit, amount_micros)
        WHERE amount_micros > 0
    ), settled AS (
        SELECT account_id, sum(charge_micros)::bigint AS charge_micros,
            sum(release_micros)::bigint AS release_micros, count(*)::integer AS tasks
        FROM ended GROUP BY account_id
    ), balance AS (
        UPDATE balances SET
            held_micros = held_micros - settled.charge_micros - settled.release_micros,
            charged_micros = charged_micros + settled.charge_micros,
            available_micros = available_micros + settled.release_micros,
            live_tasks = live_tasks - settled.tasks,
            low_balance_told = low_balance_told
                AND available_micros + settled.release_micros < low_balance_micros
        FROM settled WHERE balances.account_id = settled.account_id
    )
"""


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
