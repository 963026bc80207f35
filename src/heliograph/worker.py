"""The worker: one PgQueuer entrypoint per step, each a few lines that call the spine; the schedules.

Steps that start and check remote jobs and deliver webhooks share many slots. Engines that answer
with the pictures in the same call have a queue of their own, sized to what they can really do.
"""

import asyncio
import contextlib
import contextvars
import functools
import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from pgqueuer import PgQueuer
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.models import HealthCheckEvent, Job, Schedule

from heliograph.accounts.sessions.sign_in import forget_expired
from heliograph.base.errors import Busy
from heliograph.base.listening import ListeningDriver
from heliograph.base.log import log
from heliograph.base.looking import SparingQueries
from heliograph.base.slots import Crew, Slots
from heliograph.base.tallies.store import add_up
from heliograph.base.vacuum import remove_dead_rows
from heliograph.operators.workers.beat import beat
from heliograph.runtime import Runtime, rules_of
from heliograph.tasks.rescue import sweep
from heliograph.tasks.retention.expire import expire_files, forget_idempotency_keys, forget_texts
from heliograph.tasks.run import advance
from heliograph.uploads.upload import expire_uploads
from heliograph.webhooks.lanes import Later
from heliograph.webhooks.prune import prune

QUEUES = ("run", "check", "deliver", "render")

#: A job whose worker gives no sign of life for this long is given to another worker.
HEARTBEAT_SECONDS = 10
POLL_SECONDS = 5
BATCH = 10
SLOTS_FOR_ONE_MORE = 8
RESTART_SECONDS = 1.0

#: A worker that is told to stop lets work in flight go on for this long, then hands it back.
DRAIN_SECONDS = 8

PROBE_TIMEOUT = timedelta(seconds=10)

Handler = Callable[[Runtime, uuid.UUID], Awaitable[None]]
Probe = Callable[[timedelta], Awaitable[HealthCheckEvent]]


@dataclass(frozen=True)
class Share:
    """Queues that share slots: `batch` jobs are fetched at a time, `slots` done at a time."""

    queues: Collection[str]
    batch: int
    slots: int


