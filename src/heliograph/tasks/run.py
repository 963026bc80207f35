"""One step of a task's life: claim it, see what is due, do that, and let go."""

import asyncio
import datetime
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache, partial
from typing import assert_never

import structlog

from heliograph.base.database import borrow, transaction
from heliograph.base.errors import Busy
from heliograph.base.jobs import Job, enqueue
from heliograph.base.log import log
from heliograph.base.trace import Attributes, Span, add_spans, span
from heliograph.providers.provider import Failed, Finished, Refused, Running, Started, Unknown
from heliograph.runtime import Runtime
from heliograph.tasks import store
from heliograph.tasks.finish import call_off, finish
from heliograph.tasks.hold import Hold, LostClaim, holding
from heliograph.tasks.pictures import store_pictures
from heliograph.tasks.routing.choice import Refusal, Rest
from heliograph.tasks.routing.lookup import LOOK_UP_AFTER_SECONDS
from heliograph.tasks.routing.noted import note_outcome
from heliograph.tasks.routing.store import leave_place, note_refusal, read_refusals
from heliograph.tasks.routing.turn import next_provider, sure_calls, wake_next
from heliograph.tasks.step import Elsewhere, InLine, Pause, Step, next_step
from heliograph.tasks.task import LEASE_SECONDS, Ending, Task, failed

#: How long a task rests when the database or the disk could not take its pictures.
BUSY_SECONDS = 10

#: From one try to write what must be written to the next, while the database is away.
RETRY_SECONDS = 1

TIMEOUT = Failed("Timeout", "Generation did not finish in time. Nothing was charged; try again.")


async def advance(runtime: Runtime, task_id: uuid.UUID, queue: str) -> None:
    """Take the task one step on in a slot of `queue`: start it, check on it, or end it.

    Harmless at any time, any number. Raises Busy when the database or the disk cannot take it now;
    the task stays as it is.
    """
    now = runtime.clock.now()
    task = await runtime.together(_claim_in(queue))(task_id)
    if task is None:
        return
    with structlog.contextvars.bound_contextvars(task_id=task.hex), _traced(task, queue, now):
        try:
            async with holding(runtime, task) as hold:
                outcome = await _before_deadline(runtime, task, hold, queue)
            await _apply(runtime, task, outcome, hold.provider)
            if hold.provider is not None and not task.test:
                await note_outcome(runtime, hold.provider, outcome)
        except LostClaim:
            log.info("task.claim_lost", claim_no=task.claim_no)
        except asyncio.CancelledError:
            await _hand_back(runtime, task, 0)
            raise
        except Busy:
            # a start that is not undone counts, and there are few
            await _insist(runtime, task, partial(_hand_back, runtime, task, BUSY_SECONDS))
            raise


@cache
def _claim_in(queue: str) -> Callable[[Runtime, list[uuid.UUID]], Awaitable[list[Task | None]]]:
    """How tasks are claimed for slots of `queue`: with the calls that begin there at once."""

    async def claim(runtime: Runtime, task_ids: list[uuid.UUID]) -> list[Task | None]:
        calls = sure_calls(runtime, queue)
        async with borrow(runtime.pool) as connection:
            now = runtime.clock.now()
            return await store.claim_tasks(connection, task_ids, now, LEASE_SECONDS, calls)

    return claim


def _traced(task: Task, queue: str, now: datetime.datetime) -> AbstractContextManager[Span]:
    """A span for one step, under the request that the task came with; the first has had to wait."""
    if task.claim_no == 1:
        add_spans("task.queue", [task.traceparent], task.created_at, now)
    attributes: Attributes = {"heliograph.task_id": task.hex, "heliograph.claim_no": task.claim_no}
    return span(f"task.{queue}", task.traceparent, attributes=attributes)


async def _before_deadline(runtime: Runtime, task: Task, hold: Hold, queue: str) -> Step | Ending:
    remaining = (task.deadline_at - runtime.clock.now()).total_seconds()
    if remaining <= 0:
        return await _out_of_time(runtime, task)
    try:
        async with asyncio.timeout(remaining):
            step = await next_step(runtime, task, hold, queue)
            if isinstance(step, Finished):
                with span("task.store"):
                    return await store_pictures(runtime, task, step)
            return step
    except TimeoutError:
        return TIMEOUT


async def _out_of_time(runtime: Runtime, task: Task) -> Failed:
    """Why it is too late: a task that nobody has taken hears the reason of the last refusal."""
    refusals = [] if task.provider else await read_refusals(runtime.pool, task.task_id)
    return Failed(refusals[-1].code, refusals[-1].message) if refusals else TIMEOUT


async def _apply(runtime: Runtime, task: Task, outcome: Step | Ending, asked: str | None) -> None:
    match outcome:
        case Ending():
            # its pictures are made and stored: to try again would make others
            await _insist(runtime, task, partial(_finish_as_ours, runtime, task, outcome))
        case Started():
            # a worker that is told to stop must not lose it
            keep = partial(_keep_ref, runtime, task, outcome, asked)
            await asyncio.shield(_insist(runtime, task, keep))
        case Running(check_after_seconds, progress):
            shares = None if progress is None else [progress] * task.request.num_images
            await _let_go(runtime, task, check_after_seconds, progress=shares)
        case Finished():
            raise AssertionError("pictures are stored while the claim is held")
        case Failed(code, message):
            await finish(runtime, task, failed(code, message))
        case Refused():
            assert asked is not None
            await _pass_on(runtime, task, outcome, asked)
        case Unknown(message):
            await _look_later(runtime, task, message)
        case _:
            await _wait(runtime, task, outcome)


