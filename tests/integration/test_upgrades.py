"""A database that an earlier version has left, with everything in it, goes on under this one."""

import datetime
import uuid

import pytest

from heliograph.accounts.keys import KeyReader, mint_key
from heliograph.base.database import connect
from heliograph.base.migrate import downgrade, latest_revision, migrate
from heliograph.ledger.audit import audit
from heliograph.tasks.observe.store import read_statuses
from heliograph.tasks.rescue import sweep
from heliograph.tasks.run import advance
from heliograph.tasks.submit import Accepted, NewTask, submit_tasks
from support.spine import START, open_spine

EARLIER = [f"{number:04}" for number in range(1, int(latest_revision()))]

KEY = mint_key(test=False)
ENDED, OPEN = ("01990000-0000-7000-8000-00000000000" + digit for digit in "12")

NOW = f"'{START}'::timestamptz"
PICTURE = '{"path": "results/1.png", "width": 1280, "height": 1280, "size_bytes": 9, "sha256": ""}'
LOST = '{"fail_code": "InternalError", "fail_message": "lost"}'

#: Two tasks of three cents an image: one has made one of its two pictures, one waits.
LEFT_BEHIND = f"""
INSERT INTO accounts (account_id, name, webhook_secret, created_at, max_live_tasks)
VALUES ('acc_1', 'Ada', 'whsec_x', {NOW}, 10);
INSERT INTO balances VALUES ('acc_1', 880000, 90000, 30000, 1000000, 1);
INSERT INTO transfers (account_id, task_id, kind, debit, credit, amount_micros, created_at) VALUES
    ('acc_1', NULL, 'topup', 'funding', 'available', 1000000, {NOW}),
    ('acc_1', '{ENDED}', 'hold', 'available', 'held', 60000, {NOW}),
    ('acc_1', '{ENDED}', 'charge', 'held', 'revenue', 30000, {NOW}),
    ('acc_1', '{ENDED}', 'release', 'held', 'available', 30000, {NOW}),
    ('acc_1', '{OPEN}', 'hold', 'available', 'held', 90000, {NOW});
INSERT INTO tasks (task_id, account_id, key_id, model, mode, test, routing, request, num_images,
    unit_price_micros, callback_url, state, claim_no, due_at, images, created_at, deadline_at,
    completed_at, files_expire_at)
SELECT id, 'acc_1', '{KEY.key_id}', 'wan-2-5-image', 'text-to-image', false, 'auto', request, images,
    30000, 'https://example.com/', state, claims, {NOW}, made, {NOW}, {NOW} + interval '10 minutes',
    ended, ended + interval '7 days'
FROM (VALUES
    ('{ENDED}'::uuid, 2, 'success', 1, {NOW},
        '[{PICTURE}, {LOST}]'::jsonb),
    ('{OPEN}'::uuid, 3, 'pending', 0, NULL, NULL)
) AS task (id, images, state, claims, ended, made), LATERAL jsonb_build_object(
    'mode', 'text-to-image', 'prompt', 'a panda', 'negative_prompt', NULL, 'aspect_ratio', '1:1',
    'num_images', images, 'image_urls', '[]'::jsonb, 'width', 1280, 'height', 1280) AS request;
INSERT INTO notices VALUES ('{ENDED}', '{ENDED}', 'acc_1', 'https://example.com/', '{{}}', 'delivered',
    1, {NOW}, {NOW}, {NOW});
INSERT INTO notice_attempts VALUES ('{ENDED}', 1, {NOW}, 5, 200, NULL, 'ok');
"""

THE_KEY = f"""
INSERT INTO api_keys (key_id, account_id, name, secret_sha256, test, routing,
    rate_limit_per_minute, created_at)
VALUES ('{KEY.key_id}', 'acc_1', 'old', '\\x{KEY.secret_sha256.hex()}', false, 'auto', 100, '{START}')
"""
THE_KEY_WITH_ITS_FIRST = THE_KEY.replace("(key_id,", "(first_key_id, key_id,").replace(
    "VALUES (", f"VALUES ('{KEY.key_id}', "
)


@pytest.fixture(params=EARLIER)
async def left_behind(request, databases):
    """The address of a database as the version of that revision has left it."""
    with databases.fresh("template0") as url:
        await migrate(url)
        await downgrade(url, request.param)
        connection = await connect(url)
        await connection.execute(LEFT_BEHIND)
        await connection.execute(THE_KEY if request.param == "0001" else THE_KEY_WITH_ITS_FIRST)
        await connection.close()
        yield url


async def test_an_earlier_database_goes_on_under_this_version(left_behind, tmp_path):
    await migrate(left_behind)

    async with open_spine(left_behind, tmp_path) as spine:
        pool = spine.runtime.pool
        assert await audit(pool) == []
        shown = await read_statuses(pool, [ENDED])
        assert next(iter(shown.values())).state == "success"
        key = await KeyReader(pool, spine.clock).authenticate(f"Bearer {KEY.api_key}")
        asked = spine.asked(await spine.key_again(KEY.key_id), num_images=1)
        (answer,) = await submit_tasks(spine.runtime, [NewTask(key, asked.submission)])
        assert isinstance(answer, Accepted)
        spine.clock.advance(datetime.timedelta(minutes=2).total_seconds())
        await sweep(spine.runtime)
        for task_id in map(uuid.UUID, (OPEN, answer.task_id)):
            await advance(spine.runtime, task_id, "render")
        assert await spine.balance(key) == (85, 0, 15)
        assert await audit(pool) == []
