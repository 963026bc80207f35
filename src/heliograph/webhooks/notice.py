"""A notice: a task's end, or another event, told to one URL. What counts as delivered; the next try."""

import datetime
import email.utils
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


#: The event of a notice that a customer sends to try a receiver.
TEST = "webhook.test"

#: A receiver may ask in Retry-After for no more than this.
LONGEST_RETRY_AFTER_SECONDS = 3600

#: The answers whose Retry-After counts: the receiver is overloaded.
OVERLOADED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


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
    """The operator's settings: one attempt, then one more after each of `retry_seconds`.

    A receiver is paused that fails for `pause_hours`; what has ended is kept for `keep_days`. Inboxes lie under `public_url`.
    Attempts share the `slots` of their worker with tasks.
    """

    retry_seconds: tuple[float, ...] = (30, 120, 600)
    timeout_seconds: float = 30
    accept_any_2xx: bool = False
    pause_hours: float = 72
    keep_days: int = 90
    public_url: str = ""
    slots: int = 200


@dataclass(frozen=True)
class Reply:
    """What became of one POST: a status and the start of the answer, or else an error.

    `status` is None when no answer came; `error` is a sentence for the customer, or None
    when the notice counts as delivered. `retry_after` is that header as it came.
    """

    latency_ms: int
    status: int | None = None
    error: str | None = None
    answer: str | None = None
    retry_after: str | None = None


@dataclass(frozen=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True)
class RetryAt:
    """Not yet; the next attempt is due at `moment`."""

    moment: datetime.datetime


@dataclass(frozen=True)
class Dead:
    """Every try was used, or the receiver wants no more. Only a resend by hand brings it back."""


Verdict = Delivered | RetryAt | Dead


def next_attempt(
    try_no: int, reply: Reply, *, now: datetime.datetime, rules: Rules, jitter: float
) -> Verdict:
    """Decide what follows from the reply to try `try_no` (1 for the first), given at `now`.

    `jitter` (0 to 1) places the retry within the spread. The schedule is that of the
    platform's documentation: one attempt and up to three retries with growing delays. A receiver
    that is overloaded may put a retry off, but not bring it forward.
    """
    if reply.error is None:
        return Delivered()
    if reply.status == HTTPStatus.GONE or try_no > len(rules.retry_seconds):
        return Dead()
    spread = 1 + SPREAD * jitter
    asked_seconds = min(_asked_seconds(reply, now) * spread, LONGEST_RETRY_AFTER_SECONDS)
    delay_seconds = max(rules.retry_seconds[try_no - 1] * spread, asked_seconds)
    return RetryAt(now + datetime.timedelta(seconds=delay_seconds))


def _asked_seconds(reply: Reply, now: datetime.datetime) -> float:
    if reply.status not in OVERLOADED or reply.retry_after is None:
        return 0
    return retry_after_seconds(reply.retry_after, now)


def retry_after_seconds(text: str, now: datetime.datetime) -> float:
    """What a Retry-After header asks for, a number or a date; 0 when it is neither, or is past."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        # A number of many digits is longer than any limit; Python refuses to read thousands of them.
        return float(text[:18])
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or now.tzinfo) - now).total_seconds())


def refusal(status: int, rules: Rules) -> str | None:
    """Why an answer with `status` is not a delivery, in a sentence; None when it is one.

    The documentation names HTTP 200 alone; any 2xx counts by the operator's setting.
    """
    success = status // 100 == HTTPStatus.OK // 100
    if status == HTTPStatus.OK or (success and rules.accept_any_2xx):
        return None
    if status // 100 == HTTPStatus.MULTIPLE_CHOICES // 100:
        return f"The receiver answered {status}, a redirect; redirects are not followed."
    if status == HTTPStatus.GONE:
        return "The receiver answered 410: it wants no more notices."
    wanted = "a status from 200 to 299" if rules.accept_any_2xx else "200"
    return f"The receiver answered {status}; only {wanted} counts as delivered."


def place_of(url: str) -> str:
    """Host and port of `url`: the place whose notices share a limit, and all that a log shows."""
    parts = URL(url)
    return f"{parts.raw_host}:{parts.port}"
