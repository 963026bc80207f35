"""Submit: every task that waits is admitted, paid for, written and queued in one transaction (T1)."""

import datetime
import os
from collections.abc import Sequence

import msgspec

from heliograph.accounts.account import Key
from heliograph.base.clock import unix_ms
from heliograph.base.database import transaction
from heliograph.base.errors import Fault
from heliograph.catalog.request import Submission
from heliograph.ledger.money import Hold
from heliograph.ledger.store import hold_many, lock_balances
from heliograph.runtime import Runtime
from heliograph.tasks import store
from heliograph.tasks.admit import Admitted, Draft, admit
from heliograph.tasks.task import task_id_at


class NewTask(msgspec.Struct, frozen=True):
    """A checked request and the key that pays for it."""

    key: Key
    submission: Submission


async def submit_tasks(runtime: Runtime, tasks: Sequence[NewTask]) -> list[str | Fault]:
    """Submit all of `tasks` in one commit; give the task id of each (32 hex digits) or its Fault.

    The fault of one (402, 403, 429) never touches the others. Raises Busy when the database
    cannot take the commit now; then nothing was accepted and nothing held.
    """
    drafts = [_draft(runtime, task) for task in tasks]
    asked = [draft for draft in drafts if isinstance(draft, Draft)]
    decisions = iter(await _commit(runtime, asked) if asked else ())
    return [_answer(next(decisions)) if isinstance(draft, Draft) else draft for draft in drafts]


def _draft(runtime: Runtime, task: NewTask) -> Draft | Fault:
    key, image = task.key, task.submission.image
    try:
        provider = runtime.route(test=key.test, routing=key.routing)[0]
    except Fault as fault:
        return fault
    now = runtime.clock.now()
    price = runtime.prices.unit_price_micros(task.submission.model, image.mode, key.routing)
    model = runtime.models[task.submission.model]
    deadline = model.deadline_seconds or runtime.settings.task_deadline_seconds
    return Draft(
        task_id=task_id_at(unix_ms(now), os.urandom(10)),
        key=key,
        submission=task.submission,
        unit_price_micros=price,
        hold_micros=0 if key.test else price * image.num_images,
        queue=provider.queue,
        created_at=now,
        deadline_at=now + datetime.timedelta(seconds=deadline),
    )


async def _commit(runtime: Runtime, drafts: Sequence[Draft]) -> list[Admitted | Fault]:
    async with transaction(runtime.pool) as connection:
        accounts = {draft.key.account_id for draft in drafts}
        decisions = admit(drafts, await lock_balances(connection, sorted(accounts)))
        admitted = [one for one in decisions if isinstance(one, Admitted)]
        if admitted:
            await store.insert_tasks(connection, [one.draft for one in admitted])
            holds = [
                Hold(d.key.account_id, d.task_id, d.hold_micros)
                for d in (one.draft for one in admitted)
            ]
            await hold_many(connection, holds, now=admitted[0].draft.created_at)
            await store.enqueue_tasks(
                connection, [(one.draft.queue, one.draft.task_id, one.priority) for one in admitted]
            )
    return decisions


def _answer(decision: Admitted | Fault) -> str | Fault:
    return decision.draft.task_id.hex if isinstance(decision, Admitted) else decision
