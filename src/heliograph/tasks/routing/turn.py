"""Asking a provider in turn: who is next, is there a place, and when may the call be made."""

import asyncio
import datetime

from heliograph.base.database import Connection, borrow, transaction
from heliograph.base.jobs import Job, enqueue
from heliograph.providers.health.store import read_health
from heliograph.providers.provider import Provider
from heliograph.runtime import Runtime
from heliograph.tasks.routing.choice import Refusal, Rest, choose
from heliograph.tasks.routing.store import read_refusals, reserve, take_place, wake_waiting
from heliograph.tasks.store import SureCall
from heliograph.tasks.task import Task

#: A task that waits for a place looks for itself after this long, should nobody have woken it.
FALLBACK_SECONDS = 30


def sure_calls(runtime: Runtime, queue: str) -> list[SureCall]:
    """The calls that new tasks are sure to need first in slots of `queue`, and may make at once.

    Nothing is fetched or waited for before them, and one that is never made after all costs nothing.
    """
    with_references = {
        mode.name
        for model in runtime.models.values()
        for mode in model.modes.values()
        if mode.max_references
    }
    return [
        SureCall(test, routing, mode, provider.name)
        for (test, routing, mode), provider in runtime.lone_providers.items()
        if provider.queue == queue
        and provider.reruns
        and mode not in with_references
        and not _has_turns(provider)
    ]


async def next_provider(
    runtime: Runtime, task: Task, refusal: Refusal | None = None
) -> Provider | Rest | Refusal:
    """The provider that is asked next for `task`, when to ask again, or the refusal that ends it.

    `refusal` is one that is not written down yet.
    """
    route = runtime.route(test=task.test, routing=task.routing, mode=task.mode)
    if len(route) == 1 and task.claim_no == 1 and refusal is None:
        return route[0]
    names = [provider.name for provider in route]
    async with borrow(runtime.pool) as connection:
        refusals = await read_refusals(connection, task.task_id)
        health = await read_health(connection, names)
    if refusal is not None:
        refusals.append(refusal)
    chosen = choose(names, refusals, health, runtime.clock.now())
    return runtime.providers[chosen] if isinstance(chosen, str) else chosen


async def wait_for_turn(runtime: Runtime, task: Task, provider: Provider) -> bool | None:
    """Take a place at `provider` and wait until its turn. False: no place is free, the task waits.

    None: the claim is lost.
    """
    if not _has_turns(provider):
        return True
    limits = provider.limits
    now = runtime.clock.now()
    fallback_at = now + datetime.timedelta(seconds=FALLBACK_SECONDS)
    async with transaction(runtime.pool) as connection:
        taken = await take_place(
            connection, task, provider.name, limits.tasks_in_flight, fallback_at
        )
        if taken:
            # whoever came too early for it may take what is left
            await wake_next(runtime, connection, now)
    if taken and limits.starts_per_second is not None:
        await _sleep_until_free(runtime, provider.name, limits.starts_per_second)
    return taken


def _has_turns(provider: Provider) -> bool:
    limits = provider.limits
    return limits.tasks_in_flight is not None or limits.starts_per_second is not None


async def wait_to_check(runtime: Runtime, provider: Provider) -> None:
    """Wait until `provider` may be asked after one job more."""
    if provider.limits.checks_per_second is not None:
        name = f"{provider.name} check"
        await _sleep_until_free(runtime, name, provider.limits.checks_per_second)


async def _sleep_until_free(runtime: Runtime, name: str, per_second: float) -> None:
    async with borrow(runtime.pool) as connection:
        now = runtime.clock.now()
        moment = await reserve(connection, name, per_second, now)
    await asyncio.sleep(max(0.0, (moment - now).total_seconds()))


async def wake_next(runtime: Runtime, connection: Connection, now: datetime.datetime) -> None:
    """Let tasks take the places that an ending in this transaction has made free."""
    for provider in runtime.providers.values():
        most = provider.limits.tasks_in_flight
        if most is not None:
            woken = await wake_waiting(connection, provider.name, most, now)
            await enqueue(connection, [Job(provider.queue, task_id.hex) for task_id in woken])
