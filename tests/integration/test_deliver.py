import asyncio
import datetime
import uuid

import pytest
from pgqueuer import PgQueuer, RetryRequested
from pgqueuer.models import Job
from standardwebhooks import Webhook, WebhookVerificationError
from structlog.testing import capture_logs

from heliograph.base.clock import Clock, SettableClock
from heliograph.base.outbound import Outbound
from heliograph.webhooks.deliver import Deliverer, Noted, Nothing
from heliograph.webhooks.lanes import MOST_IN_FLIGHT, Later
from heliograph.webhooks.notice import MOST_LOST, Dead, Delivered, RetryAt, Rules
from support.notices import SECRET, Desk
from support.receiver import Drip, Hang, Received, Receiver, Reply, Reset, redirect

DELAYS = (30, 120, 600)
LEASE_SECONDS = 61


@pytest.fixture
def clock():
    return SettableClock(datetime.datetime.now(datetime.UTC))


@pytest.fixture
async def outbound():
    async with Outbound(["127.0.0.0/8"]) as outbound:
        yield outbound


@pytest.fixture
async def receiver():
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def desk(pool, clock):
    desk = Desk(pool, clock)
    await desk.open_account("acc_1")
    return desk


@pytest.fixture
def new_deliverer(pool, clock, outbound):
    """Each one stands for a process of its own."""

    def make(**rules: object) -> Deliverer:
        return Deliverer(pool, outbound, clock, rules=Rules(**rules), jitter=lambda: 0)

    return make


@pytest.fixture
def deliverer(new_deliverer):
    return new_deliverer()


def verdict(outcome: object) -> object:
    assert isinstance(outcome, Noted), outcome
    return outcome.verdict


async def die_in_flight(deliverer: Deliverer, notice_id: uuid.UUID, receiver: Receiver) -> None:
    """The process ends between the POST and the note."""
    attempt = asyncio.create_task(deliverer.deliver(notice_id))
    await receiver.arrived(len(receiver.requests) + 1)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt


def verify(request: Received) -> None:
    Webhook(SECRET).verify(request.body, request.headers)


async def test_the_receiver_gets_the_very_body_signed_and_as_json(desk, deliverer, receiver):
    body = '{"code":200,"data":{"failMsg":"caf\\u00e9 ✓",  "b":1}}'.encode()
    notice_id = await desk.add(receiver.url("/hook?token=x"), body)
    assert verdict(await deliverer.deliver(notice_id)) == Delivered()
    (request,) = receiver.requests
    verify(request)
    assert (request.method, request.path, request.body) == ("POST", "/hook?token=x", body)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("Heliograph")
    assert request.headers["webhook-id"] == notice_id.hex


async def test_a_body_that_was_changed_on_its_way_does_not_verify(desk, deliverer, receiver):
    await deliverer.deliver(await desk.add(receiver.url()))
    request = receiver.requests[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", request.headers)


async def test_a_delivery_is_on_record_with_its_answer(desk, deliverer, receiver, clock):
    url = receiver.script("/hook", Reply(200, b"thank\0you" + b"." * 5_000))
    notice_id = await desk.add(url)
    await deliverer.deliver(notice_id)
    delivery = await desk.read(notice_id)
    (attempt,) = delivery.attempts
    assert (delivery.state, delivery.ended_at) == ("delivered", clock.now())
    assert (attempt.attempt_no, attempt.status, attempt.error) == (1, 200, None)
    assert attempt.started_at == clock.now()
    assert attempt.latency_ms >= 0
    assert attempt.answer.startswith("thank\N{REPLACEMENT CHARACTER}you")
    assert len(attempt.answer) == 1024


async def test_a_delivered_notice_is_not_sent_again(desk, deliverer, receiver):
    notice_id = await desk.add(receiver.url())
    await deliverer.deliver(notice_id)
    assert await deliverer.deliver(notice_id) == Nothing()
    assert await deliverer.deliver(uuid.uuid4()) == Nothing()
    assert len(receiver.requests) == 1


async def test_a_failing_receiver_gets_four_attempts_with_growing_delays_and_no_more(
    desk, deliverer, receiver, clock
):
    notice_id = await desk.add(receiver.script("/hook", Reply(500, b"out of order")))
    for delay in DELAYS:
        await desk.clear_jobs()
        now = clock.now()
        assert verdict(await deliverer.deliver(notice_id)) == RetryAt(
            now + datetime.timedelta(seconds=delay)
        )
        assert [(job.subject, job.after_seconds) for job in await desk.jobs()] == [
            (notice_id.hex, delay)
        ]
        clock.advance(delay)
    await desk.clear_jobs()
    assert verdict(await deliverer.deliver(notice_id)) == Dead()
    clock.advance(86_400)
    assert await deliverer.deliver(notice_id) == Nothing()
    assert len(receiver.requests) == 4
    assert await desk.jobs() == []
    delivery = await desk.read(notice_id)
    assert delivery.state == "dead"
    assert [attempt.status for attempt in delivery.attempts] == [500] * 4
    assert delivery.attempts[0].answer == "out of order"


async def test_every_attempt_has_the_same_id_and_body_and_a_signature_of_its_own(
    desk, deliverer, receiver, clock
):
    notice_id = await desk.add(receiver.script("/hook", Reply(503), Reply(200)))
    await deliverer.deliver(notice_id)
    clock.advance(30)
    assert verdict(await deliverer.deliver(notice_id)) == Delivered()
    first, second = receiver.requests
    verify(first)
    verify(second)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]


