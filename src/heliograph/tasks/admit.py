"""Which of the tasks that wait for the same commit are accepted. Pure arithmetic on locked balances."""

import datetime
import uuid
from collections.abc import Mapping, Sequence

import msgspec

from heliograph.accounts.account import Key
from heliograph.base.errors import Fault, PaymentRequired, TooManyRequests
from heliograph.catalog.request import Submission
from heliograph.ledger.money import Balance, format_dollars

#: When a slot may be free again: the shortest time in which a task usually ends.
LIVE_TASKS_RETRY_SECONDS = 5


class Draft(msgspec.Struct, frozen=True):
    """A task that asks to be admitted, with its price already frozen."""

    task_id: uuid.UUID
    key: Key
    submission: Submission
    unit_price_micros: int
    hold_micros: int
    queue: str
    created_at: datetime.datetime
    deadline_at: datetime.datetime


class Admitted(msgspec.Struct, frozen=True):
    """`priority` is minus the number of the account's open tasks, so that a crowd waits for others."""

    draft: Draft
    priority: int


def admit(drafts: Sequence[Draft], balances: Mapping[str, Balance]) -> list[Admitted | Fault]:
    """Decide each draft on its own, in order; a refused one takes nothing from its neighbours.

    The live-task limit is judged before the money (429 before 402).
    """
    available = {account: balance.available_micros for account, balance in balances.items()}
    live = {account: balance.live_tasks for account, balance in balances.items()}
    decisions: list[Admitted | Fault] = []
    for draft in drafts:
        account = draft.key.account_id
        limit = balances[account].max_live_tasks
        if live[account] >= limit:
            decisions.append(_too_many(limit))
        elif draft.hold_micros > available[account]:
            decisions.append(_too_poor(draft.hold_micros, available[account]))
        else:
            decisions.append(Admitted(draft, -live[account]))
            available[account] -= draft.hold_micros
            live[account] += 1
    return decisions


def _too_many(limit: int) -> Fault:
    return TooManyRequests(
        f"The account has {limit} unfinished tasks, its limit. Wait until some have ended.",
        LIVE_TASKS_RETRY_SECONDS,
    )


def _too_poor(needed_micros: int, available_micros: int) -> Fault:
    needed, available = format_dollars(needed_micros), format_dollars(available_micros)
    return PaymentRequired(
        f"Insufficient balance: the task needs {needed}, available is {available}."
        " Add balance or ask for fewer images."
    )
