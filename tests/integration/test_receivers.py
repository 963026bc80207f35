import asyncio
import datetime
import json
import uuid

import pytest
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from heliograph.base.clock import SettableClock
from heliograph.base.database import borrow, transaction
from heliograph.base.errors import Conflict
from heliograph.base.outbound import Outbound
from heliograph.webhooks.deliver import Deliverer, Noted, Nothing
from heliograph.webhooks.deliveries.resend import resend_lost
from heliograph.webhooks.deliveries.store import Lost
from heliograph.webhooks.event import trial_notice
from heliograph.webhooks.lanes import MOST_IN_FLIGHT, Later
from heliograph.webhooks.notice import Dead, Delivered, RetryAt, Rules
from heliograph.webhooks.prune import prune
from heliograph.webhooks.receivers.receiver import CURE, Receiver
from heliograph.webhooks.receivers.store import list_receivers, open_receiver
from heliograph.webhooks.rotate import rotate_secret
from heliograph.webhooks.sign import is_signed
from support.notices import SECRET, Desk
from support.receiver import Hang, Reply
from support.receiver import Receiver as Web

START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
HOURS = 3600
GONE_REASON = f"The receiver answered 410, so it is disabled. {CURE}"


@pytest.fixture
def clock():
    return SettableClock(START)


@pytest.fixture
async def web():
    async with Web() as web:
        yield web


@pytest.fixture
async def desk(pool, clock):
    desk = Desk(pool, clock)
    await desk.open_account("acc_1")
    await desk.open_account("acc_2")
    return desk


@pytest.fixture
async def deliverer(pool, clock):
    async with Outbound(["127.0.0.0/8"]) as outbound:
        yield Deliverer(pool, outbound, clock, rules=Rules(retry_seconds=(30,)), jitter=lambda: 0)


async def receivers(desk: Desk, account_id: str = "acc_1") -> list[Receiver]:
    async with borrow(desk.pool) as conn:
        return await list_receivers(conn, account_id)


def real_now() -> datetime.datetime:
    """Other people's verifiers ask the machine's clock how old a signature is."""
    return datetime.datetime.now(datetime.UTC)


async def fail_for(hours: float, desk: Desk, deliverer: Deliverer, clock: SettableClock, url: str):
    """A first failure, and a second one `hours` later; gives the second notice."""
    await deliverer.deliver(await desk.add(url))
    clock.advance(hours * HOURS)
    notice_id = await desk.add(url)
    await deliverer.deliver(notice_id)
    return notice_id


async def test_a_receiver_that_fails_is_on_record_until_its_first_success(
    desk, deliverer, web, clock
):
    url = web.script("/hook", Reply(500), Reply(503), Reply())
    for _ in range(2):
        await deliverer.deliver(await desk.add(url))
        clock.advance(1)
    (failing,) = await receivers(desk)
    assert failing == Receiver("acc_1", url, "active", START, None, START)
    await deliverer.deliver(await desk.add(url))
    assert await receivers(desk) == []


async def test_410_disables_the_receiver_and_ends_what_is_open_for_it(desk, deliverer, web, clock):
    url = web.script("/hook", Reply(500), Reply(410))
    waiting, gone, fresh = [await desk.add(url) for _ in range(3)]
    other = await desk.add(web.url("/other"))
    foreign = await desk.add(url, account_id="acc_2")
    await deliverer.deliver(waiting)
    with capture_logs() as lines:
        outcome = await deliverer.deliver(gone)
    assert isinstance(outcome, Noted)
    assert outcome.verdict == Dead()
    (closed,) = await receivers(desk)
    assert (closed.state, closed.reason, closed.changed_at) == ("disabled", GONE_REASON, START)
    for notice_id, attempts in ((waiting, 1), (fresh, 0)):
        delivery = await desk.read(notice_id)
        assert (delivery.state, delivery.reason) == ("dead", GONE_REASON)
        assert (delivery.ended_at, len(delivery.attempts)) == (START, attempts)
    assert [(await desk.read(one)).state for one in (other, foreign)] == ["pending", "pending"]
    assert [line["log_level"] for line in lines if "closed" in line["event"]] == ["warning"]