async def work(runtime: Runtime, stop: asyncio.Event, queues: Collection[str] = QUEUES) -> None:
    """Serve `queues` until `stop` is set, then finish or hand back what is in flight."""
    slots = runtime.settings.worker_concurrency
    remote = [queue for queue in queues if queue != "render"]
    async with asyncio.TaskGroup() as group:
        group.create_task(beat(runtime.pool, queues, stop))
        if remote:
            group.create_task(_keep_serving(runtime, stop, Share(remote, BATCH, slots)))
        if "render" in queues:
            slots = sum(one.slots for one in runtime.providers.values() if one.queue == "render")
            # what is fetched and waits for a slot here would have had one elsewhere
            batch = max(1, min(BATCH, slots // SLOTS_FOR_ONE_MORE))
            group.create_task(_keep_serving(runtime, stop, Share(["render"], batch, slots)))


async def _keep_serving(runtime: Runtime, stop: asyncio.Event, share: Share) -> None:
    """Run PgQueuer, and start it again when the database went away under it."""
    slots = Slots(share.slots)
    while not stop.is_set():
        try:
            await _serve(runtime, stop, share, slots)
        except Exception as error:  # noqa: BLE001 - whatever it was, tasks must go on
            log.warning("worker.restarting", queues=list(share.queues), error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RESTART_SECONDS)
    await _end_rest(slots)


async def _serve(runtime: Runtime, stop: asyncio.Event, share: Share, slots: Slots) -> None:
    driver = ListeningDriver(runtime.pool, runtime.listening)
    queries = SparingQueries(driver, share.queues, slots)
    app = _app(runtime, PgQueuer(driver, queries=queries), share.queues, slots)
    crew = Crew(
        slots,
        lambda: stop.is_set() or queries.has_jobs(),
        functools.partial(_begin, runtime, slots),
    )
    drainer = asyncio.create_task(_drain(stop, app, slots))
    # without schedules it would ask for them every second
    run = app.run if app.sm.registry else app.qm.run
    try:
        with runtime.at_once.serving(share.queues, crew):
            await run(
                dequeue_timeout=timedelta(seconds=POLL_SECONDS),
                batch_size=share.batch,
                max_concurrent_tasks=share.slots,
                heartbeat_timeout=timedelta(seconds=HEARTBEAT_SECONDS),
                # off: nobody would read these statistics, and nobody deletes them
                log_aggregation_interval=timedelta(0),
                shutdown_on_listener_failure=True,
            )
    finally:
        drainer.cancel()


async def _drain(stop: asyncio.Event, app: PgQueuer, slots: Slots) -> None:
    await stop.wait()
    app.shutdown.set()
    await asyncio.sleep(DRAIN_SECONDS)
    for task in slots.at_work:
        task.cancel()


async def _end_rest(slots: Slots) -> None:
    """Let what never was a job go on for as long as jobs may, then hand it back."""
    if slots.at_work:
        await asyncio.wait(slots.at_work, timeout=DRAIN_SECONDS)
    rest = list(slots.at_work)
    for task in rest:
        if not task.cancelling():  # a second time would tear what it is handing back
            task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def _app(runtime: Runtime, app: PgQueuer, queues: Collection[str], slots: Slots) -> PgQueuer:
    app.qm.listener_healthy = functools.partial(_probe_twice, app.qm.listener_healthy)  # type: ignore[method-assign]
    for queue in queues:
        handler = _deliver if queue == "deliver" else functools.partial(advance, queue=queue)
        app.entrypoint(queue)(_entrypoint(runtime, handler, slots))
    if "run" in queues:
        _schedule(app, runtime)
    return app


async def _probe_twice(probe: Probe, timeout: timedelta = PROBE_TIMEOUT) -> HealthCheckEvent:  # noqa: ASYNC109 - PgQueuer's own
    """Whether the listener hears. PgQueuer may send its first probe before it listens: ask again."""
    try:
        return await probe(timeout)
    except FailingListenerError:
        return await probe(timeout)


def _entrypoint(
    runtime: Runtime, handler: Handler, slots: Slots
) -> Callable[[Job], Awaitable[None]]:
    async def step(job: Job) -> None:
        current = asyncio.current_task()
        assert current is not None
        slots.at_work.add(current)
        try:
            await _step(
                lambda: handler(runtime, uuid.UUID((job.payload or b"").decode())), job.entrypoint
            )
        finally:
            slots.at_work.discard(current)

    return step


async def _step(work: Callable[[], Awaitable[None]], entrypoint: str) -> None:
    try:
        await work()
    except RetryRequested:
        raise
    except Busy as busy:
        log.warning("worker.busy", entrypoint=entrypoint, error=busy.message)
    except Exception:  # noqa: BLE001 - the row is the truth: the sweep asks again, the job may go
        log.exception("worker.step_failed", entrypoint=entrypoint)


def _begin(runtime: Runtime, slots: Slots, task_id: uuid.UUID, queue: str) -> None:
    """Take up a task that was accepted in this process, and never was a job."""
    # nobody's request: it must not log under the name of the one that came with it
    work = asyncio.create_task(
        _step(lambda: advance(runtime, task_id, queue), queue), context=contextvars.Context()
    )
    slots.at_work.add(work)
    work.add_done_callback(slots.at_work.discard)


async def _deliver(runtime: Runtime, notice_id: uuid.UUID) -> None:
    outcome = await runtime.deliverer.deliver(notice_id)
    if isinstance(outcome, Later):
        raise RetryRequested(
            delay=timedelta(seconds=outcome.seconds), reason="host is at its limit"
        )


def _schedule(app: PgQueuer, runtime: Runtime) -> None:
    """The schedules are rows in the database: each runs once, however many workers there are."""

    @app.schedule("sweep", "* * * * * */5")
    async def _sweep(_schedule: Schedule) -> None:
        await sweep(runtime)
        await remove_dead_rows(runtime.pool)

    @app.schedule("expire_files", "* * * * *")
    async def _expire(_schedule: Schedule) -> None:
        await expire_files(runtime)
        await expire_uploads(runtime)
        await forget_expired(runtime.pool, now=runtime.clock.now())

    @app.schedule("forget_texts", "27 * * * *")
    async def _forget_texts(_schedule: Schedule) -> None:
        await forget_texts(runtime)

    @app.schedule("add_up", "* * * * *")
    async def _add_up(_schedule: Schedule) -> None:
        await add_up(runtime.pool, runtime.clock.now())

    @app.schedule("forget_idempotency_keys", "*/10 * * * *")
    async def _forget(_schedule: Schedule) -> None:
        await forget_idempotency_keys(runtime)

    @app.schedule("prune_webhooks", "17 * * * *")
    async def _prune_webhooks(_schedule: Schedule) -> None:
        await prune(runtime.pool, rules_of(runtime.settings), now=runtime.clock.now())
