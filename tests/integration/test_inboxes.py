import asyncio
import datetime

import pytest
from standardwebhooks import Webhook

from heliograph.base.changes import Changes
from heliograph.base.clock import SettableClock
from heliograph.base.database import borrow
from heliograph.base.outbound import Outbound
from heliograph.webhooks.deliver import Deliverer, Noted
from heliograph.webhooks.inboxes import store
from heliograph.webhooks.inboxes.inbox import (
    KEPT_HOURS,
    MOST_INBOXES,
    MOST_MESSAGES,
    Posted,
    inbox_url,
)
from heliograph.webhooks.inboxes.open import open_inbox, wait_for_messages
from heliograph.webhooks.notice import Delivered, Rules
from heliograph.webhooks.prune import prune
from support.notices import BODY, SECRET, Desk

HERE = "http://127.0.0.1:8080"


@pytest.fixture
def clock():
    return SettableClock(datetime.datetime.now(datetime.UTC))


@pytest.fixture
async def desk(pool, clock):
    desk = Desk(pool, clock)
    await desk.open_account("acc_1")
    return desk


@pytest.fixture
async def deliverer(pool, clock):
    """One that may reach no address of this machine: an inbox needs no network."""
    async with Outbound() as outbound:
        yield Deliverer(pool, outbound, clock, rules=Rules(public_url=HERE), jitter=lambda: 0)


@pytest.fixture
async def changes(pool):
    changes = Changes(pool)
    yield changes
    await changes.close()


async def open_one(desk: Desk, clock: SettableClock) -> str:
    inbox_id, _ = await open_inbox(desk.pool, "acc_1", now=clock.now())
    return inbox_id


async def post(desk: Desk, clock: SettableClock, inbox_id: str, body: bytes = b"", **limit: int):
    posted = Posted(headers={}, body=body, received_at=clock.now())
    async with borrow(desk.pool) as conn:
        return await store.add_message(conn, inbox_id, posted, **limit)


async def bodies(desk: Desk, inbox_id: str, after: int = 0) -> list[bytes]:
    async with borrow(desk.pool) as conn:
        return [one.body for one in await store.read_messages(conn, inbox_id, after=after)]


async def test_a_notice_for_an_inbox_lies_there_signed_and_counts_as_delivered(
    desk, deliverer, clock
):
    inbox_id = await open_one(desk, clock)
    notice_id = await desk.add(inbox_url(inbox_id, HERE))
    outcome = await deliverer.deliver(notice_id)
    assert isinstance(outcome, Noted)
    assert outcome.verdict == Delivered()
    assert [one.status for one in (await desk.read(notice_id)).attempts] == [200]
    async with borrow(desk.pool) as conn:
        (message,) = await store.read_messages(conn, inbox_id, after=0)
    assert (message.body, message.received_at) == (BODY, clock.now())
    assert message.headers["content-type"] == "application/json"
    Webhook(SECRET).verify(message.body, dict(message.headers))


async def test_a_notice_for_an_inbox_that_is_gone_is_a_failed_attempt(desk, deliverer, clock):
    inbox_id = await open_one(desk, clock)
    clock.advance(KEPT_HOURS * 3600)
    notice_id = await desk.add(inbox_url(inbox_id, HERE))
    await deliverer.deliver(notice_id)
    (attempt,) = (await desk.read(notice_id)).attempts
    assert (attempt.status, attempt.error) == (404, "The inbox is gone; it lives for 24 hours.")


async def test_messages_are_read_on_from_the_last_one(desk, clock):
    inbox_id, other = await open_one(desk, clock), await open_one(desk, clock)
    for body in (b"1", b"2", b"3"):
        await post(desk, clock, inbox_id, body)
    await post(desk, clock, other, b"other")
    async with borrow(desk.pool) as conn:
        first, second, _ = await store.read_messages(conn, inbox_id, after=0)
    assert await bodies(desk, inbox_id, first.message_id) == [b"2", b"3"]
    assert await bodies(desk, inbox_id, second.message_id) == [b"3"]