async def test_a_disabled_receiver_gets_nothing_more_and_the_record_says_why(desk, deliverer, web):
    url = web.script("/hook", Reply(410), Reply())
    await deliverer.deliver(await desk.add(url))
    later = await desk.add(url)
    assert await deliverer.deliver(later) == Nothing()
    assert len(web.requests) == 1
    delivery = await desk.read(later)
    assert (delivery.state, delivery.reason, delivery.attempts) == ("dead", GONE_REASON, ())


async def test_an_attempt_in_flight_when_its_receiver_is_disabled_has_its_own_end(
    desk, deliverer, web
):
    url = web.script("/hook", Hang(), Reply(410))
    in_flight = await desk.add(url)
    attempt = asyncio.create_task(deliverer.deliver(in_flight))
    await web.arrived(1)
    await deliverer.deliver(await desk.add(url))
    web.release()
    assert isinstance(await attempt, Noted)
    assert (await desk.read(in_flight)).state == "delivered"
    assert [one.state for one in await receivers(desk)] == ["disabled"]


async def test_a_receiver_that_failed_for_three_days_is_paused_and_the_account_is_told(
    desk, deliverer, web, clock
):
    url = web.script("/hook", Reply(500))
    await desk.pool.execute("UPDATE accounts SET webhook_url = $1", web.url("/events"))
    open_one = await desk.add(url)
    notice_id = await fail_for(72, desk, deliverer, clock, url)
    (paused,) = await receivers(desk)
    assert (paused.state, paused.failing_since) == ("paused", START)
    for one in (notice_id, open_one):
        delivery = await desk.read(one)
        assert (delivery.state, delivery.reason) == ("dead", paused.reason)
    event_id = uuid.UUID((await desk.jobs())[-1].subject)
    await deliverer.deliver(event_id)
    request = web.requests[-1]
    assert request.path == "/events"
    assert is_signed(request.headers, request.body, secrets=[SECRET], moment=clock.now())
    assert request.json["type"] == "receiver.paused"
    assert request.json["data"] == {
        "url": url,
        "failingSince": int(START.timestamp() * 1000),
        "reason": paused.reason,
    }


@pytest.mark.parametrize("told", [None, "/hook"], ids=["nobody", "the paused one itself"])
async def test_nobody_is_told_of_a_pause_when_there_is_nobody_who_could_hear(
    desk, deliverer, web, clock, told
):
    url = web.script("/hook", Reply(500))
    await desk.pool.execute(
        "UPDATE accounts SET webhook_url = $1", None if told is None else web.url(told)
    )
    await fail_for(72, desk, deliverer, clock, url)
    assert [one.state for one in await receivers(desk)] == ["paused"]
    assert await desk.pool.fetchval("SELECT count(*) FROM notices WHERE event IS NOT NULL") == 0


async def test_a_receiver_that_failed_for_less_is_tried_on(desk, deliverer, web, clock):
    url = web.script("/hook", Reply(500))
    notice_id = await fail_for(71.9, desk, deliverer, clock, url)
    assert (await desk.read(notice_id)).state == "pending"
    assert [one.state for one in await receivers(desk)] == ["active"]


async def test_one_success_in_between_begins_the_count_anew(desk, deliverer, web, clock):
    url = web.script("/hook", Reply(500), Reply(200), Reply(500))
    await deliverer.deliver(await desk.add(url))
    clock.advance(71 * HOURS)
    await deliverer.deliver(await desk.add(url))
    await fail_for(2, desk, deliverer, clock, url)
    assert [one.state for one in await receivers(desk)] == ["active"]


