"""Finish, the only ending of a task (T4): state, money and notice in one transaction."""

import asyncio
import datetime
import uuid
from collections.abc import Mapping, Sequence

from heliograph.accounts.spending.store import take_back_spending
from heliograph.base.database import Connection, borrow, transaction
from heliograph.base.errors import Busy
from heliograph.base.log import log
from heliograph.base.trace import span
from heliograph.ledger.held_up import PATIENCE_MS, by_account
from heliograph.ledger.money import settle
from heliograph.ledger.store import lock_balance
from heliograph.providers.provider import ImageJob
from heliograph.runtime import Runtime
from heliograph.tasks.batches.finish import finish_item
from heliograph.tasks.ended.store import Ended, end_tasks
from heliograph.tasks.low_balance import tell_low_balance
from heliograph.tasks.observe.store import read_statuses
from heliograph.tasks.pictures import discard_pictures
from heliograph.tasks.routing.turn import wake_next
from heliograph.tasks.store import FOUND
from heliograph.tasks.task import LEASE_SECONDS, Ending, Task, TaskStatus
from heliograph.tasks.view import status_body

#: Endings that do not wait for the provider's answer.
CUT_OFF = ("Timeout", "Cancelled")

CALL_OFF_SECONDS = 5.0


async def finish(runtime: Runtime, task: Task, ending: Ending) -> TaskStatus | None:
    """End `task`: charge the images that were made, give the rest back, tell the receiver.

    None when the claim was lost: then nothing is written and the stored files are deleted again.
    """
    with span("task.finish") as finishing:
        finishing.note("heliograph.state", ending.state)
        finishing.note("heliograph.fail_code", ending.fail_code)
        finishing.note("heliograph.made", ending.made)
        # once begun it must not be torn by a worker that is told to stop
        ended = await asyncio.shield(_commit(runtime, task, ending))
    if ended is None:
        ended = await _ended_before(runtime, task, ending)
    if ended is None:
        log.info("task.late_ending_dropped", claim_no=task.claim_no)
        await discard_pictures(runtime, ending)
        return None
    await after_end(runtime, task, ending)
    return ended


async def after_end(runtime: Runtime, task: Task, ending: Ending) -> None:
    """What comes when the ending is committed: nobody wants the job any more, if it is still going on."""
    if ending.fail_code in CUT_OFF and task.provider_ref is not None:
        await call_off(runtime, task, task.provider, task.provider_ref)
    seconds = (runtime.clock.now() - task.created_at).total_seconds()
    log.info(
        "task.ended",
        state=ending.state,
        made=ending.made,
        fail_code=ending.fail_code,
        seconds=round(seconds, 3),
    )


async def call_off(runtime: Runtime, task: Task, name: str | None, ref: str) -> None:
    """Tell the provider `name` that nobody wants its job `ref` any more. Its answer changes nothing."""
    provider = runtime.providers.get(name or "")
    if provider is None:
        return
    job = ImageJob(task.hex, task.request, (), 0)
    try:
        async with asyncio.timeout(CALL_OFF_SECONDS):
            await provider.cancel(job, ref.removeprefix(FOUND))
    except Exception as error:  # noqa: BLE001 - the task has ended, and that is what counts
        log.warning("task.call_off_failed", provider=provider.name, error=repr(error))


async def _commit(runtime: Runtime, task: Task, ending: Ending) -> TaskStatus | None:
    status = _status(runtime, task, ending)
    ended = _ended(runtime, task, ending, status)
    if _is_plain(runtime, task):
        outcome = await runtime.together(_end_plain)(ended)
        if isinstance(outcome, Busy):
            raise outcome
        if outcome:
            return status
    with runtime.held_up.waiting(task.account_id) as patience_ms:
        async with transaction(runtime.pool) as connection:
            written = await _end_alone(runtime, connection, task, ended, patience_ms)
    return status if written else None


async def end_now(
    runtime: Runtime, connection: Connection, task: Task, ending: Ending
) -> TaskStatus:
    """End `task`, which the caller's transaction has claimed, and of which it has locked the balance.

    After the commit after_end must be called.
    """
    status = _status(runtime, task, ending)
    ended = _ended(runtime, task, ending, status)
    written = await _end_alone(runtime, connection, task, ended, PATIENCE_MS)
    assert written, "nobody can take away what this transaction has claimed"
    return status


async def _end_alone(
    runtime: Runtime, connection: Connection, task: Task, ended: Ended, patience_ms: int
) -> bool:
    now = ended.completed_at
    if not await _end(runtime, connection, [ended], patience_ms, plain_only=False):
        return False
    await wake_next(runtime, connection, now)
    balance = await lock_balance(connection, task.account_id)
    assert balance is not None
    if balance.has_caps and ended.release_micros:
        await take_back_spending(connection, task.task_id, ended.release_micros)
    await tell_low_balance(connection, balance, 0, now)
    if task.batch_id is not None:
        await finish_item(runtime, connection, task.batch_id, now)
    return True


