"""What is past its time goes, some at a time, and nobody waits for it; the books stay."""

import dataclasses
import datetime
import json
import uuid

import asyncpg
import pytest

from heliograph.base.database import transaction
from heliograph.ledger.audit import audit
from heliograph.operators.proofs import store as proofs
from heliograph.storage import expiry
from heliograph.tasks import store as tasks
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.observe.store import read_statuses
from heliograph.tasks.pictures import folder_of, store_pictures
from heliograph.tasks.retention.delete import delete_data
from heliograph.tasks.retention.expire import expire_files, forget_texts
from heliograph.tasks.retention.store import FORGOTTEN
from heliograph.tasks.run import advance
from heliograph.tasks.task import LEASE_SECONDS
from heliograph.tasks.view import status_body
from heliograph.uploads import store as uploads
from heliograph.uploads.store import Upload
from heliograph.uploads.upload import REMEMBERED, expire_uploads, keep_upload
from heliograph.webhooks import prune as pruning
from heliograph.webhooks.notice import Rules
from heliograph.webhooks.prune import prune
from support.spine import Spine, open_spine, pictures, png

CALLBACK = "http://127.0.0.1:9/done"
DAY_SECONDS = 24 * 3600
TEXT_DAYS = 30


@pytest.fixture
async def spine(database_url, tmp_path):
    async with open_spine(database_url, tmp_path, text_retention_days=TEXT_DAYS) as opened:
        yield opened


async def ended(spine: Spine, key, **fields) -> uuid.UUID:
    """A task that was made, and whose notice has been delivered if it has a callback."""
    task_id = await spine.submit(key, num_images=1, **fields)
    spine.engine.outcomes.append(pictures(1))
    spine.clock.advance(1)
    await advance(spine.runtime, task_id, "render")
    await spine.runtime.pool.execute(
        """
        WITH told AS (
            UPDATE notices SET state = 'delivered', attempts = 1, ended_at = created_at
            WHERE task_id = $1 RETURNING notice_id, created_at)
        INSERT INTO notice_attempts (notice_id, attempt_no, started_at, latency_ms, status)
        SELECT notice_id, 1, created_at, 5, 200 FROM told
        """,
        task_id,
    )
    return task_id


async def count(spine: Spine, table: str) -> int:
    return await spine.runtime.pool.fetchval(f"SELECT count(*) FROM {table}")


async def prune_at(spine: Spine, **rules) -> None:
    await prune(spine.runtime.pool, Rules(**rules), now=spine.clock.now())


async def test_old_deliveries_go_with_their_attempts_and_the_books_are_clean_without_them(
    spine: Spine,
):
    key = await spine.key()
    for _ in range(3):
        await ended(spine, key, callback_url=CALLBACK)
    spine.clock.advance(90 * DAY_SECONDS)
    young = await ended(spine, key, callback_url=CALLBACK)
    await prune_at(spine, keep_days=90)
    kept = await spine.runtime.pool.fetch("SELECT task_id FROM notices")
    assert [row["task_id"] for row in kept] == [young]
    assert await count(spine, "notice_attempts") == 1
    assert await audit(spine.runtime.pool) == []


async def test_a_delivery_that_is_still_to_be_sent_stays_however_old_it_is(spine: Spine):
    key = await spine.key()
    await ended(spine, key, callback_url=CALLBACK)
    await spine.runtime.pool.execute("UPDATE notices SET state = 'pending'")
    spine.clock.advance(365 * DAY_SECONDS)
    await prune_at(spine)
    assert await count(spine, "notices") == 1


async def test_deliveries_are_not_missed_by_the_audit_after_they_are_kept_longer_again(
    spine: Spine,
):
    key = await spine.key()
    await ended(spine, key, callback_url=CALLBACK)
    spine.clock.advance(20 * DAY_SECONDS)
    await prune_at(spine, keep_days=10)
    await prune_at(spine, keep_days=90)
    assert await count(spine, "notices") == 0
    assert await audit(spine.runtime.pool) == []


