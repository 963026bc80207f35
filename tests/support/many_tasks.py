"""Books of a business that has run for a month: tasks that have ended, as the service leaves them.

Eighteen of twenty made all four pictures, one made three of them, one none; every second has told its
end by webhook. `heliograph audit` finds them clean.
"""

import asyncpg

PRICE_MICROS = 30_000
STEP_TASKS = 50_000
OTHER_ACCOUNTS = 500

#: Accounts besides those that the load uses, each with a key.
ACCOUNTS = """
WITH account AS (
    INSERT INTO accounts (account_id, name, webhook_secret, max_live_tasks, created_at)
    SELECT 'acc_other' || lpad(n::text, 5, '0'), 'other', 'whsec_', 1000, now() - interval '40 days'
    FROM generate_series(1, $1) AS n RETURNING account_id
), balance AS (
    INSERT INTO balances (account_id) SELECT account_id FROM account
)
INSERT INTO api_keys (key_id, account_id, name, secret_sha256, test, routing, rate_limit_per_minute,
    created_at, first_key_id)
SELECT 'key_' || account_id, account_id, 'other', sha256(account_id::bytea), false, 'auto', 1000,
    now(), 'key_' || account_id FROM account
"""

#: The tasks number `first` to `last` of `total`: spread over 30 days, the last an hour ago. Half of them
#: are of one account.
DRAFT = """
CREATE TEMPORARY TABLE draft ON COMMIT DROP AS
WITH numbered AS (
    SELECT n, now() - interval '1 hour' - (interval '30 days' * (1 - n::float8 / {total})) AS created_at,
        CASE WHEN n % 20 = 0 THEN 0 WHEN n % 20 = 1 THEN 3 ELSE 4 END AS made
    FROM generate_series({first}, {last}) AS n
), known AS (
    SELECT array_agg(account_id ORDER BY account_id) AS accounts,
        array_agg(key_id ORDER BY account_id) AS keys FROM api_keys
)
SELECT n, made, created_at, created_at + interval '20 seconds' AS completed_at,
    accounts[owner] AS account_id, keys[owner] AS key_id,
    (lpad(to_hex((extract(epoch FROM created_at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid AS task_id,
    n / 2 % 2 = 0 AS told
FROM numbered, known, LATERAL (
    SELECT CASE WHEN n % 4 < 2 THEN 1 ELSE 1 + n % cardinality(accounts) END AS owner) AS chosen
"""

IMAGES = """
(SELECT jsonb_agg(CASE WHEN i <= made THEN jsonb_build_object(
    'path', format('results/%s/1-%s-%s.png', replace(task_id::text, '-', ''), i - 1, md5(n::text || i)),
    'width', 1280, 'height', 1280, 'size_bytes', 1400000, 'sha256', md5(n::text) || md5(i::text))
    ELSE '{"fail_code": "InternalError", "fail_message": "No picture came back."}' END)
FROM generate_series(1, 4) AS i)
"""

TASKS = f"""
INSERT INTO tasks (task_id, account_id, key_id, model, mode, test, routing, request, num_images,
    unit_price_micros, callback_url, state, claim_no, due_at, provider, starts, images, warnings,
    fail_code, fail_message, created_at, deadline_at, claimed_at, completed_at, stored_at,
    files_expire_at, files_deleted_at, version)
SELECT task_id, account_id, key_id, 'wan-2-5-image', 'text-to-image', false, 'auto',
    jsonb_build_object('mode', 'text-to-image', 'prompt', format('a cinematic panda in snow, take %s, '
        'soft light, long lens, film grain, quiet forest behind it', n),
        'aspect_ratio', '1:1', 'num_images', 4, 'seed', n),
    4, {PRICE_MICROS}, CASE WHEN told THEN 'https://receiver.example/done' END,
    CASE WHEN made > 0 THEN 'success' ELSE 'failed' END, 1, completed_at, 'studio', 1, {IMAGES}, '[]',
    CASE made WHEN 0 THEN 'InternalError' END, CASE made WHEN 0 THEN 'No picture came back.' END,
    created_at, created_at + interval '10 minutes', created_at + interval '1 second', completed_at,
    CASE WHEN made > 0 THEN completed_at END,
    CASE WHEN made > 0 THEN completed_at + interval '7 days' END,
    CASE WHEN made > 0 AND completed_at + interval '7 days' < now()
        THEN completed_at + interval '7 days' END, 2
FROM draft ORDER BY n
"""

