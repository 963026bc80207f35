"""Finish, the only ending of a task (T4): state, money and notice in one transaction."""

import asyncio
import datetime
import uuid

from heliograph.accounts.spending.store import take_back_spending
from heliograph.base.database import transaction
from heliograph.base.log import log
from heliograph.base.trace import span
from heliograph.ledger.money import settle
from heliograph.ledger.store import settle as settle_balance
from heliograph.providers.provider import ImageJob
from heliograph.runtime import Runtime
from heliograph.tasks import store
from heliograph.tasks.batches.finish import finish_item
from heliograph.tasks.low_balance import tell_low_balance
from heliograph.tasks.pictures import discard_pictures
from heliograph.tasks.routing.lookup import FOUND
from heliograph.tasks.routing.turn import wake_next
from heliograph.tasks.task import Ending, Task, TaskStatus
from heliograph.tasks.view import status_body
from heliograph.webhooks.notice import Notice
from heliograph.webhooks.store import add_notice

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
        log.info("task.late_ending_dropped", claim_no=task.claim_no)
        await discard_pictures(runtime, ending)
        return None
    if ending.fail_code in CUT_OFF and task.provider_ref is not None:
        await call_off(runtime, task, task.provider, task.provider_ref)
    seconds = (runtime.clock.now() - task.created_at).total_seconds()
    log.info(
        "task.ended",
        state=ended.state,
        made=ending.made,
        fail_code=ending.fail_code,
        seconds=round(seconds, 3),
    )
    return ended


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
    now = runtime.clock.now()
    keep_hours = task.retention_hours or runtime.settings.result_retention_hours
    expire_at = now + datetime.timedelta(hours=keep_hours) if ending.made else None
    if expire_at is None and task.claim_no > 1:
        # whoever had the task before may have stored pictures and been killed
        expire_at = now
    async with transaction(runtime.pool) as connection:
        ended = await store.end_task(connection, task, ending, now, expire_at)
        if ended is None:
            return None
        await store.end_attempt(
            connection,
            task,
            "finished" if ending.made else "failed",
            ending.fail_message,
            now,
            unknown_at=_paid(runtime, ending),
            made=ending.made,
            costs_micros=runtime.costs_micros,
        )
        await wake_next(runtime, connection, now)
        price = 0 if task.test else task.unit_price_micros
        settlement = settle(task.hold_micros, ending.made, price)
        balance = await settle_balance(
            connection, task.account_id, task.task_id, settlement, now=now
        )
        if balance.has_caps and settlement.release_micros:
            await take_back_spending(connection, task.task_id, settlement.release_micros)
        await tell_low_balance(connection, balance, 0, now)
        if task.callback_url is not None:
            body = status_body(ended, runtime.settings.public_url)
            notice = Notice(
                uuid.uuid4(), task.task_id, task.account_id, task.callback_url, body, now
            )
            await add_notice(connection, notice)
        if task.batch_id is not None:
            await finish_item(runtime, connection, task.batch_id, now)
    return ended


def _paid(runtime: Runtime, ending: Ending) -> list[str]:
    """Where a call that this ending cut off may have been accepted all the same, and be paid for."""
    if ending.fail_code not in CUT_OFF:
        return []
    return [provider.name for provider in runtime.providers.values() if not provider.reruns]