async def _ended_before(runtime: Runtime, task: Task, ending: Ending) -> TaskStatus | None:
    """The task as it has ended, if by this very ending: the answer to its commit was lost."""
    async with borrow(runtime.pool) as connection:
        known = (await read_statuses(connection, [task.task_id])).get(task.task_id)
    # the names of its pictures are its own
    return known if known and ending.made and known.images == list(ending.images) else None


def _status(runtime: Runtime, task: Task, ending: Ending) -> TaskStatus:
    now = runtime.clock.now()
    keep_hours = task.retention_hours or runtime.settings.result_retention_hours
    expire_at = now + datetime.timedelta(hours=keep_hours) if ending.made else None
    if expire_at is None and (task.claim_no > 1 or ending.fail_code in CUT_OFF):
        # some pictures may be stored, or being stored: of whoever had the task before, or of this one
        expire_at = now + datetime.timedelta(seconds=LEASE_SECONDS)
    return TaskStatus(
        task.task_id,
        task.account_id,
        task.model,
        task.mode,
        ending.state,
        list(ending.images),
        ending.fail_code,
        ending.fail_message,
        task.created_at,
        now,
        files_expire_at=expire_at,
    )


def _ended(runtime: Runtime, task: Task, ending: Ending, status: TaskStatus) -> Ended:
    price = 0 if task.test else task.unit_price_micros
    settlement = settle(task.hold_micros, ending.made, price)
    assert status.completed_at is not None
    told = task.callback_url is not None
    return Ended(
        task_id=task.task_id,
        account_id=task.account_id,
        claim_no=task.claim_no,
        charge_micros=settlement.charge_micros,
        release_micros=settlement.release_micros,
        state=ending.state,
        images=ending.images,
        made=ending.made,
        fail_code=ending.fail_code,
        fail_message=ending.fail_message,
        warnings=ending.warnings,
        scene=ending.scene,
        stored_at=ending.stored_at,
        completed_at=status.completed_at,
        files_expire_at=status.files_expire_at,
        cut_off=ending.fail_code in CUT_OFF,
        notice_id=uuid.uuid4() if told else None,
        callback_url=task.callback_url,
        body=status_body(status, runtime.settings.public_url).decode() if told else None,
    )


def _is_plain(runtime: Runtime, task: Task) -> bool:
    """Whether nobody is told of this ending but its receiver: no batch, and none in line for its place."""
    in_line = any(one.limits.tasks_in_flight is not None for one in runtime.providers.values())
    return task.batch_id is None and not in_line


async def _end_plain(runtime: Runtime, endings: Sequence[Ended]) -> list[bool | Busy]:
    """End those of `endings` that need no closer look; gives for each whether, or why not now.

    All in one statement, but for those of accounts that are held up.
    """
    # of two endings under one claim the second finds it lost
    first = {ending.task_id: ending for ending in reversed(endings)}
    outcomes: dict[uuid.UUID, bool | Busy] = {}
    together = [one for one in first.values() if one.account_id not in runtime.held_up]
    if together:
        outcomes |= await _end_together(runtime, together)
    left = [ending for task_id, ending in first.items() if task_id not in outcomes]
    for account_id, own in by_account(left, lambda ending: ending.account_id).items():
        try:
            with runtime.held_up.waiting(account_id) as patience_ms:
                outcomes |= await _end_at_once(runtime, own, patience_ms)
        except Busy as busy:
            outcomes |= dict.fromkeys((ending.task_id for ending in own), busy)
    return [first[one.task_id] is one and outcomes[one.task_id] for one in endings]


async def _end_together(
    runtime: Runtime, endings: Sequence[Ended]
) -> Mapping[uuid.UUID, bool | Busy]:
    """What came of `endings`; nothing when a balance could not be had: then each account waits apart."""
    try:
        return await _end_at_once(runtime, endings, PATIENCE_MS)
    except Busy as busy:
        if not busy.locked:
            raise
        log.warning("task.endings_apart", endings=len(endings), error=busy.message)
        return {}


async def _end_at_once(
    runtime: Runtime, endings: Sequence[Ended], patience_ms: int
) -> Mapping[uuid.UUID, bool]:
    try:
        async with borrow(runtime.pool) as connection:
            ended = await _end(runtime, connection, endings, patience_ms, plain_only=True)
    except Busy:
        raise
    except Exception:  # noqa: BLE001 - the one at fault must not keep the others: each tries alone
        log.exception("task.endings_one_by_one", endings=len(endings))
        ended = set()
    return {ending.task_id: ending.task_id in ended for ending in endings}


async def _end(
    runtime: Runtime,
    connection: Connection,
    endings: Sequence[Ended],
    patience_ms: int,
    *,
    plain_only: bool,
) -> set[uuid.UUID]:
    return await end_tasks(
        connection,
        endings,
        plain_only=plain_only,
        costs_micros=runtime.costs_micros,
        paid_at=[one.name for one in runtime.providers.values() if not one.reruns],
        patience_ms=patience_ms,
    )
