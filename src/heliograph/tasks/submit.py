"""Submit: every task that waits is admitted, paid for, written and queued in one transaction (T1)."""

import datetime
import os
import uuid
from collections.abc import Mapping, Sequence

import msgspec

from heliograph.accounts.account import Key
from heliograph.accounts.spending.budget import month_of
from heliograph.accounts.spending.store import add_spending, read_budgets
from heliograph.base.clock import unix_ms
from heliograph.base.database import Connection, borrow, transaction
from heliograph.base.errors import Busy, Conflict, Fault, ServerFault
from heliograph.base.log import log
from heliograph.base.slots import Crew
from heliograph.base.trace import add_spans, traceparent
from heliograph.catalog.request import Submission
from heliograph.ledger.held_up import PATIENCE_MS, by_account
from heliograph.ledger.money import Hold
from heliograph.ledger.store import hold_many, lock_balances
from heliograph.runtime import Runtime
from heliograph.tasks.admit import Admitted, Books, Decision, Draft, Repeated, admit
from heliograph.tasks.idempotency.key import KEPT_HOURS, Remembered, name_of, request_sha256
from heliograph.tasks.idempotency.store import Pair, recall, remember
from heliograph.tasks.low_balance import tell_low_balances
from heliograph.tasks.new import store
from heliograph.tasks.task import task_id_at


class NewTask(msgspec.Struct, frozen=True):
    """A checked request, the key that pays for it, and the idempotency key that came with it.

    The same idempotency key on another `route` is another request. `repeated_as` stands for the
    submission when two are compared, for it may name uploads, which are new each time.
    """

    key: Key
    submission: Submission
    idempotency_key: str | None = None
    route: str = "generateTask"
    repeated_as: object = None
    traceparent: str | None = msgspec.field(default_factory=traceparent)


class Accepted(msgspec.Struct, frozen=True):
    """The id of the task (32 hex digits); `replayed`: of the one that was accepted before."""

    task_id: str
    replayed: bool = False


async def submit_tasks(runtime: Runtime, tasks: Sequence[NewTask]) -> list[Accepted | Fault]:
    """Submit all of `tasks` in one commit; give what became of each.

    The fault of one (402, 403, 422, 429) never touches the others, nor does a balance that somebody
    else has locked (409 or 503). Raises Busy when the database cannot take the commit now; then
    nothing was accepted and nothing held.
    """
    await runtime.switches.refresh()
    now = runtime.clock.now()
    answers: Mapping[uuid.UUID, Accepted | Fault] = {}
    drafts = [draft_of(runtime, task, now) for task in tasks]
    asked, crews = _find_slots(runtime, [one for one in drafts if isinstance(one, Draft)])
    try:
        answers = await _accept(runtime, asked, now)
    finally:
        _begin(asked, crews, answers)
    add_spans("task.submit", [task.traceparent for task in tasks], now, runtime.clock.now())
    return [answers[one.task_id] if isinstance(one, Draft) else one for one in drafts]


def draft_of(runtime: Runtime, task: NewTask, now: datetime.datetime) -> Draft | Fault:
    """Route and price `task`.

    A Fault when the model is switched off, its key may not use it or has no provider (403), when its results shall be kept
    too long or the operator does not allow its texts (400).
    """
    key, image = task.key, task.submission.image
    try:
        runtime.switches.check(task.submission.model)
        key.check_model(task.submission.model)
        task.submission.check_retention(runtime.settings.result_retention_hours)
        runtime.moderation.check_texts(image)
        provider = runtime.route(test=key.test, routing=key.routing, mode=image.mode)[0]
    except Fault as fault:
        return fault
    price = runtime.prices.unit_price_micros(task.submission.model, image.mode, key.routing)
    model = runtime.models[task.submission.model]
    deadline = model.deadline_seconds or runtime.settings.task_deadline_seconds
    repeatable = task.idempotency_key is not None
    return Draft(
        task_id=task_id_at(unix_ms(now), os.urandom(10)),
        key=key,
        submission=task.submission,
        unit_price_micros=price,
        hold_micros=0 if key.test else price * image.num_images,
        queue=provider.queue,
        created_at=now,
        deadline_at=now + datetime.timedelta(seconds=deadline),
        idempotency_key=task.idempotency_key,
        request_sha256=request_sha256(task.route, task.repeated_as or task.submission)
        if repeatable
        else b"",
        traceparent=task.traceparent,
    )


def _find_slots(runtime: Runtime, drafts: Sequence[Draft]) -> tuple[list[Draft], list[Crew | None]]:
    """`drafts`, those marked that may begin at once, and by whom a slot is kept for each."""
    crews = [runtime.at_once.promise(draft.queue) for draft in drafts]
    marked = [
        msgspec.structs.replace(draft, at_once=True) if crew else draft
        for draft, crew in zip(drafts, crews, strict=True)
    ]
    return marked, crews


def _begin(
    drafts: Sequence[Draft],
    crews: Sequence[Crew | None],
    answers: Mapping[uuid.UUID, Accepted | Fault],
) -> None:
    """Begin what was accepted and has a slot; one that repeats another, or was refused, needs none."""
    for draft, crew in zip(drafts, crews, strict=True):
        if crew is not None:
            crew.slots.release()
            if answers.get(draft.task_id) == Accepted(draft.task_id.hex):
                crew.begin(draft.task_id, draft.queue)


async def _accept(
    runtime: Runtime, drafts: Sequence[Draft], now: datetime.datetime
) -> Mapping[uuid.UUID, Accepted | Fault]:
    """What became of each of `drafts`, by task id: together, but for accounts that are held up."""
    together = [one for one in drafts if one.key.account_id not in runtime.held_up]
    answers: dict[uuid.UUID, Accepted | Fault] = {}
    try:
        if together:
            answers |= await _commit(runtime, together, now, PATIENCE_MS)
    except Busy as busy:
        if not busy.locked:
            raise
    left = [draft for draft in drafts if draft.task_id not in answers]
    for account_id, own in by_account(left, lambda draft: draft.key.account_id).items():
        answers |= await _accept_apart(runtime, account_id, own, now)
    return answers


