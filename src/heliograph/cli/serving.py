"""Running the service: one process or several behind one port, and an orderly end on SIGTERM."""

import asyncio
import contextlib
import functools
import gc
import multiprocessing
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, MutableMapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.loops.auto import auto_loop_factory
from uvicorn.supervisors import Multiprocess

from heliograph.accounts.counters import make_shared
from heliograph.base.errors import OperatorError
from heliograph.base.log import log, start_logging
from heliograph.base.settings import Settings
from heliograph.base.trace import tracing
from heliograph.cli.greeting import greet, greet_alone, is_watched
from heliograph.runtime import Runtime, open_runtime, prepare_database

#: How long requests in flight may take once the process is told to stop.
GRACEFUL_SECONDS = 10
#: At least so long a process that stops takes one more request on each connection that was kept.
LAST_REQUEST_SECONDS = 1
BACKLOG = 2048
KEEP_ALIVE_SECONDS = 30
PARENT_CHECK_SECONDS = 1.0
COLLECT_AFTER_OBJECTS = 20_000

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def serve_api(settings: Settings, *, processes: int, work: bool) -> None:
    """Serve until SIGTERM or SIGINT; blocks. With several processes a parent restarts those that die.

    Raises OperatorError when the port is taken.
    """
    start_logging(settings)
    _leave_no_core()
    _allow_many_connections()
    listener = listen(settings.host, settings.port)
    if processes == 1:
        config = server_config(settings, work=work, greets=is_watched(settings))
        _serve_alone(config, listener)
        return
    # the parent keeps the embedded database running while children come and go
    with prepare_database(settings), tempfile.TemporaryDirectory() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        shared_counters = make_shared(Path(folder) / "rates")
        config = server_config(settings, processes, work=work, shared_counters=shared_counters)
        if is_watched(settings):
            asyncio.run(greet_alone(settings))
        _serve_together(config, listener)


def _serve_alone(config: uvicorn.Config, listener: socket.socket) -> None:
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except SystemExit as end:
        # uvicorn has a number of its own for a service that could not start
        sys.exit(1 if end.code else 0)


def _serve_together(config: uvicorn.Config, listener: socket.socket) -> None:
    parent = Multiprocess(config, sockets=[listener])
    parent.run()
    if any(child.exitcode == STARTUP_FAILURE for child in parent.processes):
        sys.exit(1)


