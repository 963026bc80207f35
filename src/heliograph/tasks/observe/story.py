"""What happened to a task, in order, and what became of its money: pure functions of its rows."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from heliograph.base.clock import unix_ms
from heliograph.ledger.money import Transfer, dollars, format_dollars
from heliograph.tasks.task import TaskDetail

ORDER = (
    "received",
    "held",
    "claimed",
    "dispatched",
    "refused",
    "unknown",
    "polled",
    "stored",
    "success",
    "failed",
    "charged",
    "refunded",
    "files deleted",
)


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the timeline: what, when (Unix ms), at which provider, and a word about it."""

    event: str
    time: int
    provider: str | None = None
    detail: str | None = None


class Line(msgspec.Struct, frozen=True):
    """One movement of money: `kind` as in the ledger, dollars, Unix milliseconds."""

    kind: str
    amount: float
    time: int


class Receipt(msgspec.Struct, frozen=True):
    """The money of a task in dollars: held at submit, charged for images, given back."""

    held: float
    charged: float
    refunded: float
    lines: list[Line]


def receipt_of(transfers: Sequence[Transfer]) -> Receipt:
    """The receipt that a task's ledger rows make."""
    lines = [Line(t.kind, dollars(t.amount_micros), unix_ms(t.created_at)) for t in transfers]
    sums = {
        kind: dollars(sum(t.amount_micros for t in transfers if t.kind == kind))
        for kind in ("hold", "charge", "release")
    }
    return Receipt(sums["hold"], sums["charge"], sums["release"], lines)


def timeline_of(
    task: TaskDetail, attempts: Sequence[Mapping[str, Any]], transfers: Sequence[Transfer]
) -> list[Event]:
    """What happened from the submission to the end, the oldest first."""
    told = [*_moments(task), *_calls(attempts), *_money(transfers)]
    return [
        Event(event, unix_ms(moment), provider, detail)
        for moment, event, provider, detail in sorted(told, key=_place)
    ]


def _place(told: "Told") -> tuple[datetime.datetime, int]:
    """What is of the same transaction has the same time: then the order of the steps decides."""
    return told[0], ORDER.index(told[1])


Told = tuple[datetime.datetime, str, str | None, str | None]


def _moments(task: TaskDetail) -> Iterator[Told]:
    yield task.created_at, "received", None, None
    if task.claimed_at is not None:
        yield task.claimed_at, "claimed", None, None
    if task.checked_at is not None:
        yield task.checked_at, "polled", task.provider, _times(task.checks)
    if task.stored_at is not None:
        yield task.stored_at, "stored", None, f"{len(task.paths)} of {task.num_images} images"
    if task.completed_at is not None:
        yield task.completed_at, task.state, None, task.fail_message
    if task.files_deleted_at is not None and task.paths:
        yield task.files_deleted_at, "files deleted", None, None


def _calls(attempts: Sequence[Mapping[str, Any]]) -> Iterator[Told]:
    for attempt in attempts:
        yield attempt["intended_at"], "dispatched", attempt["provider"], None
        if attempt["outcome"] in ("refused", "unknown") and attempt["ended_at"] is not None:
            yield attempt["ended_at"], attempt["outcome"], attempt["provider"], attempt["detail"]


def _money(transfers: Sequence[Transfer]) -> Iterator[Told]:
    events = {"hold": "held", "charge": "charged", "release": "refunded"}
    for transfer in transfers:
        amount = format_dollars(transfer.amount_micros)
        yield transfer.created_at, events[transfer.kind], None, amount


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times, at last then"
