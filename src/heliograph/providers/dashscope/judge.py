"""What an error of DashScope leads to: words for the customer, an alarm for the operator, an outcome."""

import random
import re
from collections import OrderedDict
from typing import Final

import structlog

from heliograph.providers.dashscope.errors import Blame, Verdict, classify
from heliograph.providers.provider import Alarm, Failed, Missing, Refused
from heliograph.providers.quoted import quoted

MAX_REMEMBERED: Final = 10_000
MOST_FAILED_SUBMITS: Final = 4
MAX_BUSY_SECONDS: Final = 8.0
_KEY_LIKE = re.compile(r"\bsk-[\w*-]+")

NAME: Final = "dashscope"

log = structlog.get_logger()


class Setbacks:
    """How often in a row one task met the same trouble: a memory that may be lost at any time."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def count(self, ref: str, kind: str) -> int:
        """Note one more trouble of this `kind`; how many that makes in a row."""
        last_kind, count = self._counts.pop(ref, (kind, 0))
        count = count + 1 if last_kind == kind else 1
        self._counts[ref] = (kind, count)
        if len(self._counts) > MAX_REMEMBERED:
            self._counts.popitem(last=False)
        return count

    def forget(self, ref: str) -> None:
        """The task is well again, or over."""
        self._counts.pop(ref, None)


class Judge:
    """Classifies errors and tells who has to know."""

    def __init__(self, secret: str, alarm: Alarm) -> None:
        """`secret` is the API key, which no sentence may repeat."""
        self._secret = secret
        self._alarm = alarm

    async def verdict(self, status: int | None, code: str, message: str, ref: str = "") -> Verdict:
        """The meaning of an error, worded for the customer; the operator hears of what only he can mend."""
        verdict = classify(status, code, message)
        quoted = self._quotable(message)
        facts = {"provider": NAME, "ref": ref, "status": status, "upstream_code": code}
        match verdict.blame:
            case Blame.OPERATOR:
                log.error("provider.operator_fault", **facts, reason=quoted)
                await self._alarm(NAME, code or f"HTTP {status}", verdict.remedy)
                return verdict
            case Blame.PROVIDER:
                log.warning("provider.failure", **facts, reason=quoted)
                return verdict
            case Blame.OURS:
                log.error("provider.request_refused", **facts, reason=quoted)
                remedy = "Heliograph sent a request that DashScope refuses; please report it"
                await self._alarm(NAME, code or f"HTTP {status}", f"{remedy}: {quoted}")
            case Blame.CUSTOMER:
                log.info("provider.content_refused", **facts)
        sentence = f"{verdict.message}: {quoted}" if quoted else verdict.message
        return Verdict(verdict.code, sentence, verdict.blame, again=verdict.again)

    async def missing(self, code: str, message: str, ref: str) -> Missing:
        """The reason why one picture of a task was not made."""
        verdict = await self.verdict(None, code, message, ref)
        return Missing(verdict.code, verdict.message)

    def _quotable(self, message: str) -> str:
        """`message` on one line, cut short, without anything that looks like a key."""
        clean = _KEY_LIKE.sub("sk-***", message.replace(self._secret, "***"))
        return quoted(clean)


def refused_submit(verdict: Verdict, tries: int) -> Failed | Refused:
    """The outcome of a submit that was answered with an error after `tries` in a row: no task exists."""
    if verdict.blame in (Blame.CUSTOMER, Blame.OURS):
        return Failed(verdict.code, verdict.message)
    busy = verdict.code == "RateLimitExceeded"
    if busy or (verdict.blame is Blame.PROVIDER and tries < MOST_FAILED_SUBMITS):
        return Refused(verdict.code, verdict.message, backoff_seconds(tries))
    return Refused(verdict.code, verdict.message)


def failed_task(verdict: Verdict, tries: int) -> Failed | Refused:
    """The outcome of a task that ended as FAILED, for which nothing is owed."""
    if verdict.blame in (Blame.CUSTOMER, Blame.OURS) or verdict.code == "Timeout":
        return Failed(verdict.code, verdict.message)
    again = verdict.again and tries < MOST_FAILED_SUBMITS
    return Refused(verdict.code, verdict.message, backoff_seconds(tries) if again else None)


def backoff_seconds(tries: int) -> float:
    """1, 2, 4, then 8 seconds, and up to half as much again, so that many do not come at once."""
    seconds = min(MAX_BUSY_SECONDS, 2.0 ** min(tries - 1, 10))
    return seconds * random.uniform(1, 1.5)  # noqa: S311 - spreads load, guards nothing