def _allow_many_connections() -> None:
    """Take as many open files as the system grants: the usual first offer is 1,024, and a thousand wait.

    Some systems call their limit infinite and then refuse it.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _leave_no_core() -> None:
    """Write no memory to disk when the process crashes: keys of providers and of customers are in it."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def serve_queues(settings: Settings, queues: Collection[str]) -> None:
    """Work on `queues` until SIGTERM or SIGINT; blocks."""
    start_logging(settings)
    _leave_no_core()
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_work(settings, queues))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port` (0: any free one). Raises OperatorError when it is taken.

    It listens at once: of two that are only bound, both would believe that the port is theirs.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # naming the protocol lets asyncio switch off Nagle's delay on every connection
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OperatorError(
            f"Cannot listen on {host}:{port}: {error.strerror}."
            " Choose another port: heliograph serve --port 8081 (or HELIOGRAPH_PORT)."
        ) from None
    listener.set_inheritable(True)
    return listener


def server_config(
    settings: Settings,
    processes: int = 1,
    *,
    work: bool,
    shared_counters: Path | None = None,
    greets: bool = False,
) -> uvicorn.Config:
    """How uvicorn serves: our logs, no access lines, no version in the headers."""
    from heliograph.cli.connection import Connection

    return uvicorn.Config(
        functools.partial(Service, settings, shared_counters, work, greets),
        factory=True,
        workers=processes,
        lifespan="on",
        http=functools.partial(  # type: ignore[arg-type]  # called like the class that it makes
            Connection,
            max_head_bytes=settings.max_head_bytes,
            head_timeout_seconds=settings.request_timeout_seconds,
            last_request_seconds=min(
                max(settings.drain_seconds, LAST_REQUEST_SECONDS), GRACEFUL_SECONDS / 2
            ),
        ),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


class Service:
    """The whole service as one ASGI application: it opens and closes with the server's life."""

    def __init__(
        self, settings: Settings, shared_counters: Path | None, work: bool, greets: bool
    ) -> None:
        self._settings = settings
        self._greets = greets
        self._shared_counters = shared_counters
        self._work = work
        self._answer: Callable[..., Awaitable[None]] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or live from start to stop, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            assert self._answer is not None
            await self._answer(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self._open():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except OperatorError as error:
            log.error("service.cannot_start", reason=str(error))
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        from heliograph.api.app import create_app

        start_logging(self._settings)
        async with contextlib.AsyncExitStack() as opened:
            opened.enter_context(tracing())
            runtime = await opened.enter_async_context(
                open_runtime(self._settings, shared_counters=self._shared_counters)
            )
            if self._greets:
                await greet(runtime.pool, self._settings)
            if self._work:
                await opened.enter_async_context(_working(runtime))
            parent = multiprocessing.parent_process()
            if parent is not None:
                watcher = asyncio.create_task(_leave_with(parent))
                opened.callback(watcher.cancel)
            self._answer = create_app(runtime)
            _collect_seldom()
            log.info("service.ready", url=self._settings.public_url, worker=self._work)
            with _told_when_to_stop(runtime):
                yield
            log.info("service.stopping")


@contextlib.contextmanager
def _told_when_to_stop(runtime: Runtime) -> Iterator[None]:
    """Let those who wait for a task go at the signal itself: the server waits for them to go.

    The server hears of it after the seconds in which balancers find out, or at a second signal.
    """
    drain_seconds = runtime.settings.drain_seconds
    loop = asyncio.get_running_loop()

    def stop_waiting() -> None:
        runtime.draining.set()
        runtime.changes.stop_waiting()

    def hear(number: int, frame: FrameType | None) -> None:
        seconds = 0 if runtime.draining.is_set() else drain_seconds
        loop.call_soon_threadsafe(stop_waiting)
        handler = servers[signal.Signals(number)]
        if callable(handler) and seconds:
            loop.call_soon_threadsafe(loop.call_later, seconds, handler, number, None)
        elif callable(handler):
            handler(number, frame)

    numbers = (signal.SIGTERM, signal.SIGINT) if _in_main_thread() else ()
    servers = {number: signal.signal(number, hear) for number in numbers}
    try:
        yield
    finally:
        for number, handler in servers.items():
            signal.signal(number, handler)
        stop_waiting()


def _in_main_thread() -> bool:
    """Only there signals are heard."""
    return threading.current_thread() is threading.main_thread()


@contextlib.asynccontextmanager
async def _working(runtime: Runtime) -> AsyncIterator[None]:
    """A worker beside the API, in the same process; drained when the block ends."""
    from heliograph.worker import work

    stop = asyncio.Event()
    worker = asyncio.create_task(work(runtime, stop))
    try:
        yield
    finally:
        stop.set()
        await worker


async def _work(settings: Settings, queues: Collection[str]) -> None:
    from heliograph.worker import work

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with tracing():
        async with open_runtime(settings) as runtime:
            log.info("worker.ready", queues=list(queues))
            await work(runtime, stop, queues)
            log.info("worker.stopped")


def _collect_seldom() -> None:
    """What is open by now stays for good, so it is not looked through at each collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, 10, 10)


async def _leave_with(parent: BaseProcess) -> None:
    """End this child when its parent was killed: else it would keep the port for ever."""
    while parent.is_alive():  # noqa: ASYNC110 - another process ends without telling ours
        await asyncio.sleep(PARENT_CHECK_SECONDS)
    log.warning("service.parent_gone")
    os.kill(os.getpid(), signal.SIGTERM)
