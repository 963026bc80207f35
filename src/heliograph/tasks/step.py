"""The next step of a claimed task: who is asked, and the one call to a provider that it takes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from heliograph.base.database import borrow
from heliograph.base.errors import TaskFault
from heliograph.base.log import log
from heliograph.base.trace import span
from heliograph.catalog.reference import Reference
from heliograph.providers.provider import (
    Failed,
    ImageJob,
    Outcome,
    Provider,
    Refused,
    Running,
    Unknown,
)
from heliograph.runtime import Runtime
from heliograph.tasks import store
from heliograph.tasks.hold import Hold, LostClaim
from heliograph.tasks.routing.choice import Refusal, Rest
from heliograph.tasks.routing.lookup import look_up
from heliograph.tasks.routing.turn import next_provider, wait_for_turn, wait_to_check
from heliograph.tasks.store import FOUND
from heliograph.tasks.task import MOST_STARTS, Task

#: How long a task waits whose provider this server does not know (any more).
ABSENT_PROVIDER_SECONDS = 30

LOST = Failed("InternalError", "The image engine stopped several times while it made the pictures.")
BROKEN = Refused("InternalError", "The image engine failed. Nothing was charged; try again.")


@dataclass(frozen=True)
class Elsewhere:
    """The next step needs a slot of another queue."""

    queue: str


@dataclass(frozen=True)
class InLine:
    """Every place at the provider is taken; the task is written down as waiting for one."""


Pause = Rest | Refusal | Elsewhere | InLine
Step = Outcome | Pause


async def next_step(runtime: Runtime, task: Task, hold: Hold, queue: str) -> Step:
    """Do what is due for `task`, of which `hold` is the claim, in a slot of `queue`.

    Raises LostClaim, and TimeoutError of whoever sets the deadline.
    """
    if task.provider is None and task.starts >= MOST_STARTS:
        return LOST
    if task.provider is None:
        chosen = await next_provider(runtime, task)
        if isinstance(chosen, Rest | Refusal):
            return chosen
        return await _start(runtime, task, chosen, hold, queue)
    known = runtime.providers.get(task.provider)
    if known is None:
        log.error("task.provider_absent", provider=task.provider)
        return Running(ABSENT_PROVIDER_SECONDS)
    if task.provider_ref is not None:
        return await _check(runtime, task, known, hold)
    return await _go_on(runtime, task, known, hold, queue)


async def _go_on(runtime: Runtime, task: Task, known: Provider, hold: Hold, queue: str) -> Step:
    """Make the call that the claim has written down, or see to one that was lost.

    Of that, look for the job if it may be paid for; start a free one again, at most twice.
    """
    if task.begun:
        return await _call(task, known, hold)
    if not known.reruns and task.starts:
        return await look_up(runtime, task, known, image_job(task))
    if task.starts >= MOST_STARTS:
        return LOST
    return await _start(runtime, task, known, hold, queue)


async def _start(runtime: Runtime, task: Task, provider: Provider, hold: Hold, queue: str) -> Step:
    """Prepare the references, commit the intention, and only then make the call that may cost."""
    if provider.queue != queue:
        return Elsewhere(provider.queue)
    try:
        references = await _prepare(runtime, task)
    except TaskFault as fault:
        return Failed(fault.code, fault.message)
    turn = await wait_for_turn(runtime, task, provider)
    if turn is False:
        return InLine()
    call = store.Call(task.task_id, task.claim_no, provider.name)
    if turn is None or not await _write_down(runtime, call):
        raise LostClaim
    return await _call(task, provider, hold, references)


async def _call(
    task: Task,
    provider: Provider,
    hold: Hold,
    references: tuple[Reference, ...] = (),
) -> Outcome:
    """Make the call of which the intention is written down."""
    log.info("task.started", provider=provider.name, claim_no=task.claim_no)
    hold.provider = provider.name
    try:
        with span("provider.start", kind="client", attributes=_told(provider)):
            return await provider.start(image_job(task, references), hold.report)
    except Exception:  # noqa: BLE001 - whatever it was, it is an outcome of this task
        log.exception("provider.start_failed", provider=provider.name)
        return BROKEN if provider.reruns else Unknown("the call broke off")


async def _prepare(runtime: Runtime, task: Task) -> tuple[Reference, ...]:
    """The reference images, fetched, checked and allowed. Raises TaskFault naming the one at fault."""
    limits = runtime.models[task.model].references
    references = await runtime.intake.prepare(task.request.image_urls, limits, task.account_id)
    for index, reference in enumerate(references):
        objection = await runtime.moderation.find(reference.data)
        if objection is not None:
            raise TaskFault(
                objection.code, f"input.image_urls[{index}]: the picture is not allowed here."
            )
    return references


async def _write_down(runtime: Runtime, call: store.Call) -> bool:
    """Write the intention to make `call`; False: the claim is lost.

    Who is cut off meanwhile waits until it is written or is not, for whatever ends the task next must
    see it.
    """
    writing = asyncio.ensure_future(runtime.together(_intend)(call))
    try:
        return await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.gather(writing, return_exceptions=True)
        raise


async def _intend(runtime: Runtime, calls: Sequence[store.Call]) -> list[bool]:
    async with borrow(runtime.pool) as connection:
        return await store.begin_attempts(connection, calls, runtime.clock.now())


async def _check(runtime: Runtime, task: Task, provider: Provider, hold: Hold) -> Outcome:
    assert task.provider_ref is not None
    await wait_to_check(runtime, provider)
    job = image_job(task, found=task.provider_ref.startswith(FOUND))
    hold.provider = provider.name
    try:
        with span("provider.check", kind="client", attributes=_told(provider)):
            return await provider.check(job, task.provider_ref.removeprefix(FOUND))
    except Exception:  # noqa: BLE001 - whatever it was, the next check may go well
        log.exception("provider.check_failed", provider=provider.name)
        return Running(ABSENT_PROVIDER_SECONDS)


def _told(provider: Provider) -> dict[str, str]:
    return {"heliograph.provider": provider.name}


def image_job(
    task: Task, references: tuple[Reference, ...] = (), *, found: bool = False
) -> ImageJob:
    """The job as a provider is handed it."""
    # the same task draws the same pictures again after a lost call
    seed = task.task_id.int & 0x7FFFFFF0
    return ImageJob(task.hex, task.request, references, seed, found)
