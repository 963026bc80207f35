"""One signed POST: over the network, or into an inbox of our own."""

import time
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version

from heliograph.base.clock import Clock
from heliograph.base.database import Pool, borrow
from heliograph.base.errors import OutboundFailed, OutboundRefused
from heliograph.base.outbound import Outbound
from heliograph.base.trace import trace_headers
from heliograph.webhooks.inboxes.inbox import Posted, inbox_id_of
from heliograph.webhooks.inboxes.store import add_message
from heliograph.webhooks.notice import Reply, Rules, refusal
from heliograph.webhooks.sign import signed_headers
from heliograph.webhooks.store import Claim

try:
    USER_AGENT = "Heliograph/" + version("heliograph")
except PackageNotFoundError:  # run from a source tree that was never installed
    USER_AGENT = "Heliograph"


@dataclass(frozen=True)
class Post:
    """The way to receivers."""

    pool: Pool
    outbound: Outbound
    clock: Clock
    rules: Rules

    async def send(self, claim: Claim) -> Reply:
        """Make the POST of `claim`. What the receiver does wrong is in the reply, never an exception."""
        started = time.perf_counter()
        inbox_id = inbox_id_of(claim.url, self.rules.public_url)
        if inbox_id is not None:
            return await self._put(claim, inbox_id, started)
        try:
            answer = await self.outbound.post(
                claim.url,
                claim.body,
                self._headers(claim),
                timeout_seconds=self.rules.timeout_seconds,
            )
        except (OutboundRefused, OutboundFailed) as error:
            return Reply(latency_ms=_milliseconds_since(started), error=str(error))
        return Reply(
            latency_ms=answer.latency_ms,
            status=answer.status,
            error=refusal(answer.status, self.rules),
            answer=answer.first_kilobyte,
            retry_after=answer.retry_after,
        )

    async def _put(self, claim: Claim, inbox_id: str, started: float) -> Reply:
        now = self.clock.now()
        async with borrow(self.pool) as conn:
            posted = Posted(headers=self._headers(claim), body=claim.body, received_at=now)
            added = await add_message(conn, inbox_id, posted)
        latency_ms = _milliseconds_since(started)
        if not added:
            return Reply(
                latency_ms, HTTPStatus.NOT_FOUND, "The inbox is gone; it lives for 24 hours."
            )
        return Reply(latency_ms, HTTPStatus.OK)

    def _headers(self, claim: Claim) -> dict[str, str]:
        signature = signed_headers(
            claim.notice_id.hex,
            claim.body,
            secret=claim.webhook_secret,
            previous_secret=claim.previous_secret,
            moment=self.clock.now(),
        )
        return {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            **signature,
        } | trace_headers()


def _milliseconds_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
