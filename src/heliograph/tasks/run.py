"""One step of a task's life: claim it, see what is due, do that, and let go."""

import asyncio
import datetime
import uuid
from collections.abc import Sequence
from typing import assert_never

import structlog

from heliograph.base.database import transaction
from heliograph.base.errors import Busy, TaskFault
from heliograph.base.jobs import Job, enqueue
from heliograph.base.log import log
from heliograph.catalog.reference import Reference
from heliograph.providers.provider import (
    Failed,
    Finished,
    ImageJob,
    Provider,
    Running,
    Started,
    Unknown,
)
from heliograph.runtime import Runtime
from heliograph.tasks import store
from heliograph.tasks.finish import finish
from heliograph.tasks.hold import Hold, LostClaim, holding
from heliograph.tasks.pictures import store_pictures
from heliograph.tasks.task import LEASE_SECONDS, MOST_STARTS, Ending, Task, failed

Outcome = Started | Running | Finished | Failed | Unknown

#: How long a task rests when the database or the disk could not take its pictures.
BUSY_SECONDS = 10

#: From one try to save a reference to the next, while the database is away.
REF_RETRY_SECONDS = 1

#: How long a task waits whose provider this server does not know (any more).
ABSENT_PROVIDER_SECONDS = 30

TIMEOUT = Failed("Timeout", "Generation did not finish in time. Nothing was charged; try again.")
LOST = Failed("InternalError", "The image engine stopped several times while it made the pictures.")
BROKEN = Failed("InternalError", "The image engine failed. Nothing was charged; try again.")


async def advance(runtime: Runtime, task_id: uuid.UUID) -> None:
    """Take the task one step on: start it, check on it, or end it. Harmless at any time, any number.

    Raises Busy when the database or the disk cannot take it now; the task stays as it is.
    """
    now = runtime.clock.now()
    task = await store.claim_task(runtime.pool, task_id, now, LEASE_SECONDS)
    if task is None:
        return
    with structlog.contextvars.bound_contextvars(task_id=task.hex):
        try:
            async with holding(runtime, task) as hold:
                outcome = await _before_deadline(runtime, task, hold)
            await _apply(runtime, task, outcome)
        except LostClaim:
            log.info("task.claim_lost", claim_no=task.claim_no)
        except asyncio.CancelledError:
            await _hand_back(runtime, task, 0)
            raise
        except Busy:
            await _hand_back(runtime, task, BUSY_SECONDS)
            raise


async def _before_deadline(runtime: Runtime, task: Task, hold: Hold) -> Outcome | Ending:
    remaining = (task.deadline_at - runtime.clock.now()).total_seconds()
    if remaining <= 0:
        return TIMEOUT
    try:
        async with asyncio.timeout(remaining):
            outcome = await _next_step(runtime, task, hold)
            if isinstance(outcome, Finished):
                return await store_pictures(runtime, task, outcome)
            return outcome
    except TimeoutError:
        return TIMEOUT


async def _next_step(runtime: Runtime, task: Task, hold: Hold) -> Outcome:
    if task.provider is None:
        provider = runtime.route(test=task.test, routing=task.routing)[0]
        return await _start(runtime, task, provider, hold)
    known = runtime.providers.get(task.provider)
    if known is None:
        log.error("task.provider_absent", provider=task.provider)
        return Running(ABSENT_PROVIDER_SECONDS)
    if task.provider_ref is not None:
        return await _check(task, known)
    if not known.reruns and task.starts:
        return Unknown("the worker stopped between the call and its answer")
    return LOST if task.starts >= MOST_STARTS else await _start(runtime, task, known, hold)


async def _start(runtime: Runtime, task: Task, provider: Provider, hold: Hold) -> Outcome:
    """Prepare the references, commit the intention, and only then make the call that may cost."""
    limits = runtime.models[task.model].references
    try:
        references = await runtime.intake.prepare(task.request.image_urls, limits)
    except TaskFault as fault:
        return Failed(fault.code, fault.message)
    if not await store.begin_attempt(runtime.pool, task, provider.name, runtime.clock.now()):
        raise LostClaim
    log.info("task.started", provider=provider.name, claim_no=task.claim_no)
    try:
        return await provider.start(_job(task, references), hold.report)
    except Exception:  # noqa: BLE001 - whatever it was, it is an outcome of this task
        log.exception("provider.start_failed", provider=provider.name)
        return BROKEN if provider.reruns else Unknown("the call broke off")