async def _accept_apart(
    runtime: Runtime, account_id: str, drafts: Sequence[Draft], now: datetime.datetime
) -> Mapping[uuid.UUID, Accepted | Fault]:
    """What became of `drafts`, all of one account, which alone has to wait for its balance."""
    try:
        with runtime.held_up.waiting(account_id) as patience_ms:
            return await _commit(runtime, drafts, now, patience_ms)
    except Busy as busy:
        if not busy.locked:
            return {draft.task_id: busy for draft in drafts}
        conflict = still_being_written(busy)
        return {draft.task_id: conflict if draft.idempotency_key else busy for draft in drafts}
    except Exception:  # noqa: BLE001 - others may have been accepted before, and must hear of it
        log.exception("submit.failed", account_id=account_id)
        fault = ServerFault("Something went wrong on our side. Nothing was accepted or charged.")
        return {draft.task_id: fault for draft in drafts}


async def _commit(
    runtime: Runtime, drafts: Sequence[Draft], now: datetime.datetime, patience_ms: int
) -> Mapping[uuid.UUID, Accepted | Fault]:
    if all(draft.idempotency_key is None for draft in drafts):
        async with borrow(runtime.pool) as connection:
            if await store.submit_if_payable(connection, drafts, now, patience_ms):
                return {draft.task_id: Accepted(draft.task_id.hex) for draft in drafts}
    decisions = await _decide(runtime, drafts, now, patience_ms)
    return {
        draft.task_id: _answer(decision) for draft, decision in zip(drafts, decisions, strict=True)
    }


async def _decide(
    runtime: Runtime, drafts: Sequence[Draft], now: datetime.datetime, patience_ms: int
) -> list[Decision]:
    """Admit each draft on its own: some repeat others, cannot pay, or have caps to look at."""
    async with transaction(runtime.pool) as connection:
        pairs = [
            name_of(draft.key, draft.idempotency_key)
            for draft in drafts
            if draft.idempotency_key is not None
        ]
        keys = [draft.key for draft in drafts]
        books = await lock_books(connection, keys, pairs, now, patience_ms=patience_ms)
        decisions = admit(drafts, books)
        admitted = [one for one in decisions if isinstance(one, Admitted)]
        if admitted:
            await write_admitted(connection, admitted, books, now)
            await _remember(connection, admitted, now)
    return decisions


async def lock_books(
    connection: Connection,
    keys: Sequence[Key],
    pairs: Sequence[Pair],
    now: datetime.datetime,
    *,
    patience_ms: int | None = None,
) -> Books:
    """Lock the balances behind `keys`, and read what else decides: budgets, and what `pairs` meant.

    With `patience_ms` no lock is waited for longer, here and later in the transaction. What nobody asked for is not read: without a cap and an idempotency key this is one statement.
    """
    account_ids = {key.account_id for key in keys}
    balances = await lock_balances(connection, account_ids, patience_ms=patience_ms)
    # only now, because what was committed while we waited for the lock must be seen
    capped = {key.key_id for key in keys if balances[key.account_id].has_caps}
    kept_since = now - datetime.timedelta(hours=KEPT_HOURS)
    return Books(
        balances,
        await read_budgets(connection, sorted(capped), month_of(now)) if capped else {},
        await recall(connection, pairs, kept_since) if pairs else {},
    )


async def write_admitted(
    connection: Connection, admitted: Sequence[Admitted], books: Books, now: datetime.datetime
) -> None:
    """Write tasks, holds, spending and jobs of what was admitted by `books`; tell who has little left."""
    drafts = [one.draft for one in admitted]
    await store.insert_tasks(connection, drafts)
    holds = [Hold(draft.key.account_id, draft.task_id, draft.hold_micros) for draft in drafts]
    await hold_many(connection, holds, now=now)
    if books.budgets:
        await add_spending(connection, _spent(drafts, books), month_of(now))
    jobs = [
        (one.draft.queue, one.draft.task_id, one.priority)
        for one in admitted
        if not one.draft.at_once
    ]
    await store.enqueue_tasks(connection, jobs)
    await tell_low_balances(connection, books.balances, holds, now)


def _spent(drafts: Sequence[Draft], books: Books) -> Mapping[str, int]:
    spent: dict[str, int] = {}
    for draft in drafts:
        budget = books.budgets.get(draft.key.key_id)
        if budget is not None:
            spent[budget.key_id] = spent.get(budget.key_id, 0) + draft.hold_micros
    return spent


async def _remember(
    connection: Connection, admitted: Sequence[Admitted], now: datetime.datetime
) -> None:
    used = {
        name_of(one.draft.key, one.draft.idempotency_key): Remembered(
            one.draft.request_sha256, task_id=one.draft.task_id
        )
        for one in admitted
        if one.draft.idempotency_key is not None
    }
    if used:
        await remember(connection, used, now)


def still_being_written(busy: Busy) -> Conflict:
    """What who sent an idempotency key is told when the account was held for too long."""
    return Conflict(
        "Another request of the account, perhaps the first with this Idempotency-Key, is still being"
        " written. Repeat it with the same key.",
        headers=busy.headers,
    )


def _answer(decision: Decision) -> Accepted | Fault:
    match decision:
        case Admitted(draft):
            return Accepted(draft.task_id.hex)
        case Repeated(task_id):
            return Accepted(task_id.hex, replayed=True)
        case _:
            return decision
