"""The public JSON of webhooks: what comes in, what goes out."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from heliograph.api.query import LATEST_MS
from heliograph.base.clock import unix_ms
from heliograph.webhooks.deliveries.store import Attempt, Delivery, DeliveryState
from heliograph.webhooks.inboxes.inbox import Inbox, Message
from heliograph.webhooks.receivers.receiver import Receiver, ReceiverState
from heliograph.webhooks.rotate import MOST_OVERLAP_HOURS
from heliograph.webhooks.sign import is_signed


class AttemptData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One POST. Without `latencyMs` it is under way, or was lost with its process.

    `error` is why it is no delivery; `answer` has the first kilobyte of what the receiver said.
    """

    number: int
    time: int
    status: int | None = None
    latency_ms: int | None = None
    error: str | None = None
    answer: str | None = None


class DeliveryData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """What was told to a receiver: the end of a task (`taskId`), or an `event`; with every attempt.

    `id` is the `webhook-id` of its headers. `reason` says why it is dead without more attempts.
    """

    id: str
    task_id: str | None = None
    event: str | None = None
    url: str
    state: DeliveryState
    create_time: int
    end_time: int | None = None
    next_attempt_time: int | None = None
    reason: str | None = None
    attempts: list[AttemptData]


class DeliveryList(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A page of deliveries, the youngest first; `nextCursor` leads to the next page, if there is one."""

    items: list[DeliveryData]
    next_cursor: str | None = None


class ResendBody(msgspec.Struct, frozen=True):
    """Which dead deliveries to send again: all that died since then, or those for one `url`."""

    since: Annotated[int, Meta(ge=0, le=LATEST_MS, description="Unix milliseconds.")]
    url: str | None = None


class Resent(msgspec.Struct, frozen=True):
    """How many are sent again."""

    resent: int


class UrlBody(msgspec.Struct, frozen=True):
    """The receiver that is meant."""

    url: str


class ReceiverData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A receiver in trouble. An `active` one fails since `failingSince`; the others get nothing.

    `reason` says why it is `paused` or `disabled`, and what to do.
    """

    url: str
    state: ReceiverState
    failing_since: int
    changed_time: int
    reason: str | None = None


class ReceiverList(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A page of the receivers in trouble, by URL; one that is not there is in good order."""

    items: list[ReceiverData]
    next_cursor: str | None = None


class Enabled(msgspec.Struct, frozen=True):
    """The receiver gets notices again."""

    url: str
    enabled: Literal[True] = True


class RotateBody(msgspec.Struct, frozen=True, rename="camel"):
    """How long the present secret signs beside the new one."""

    overlap_hours: Annotated[int, Meta(ge=0, le=MOST_OVERLAP_HOURS)] = 24


class RotatedSecret(msgspec.Struct, frozen=True, rename="camel"):
    """The new secret, and until when the one before it counts."""

    secret: str
    previous_valid_until: int


class InboxData(msgspec.Struct, frozen=True, rename="camel"):
    """An inbox: `url` takes messages, as a `callback_url` and from whoever knows it."""

    inbox_id: str
    url: str
    expires_time: int


class MessageData(msgspec.Struct, frozen=True, rename="camel"):
    """A message. `signatureValid`: signed with a secret of the account, at about the time it came."""

    id: int
    time: int
    headers: dict[str, str]
    body: str
    signature_valid: bool


class MessageList(msgspec.Struct, frozen=True):
    """The messages behind `after`, the oldest first; ask again behind the last one's id."""

    items: list[MessageData]


class Accepted(msgspec.Struct, frozen=True):
    """The message lies in the inbox."""

    accepted: Literal[True] = True


def delivery_data(delivery: Delivery) -> DeliveryData:
    """`delivery` as its owner sees it; while an attempt is under way there is no next one."""
    last = delivery.attempts[-1] if delivery.attempts else None
    waits = delivery.state == "pending" and (last is None or last.latency_ms is not None)
    return DeliveryData(
        id=delivery.notice_id.hex,
        task_id=delivery.task_id.hex if delivery.task_id else None,
        event=delivery.event,
        url=delivery.url,
        state=delivery.state,
        create_time=unix_ms(delivery.created_at),
        end_time=unix_ms(delivery.ended_at) if delivery.ended_at else None,
        next_attempt_time=unix_ms(delivery.due_at) if waits else None,
        reason=delivery.reason,
        attempts=[_attempt(one) for one in delivery.attempts],
    )


def _attempt(attempt: Attempt) -> AttemptData:
    return AttemptData(
        attempt.attempt_no,
        unix_ms(attempt.started_at),
        attempt.status,
        attempt.latency_ms,
        attempt.error,
        attempt.answer,
    )


def receiver_data(receiver: Receiver) -> ReceiverData:
    """`receiver` as its owner sees it."""
    return ReceiverData(
        receiver.url,
        receiver.state,
        unix_ms(receiver.failing_since),
        unix_ms(receiver.changed_at),
        receiver.reason,
    )


def message_data(message: Message, inbox: Inbox) -> MessageData:
    """`message` as the owner of `inbox` sees it; bytes that are no UTF-8 are replaced."""
    return MessageData(
        message.message_id,
        unix_ms(message.received_at),
        dict(message.headers),
        message.body.decode(errors="replace"),
        is_signed(message.headers, message.body, secrets=inbox.secrets, moment=message.received_at),
    )