TRANSFERS = f"""
INSERT INTO transfers (account_id, task_id, kind, debit, credit, amount_micros, created_at)
SELECT account_id, task_id, kind, debit, credit, amount_micros, moved_at
FROM draft, LATERAL (VALUES
    ('hold', 'available', 'held', 4 * {PRICE_MICROS}, created_at),
    ('charge', 'held', 'revenue', made * {PRICE_MICROS}, completed_at),
    ('release', 'held', 'available', (4 - made) * {PRICE_MICROS}, completed_at)
) AS entry (kind, debit, credit, amount_micros, moved_at)
WHERE amount_micros > 0 ORDER BY moved_at
"""

ATTEMPTS = """
INSERT INTO attempts (task_id, claim_no, provider, outcome, intended_at, ended_at, cost_micros)
SELECT task_id, 1, 'studio', CASE WHEN made > 0 THEN 'finished' ELSE 'failed' END,
    created_at + interval '1 second', completed_at, 0 FROM draft ORDER BY n
"""

NOTICES = """
WITH notice AS (
    INSERT INTO notices (notice_id, task_id, account_id, url, body, state, attempts, due_at, created_at,
        ended_at)
    SELECT gen_random_uuid(), task_id, account_id, 'https://receiver.example/done',
        convert_to('{"data": {"taskId": "' || repeat('body of a notice', 30) || '"}}', 'UTF8'), 'delivered', 1, completed_at,
        completed_at, completed_at + interval '80 milliseconds'
    FROM draft WHERE told ORDER BY n RETURNING notice_id, created_at
)
INSERT INTO notice_attempts (notice_id, attempt_no, started_at, latency_ms, status, answer)
SELECT notice_id, 1, created_at, 80, 200, 'ok' FROM notice ORDER BY created_at
"""

#: What all of it cost was paid in before.
BALANCES = f"""
WITH spent AS (
    SELECT account_id, sum(made * {PRICE_MICROS})::bigint AS micros, min(created_at) AS first_at
    FROM draft GROUP BY account_id HAVING sum(made) > 0
), topup AS (
    INSERT INTO transfers (account_id, kind, debit, credit, amount_micros, created_at)
    SELECT account_id, 'topup', 'funding', 'available', micros, first_at FROM spent
)
UPDATE balances SET funded_micros = funded_micros + micros, charged_micros = charged_micros + micros
FROM spent WHERE balances.account_id = spent.account_id
"""


async def fill(connection: asyncpg.Connection, tasks: int) -> None:
    """Write `tasks` ended tasks, of the accounts that are there and of others, and look at all tables."""
    await write_books(connection, tasks)
    await connection.execute("VACUUM (ANALYZE)")


async def write_books(connection: asyncpg.Connection, tasks: int) -> None:
    """Write `tasks` ended tasks, some at a time, so that a great many need no more memory than a few.

    How many rows there are now is not looked at.
    """
    await connection.execute(ACCOUNTS, OTHER_ACCOUNTS)
    for first in range(1, tasks + 1, STEP_TASKS):
        last = min(tasks, first + STEP_TASKS - 1)
        async with connection.transaction():
            await connection.execute(DRAFT.format(first=first, last=last, total=tasks))
            for statement in (BALANCES, TASKS, TRANSFERS, ATTEMPTS, NOTICES):
                await connection.execute(statement)