async def _check(task: Task, provider: Provider) -> Outcome:
    assert task.provider_ref is not None
    try:
        return await provider.check(_job(task, ()), task.provider_ref)
    except Exception:  # noqa: BLE001 - whatever it was, the next check may go well
        log.exception("provider.check_failed", provider=provider.name)
        return Running(ABSENT_PROVIDER_SECONDS)


def _job(task: Task, references: tuple[Reference, ...]) -> ImageJob:
    # the same task draws the same pictures again after a lost call
    seed = task.task_id.int & 0x7FFFFFF0
    return ImageJob(task.hex, task.request, references, seed)


async def _apply(runtime: Runtime, task: Task, outcome: Outcome | Ending) -> None:
    match outcome:
        case Ending():
            await finish(runtime, task, outcome)
        case Started():
            # a worker that is told to stop must not lose it
            await asyncio.shield(_keep_ref(runtime, task, outcome))
        case Running(check_after_seconds, progress):
            shares = None if progress is None else [progress] * task.request.num_images
            await _let_go(runtime, task, check_after_seconds, progress=shares)
        case Finished():
            raise AssertionError("pictures are stored while the claim is held")
        case Failed(code, message):
            await finish(runtime, task, failed(code, message))
        case Unknown(message):
            await _wait_for_deadline(runtime, task, message)
        case _:
            assert_never(outcome)


async def _keep_ref(runtime: Runtime, task: Task, started: Started) -> None:
    """Save the reference of an accepted call, and insist: it is paid for, and nobody else knows it.

    Raises Busy when the database is away until the task's deadline.
    """
    while True:
        try:
            return await _let_go(runtime, task, started.check_after_seconds, ref=started.ref)
        except Busy as busy:
            log.warning("task.ref_not_saved", ref=started.ref, error=busy.message)
            if runtime.clock.now() >= task.deadline_at:
                raise
        await asyncio.sleep(REF_RETRY_SECONDS)


async def _let_go(
    runtime: Runtime,
    task: Task,
    seconds: float,
    *,
    ref: str | None = None,
    progress: Sequence[float] | None = None,
) -> None:
    """T3: keep what the provider said and come back later; no slot is held meanwhile."""
    due_at = runtime.clock.now() + datetime.timedelta(seconds=seconds)
    async with transaction(runtime.pool) as connection:
        if ref is None:
            now = runtime.clock.now()
            kept = await store.renew_claim(connection, task, due_at, progress, checked_at=now)
        else:
            kept = await store.save_ref(connection, task, ref, due_at)
        if kept:
            await enqueue(connection, [Job("check", task.hex, after_seconds=seconds)])


async def _wait_for_deadline(runtime: Runtime, task: Task, message: str) -> None:
    """Nobody knows whether a paid call was accepted: never call again; the deadline gives it back."""
    log.warning("task.outcome_unknown", provider=task.provider, detail=message)
    async with transaction(runtime.pool) as connection:
        await store.end_attempt(connection, task, "unknown", message, runtime.clock.now())
        await store.renew_claim(connection, task, task.deadline_at, None)


async def _hand_back(runtime: Runtime, task: Task, seconds: float) -> None:
    """The worker stops or storage is full: let any worker take the task up in `seconds`.

    A start with a provider that is paid stands, for nobody knows whether it was accepted: the next
    worker must find it. (The claim is older than the start, so only the attempt's row can tell.)
    """
    undo_at = [provider.name for provider in runtime.providers.values() if provider.reruns]
    now = runtime.clock.now()
    due_at = now + datetime.timedelta(seconds=seconds)
    async with transaction(runtime.pool) as connection:
        if await store.hand_back(connection, task, now, due_at, undo_at=undo_at):
            queue = runtime.queue_of(task.provider, task.provider_ref, task.test, task.routing)
            await enqueue(connection, [Job(queue, task.hex, after_seconds=seconds)])