async def _wait(runtime: Runtime, task: Task, pause: Pause) -> None:
    """No provider was asked: wait for one, or end with what the last one said."""
    match pause:
        case Refusal(_, code, message):
            await finish(runtime, task, failed(code, message))
        case Rest(until):
            seconds = (until - runtime.clock.now()).total_seconds()
            await _come_back(runtime, task, max(0.0, seconds), _queue_of(runtime, task))
        case Elsewhere(queue):
            await _come_back(runtime, task, 0, queue)
        case InLine():
            log.info("task.in_line", claim_no=task.claim_no)
        case _:
            assert_never(pause)


def _queue_of(runtime: Runtime, task: Task) -> str:
    return runtime.queue_of(
        task.provider, task.provider_ref, test=task.test, routing=task.routing, mode=task.mode
    )


async def _keep_ref(runtime: Runtime, task: Task, started: Started, provider: str | None) -> None:
    """Save the reference of an accepted call: it is paid for, and nobody else knows it."""
    try:
        if not await _let_go(runtime, task, started.check_after_seconds, ref=started.ref):
            # it has ended meanwhile, or has another reference: nobody wants this job
            await call_off(runtime, task, provider, started.ref)
    except Busy:
        log.warning("task.ref_not_saved", ref=started.ref)
        raise


async def _finish_as_ours(runtime: Runtime, task: Task, ending: Ending) -> None:
    """Finish; if that cannot be now, keep the claim, so that nobody else makes the pictures meanwhile."""
    try:
        await finish(runtime, task, ending)
    except Busy:
        due_at = runtime.clock.now() + datetime.timedelta(seconds=LEASE_SECONDS)
        async with borrow(runtime.pool) as connection:
            # one that is lost, or has ended, is found so by the next try
            await store.renew_claim(connection, task, due_at, None)
        raise


async def _insist(runtime: Runtime, task: Task, write: Callable[[], Awaitable[object]]) -> None:
    """Do what has to be written, again and again while the database is away.

    Raises Busy when it is away until the task's deadline.
    """
    while True:
        try:
            await write()
        except Busy as busy:
            log.warning("task.not_written", error=busy.message)
            if runtime.clock.now() >= task.deadline_at:
                raise
        else:
            return
        await asyncio.sleep(RETRY_SECONDS)


async def _let_go(
    runtime: Runtime,
    task: Task,
    seconds: float,
    *,
    ref: str | None = None,
    progress: Sequence[float] | None = None,
) -> bool:
    """T3: keep what the provider said and come back later; no slot is held meanwhile.

    False: the task has ended, or is someone else's.
    """
    due_at = runtime.clock.now() + datetime.timedelta(seconds=seconds)
    async with transaction(runtime.pool) as connection:
        if ref is None:
            now = runtime.clock.now()
            kept = await store.renew_claim(connection, task, due_at, progress, checked_at=now)
        else:
            kept = await store.save_ref(connection, task, ref, due_at)
        if kept:
            await enqueue(connection, [Job("check", task.hex, after_seconds=seconds)])
    return kept


async def _pass_on(runtime: Runtime, task: Task, refused: Refused, asked: str) -> None:
    """Nothing was accepted: note why, and let whoever is next have the task; or end it."""
    now = runtime.clock.now()
    seconds = refused.retry_after_seconds
    retry_at = None if seconds is None else now + datetime.timedelta(seconds=seconds)
    log.warning("task.refused", provider=asked, code=refused.code, detail=refused.message)
    refusal = Refusal(asked, refused.code, refused.message, retry_at)
    following = await next_provider(runtime, task, refusal)
    if isinstance(following, Refusal):
        await finish(runtime, task, failed(refused.code, refused.message))
        return
    if isinstance(following, Rest):
        due_at, queue = following.until, runtime.providers[asked].queue
    else:
        due_at, queue = now, following.queue
    async with transaction(runtime.pool) as connection:
        if await note_refusal(connection, task, refusal, due_at, now):
            await wake_next(runtime, connection, now)
            seconds = max(0.0, (due_at - now).total_seconds())
            await enqueue(connection, [Job(queue, task.hex, after_seconds=seconds)])


async def _come_back(runtime: Runtime, task: Task, seconds: float, queue: str) -> None:
    """Let go, and take the task up again in `seconds` in a slot of `queue`."""
    due_at = runtime.clock.now() + datetime.timedelta(seconds=seconds)
    async with transaction(runtime.pool) as connection:
        if await store.renew_claim(connection, task, due_at, None):
            await enqueue(connection, [Job(queue, task.hex, after_seconds=seconds)])


async def _look_later(runtime: Runtime, task: Task, message: str) -> None:
    """Nobody knows whether a paid call was accepted: never call again, but look for the job.

    The deadline gives the money back if it is not found.
    """
    log.warning("task.outcome_unknown", provider=task.provider, detail=message)
    due_at = runtime.clock.now() + datetime.timedelta(seconds=LOOK_UP_AFTER_SECONDS)
    async with transaction(runtime.pool) as connection:
        if await store.renew_claim(connection, task, min(due_at, task.deadline_at), None):
            await store.note_unknown(connection, task, message, runtime.clock.now())
            await leave_place(connection, task)
            await wake_next(runtime, connection, runtime.clock.now())
            job = Job("check", task.hex, after_seconds=LOOK_UP_AFTER_SECONDS)
            await enqueue(connection, [job])


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
            queue = _queue_of(runtime, task)
            await enqueue(connection, [Job(queue, task.hex, after_seconds=seconds)])