async def test_deleting_goes_in_steps_and_around_what_somebody_has_locked(
    spine: Spine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pruning, "MOST_DELIVERIES", 2)
    key = await spine.key()
    tasks = [await ended(spine, key, callback_url=CALLBACK) for _ in range(6)]
    spine.clock.advance(91 * DAY_SECONDS)
    async with transaction(spine.runtime.pool) as connection:
        await connection.execute("SELECT FROM notices WHERE task_id = $1 FOR UPDATE", tasks[2])
        await prune_at(spine)
        assert await spine.runtime.pool.fetchval("SELECT task_id FROM notices") == tasks[2]
    await prune_at(spine)
    assert await count(spine, "notices") == 0


async def test_texts_go_after_their_time_and_the_task_its_pictures_and_its_money_stay(
    spine: Spine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("heliograph.tasks.retention.expire.MOST_TEXTS", 2)
    key = await spine.key()
    old = [await ended(spine, key, prompt=f"old {number}", source="mine") for number in range(5)]
    spine.clock.advance(TEXT_DAYS * DAY_SECONDS)
    young = await ended(spine, key, prompt="young")
    assert await forget_texts(spine.runtime) == 5
    assert await forget_texts(spine.runtime) == 0
    for task_id in old:
        row = await spine.row(task_id)
        assert "prompt" not in row["request"]
        assert row["request"]["num_images"] == 1
        assert (row["source"], row["data_deleted_at"]) == (None, spine.clock.now())
        assert row["images"][0]["path"]
    assert (await spine.row(young))["request"]["prompt"] == "young"
    assert await audit(spine.runtime.pool) == []


async def test_what_was_said_of_a_failure_goes_with_the_texts_that_it_may_quote(spine: Spine):
    key = await spine.key()
    task_id = await spine.submit(key, num_images=2, callback_url=CALLBACK)
    spine.engine.outcomes.append(pictures(0, missing=2))
    await advance(spine.runtime, task_id, "render")
    details = "SELECT count(detail) FROM attempts WHERE task_id = $1"
    assert await spine.runtime.pool.fetchval(details, task_id) == 1
    spine.clock.advance(TEXT_DAYS * DAY_SECONDS + 1)
    assert await forget_texts(spine.runtime) == 1
    row = await spine.row(task_id)
    kept = {"fail_code": "SensitiveContentDetected", "fail_message": FORGOTTEN}
    assert {name: row[name] for name in kept} == kept
    assert row["images"] == [kept, kept]
    assert await spine.runtime.pool.fetchval(details, task_id) == 0
    [status] = (await read_statuses(spine.runtime.pool, [task_id])).values()
    told = await spine.runtime.pool.fetchval("SELECT body FROM notices")
    assert json.loads(told) == json.loads(status_body(status, spine.runtime.settings.public_url))
    assert await audit(spine.runtime.pool) == []


async def test_forgetting_goes_on_where_it_ended_and_begins_no_search_from_the_start(spine: Spine):
    key = await spine.key()
    await ended(spine, key)
    spine.clock.advance(TEXT_DAYS * DAY_SECONDS)
    between = await ended(spine, key)
    assert await forget_texts(spine.runtime) == 1
    spine.clock.advance(TEXT_DAYS * DAY_SECONDS)
    assert await forget_texts(spine.runtime) == 1
    assert "prompt" not in (await spine.row(between))["request"]
    kept = await spine.runtime.pool.fetchval("SELECT since FROM kept_since WHERE what = 'texts'")
    assert kept == spine.clock.now() - datetime.timedelta(days=TEXT_DAYS)


async def test_without_the_setting_texts_are_kept(database_url, tmp_path):
    async with open_spine(database_url, tmp_path) as spine:
        task_id = await ended(spine, await spine.key(), prompt="for good")
        spine.clock.advance(10_000 * DAY_SECONDS)
        assert await forget_texts(spine.runtime) == 0
        assert (await spine.row(task_id))["request"]["prompt"] == "for good"


async def test_more_files_than_one_step_takes_go_in_one_run(
    spine: Spine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(expiry, "MOST_DELETIONS", 2)
    key = await spine.key()
    for _ in range(5):
        await ended(spine, key)
    spine.clock.advance(spine.runtime.settings.result_retention_hours * 3600)
    assert await expire_files(spine.runtime) == 5


@pytest.mark.parametrize("stuck", [1, 3])
async def test_files_that_cannot_be_deleted_keep_no_others_however_many_they_are(
    spine: Spine, monkeypatch: pytest.MonkeyPatch, stuck: int
):
    monkeypatch.setattr(expiry, "MOST_DELETIONS", 2)
    key = await spine.key()
    tasks = [await ended(spine, key) for _ in range(7)]
    paths = [await uploaded(spine, key) for _ in range(7)]
    spine.clock.advance(spine.runtime.settings.result_retention_hours * 3600)
    kept = {folder_of(one) for one in tasks[:stuck]} | set(paths[:stuck])
    runtime = dataclasses.replace(spine.runtime, storage=Sticky(spine.runtime.storage, kept))
    for deleted in (7 - stuck, 0):
        assert await expire_files(runtime) == await expire_uploads(runtime) == deleted
    assert await expire_files(spine.runtime) == await expire_uploads(spine.runtime) == stuck


class Sticky:
    """A storage of which some files cannot be deleted."""

    def __init__(self, real, kept) -> None:
        self.real, self.kept = real, kept

    async def delete(self, path: str) -> None:
        await self._delete(path, self.real.delete)

    async def delete_folder(self, path: str) -> None:
        await self._delete(path, self.real.delete_folder)

    async def _delete(self, path: str, delete) -> None:
        if path in self.kept:
            raise PermissionError(path)
        await delete(path)


async def uploaded(spine: Spine, key) -> str:
    limits = spine.runtime.models["wan-2-5-image"].references
    data = png(size=(400, 400))
    return (await keep_upload(spine.runtime, key.account_id, data, limits)).path


async def test_the_row_of_a_deleted_upload_goes_when_nobody_remembers_its_address(spine: Spine):
    key, now = await spine.key(), spine.clock.now()
    upload = Upload(uuid.uuid4(), key.account_id, "uploads/a.png", 64, 64, 100, "0" * 64, now, now)
    await uploads.add_upload(spine.runtime.pool, upload, most=10)
    assert await expire_uploads(spine.runtime) == 1
    spine.clock.advance(REMEMBERED.total_seconds())
    await expire_uploads(spine.runtime)
    assert await count(spine, "uploads") == 1
    spine.clock.advance(1)
    await expire_uploads(spine.runtime)
    assert await count(spine, "uploads") == 0


async def test_of_the_runs_of_the_audit_the_last_are_kept(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(proofs, "MOST_PROOFS", 3)
    numbers = [
        await proofs.begin_proof(pool, "Ada", now=datetime.datetime.now(datetime.UTC))
        for _ in range(6)
    ]
    rows = await pool.fetch("SELECT proof_id FROM proofs ORDER BY proof_id")
    assert [row["proof_id"] for row in rows] == numbers[-4:], "the new one and three before it"


async def test_what_is_written_after_a_task_was_cancelled_and_deleted_goes_too(spine):
    task_id = await spine.submit(await spine.key())
    [task] = await tasks.claim_tasks(
        spine.runtime.pool, [task_id], spine.clock.now(), LEASE_SECONDS
    )
    await cancel_task(spine.runtime, task_id)
    await delete_data(spine.runtime, task_id)
    await store_pictures(spine.runtime, task, pictures(1))  # of a worker that is killed now
    spine.clock.advance(LEASE_SECONDS)
    assert await expire_files(spine.runtime) == 1
    assert list(spine.runtime.settings.data_dir.rglob("*.png")) == []
    assert await expire_files(spine.runtime) == 0
