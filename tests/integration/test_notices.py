import asyncio
import dataclasses
import datetime
import json
import uuid

import asyncpg
import pytest

from heliograph.base.clock import SettableClock
from heliograph.base.database import borrow, transaction
from heliograph.base.errors import NotFound
from heliograph.base.outbound import Outbound
from heliograph.webhooks import store
from heliograph.webhooks.deliver import Deliverer
from heliograph.webhooks.deliveries.resend import resend
from heliograph.webhooks.deliveries.store import Filter, list_deliveries, read_delivery
from heliograph.webhooks.event import add_event
from heliograph.webhooks.notice import Dead, Delivered, Reply, Rules, Verdict
from heliograph.webhooks.store import Claim
from support.notices import Desk

URL = "https://example.com/hook"


@pytest.fixture
def clock():
    return SettableClock(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


@pytest.fixture
async def desk(pool, clock):
    desk = Desk(pool, clock)
    await desk.open_account("acc_1")
    await desk.open_account("acc_2")
    return desk


async def end(desk: Desk, notice_id: uuid.UUID, verdict: Verdict, now: datetime.datetime) -> None:
    lease_until = now + datetime.timedelta(seconds=60)
    async with transaction(desk.pool) as conn:
        claim = await store.claim_notice(conn, notice_id, now=now, lease_until=lease_until)
        assert claim is not None
        await store.note_reply(conn, claim, Reply(latency_ms=3), verdict=verdict, now=now)


async def list_ids(desk: Desk, wanted: Filter, limit: int = 50) -> list[uuid.UUID]:
    async with borrow(desk.pool) as conn:
        found = await list_deliveries(conn, wanted, limit=limit)
    return [delivery.notice_id for delivery in found]


async def test_a_notice_and_its_job_are_written_with_the_callers_transaction(desk):
    notice = desk.new(URL)
    async with transaction(desk.pool) as conn:
        await store.add_notice(conn, notice)
        assert await desk.jobs() == []
        assert await desk.overdue() == []
    (job,) = await desk.jobs()
    assert (job.entrypoint, job.subject, job.after_seconds) == ("deliver", notice.notice_id.hex, 0)
    assert await desk.overdue() == [notice.notice_id]


async def test_a_transaction_that_fails_leaves_neither_notice_nor_job(desk):
    async def finish() -> None:
        async with transaction(desk.pool) as conn:
            await store.add_notice(conn, desk.new(URL))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await finish()
    assert await desk.jobs() == []
    assert await desk.overdue() == []


async def test_a_retry_whose_job_cannot_be_queued_is_not_noted_either(desk, clock):
    notice_id = await desk.add("https://127.0.0.1/refused")
    await desk.pool.execute("ALTER TABLE pgqueuer RENAME TO gone")
    async with Outbound() as outbound:
        deliverer = Deliverer(desk.pool, outbound, clock, rules=Rules(timeout_seconds=5))
        with pytest.raises(asyncpg.UndefinedTableError):
            await deliverer.deliver(notice_id)
    delivery = await desk.read(notice_id)
    assert delivery.attempts[0].latency_ms is None
    assert delivery.due_at == clock.now() + datetime.timedelta(seconds=35)


async def test_the_end_of_a_task_is_told_once(desk):
    first = desk.new(URL)
    second = dataclasses.replace(desk.new(URL), task_id=first.task_id)
    async with borrow(desk.pool) as conn:
        await store.add_notice(conn, first)
        with pytest.raises(asyncpg.UniqueViolationError):
            await store.add_notice(conn, second)


async def test_the_sweep_finds_what_is_overdue_the_longest_first(desk, clock):
    ids = []
    for _ in range(3):
        ids.append(await desk.add(URL))
        clock.advance(1)
    await end(desk, ids[1], Dead(), clock.now())
    assert await desk.overdue() == [ids[0], ids[2]]
    assert await desk.overdue(limit=1) == [ids[0]]


async def test_what_is_nudged_already_keeps_no_younger_notice_from_the_sweep(desk, clock):
    ids = []
    for _ in range(3):
        ids.append(await desk.add(URL))
        clock.advance(1)
    await desk.clear_jobs()
    for expected in ids:
        async with transaction(desk.pool) as conn:
            assert await store.overdue(conn, before=clock.now(), limit=1) == [expected]
            await store.nudge(conn, [expected])
    async with borrow(desk.pool) as conn:
        assert await store.overdue(conn, before=clock.now(), limit=1) == []


async def test_a_notice_in_hand_is_overdue_only_after_its_lease(desk, clock):
    notice_id = await desk.add(URL)
    lease_until = clock.now() + datetime.timedelta(seconds=60)
    async with transaction(desk.pool) as conn:
        await store.claim_notice(conn, notice_id, now=clock.now(), lease_until=lease_until)
    clock.advance(59)
    assert await desk.overdue() == []
    clock.advance(1)
    assert await desk.overdue() == [notice_id]


async def test_of_many_who_take_up_a_notice_at_once_one_gets_it(desk, clock):
    notice_id = await desk.add(URL)
    lease_until = clock.now() + datetime.timedelta(seconds=60)

    async def claim() -> Claim | None:
        async with transaction(desk.pool) as conn:
            return await store.claim_notice(
                conn, notice_id, now=clock.now(), lease_until=lease_until
            )

    claims = [claim for claim in await asyncio.gather(*(claim() for _ in range(8))) if claim]
    assert [claim.attempt_no for claim in claims] == [1]


async def test_a_notice_that_is_being_taken_up_is_not_sent_again_by_hand(desk, clock):
    notice_id, now = await desk.add(URL), clock.now()
    lease_until = now + datetime.timedelta(seconds=60)

    async def other() -> None:
        async with transaction(desk.pool) as conn:
            await resend(conn, notice_id, now=now)

    async with transaction(desk.pool) as conn:
        taken = await store.claim_notice(conn, notice_id, now=now, lease_until=lease_until)
        waiting = asyncio.create_task(other())
        await asyncio.sleep(0.2)
    await waiting
    assert taken is not None
    row = await desk.pool.fetchrow("SELECT state, due_at, attempts FROM notices")
    assert tuple(row) == ("pending", lease_until, 1)


async def test_nudges_do_not_pile_up(desk):
    ids = [await desk.add(URL) for _ in range(2)]
    await desk.clear_jobs()
    for _ in range(3):
        async with transaction(desk.pool) as conn:
            await store.nudge(conn, ids)
            await store.nudge(conn, [])
    assert sorted(job.subject for job in await desk.jobs()) == sorted(i.hex for i in ids)


async def test_notices_are_listed_by_account_task_and_state_the_youngest_first(desk, clock):
    ids = []
    for account_id in ("acc_1", "acc_2", "acc_1"):
        ids.append(await desk.add(URL, account_id=account_id))
        clock.advance(1)
    await end(desk, ids[0], Delivered(), clock.now())
    task_id = (await desk.read(ids[1])).task_id
    assert await list_ids(desk, Filter()) == ids[::-1]
    assert await list_ids(desk, Filter(account_id="acc_1")) == [ids[2], ids[0]]
    assert await list_ids(desk, Filter(task_id=task_id)) == [ids[1]]
    assert await list_ids(desk, Filter(state="delivered")) == [ids[0]]
    assert await list_ids(desk, Filter(account_id="acc_2", state="dead")) == []


async def test_pages_of_a_list_neither_repeat_nor_skip(desk):
    ids = {await desk.add(URL) for _ in range(5)}
    seen: list[uuid.UUID] = []
    after = None
    while page := await list_ids(desk, Filter(after=after), limit=2):
        seen += page
        after = ((await desk.read(page[-1])).created_at, page[-1])
    assert len(seen) == 5
    assert set(seen) == ids


async def test_a_stranger_can_neither_read_nor_resend_a_notice(desk):
    notice_id = await desk.add(URL)
    await desk.clear_jobs()
    with pytest.raises(NotFound):
        await desk.resend(notice_id, account_id="acc_2")
    with pytest.raises(NotFound):
        await desk.resend(uuid.uuid4())
    async with borrow(desk.pool) as conn:
        assert await read_delivery(conn, notice_id, account_id="acc_2") is None
        assert await read_delivery(conn, notice_id, account_id="acc_1") is not None
    assert await desk.jobs() == []


async def test_an_event_is_told_like_the_end_of_a_task(desk, clock):
    async with transaction(desk.pool) as conn:
        notice_id = await add_event(
            conn, "acc_1", URL, "balance.low", {"balance": 0.5}, clock.now()
        )
    delivery = await desk.read(notice_id)
    assert (delivery.event, delivery.task_id, delivery.state) == ("balance.low", None, "pending")
    assert [job.subject for job in await desk.jobs()] == [notice_id.hex]
    body = await desk.pool.fetchval("SELECT body FROM notices")
    assert json.loads(body) == {
        "type": "balance.low",
        "timestamp": "2026-01-01T00:00:00Z",
        "data": {"balance": 0.5},
    }
