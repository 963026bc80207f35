"""Deliver a notice: one signed POST, its answer noted, the next attempt arranged."""

import datetime
import random
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from heliograph.base.clock import Clock
from heliograph.base.database import Connection, Pool, borrow, transaction
from heliograph.base.log import log
from heliograph.base.outbound import Outbound
from heliograph.base.trace import is_traced, span
from heliograph.webhooks import store
from heliograph.webhooks.lanes import Lanes, Later
from heliograph.webhooks.notice import (
    MOST_LOST,
    Dead,
    Delivered,
    Notice,
    Reply,
    RetryAt,
    Rules,
    Verdict,
    next_attempt,
    place_of,
)
from heliograph.webhooks.post import Post
from heliograph.webhooks.receivers.close import close
from heliograph.webhooks.receivers.receiver import judge
from heliograph.webhooks.receivers.store import open_receiver
from heliograph.webhooks.store import Claim

#: A claim outlasts the timeout of its POST by this much, the time to note the answer.
LEASE_MARGIN_SECONDS = 30


@dataclass(frozen=True)
class Noted:
    """A POST was made and its reply noted, with what follows from it."""

    claim: Claim
    reply: Reply
    verdict: Verdict


@dataclass(frozen=True)
class Nothing:
    """There was nothing to do: the notice has ended, or someone else has it in hand."""


Outcome = Noted | Later | Nothing


class Deliverer:
    """Delivers notices; one for each process, because it counts the POSTs in flight."""

    def __init__(
        self,
        pool: Pool,
        outbound: Outbound,
        clock: Clock,
        *,
        rules: Rules,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._pool = pool
        self._post = Post(pool, outbound, clock, rules)
        self._clock = clock
        self._rules = rules
        self._jitter = jitter
        self._lanes = Lanes(rules.slots)

    async def deliver(self, notice_id: uuid.UUID) -> Outcome:
        """Make one attempt at the notice, if it is due and its receiver has a lane free.

        Harmless at any time and any number of times. What the receiver does wrong is a value,
        never an exception; raises Busy when the database cannot be reached, after which the
        attempt counts as lost and the notice is due again when its lease has run out.
        """
        with ExitStack() as lane:
            async with borrow(self._pool) as conn:
                taken = await self._take_up(conn, notice_id, lane)
                if not isinstance(taken, Claim):
                    return taken
                parent = await store.read_traceparent(conn, taken) if is_traced() else None
            return await self._traced_attempt(taken, parent)

    async def send_test(self, notice: Notice) -> Noted | Later:
        """Send `notice`, which is not written yet, at once and once, even to a closed receiver.

        A success opens the receiver; a failure has no consequences. Gives Later when all lanes to
        the receiver are taken; then nothing was written.
        """
        with ExitStack() as lane:
            later = self._enter(notice.url, notice.account_id, lane)
            if later is not None:
                return later
            now = self._clock.now()
            async with transaction(self._pool) as conn:
                await store.insert_notice(conn, notice)
                claim = await store.claim_notice(
                    conn, notice.notice_id, now=now, lease_until=now + self._lease
                )
            assert claim is not None, "nobody else can see the notice before the commit"
            reply = await self._post.send(claim)
            return await self._note_test(claim, reply)

    async def _take_up(
        self, conn: Connection, notice_id: uuid.UUID, lane: ExitStack
    ) -> Claim | Later | Nothing:
        waiting = await store.read_waiting(conn, notice_id)
        if waiting is None:
            return Nothing()
        now = self._clock.now()
        if waiting.due_at > now:
            return Later((waiting.due_at - now).total_seconds())
        if waiting.closed is not None:
            await store.bury(conn, notice_id, reason=waiting.closed, now=now)
            return Nothing()
        later = self._enter(waiting.url, waiting.account_id, lane)
        if later is not None:
            return later
        claim = await store.claim_notice(conn, notice_id, now=now, lease_until=now + self._lease)
        return claim or Nothing()

    def _enter(self, url: str, account_id: str, lane: ExitStack) -> Later | None:
        place = place_of(url)
        later = self._lanes.enter(place, account_id)
        if later is None:
            lane.callback(self._lanes.leave, place, account_id)
        return later

    @property
    def _lease(self) -> datetime.timedelta:
        return datetime.timedelta(seconds=self._rules.timeout_seconds + LEASE_MARGIN_SECONDS)

    async def _traced_attempt(self, claim: Claim, parent: str | None) -> Noted | Nothing:
        with span("webhook.attempt", parent, kind="client") as attempt:
            attempt.note("heliograph.attempt_no", claim.attempt_no)
            attempt.note("server.address", place_of(claim.url))
            outcome = await self._attempt(claim)
            if isinstance(outcome, Noted):
                attempt.note("http.response.status_code", outcome.reply.status)
                if outcome.reply.error is not None:
                    attempt.fail(outcome.reply.error)
        return outcome

    async def _attempt(self, claim: Claim) -> Noted | Nothing:
        if claim.lost >= MOST_LOST:
            error = f"Not sent: {claim.lost} attempts were lost with the process that made them."
            return await self._note(claim, Reply(latency_ms=0, error=error), Dead())
        reply = await self._post.send(claim)
        verdict = next_attempt(
            claim.answered + 1,
            reply,
            now=self._clock.now(),
            rules=self._rules,
            jitter=self._jitter(),
        )
        return await self._note(claim, reply, verdict)

    async def _note(self, claim: Claim, reply: Reply, verdict: Verdict) -> Noted | Nothing:
        now = self._clock.now()
        closing = judge(reply, failing_since=claim.failing_since, now=now, rules=self._rules)
        # Most notes are one statement; what must come with it, or not at all, is a retry's job
        # and the closing of the receiver.
        many = isinstance(verdict, RetryAt) or closing is not None
        async with (transaction if many else borrow)(self._pool) as conn:
            held = await store.note_reply(conn, claim, reply, verdict=verdict, now=now)
            if held and closing is not None:
                await close(conn, claim.account_id, claim.url, closing, now=now)
        _tell(claim, reply, verdict, held=held)
        return Noted(claim, reply, verdict) if held else Nothing()

    async def _note_test(self, claim: Claim, reply: Reply) -> Noted:
        now = self._clock.now()
        verdict = Delivered() if reply.error is None else Dead()
        async with transaction(self._pool) as conn:
            await store.note_reply(conn, claim, reply, verdict=verdict, now=now)
            if reply.error is None:
                await open_receiver(conn, claim.account_id, claim.url)
        _tell(claim, reply, verdict, held=True)
        return Noted(claim, reply, verdict)


def _tell(claim: Claim, reply: Reply, verdict: Verdict, *, held: bool) -> None:
    # The URL may carry a token of the customer's in its path or query: its place is enough.
    log.info(
        "webhook attempt",
        task_id=claim.task_id and claim.task_id.hex,
        notice_id=claim.notice_id.hex,
        attempt_no=claim.attempt_no,
        place=place_of(claim.url),
        status=reply.status,
        error=reply.error,
        latency_ms=reply.latency_ms,
        verdict=type(verdict).__name__ if held else "overtaken",
    )