async def test_a_job_that_comes_early_is_told_when_to_come_back(desk, deliverer, receiver, clock):
    notice_id = await desk.add(receiver.script("/hook", Reply(500)))
    await deliverer.deliver(notice_id)
    clock.advance(29.5)
    assert await deliverer.deliver(notice_id) == Later(0.5)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("behaviour", "recorded"),
    [
        (Reply(204, b""), (204, "The receiver answered 204; only 200 counts as delivered.")),
        (Reply(404), (404, "The receiver answered 404; only 200 counts as delivered.")),
        (Reset(), (None, "127.0.0.1 broke the connection or sent no proper HTTP.")),
        (Hang(), (None, "127.0.0.1 took longer than 0.1 seconds.")),
        (Drip(), (None, "127.0.0.1 took longer than 0.1 seconds.")),
    ],
    ids=["another-2xx", "404", "reset", "hang", "drip"],
)
async def test_anything_but_200_in_time_is_a_failed_attempt_with_a_reason(
    desk, new_deliverer, receiver, behaviour, recorded
):
    notice_id = await desk.add(receiver.script("/hook", behaviour))
    outcome = await new_deliverer(timeout_seconds=0.1).deliver(notice_id)
    assert isinstance(verdict(outcome), RetryAt)
    delivery = await desk.read(notice_id)
    assert delivery.state == "pending"
    assert (delivery.attempts[0].status, delivery.attempts[0].error) == recorded


async def test_a_redirect_is_not_followed_and_fails(desk, deliverer, receiver):
    notice_id = await desk.add(receiver.script("/hook", redirect(receiver.url("/elsewhere"))))
    assert isinstance(verdict(await deliverer.deliver(notice_id)), RetryAt)
    assert [request.path for request in receiver.requests] == ["/hook"]
    (attempt,) = (await desk.read(notice_id)).attempts
    assert attempt.error == "The receiver answered 302, a redirect; redirects are not followed."


async def test_any_2xx_is_a_delivery_by_the_operators_setting(desk, new_deliverer, receiver):
    notice_id = await desk.add(receiver.script("/hook", Reply(202)))
    assert verdict(await new_deliverer(accept_any_2xx=True).deliver(notice_id)) == Delivered()


@pytest.mark.parametrize("url", ["https://127.0.0.1:443/hook", "https://169.254.169.254/latest"])
async def test_a_private_address_is_refused_and_the_record_says_so(desk, pool, clock, url):
    notice_id = await desk.add(url)
    async with Outbound() as outbound:
        deliverer = Deliverer(pool, outbound, clock, rules=Rules(), jitter=lambda: 0)
        assert isinstance(verdict(await deliverer.deliver(notice_id)), RetryAt)
    (attempt,) = (await desk.read(notice_id)).attempts
    assert attempt.status is None
    assert attempt.error.endswith("is not a public address.")


async def test_two_jobs_for_one_notice_make_one_post(desk, new_deliverer, receiver):
    notice_id = await desk.add(receiver.url())
    outcomes = await asyncio.gather(*(new_deliverer().deliver(notice_id) for _ in range(8)))
    assert sum(isinstance(outcome, Noted) for outcome in outcomes) == 1
    assert len(receiver.requests) == 1


