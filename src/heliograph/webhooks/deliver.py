"""Deliver a notice: one signed POST, its answer noted, the next attempt arranged."""

import datetime
import random
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from heliograph.base.clock import Clock
from heliograph.base.database import Connection, Pool, borrow, transaction
from heliograph.base.errors import OutboundFailed, OutboundRefused
from heliograph.base.log import log
from heliograph.base.outbound import Answer, Outbound
from heliograph.webhooks import store
from heliograph.webhooks.notice import (
    MOST_LOST,
    Dead,
    Reply,
    RetryAt,
    Rules,
    Verdict,
    next_attempt,
    place_of,
    refusal,
)
from heliograph.webhooks.sign import signed_headers
from heliograph.webhooks.store import Claim

#: POSTs in flight to one host and port, for each process: a receiver that hangs holds no more.
MOST_IN_FLIGHT = 4

#: The first wait for a free lane, and the longest.
LATER_SECONDS = 0.5
LONGEST_LATER_SECONDS = 30.0

#: A claim outlasts the timeout of its POST by this much, the time to note the answer.
LEASE_MARGIN_SECONDS = 30

try:
    USER_AGENT = "Heliograph/" + version("heliograph")
except PackageNotFoundError:  # run from a source tree that was never installed
    USER_AGENT = "Heliograph"


@dataclass(frozen=True)
class Noted:
    """A POST was made and its reply noted, with what follows from it."""

    claim: Claim
    reply: Reply
    verdict: Verdict


@dataclass(frozen=True)
class Later:
    """Nothing was done; ask again after `seconds`: the receiver is busy, or it is too early."""

    seconds: float


@dataclass(frozen=True)
class Nothing:
    """There was nothing to do: the notice has ended, or someone else has it in hand."""


Outcome = Noted | Later | Nothing


class Lanes:
    """How many POSTs are in flight to each place; who finds all lanes taken does not wait there.

    The pause grows with the number turned away since a lane last came free, so that a thousand
    notices for a receiver that hangs cost little, and a quick receiver is soon served.
    """

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._turned_away: dict[str, int] = {}

    def enter(self, place: str) -> Later | None:
        """Take a lane to `place`, to be left again, and give None; or say when to ask again."""
        taken = self._taken.get(place, 0)
        if taken >= MOST_IN_FLIGHT:
            return self._turn_away(place)
        self._taken[place] = taken + 1
        return None

    def leave(self, place: str) -> None:
        """Give back a lane that was entered."""
        self._turned_away.pop(place, None)
        self._taken[place] -= 1
        if not self._taken[place]:
            del self._taken[place]

    def _turn_away(self, place: str) -> Later:
        turned_away = self._turned_away.get(place, 0)
        self._turned_away[place] = turned_away + 1
        seconds = LATER_SECONDS * (1 + turned_away // MOST_IN_FLIGHT)
        return Later(min(seconds, LONGEST_LATER_SECONDS))


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
        self._outbound = outbound
        self._clock = clock
        self._rules = rules
        self._jitter = jitter
        self._lanes = Lanes()

    async def deliver(self, notice_id: uuid.UUID) -> Outcome:
        """Make one attempt at the notice, if it is due and its receiver has a lane free.

        Harmless at any time and any number of times. What the receiver does wrong is a value,
        never an exception; raises Busy when the database cannot be reached, after which the
        attempt counts as lost and the notice is due again when its lease has run out.
        """
        with ExitStack() as lane:
            async with borrow(self._pool) as conn:
                taken = await self._take_up(conn, notice_id, lane)
            return await self._attempt(taken) if isinstance(taken, Claim) else taken

    async def _take_up(
        self, conn: Connection, notice_id: uuid.UUID, lane: ExitStack
    ) -> Claim | Later | Nothing:
        waiting = await store.read_waiting(conn, notice_id)
        if waiting is None:
            return Nothing()
        now = self._clock.now()
        if waiting.due_at > now:
            return Later((waiting.due_at - now).total_seconds())
        place = place_of(waiting.url)
        later = self._lanes.enter(place)
        if later is not None:
            return later
        lane.callback(self._lanes.leave, place)
        lease = datetime.timedelta(seconds=self._rules.timeout_seconds + LEASE_MARGIN_SECONDS)
        claim = await store.claim_notice(conn, notice_id, now=now, lease_until=now + lease)
        return claim or Nothing()

    async def _attempt(self, claim: Claim) -> Noted | Nothing:
        if claim.lost >= MOST_LOST:
            error = f"Not sent: {claim.lost} attempts were lost with the process that made them."
            return await self._note(claim, Reply(latency_ms=0, error=error), Dead())
        reply = await self._post(claim)
        verdict = next_attempt(
            claim.answered + 1,
            reply,
            now=self._clock.now(),
            rules=self._rules,
            jitter=self._jitter(),
        )
        return await self._note(claim, reply, verdict)

    async def _post(self, claim: Claim) -> Reply:
        started = time.perf_counter()
        try:
            answer = await self._outbound.post(
                claim.url,
                claim.body,
                self._headers(claim),
                timeout_seconds=self._rules.timeout_seconds,
            )
        except (OutboundRefused, OutboundFailed) as error:
            return Reply(latency_ms=_milliseconds_since(started), error=str(error))
        return self._reply(answer)

    def _headers(self, claim: Claim) -> dict[str, str]:
        signature = signed_headers(
            claim.notice_id.hex,
            claim.body,
            secret=claim.webhook_secret,
            moment=self._clock.now(),
        )
        return {"content-type": "application/json", "user-agent": USER_AGENT, **signature}

    def _reply(self, answer: Answer) -> Reply:
        return Reply(
            latency_ms=answer.latency_ms,
            status=answer.status,
            error=refusal(answer.status, self._rules),
            answer=answer.first_kilobyte,
        )

    async def _note(self, claim: Claim, reply: Reply, verdict: Verdict) -> Noted | Nothing:
        now = self._clock.now()
        # Most notes are one statement; a retry's job must come with it or not at all.
        opened = transaction if isinstance(verdict, RetryAt) else borrow
        async with opened(self._pool) as conn:
            held = await store.note_reply(conn, claim, reply, verdict=verdict, now=now)
        _tell(claim, reply, verdict, held=held)
        return Noted(claim, reply, verdict) if held else Nothing()


def _milliseconds_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


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
