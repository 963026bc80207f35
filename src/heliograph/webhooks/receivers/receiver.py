"""A receiver: one account's URL. When it is closed to further notices."""

import datetime
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from heliograph.webhooks.notice import Reply, Rules

ReceiverState = Literal["active", "paused", "disabled"]


@dataclass(frozen=True)
class Receiver:
    """A receiver of which there is something to say: it fails since then, or it is closed.

    `reason` is a sentence for the customer, or None while it is active.
    """

    account_id: str
    url: str
    state: ReceiverState
    failing_since: datetime.datetime
    reason: str | None
    changed_at: datetime.datetime


@dataclass(frozen=True)
class Closing:
    """The receiver gets no more, for this `reason`, if it has failed since `failing_before`."""

    state: Literal["paused", "disabled"]
    reason: str
    failing_before: datetime.datetime


def judge(
    reply: Reply, *, failing_since: datetime.datetime | None, now: datetime.datetime, rules: Rules
) -> Closing | None:
    """Decide whether a reply, given at `now`, closes the receiver; most do not.

    `failing_since` is the first failure after which nothing was delivered, or None.
    """
    if reply.status == HTTPStatus.GONE:
        return Closing("disabled", f"The receiver answered 410, so it is disabled. {CURE}", now)
    if reply.error is None or failing_since is None:
        return None
    cutoff = now - datetime.timedelta(hours=rules.pause_hours)
    if failing_since > cutoff:
        return None
    return Closing(
        "paused",
        f"The receiver has failed for {rules.pause_hours:g} hours without one success,"
        f" so it is paused. {CURE}",
        cutoff,
    )


CURE = "Enable it, or send it a test that succeeds, and it gets notices again."