async def test_a_job_that_meets_a_post_in_flight_waits_for_the_lease(desk, new_deliverer, receiver):
    notice_id = await desk.add(receiver.script("/hook", Hang()))
    first = asyncio.create_task(new_deliverer().deliver(notice_id))
    await receiver.arrived(1)
    assert await new_deliverer().deliver(notice_id) == Later(60)
    receiver.release()
    assert verdict(await first) == Delivered()


async def test_an_attempt_lost_in_a_crash_is_made_again_and_costs_the_receiver_no_try(
    desk, new_deliverer, receiver, clock
):
    notice_id = await desk.add(receiver.script("/hook", Hang(), Reply(500)))
    await die_in_flight(new_deliverer(), notice_id, receiver)
    clock.advance(LEASE_SECONDS)
    for delay in DELAYS:
        retry = RetryAt(clock.now() + datetime.timedelta(seconds=delay))
        assert verdict(await new_deliverer().deliver(notice_id)) == retry
        clock.advance(delay)
    assert verdict(await new_deliverer().deliver(notice_id)) == Dead()
    assert {(r.headers["webhook-id"], r.body) for r in receiver.requests} == {
        (notice_id.hex, receiver.requests[0].body)
    }
    attempts = (await desk.read(notice_id)).attempts
    assert [attempt.attempt_no for attempt in attempts] == [1, 2, 3, 4, 5]
    assert [attempt.status for attempt in attempts] == [None, 500, 500, 500, 500]
    assert attempts[0].latency_ms is None


async def test_a_notice_whose_posts_keep_killing_the_process_is_given_up(
    desk, new_deliverer, receiver, clock
):
    notice_id = await desk.add(receiver.script("/hook", Hang()))
    for _ in range(MOST_LOST):
        await die_in_flight(new_deliverer(), notice_id, receiver)
        clock.advance(LEASE_SECONDS)
    assert verdict(await new_deliverer().deliver(notice_id)) == Dead()
    assert len(receiver.requests) == MOST_LOST
    last = (await desk.read(notice_id)).attempts[-1]
    assert last.error == "Not sent: 5 attempts were lost with the process that made them."


@pytest.mark.parametrize("second", [200, 503], ids=["delivered since", "to be retried since"])
async def test_an_answer_that_comes_after_the_lease_is_history_and_decides_nothing(
    desk, new_deliverer, receiver, clock, second
):
    notice_id = await desk.add(receiver.script("/hook", Hang(Reply(500)), Reply(second)))
    stalled = asyncio.create_task(new_deliverer().deliver(notice_id))
    await receiver.arrived(1)
    clock.advance(LEASE_SECONDS)
    assert isinstance(await new_deliverer().deliver(notice_id), Noted)
    before = await desk.read(notice_id)
    clock.advance(1)
    receiver.release()
    assert await stalled == Nothing()
    delivery = await desk.read(notice_id)
    assert (delivery.state, delivery.due_at) == (before.state, before.due_at)
    assert [attempt.status for attempt in delivery.attempts] == [500, second]


async def test_a_receiver_that_hangs_delays_nobody_else(desk, deliverer, receiver):
    slow = [await desk.add(receiver.script("/slow", Hang())) for _ in range(8)]
    in_flight = [asyncio.create_task(deliverer.deliver(notice_id)) for notice_id in slow[:4]]
    await receiver.arrived(MOST_IN_FLIGHT)
    async with Receiver() as other:
        turned_away = [await deliverer.deliver(notice_id) for notice_id in slow[4:]]
        assert verdict(await deliverer.deliver(await desk.add(other.url()))) == Delivered()
    assert turned_away == [Later(0.5)] * 4
    assert not any(attempt.done() for attempt in in_flight)
    assert [(await desk.read(notice_id)).attempts for notice_id in slow[4:]] == [()] * 4
    receiver.release()
    assert [verdict(outcome) for outcome in await asyncio.gather(*in_flight)] == [Delivered()] * 4
    rest = await asyncio.gather(*(deliverer.deliver(notice_id) for notice_id in slow[4:]))
    assert [verdict(outcome) for outcome in rest] == [Delivered()] * 4


