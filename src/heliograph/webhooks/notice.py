"""A notice: a task's end, or another event, told to one URL. What counts as delivered; the next try."""

import datetime
import uuid
from dataclasses import dataclass
from http import HTTPStatus

from yarl import URL

#: A retry comes up to this share later than its delay, never earlier, so that the notices
#: that one outage turned away do not come back all at once.
SPREAD = 0.2

#: An attempt is lost when the process ends before noting the answer. It costs the receiver
#: none of its tries; but an answer that kills the process that reads it must not do so forever.
MOST_LOST = 5


@dataclass(frozen=True)
class Notice:
    """What is to be told: `body` is sent byte for byte, at every attempt.

    It is about the end of the task `task_id`, or else about an `event` (`balance.low`).
    """

    notice_id: uuid.UUID
    task_id: uuid.UUID | None
    account_id: str
    url: str
    body: bytes
    created_at: datetime.datetime
    event: str | None = None


@dataclass(frozen=True)
class Rules:
    """The operator's settings: one attempt, then one more after each of `retry_seconds`."""

    retry_seconds: tuple[float, ...] = (30, 120, 600)
    timeout_seconds: float = 30
    accept_any_2xx: bool = False


@dataclass(frozen=True)
class Reply:
    """What became of one POST: a status and the start of the answer, or else an error.

    `status` is None when no answer came; `error` is a sentence for the customer, or None
    when the notice counts as delivered.
    """

    latency_ms: int
    status: int | None = None
    error: str | None = None
    answer: str | None = None


@dataclass(frozen=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True)
class RetryAt:
    """Not yet; the next attempt is due at `moment`."""

    moment: datetime.datetime


@dataclass(frozen=True)
class Dead:
    """Every try was used. Only a resend by hand brings it back."""


Verdict = Delivered | RetryAt | Dead


def next_attempt(
    try_no: int, reply: Reply, *, now: datetime.datetime, rules: Rules, jitter: float
) -> Verdict:
    """Decide what follows from the reply to try `try_no` (1 for the first), given at `now`.

    `jitter` (0 to 1) places the retry within the spread. The schedule is that of the
    platform's documentation: one attempt and up to three retries with growing delays.
    """
    if reply.error is None:
        return Delivered()
    if try_no > len(rules.retry_seconds):
        return Dead()
    delay_seconds = rules.retry_seconds[try_no - 1] * (1 + SPREAD * jitter)
    return RetryAt(now + datetime.timedelta(seconds=delay_seconds))


def refusal(status: int, rules: Rules) -> str | None:
    """Why an answer with `status` is not a delivery, in a sentence; None when it is one.

    The documentation names HTTP 200 alone; any 2xx counts by the operator's setting.
    """
    success = status // 100 == HTTPStatus.OK // 100
    if status == HTTPStatus.OK or (success and rules.accept_any_2xx):
        return None
    if status // 100 == HTTPStatus.MULTIPLE_CHOICES // 100:
        return f"The receiver answered {status}, a redirect; redirects are not followed."
    wanted = "a status from 200 to 299" if rules.accept_any_2xx else "200"
    return f"The receiver answered {status}; only {wanted} counts as delivered."


def place_of(url: str) -> str:
    """Host and port of `url`: the place whose notices share a limit, and all that a log shows."""
    parts = URL(url)
    return f"{parts.host}:{parts.port}"