async def test_readers_miss_no_message_however_many_are_posted_at_once(desk, clock):
    inbox_id = await open_one(desk, clock)
    seen: list[bytes] = []

    async def read_on() -> None:
        after = 0
        while len(seen) < 60:
            async with borrow(desk.pool) as conn:
                for one in await store.read_messages(conn, inbox_id, after=after):
                    seen.append(one.body)
                    after = one.message_id

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(read_on())
        for n in range(60):
            group.create_task(post(desk, clock, inbox_id, b"%d" % n))
    assert len(set(seen)) == 60


async def test_whoever_waits_is_woken_by_a_message(desk, clock, changes):
    inbox_id = await open_one(desk, clock)
    waiting = asyncio.create_task(
        wait_for_messages(desk.pool, changes, inbox_id, after=0, seconds=20)
    )
    async with asyncio.timeout(10):
        while not changes._hearing.is_set():
            await asyncio.sleep(0.01)
        await post(desk, clock, inbox_id, b"hello")
        assert [one.body for one in await waiting] == [b"hello"]


async def test_waiting_ends_with_nothing_when_nothing_comes(desk, clock, changes):
    inbox_id, other = await open_one(desk, clock), await open_one(desk, clock)
    await post(desk, clock, other)
    found = await wait_for_messages(desk.pool, changes, inbox_id, after=0, seconds=0.05)
    assert found == []


async def test_waiting_ends_when_the_service_stops(desk, clock, changes):
    inbox_id = await open_one(desk, clock)
    waiting = asyncio.create_task(
        wait_for_messages(desk.pool, changes, inbox_id, after=0, seconds=60)
    )
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while not changes._hearing.is_set():
            await asyncio.sleep(0.01)
        changes.stop_waiting()
        assert await waiting == []


async def test_an_inbox_keeps_the_last_messages_only(desk, clock):
    inbox_id = await open_one(desk, clock)
    await desk.pool.execute(
        "INSERT INTO inbox_messages (inbox_id, headers, body, received_at)"
        " SELECT $1, '{}', convert_to(n::text, 'UTF8'), $3 FROM generate_series(1, $2::int) n",
        inbox_id,
        MOST_MESSAGES,
        clock.now(),
    )
    await post(desk, clock, inbox_id, b"new")
    assert await desk.pool.fetchval("SELECT count(*) FROM inbox_messages") == MOST_MESSAGES
    assert (await bodies(desk, inbox_id))[0] == b"2"


async def test_a_stranger_may_post_so_often_a_minute_and_our_own_notices_are_not_counted(
    desk, clock
):
    inbox_id = await open_one(desk, clock)
    assert [await post(desk, clock, inbox_id, most_a_minute=2) for _ in range(3)] == [
        True,
        True,
        False,
    ]
    assert await post(desk, clock, inbox_id)
    clock.advance(60)
    assert await post(desk, clock, inbox_id, most_a_minute=2)
    assert await post(desk, clock, "x" * 32, most_a_minute=2) is None


async def test_a_new_inbox_takes_the_place_of_the_oldest_beyond_the_limit(desk, clock):
    inboxes = []
    for _ in range(MOST_INBOXES + 1):
        inboxes.append(await open_one(desk, clock))
        clock.advance(1)
    kept = [one for one in inboxes if await post(desk, clock, one) is not None]
    assert kept == inboxes[1:]


async def test_an_inbox_is_read_by_its_own_account_while_it_lives(desk, clock):
    inbox_id = await open_one(desk, clock)

    async def read(account_id: str):
        async with borrow(desk.pool) as conn:
            return await store.read_inbox(conn, inbox_id, account_id, now=clock.now())

    assert (await read("acc_1")).secrets == (SECRET,)
    assert await read("acc_2") is None
    clock.advance(KEPT_HOURS * 3600)
    assert await read("acc_1") is None


async def test_expired_inboxes_go_with_their_messages(desk, clock):
    for _ in range(2):
        await post(desk, clock, await open_one(desk, clock))
        clock.advance(KEPT_HOURS * 1800)
    await prune(desk.pool, Rules(), now=clock.now())
    assert await desk.pool.fetchval("SELECT count(*) FROM inboxes") == 1
    assert await desk.pool.fetchval("SELECT count(*) FROM inbox_messages") == 1