async def test_an_attempt_that_dies_gives_its_lane_back(desk, deliverer, receiver, clock):
    url = receiver.script("/hook", *[Hang()] * MOST_IN_FLIGHT, Reply())
    for _ in range(MOST_IN_FLIGHT):
        await die_in_flight(deliverer, await desk.add(url), receiver)
    assert verdict(await deliverer.deliver(await desk.add(url))) == Delivered()


async def test_a_dead_notice_sent_again_by_hand_has_a_fresh_schedule(
    desk, deliverer, receiver, clock
):
    notice_id = await desk.add(receiver.script("/hook", Reply(500)))
    for delay in (*DELAYS, 1):
        await deliverer.deliver(notice_id)
        clock.advance(delay)
    await desk.clear_jobs()
    again = await desk.resend(notice_id)
    assert (again.state, again.ended_at, len(again.attempts)) == ("pending", None, 4)
    assert [job.subject for job in await desk.jobs()] == [notice_id.hex]
    for delay in DELAYS:
        retry = RetryAt(clock.now() + datetime.timedelta(seconds=delay))
        assert verdict(await deliverer.deliver(notice_id)) == retry
        clock.advance(delay)
    assert verdict(await deliverer.deliver(notice_id)) == Dead()
    attempts = (await desk.read(notice_id)).attempts
    assert [attempt.attempt_no for attempt in attempts] == list(range(1, 9))
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


async def test_a_delivered_notice_can_be_sent_again(desk, deliverer, receiver, clock):
    notice_id = await desk.add(receiver.url())
    await deliverer.deliver(notice_id)
    clock.advance(1)
    await desk.resend(notice_id)
    assert verdict(await deliverer.deliver(notice_id)) == Delivered()
    assert len(receiver.requests) == 2


async def test_a_notice_that_waits_for_its_retry_can_be_sent_at_once(
    desk, deliverer, receiver, clock
):
    notice_id = await desk.add(receiver.script("/hook", Reply(500)))
    await deliverer.deliver(notice_id)
    clock.advance(1)
    await desk.resend(notice_id)
    retry = RetryAt(clock.now() + datetime.timedelta(seconds=DELAYS[0]))
    assert verdict(await deliverer.deliver(notice_id)) == retry


async def test_a_notice_in_flight_is_not_sent_a_second_time_by_hand(desk, deliverer, receiver):
    notice_id = await desk.add(receiver.script("/hook", Hang()))
    attempt = asyncio.create_task(deliverer.deliver(notice_id))
    await receiver.arrived(1)
    await desk.resend(notice_id)
    assert isinstance(await deliverer.deliver(notice_id), Later)
    receiver.release()
    assert verdict(await attempt) == Delivered()
    assert len(receiver.requests) == 1


async def test_the_log_names_the_task_and_no_secret(desk, deliverer, receiver):
    notice_id = await desk.add(receiver.url("/hook?token=hush"))
    with capture_logs() as lines:
        await deliverer.deliver(notice_id)
    (line,) = lines
    assert line["task_id"] == (await desk.read(notice_id)).task_id.hex
    assert (line["event"], line["attempt_no"], line["status"]) == ("webhook attempt", 1, 200)
    assert line["place"] == f"127.0.0.1:{receiver.port}"
    assert "hush" not in str(line)
    assert SECRET not in str(line)


async def test_the_job_queue_carries_a_notice_through_its_retries(desk, pool, outbound, receiver):
    deliverer = Deliverer(pool, outbound, Clock(), rules=Rules(retry_seconds=(0.05, 0.1, 0.2)))
    queue = PgQueuer.from_asyncpg_pool(pool)

    @queue.entrypoint("deliver")
    async def deliver(job: Job) -> None:
        outcome = await deliverer.deliver(uuid.UUID((job.payload or b"").decode()))
        if isinstance(outcome, Later):
            raise RetryRequested(datetime.timedelta(seconds=outcome.seconds))
        if isinstance(outcome, Noted) and outcome.verdict == Delivered():
            queue.shutdown.set()

    url = receiver.script("/hook", Reply(500), Reset(), Reply(503), Reply(200))
    notice_id = await Desk(pool, Clock()).add(url)
    async with asyncio.timeout(20):
        await queue.run(dequeue_timeout=datetime.timedelta(seconds=1))
    attempts = (await desk.read(notice_id)).attempts
    assert [attempt.status for attempt in attempts] == [500, None, 503, 200]