async def test_of_many_failures_at_once_one_pauses_and_tells(desk, deliverer, web, clock):
    url = web.script("/hook", Reply(500))
    await desk.pool.execute("UPDATE accounts SET webhook_url = $1", web.url("/events"))
    await deliverer.deliver(await desk.add(url))
    clock.advance(72 * HOURS)
    notices = [await desk.add(url) for _ in range(4)]
    await asyncio.gather(*(deliverer.deliver(one) for one in notices))
    clock.advance(30)
    for one in notices:
        await deliverer.deliver(one)
    assert [(await desk.read(one)).state for one in notices] == ["dead"] * 4
    assert await desk.pool.fetchval("SELECT count(*) FROM notices WHERE event IS NOT NULL") == 1


async def test_a_test_goes_out_at_once_and_is_on_record_with_its_answer(
    desk, deliverer, web, clock
):
    clock.moment = real_now()
    notice = trial_notice("acc_1", web.script("/hook", Reply(200, b"hello")), clock.now())
    outcome = await deliverer.send_test(notice)
    assert isinstance(outcome, Noted)
    assert outcome.verdict == Delivered()
    (request,) = web.requests
    Webhook(SECRET).verify(request.body, request.headers)
    assert json.loads(request.body)["type"] == "webhook.test"
    delivery = await desk.read(notice.notice_id)
    assert (delivery.event, delivery.state) == ("webhook.test", "delivered")
    assert [one.answer for one in delivery.attempts] == ["hello"]
    assert await desk.jobs() == []


@pytest.mark.parametrize("status", [500, 410])
async def test_a_test_that_fails_is_not_retried_and_has_no_consequences(
    desk, deliverer, web, clock, status
):
    notice = trial_notice("acc_1", web.script("/hook", Reply(status)), clock.now())
    outcome = await deliverer.send_test(notice)
    assert isinstance(outcome, Noted)
    assert outcome.verdict == Dead()
    assert await receivers(desk) == []
    assert await desk.jobs() == []


async def test_a_test_that_succeeds_opens_a_disabled_receiver(desk, deliverer, web, clock):
    url = web.script("/hook", Reply(410), Reply(500), Reply())
    await deliverer.deliver(await desk.add(url))
    await deliverer.send_test(trial_notice("acc_1", url, clock.now()))
    assert [one.state for one in await receivers(desk)] == ["disabled"]
    await deliverer.send_test(trial_notice("acc_1", url, clock.now()))
    assert await receivers(desk) == []
    assert isinstance(await deliverer.deliver(await desk.add(url)), Noted)


async def test_a_test_of_a_busy_receiver_is_not_even_written(desk, deliverer, web, clock):
    url = web.script("/hook", Hang())
    notices = [await desk.add(url) for _ in range(MOST_IN_FLIGHT)]
    in_flight = [asyncio.create_task(deliverer.deliver(one)) for one in notices]
    await web.arrived(MOST_IN_FLIGHT)
    assert await deliverer.send_test(trial_notice("acc_1", url, clock.now())) == Later(0.5)
    web.release()
    await asyncio.gather(*in_flight)
    assert await desk.pool.fetchval("SELECT count(*) FROM notices WHERE event IS NOT NULL") == 0


async def test_a_test_whose_process_died_is_sent_by_the_sweep(desk, deliverer, web, clock):
    notice = trial_notice("acc_1", web.script("/hook", Hang(), Reply()), clock.now())
    test = asyncio.create_task(deliverer.send_test(notice))
    await web.arrived(1)
    test.cancel()
    with pytest.raises(asyncio.CancelledError):
        await test
    clock.advance(61)
    assert await desk.overdue() == [notice.notice_id]
    assert isinstance(await deliverer.deliver(notice.notice_id), Noted)
    assert (await desk.read(notice.notice_id)).state == "delivered"


