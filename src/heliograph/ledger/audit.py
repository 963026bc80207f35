"""The proof that the money is right: accounts and tasks, compared with what they must be.

Sums alone hide most faults (a task charged twice and another not at all), so each task is checked.
All rules read one snapshot, which stands still while the service goes on.

Each rule looks from a mark on: from the beginning, or from where the last clean proof ended.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import asyncpg

from heliograph.base.database import Connection, borrow
from heliograph.ledger.proven.store import (
    NOTHING,
    Proven,
    find_next,
    read_proven,
    remember_proven,
)

# Enough memory for the sums of a million tasks without writing them to disk in between, and no
# limit to the time: the books may have grown for years.
_ALLOWANCE = "SET LOCAL work_mem = '256MB'; SET LOCAL statement_timeout = 0"

#: Of tasks from id $2 on, and of earlier ones that have moved money behind transfer $1.
_WRONG_TASKS = """
WITH late AS (
    SELECT DISTINCT task_id FROM transfers WHERE transfer_id > $1 AND task_id < $2
), entry AS (
    SELECT task_id, account_id, kind, amount_micros FROM transfers WHERE task_id >= $2
    UNION ALL
    SELECT task_id, account_id, kind, amount_micros FROM transfers JOIN late USING (task_id)
), looked_at AS (
    SELECT task_id, account_id, test, state, unit_price_micros, num_images, images
    FROM tasks WHERE task_id >= $2
    UNION ALL
    SELECT task_id, account_id, test, state, unit_price_micros, num_images, images
    FROM tasks JOIN late USING (task_id)
), journal AS (
    SELECT task_id, min(account_id) AS account_id, max(account_id) AS other_account_id,
        count(*) FILTER (WHERE kind = 'hold') AS holds,
        count(*) FILTER (WHERE kind <> 'hold') AS endings,
        COALESCE(sum(amount_micros) FILTER (WHERE kind = 'hold'), 0) AS hold,
        COALESCE(sum(amount_micros) FILTER (WHERE kind = 'charge'), 0) AS charge,
        COALESCE(sum(amount_micros) FILTER (WHERE kind = 'release'), 0) AS release
    FROM entry GROUP BY task_id
), task AS (
    SELECT task_id, account_id, test, state IN ('success', 'failed') AS ended,
        CASE WHEN test THEN 0 ELSE unit_price_micros END AS price,
        CASE WHEN test THEN 0 ELSE num_images * unit_price_micros END AS due,
        COALESCE(jsonb_array_length(jsonb_path_query_array(
            images, '$[*].path ? (@.type() == "string")')), 0) AS made
    FROM looked_at
), checked AS (
    SELECT task_id, array_remove(ARRAY[
        CASE WHEN task.account_id IS NULL
            THEN 'there is no such task, yet transfers name it' END,
        CASE WHEN journal.account_id <> task.account_id
                OR other_account_id <> task.account_id
            THEN 'its transfers are on the account of someone else' END,
        CASE WHEN test AND holds + endings > 0
            THEN 'it is a test task and has moved money' END,
        CASE WHEN NOT test
                AND (COALESCE(hold, 0) <> due OR COALESCE(holds, 0) <> (due > 0)::int)
            THEN format('must hold %s micros once, holds %s in %s transfers',
                due, COALESCE(hold, 0), COALESCE(holds, 0)) END,
        CASE WHEN NOT ended AND endings > 0
            THEN 'it is open, yet its hold is resolved' END,
        CASE WHEN ended AND charge + release <> hold
            THEN format('charge %s + release %s is not its hold of %s micros',
                charge, release, hold) END,
        CASE WHEN ended AND COALESCE(charge, 0) <> made * price
            THEN format('is charged %s micros for %s stored pictures at %s',
                COALESCE(charge, 0), made, price) END
    ], NULL) AS problems
    FROM task FULL JOIN journal USING (task_id)
    OFFSET 0
)
SELECT task_id, unnest(problems) AS problem FROM checked
WHERE cardinality(problems) > 0 ORDER BY task_id
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: with what (`account acc_…`, `task 0190…`), and what it is."""

    subject: str
    problem: str


async def audit(pool: asyncpg.Pool) -> list[Finding]:
    """Check everything, whatever was proved before. An empty list is the proof that all adds up.

    Nothing of the books is changed; how far they are proved is written down for `audit_changes`.
    """
    return await _audit(pool, from_the_beginning=True)


async def audit_changes(pool: asyncpg.Pool) -> list[Finding]:
    """Check what may have changed since the last clean audit of either kind; without one, everything.

    An empty list proves: every balance is what was proved last and the transfers since; what is held
    is what the open tasks hold; and every task, notice and batch that was not at its end then, or has
    moved money since, is right. What keys with a cap have spent is proved from the month on in which
    those tasks begin. It does not look again at what was proved before: who changes old tasks,
    transfers or notices behind the back of the service is found by `audit` alone.
    """
    return await _audit(pool, from_the_beginning=False)


async def _audit(pool: asyncpg.Pool, *, from_the_beginning: bool) -> list[Finding]:
    async with (
        borrow(pool) as connection,
        connection.transaction(isolation="repeatable_read"),
    ):
        await connection.execute(_ALLOWANCE)
        since = NOTHING if from_the_beginning else await read_proven(connection)
        findings = [
            *await _wrong_balances(connection, since),
            *await _wrong_open_tasks(connection),
            *await _wrong_tasks(connection, since),
            *await _wrong_notices(connection, since),
            *await _wrong_spending(connection, since),
            *await _wrong_batches(connection, since),
        ]
        if not findings:
            await remember_proven(connection, await find_next(connection, since))
        return findings


async def drift_micros(pool: asyncpg.Pool) -> int:
    """How far what is held differs from what the open tasks hold, over all accounts: must be 0.

    Reads open tasks only, so it is cheap enough for a metric. The whole proof is `audit`.
    """
    async with borrow(pool) as connection:
        drift = await connection.fetchval(
            """
            WITH open_task AS (
                SELECT account_id, sum(CASE WHEN test THEN 0 ELSE num_images * unit_price_micros END)
                    AS held_micros
                FROM tasks WHERE state IN ('pending', 'processing') GROUP BY account_id
            )
            SELECT COALESCE(
                sum(abs(balances.held_micros - COALESCE(open_task.held_micros, 0))), 0)::bigint
            FROM balances LEFT JOIN open_task USING (account_id)
            """
        )
    return int(drift)


async def _wrong_balances(connection: Connection, since: Proven) -> list[Finding]:
    """Each account has a balance, and each side of it is the sum of the transfers."""
    rows = await connection.fetch(
        """
        WITH journal AS (
            SELECT account_id, side, sum(moved_micros)::bigint AS amount_micros
            FROM transfers, LATERAL (VALUES (credit, amount_micros), (debit, -amount_micros))
                AS entry (side, moved_micros)
            WHERE transfer_id > $1 GROUP BY account_id, side
        ), before AS (
            SELECT * FROM proven_balances WHERE $1 > 0
        ), side AS (
            SELECT accounts.account_id, side, stored, COALESCE(proven, 0) AS proven
            FROM accounts LEFT JOIN balances USING (account_id) LEFT JOIN before USING (account_id)
            CROSS JOIN LATERAL (VALUES
                ('available', balances.available_micros, before.available_micros),
                ('held', balances.held_micros, before.held_micros),
                ('revenue', balances.charged_micros, before.charged_micros),
                ('funding', -balances.funded_micros, -before.funded_micros)
            ) AS entry (side, stored, proven)
        )
        SELECT account_id, side, stored, proven + COALESCE(amount_micros, 0) AS journalled
        FROM side LEFT JOIN journal USING (account_id, side)
        WHERE stored IS DISTINCT FROM proven + COALESCE(amount_micros, 0)
        ORDER BY account_id, side
        """,
        since.transfer_id,
    )
    return [
        Finding(
            f"account {row['account_id']}",
            f"{row['side']}: the balance says {row['stored']} micros,"
            f" the transfers {row['journalled']}",
        )
        for row in rows
    ]


async def _wrong_open_tasks(connection: Connection) -> list[Finding]:
    """What is held, and the number of live tasks, are those of the open tasks."""
    rows = await connection.fetch(
        """
        WITH open_task AS (
            SELECT account_id, count(*) AS tasks,
                sum(CASE WHEN test THEN 0 ELSE num_images * unit_price_micros END)::bigint
                    AS held_micros
            FROM tasks WHERE state IN ('pending', 'processing') GROUP BY account_id
        )
        SELECT account_id, live_tasks, COALESCE(tasks, 0) AS tasks,
            balances.held_micros AS stored, COALESCE(open_task.held_micros, 0) AS due
        FROM balances FULL JOIN open_task USING (account_id)
        WHERE live_tasks IS DISTINCT FROM COALESCE(tasks, 0)
            OR balances.held_micros IS DISTINCT FROM COALESCE(open_task.held_micros, 0)
        ORDER BY account_id
        """
    )
    return [finding for row in rows for finding in _open_task_findings(row)]


def _open_task_findings(row: Mapping[str, object]) -> Iterator[Finding]:
    subject = f"account {row['account_id']}"
    if row["live_tasks"] != row["tasks"]:
        yield Finding(
            subject, f"{row['live_tasks']} live tasks are counted, {row['tasks']} are open"
        )
    if row["stored"] != row["due"]:
        yield Finding(subject, f"{row['stored']} micros are held, the open tasks hold {row['due']}")


async def _wrong_tasks(connection: Connection, since: Proven) -> list[Finding]:
    """Each task, and each transfer of a task.

    A task holds the price of the images asked for, or nothing if it is a test. While it is open
    that is all; when it has ended, charge = stored images at that price, and charge + release =
    hold. Tasks that were proven are looked at again if they have moved money since.
    """
    rows = await connection.fetch(
        _WRONG_TASKS,
        since.transfer_id,
        since.tasks_before,
    )
    return [Finding(f"task {row['task_id'].hex}", row["problem"]) for row in rows]


async def _wrong_notices(connection: Connection, since: Proven) -> list[Finding]:
    """Each ended task with a callback has one notice, and no other task has any.

    Of a task whose data was deleted nobody knows any more whether it had a callback, and of one that
    ended longer ago than deliveries are kept not whether it had a notice.
    """
    rows = await connection.fetch(
        """
        WITH kept AS (
            SELECT coalesce(max(since), '-infinity') AS since FROM kept_since
            WHERE what = 'deliveries'
        ), task AS (
            SELECT task_id, completed_at, data_deleted_at,
                (callback_url IS NOT NULL AND state IN ('success', 'failed'))::integer AS due
            FROM tasks WHERE task_id >= $1
        ), notice AS (
            SELECT task_id, count(*) AS written FROM notices WHERE task_id >= $1 GROUP BY task_id
        )
        SELECT task_id, COALESCE(due, 0) AS due, COALESCE(written, 0) AS written
        FROM task FULL JOIN notice USING (task_id) CROSS JOIN kept
        WHERE COALESCE(due, 0) <> COALESCE(written, 0) AND data_deleted_at IS NULL
            AND (completed_at >= since) IS NOT FALSE
        ORDER BY task_id
        """,
        since.tasks_before,
    )
    return [
        Finding(
            f"task {row['task_id'].hex}", f"must have {row['due']} notices, has {row['written']}"
        )
        for row in rows
    ]


async def _wrong_spending(connection: Connection, since: Proven) -> list[Finding]:
    """What keys with a cap have spent, month by month, is what their tasks hold or were charged."""
    rows = await connection.fetch(
        """
        WITH capped AS (
            SELECT DISTINCT first_key_id, account_id FROM api_keys
            WHERE monthly_cap_micros IS NOT NULL OR total_cap_micros IS NOT NULL
        ), due AS (
            SELECT first_key_id AS key_id,
                date_trunc('month', tasks.created_at AT TIME ZONE 'UTC')::date AS month,
                sum(CASE kind WHEN 'hold' THEN amount_micros WHEN 'release' THEN -amount_micros
                    ELSE 0 END)::bigint AS micros
            FROM capped JOIN api_keys USING (first_key_id) JOIN tasks USING (key_id)
            JOIN transfers USING (task_id) WHERE task_id >= $1 GROUP BY 1, 2
        ), counted AS (
            SELECT * FROM key_spending WHERE month >= coalesce($2, '-infinity'::date)
        )
        SELECT format('key %s', key_id) AS subject, format('spent %s micros in %s, the books say %s',
            coalesce(micros, 0), to_char(month, 'YYYY-MM'), coalesce(spent_micros, 0)) AS problem
        FROM due FULL JOIN counted USING (key_id, month)
        WHERE coalesce(micros, 0) <> coalesce(spent_micros, 0)
        UNION ALL
        SELECT format('account %s', account_id), format('has_caps is %s', has_caps)
        FROM balances LEFT JOIN (SELECT DISTINCT account_id, true AS capped FROM capped) AS owner
            USING (account_id)
        WHERE has_caps <> coalesce(capped, false)
        ORDER BY 1, 2
        """,
        since.month_begins,
        since.month,
    )
    return [Finding(**row) for row in rows]


async def _wrong_batches(connection: Connection, since: Proven) -> list[Finding]:
    """A batch has its items, has ended with the last of them, and has told its receiver once."""
    rows = await connection.fetch(
        """
        WITH item AS (
            SELECT batch_items.batch_id, count(*) AS items,
                count(*) FILTER (WHERE state IN ('pending', 'processing')) AS open_items,
                count(*) FILTER (WHERE tasks.account_id = batches.account_id
                    AND tasks.batch_id = batches.batch_id) AS own_items
            FROM batch_items JOIN batches USING (batch_id) LEFT JOIN tasks USING (task_id)
            WHERE batch_items.batch_id >= $1 GROUP BY 1
        ), told AS (
            SELECT batch_id, count(*) AS notices FROM notices WHERE batch_id >= $1 GROUP BY 1
        ), kept AS (
            SELECT coalesce(max(since), '-infinity') AS since FROM kept_since
            WHERE what = 'deliveries'
        ), checked AS (
            SELECT batch_id, array_remove(ARRAY[
                CASE WHEN item.items IS DISTINCT FROM batches.items
                        OR own_items IS DISTINCT FROM batches.items
                    THEN format('must have %s items, has %s', batches.items, own_items) END,
                CASE WHEN item.open_items IS DISTINCT FROM batches.open_items
                    THEN format('counts %s open items, has %s', batches.open_items, item.open_items)
                    END,
                CASE WHEN (ended_at IS NULL) <> (batches.open_items > 0)
                    THEN 'its end is not that of its last item' END,
                CASE WHEN coalesce(notices, 0)
                        <> (ended_at IS NOT NULL AND webhook_url IS NOT NULL)::int
                        AND (ended_at >= since) IS NOT FALSE
                    THEN format('has told its end %s times', coalesce(notices, 0)) END
            ], NULL) AS problems
            FROM batches LEFT JOIN item USING (batch_id) LEFT JOIN told USING (batch_id), kept
            WHERE batch_id >= $1
        )
        SELECT batch_id, unnest(problems) AS problem FROM checked
        WHERE cardinality(problems) > 0 ORDER BY batch_id
        """,
        since.tasks_before,
    )
    return [Finding(f"batch {row['batch_id'].hex}", row["problem"]) for row in rows]
