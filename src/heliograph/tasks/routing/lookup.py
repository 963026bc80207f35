"""Looking for a job that may or may not have been accepted, where its provider lists what it has."""

import datetime

from heliograph.base.database import borrow
from heliograph.base.log import log
from heliograph.providers.provider import ImageJob, Provider, Started, Unknown
from heliograph.runtime import Runtime
from heliograph.tasks.routing.choice import Rest
from heliograph.tasks.routing.store import known_refs, read_lost_call
from heliograph.tasks.store import FOUND
from heliograph.tasks.task import Task

#: By then every call of that moment has had its answer, or never will.
LOOK_UP_AFTER_SECONDS = 75
LOOK_UP_AGAIN_SECONDS = 60


async def look_up(
    runtime: Runtime, task: Task, provider: Provider, job: ImageJob
) -> Started | Unknown | Rest:
    """The job of a call that never answered, if the provider has exactly one that is no other's.

    Else when to look again; Unknown when that is news.
    """
    now = runtime.clock.now()
    async with borrow(runtime.pool) as connection:
        lost = await read_lost_call(connection, task.task_id)
    if not lost.noted:
        return Unknown("the worker stopped between the call and its answer")
    ready_at = lost.started_at + datetime.timedelta(seconds=LOOK_UP_AFTER_SECONDS)
    if now < ready_at:
        return Rest(ready_at)
    again_at = now + datetime.timedelta(seconds=LOOK_UP_AGAIN_SECONDS)
    if lost.ambiguous:
        return Rest(again_at)
    refs = list(await provider.find(job, lost.started_at))
    async with borrow(runtime.pool) as connection:
        found = [FOUND + ref for ref in refs]
        known = await known_refs(connection, provider.name, [*refs, *found])
    strangers = set(refs) - {ref.removeprefix(FOUND) for ref in known}
    if len(strangers) != 1:
        return Rest(again_at)
    ref = strangers.pop()
    log.warning("task.found_by_look_up", provider=provider.name, ref=ref)
    return Started(FOUND + ref, 0)