async def test_nothing_is_sent_again_to_a_closed_receiver_until_it_is_opened(
    desk, deliverer, web, clock
):
    url = web.script("/hook", Reply(410), Reply())
    notice_id = await desk.add(url)
    await deliverer.deliver(notice_id)
    with pytest.raises(Conflict, match="answered 410"):
        await desk.resend(notice_id)
    async with transaction(desk.pool) as conn:
        with pytest.raises(Conflict, match="answered 410"):
            await resend_lost(conn, Lost(START, "acc_1", url), now=clock.now())
        assert await resend_lost(conn, Lost(START, "acc_1"), now=clock.now()) == 0
        assert await open_receiver(conn, "acc_1", url)
        assert not await open_receiver(conn, "acc_1", url)
    assert (await desk.resend(notice_id)).reason is None
    assert isinstance(await deliverer.deliver(notice_id), Noted)
    assert (await desk.read(notice_id)).state == "delivered"


async def test_what_died_since_a_time_is_sent_again_on_a_fresh_schedule(
    desk, deliverer, web, clock
):
    async def die(path: str, account_id: str = "acc_1") -> uuid.UUID:
        notice_id = await desk.add(web.script(path, Reply(500)), account_id=account_id)
        for _ in range(2):
            await deliverer.deliver(notice_id)
            clock.advance(30)
        return notice_id

    await die("/before")
    since = clock.now()
    wanted, other = await die("/hook"), await die("/other")
    foreign = await die("/hook", "acc_2")
    await deliverer.send_test(trial_notice("acc_1", web.url("/hook"), clock.now()))
    await desk.clear_jobs()
    async with transaction(desk.pool) as conn:
        lost = Lost(since, "acc_1", web.url("/hook"))
        assert await resend_lost(conn, lost, now=clock.now()) == 1
        assert await resend_lost(conn, lost, now=clock.now()) == 0
        assert await resend_lost(conn, Lost(since, "acc_1"), now=clock.now()) == 1
        assert await resend_lost(conn, Lost(since), now=clock.now()) == 1
    assert [job.subject for job in await desk.jobs()] == [wanted.hex, other.hex, foreign.hex]
    outcome = await deliverer.deliver(wanted)
    assert isinstance(outcome, Noted)
    assert isinstance(outcome.verdict, RetryAt)


async def test_an_address_may_be_as_long_as_is_allowed_and_of_any_characters(desk, deliverer, web):
    url = web.url("/hook?" + "".join(chr(0x4E00 + n * 37 % 20_000) for n in range(2000)))
    await deliverer.deliver(await desk.add(url))
    await desk.pool.execute("UPDATE notices SET state = 'pending', attempts = 1")
    web.script(web.requests[0].path, Reply(410))
    await deliverer.deliver(await desk.add(url))
    assert [one.url for one in await receivers(desk)] == [url]


async def test_failures_of_long_ago_are_forgotten_and_closed_receivers_are_not(
    desk, deliverer, web, clock
):
    await deliverer.deliver(await desk.add(web.script("/failing", Reply(500))))
    await deliverer.deliver(await desk.add(web.script("/gone", Reply(410))))
    clock.advance((72 + 7 * 24) * HOURS)
    await prune(desk.pool, Rules(), now=clock.now())
    assert len(await receivers(desk)) == 2
    clock.advance(1)
    await prune(desk.pool, Rules(), now=clock.now())
    assert [one.state for one in await receivers(desk)] == ["disabled"]


async def test_a_rotated_secret_signs_beside_the_old_one_until_the_overlap_is_over(
    desk, deliverer, web, clock
):
    clock.moment = real_now()
    async with transaction(desk.pool) as conn:
        secret, until = await rotate_secret(conn, "acc_1", overlap_hours=1, now=clock.now())
    assert until == clock.now() + datetime.timedelta(hours=1)
    await deliverer.deliver(await desk.add(web.url()))
    first = web.requests[-1]
    for one in (secret, SECRET):
        Webhook(one).verify(first.body, first.headers)
    await deliverer.deliver(await desk.add(web.url(), account_id="acc_2"))
    other = web.requests[-1]
    Webhook(SECRET).verify(other.body, other.headers)
    assert other.headers["webhook-signature"].count("v1,") == 1
    clock.advance(HOURS)
    await deliverer.deliver(await desk.add(web.url()))
    assert web.requests[-1].headers["webhook-signature"].count("v1,") == 1
