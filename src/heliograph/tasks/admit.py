"""Which of the tasks that wait for the same commit are accepted. Pure arithmetic on locked balances."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from heliograph.accounts.account import Key
from heliograph.accounts.spending.budget import Budget, Overrun
from heliograph.base.errors import Fault, PaymentRequired, TooManyRequests, UnprocessableEntity
from heliograph.catalog.request import Submission
from heliograph.ledger.money import Balance, format_dollars
from heliograph.tasks.idempotency.key import Remembered, check_repetition, name_of

#: When a slot may be free again: the shortest time in which a task usually ends.
LIVE_TASKS_RETRY_SECONDS = 5


class Draft(msgspec.Struct, frozen=True):
    """A task that asks to be admitted, with its price already frozen.

    `request_sha256` tells what came with the `idempotency_key`; it is empty without one. One that
    begins `at_once` needs no job: who accepts it has a slot for it.
    """

    task_id: uuid.UUID
    key: Key
    submission: Submission
    unit_price_micros: int
    hold_micros: int
    queue: str
    created_at: datetime.datetime
    deadline_at: datetime.datetime
    idempotency_key: str | None = None
    request_sha256: bytes = b""
    batch_id: uuid.UUID | None = None
    traceparent: str | None = None
    at_once: bool = False


class Admitted(msgspec.Struct, frozen=True):
    """`priority` is minus the number of the account's open tasks, so that a crowd waits for others."""

    draft: Draft
    priority: int


class Repeated(msgspec.Struct, frozen=True):
    """The request was accepted before, as this task."""

    task_id: uuid.UUID


Decision = Admitted | Repeated | Fault


class Books(msgspec.Struct, frozen=True):
    """What is known while the accounts are locked.

    Balances by account, the budgets of the keys that have a cap, and what idempotency keys, by
    account and key, were used for.
    """

    balances: Mapping[str, Balance]
    budgets: Mapping[str, Budget] = {}
    remembered: Mapping[tuple[str, str], Remembered] = {}


class Demand(NamedTuple):
    """What is asked for at once: so many tasks, holding so much together. `what`: "task" or "batch"."""

    what: str
    tasks: int
    hold_micros: int


class Tally:
    """What accounts and keys have left while one request after the other is decided."""

    def __init__(self, books: Books) -> None:
        self._limits = {name: one.max_live_tasks for name, one in books.balances.items()}
        self._live = {name: one.live_tasks for name, one in books.balances.items()}
        self._available = {name: one.available_micros for name, one in books.balances.items()}
        # keys that share their caps share what is left of them
        self._counted = {key_id: budget.key_id for key_id, budget in books.budgets.items()}
        self._budgets = {budget.key_id: budget for budget in books.budgets.values()}

    def refusal(self, key: Key, demand: Demand) -> Fault | None:
        """Why `key` does not get what it asks for, if so: live tasks, then caps, then the balance."""
        account = key.account_id
        if self._live[account] + demand.tasks > self._limits[account]:
            return _too_many(demand, self._live[account], self._limits[account])
        counted = self._counted.get(key.key_id)
        overrun = self._budgets[counted].overrun(demand.hold_micros) if counted else None
        if overrun is not None:
            return _over_cap(demand, overrun)
        if demand.hold_micros > self._available[account]:
            return _too_poor(demand, self._available[account])
        return None

    def take(self, draft: Draft) -> Admitted:
        """Give `draft` what it asks for."""
        account, counted = draft.key.account_id, self._counted.get(draft.key.key_id)
        admitted = Admitted(draft, -self._live[account])
        self._live[account] += 1
        self._available[account] -= draft.hold_micros
        if counted is not None:
            self._budgets[counted] = self._budgets[counted].after(draft.hold_micros)
        return admitted


def admit(drafts: Sequence[Draft], books: Books) -> list[Decision]:
    """Decide each draft on its own, in order; a refused one takes nothing from its neighbours.

    One that repeats an accepted request, of earlier or of this very commit, takes nothing at all.
    """
    tally, remembered = Tally(books), dict(books.remembered)
    decisions: list[Decision] = []
    for draft in drafts:
        name = name_of(draft.key, draft.idempotency_key or "")
        known = remembered.get(name) if draft.idempotency_key is not None else None
        decision = _decide(draft, tally) if known is None else _repetition(draft, known)
        if isinstance(decision, Admitted) and draft.idempotency_key is not None:
            remembered[name] = Remembered(draft.request_sha256, task_id=draft.task_id)
        decisions.append(decision)
    return decisions


def admit_together(drafts: Sequence[Draft], books: Books) -> list[Admitted]:
    """Admit all `drafts`, of one key, or raise the Fault that keeps any of them out."""
    tally = Tally(books)
    demand = Demand("batch", len(drafts), sum(draft.hold_micros for draft in drafts))
    refused = tally.refusal(drafts[0].key, demand)
    if refused is not None:
        raise refused
    return [tally.take(draft) for draft in drafts]


def _decide(draft: Draft, tally: Tally) -> Admitted | Fault:
    refused = tally.refusal(draft.key, Demand("task", 1, draft.hold_micros))
    return refused or tally.take(draft)


def _repetition(draft: Draft, known: Remembered) -> Repeated | Fault:
    try:
        check_repetition(str(draft.idempotency_key), known, draft.request_sha256)
    except UnprocessableEntity as fault:
        return fault
    assert known.task_id is not None, "the hash of a batch is never that of a task"
    return Repeated(known.task_id)


def _too_many(demand: Demand, live: int, limit: int) -> Fault:
    if demand.what == "task":
        message = (
            f"The account has {limit} unfinished tasks, its limit. Wait until some have ended."
        )
    else:
        message = (
            f"The account has {live} unfinished tasks of at most {limit}, and the {demand.what} has"
            f" {demand.tasks}. Wait until some have ended, or send fewer items."
        )
    return TooManyRequests(message, LIVE_TASKS_RETRY_SECONDS)


def _over_cap(demand: Demand, overrun: Overrun) -> Fault:
    cap, spent = format_dollars(overrun.cap_micros), format_dollars(overrun.spent_micros)
    return PaymentRequired(
        f"The key's {overrun.name} cap of {cap} would be passed: {spent} is spent, the {demand.what}"
        f" needs {format_dollars(demand.hold_micros)}. Raise the cap or use another key."
    )


def _too_poor(demand: Demand, available_micros: int) -> Fault:
    needed, available = format_dollars(demand.hold_micros), format_dollars(available_micros)
    return PaymentRequired(
        f"Insufficient balance: the {demand.what} needs {needed}, available is {available}."
        " Add balance or ask for fewer images."
    )
