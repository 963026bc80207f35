"""The embedded PostgreSQL: started by the first process that needs it, stopped by the last.

Locks tell who uses it and whether it runs, never process numbers, which are given out again:

    start.lock   held while starting or stopping
    users.lock   shared by every process that uses the server
    server.lock  inherited by the server: it is free only when none of its processes is left
"""

import atexit
import contextlib
import os
import signal
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from heliograph.base.embedded.cluster import (
    INSTEAD,
    SUPERUSER,
    cannot_start,
    cluster_version,
    make_cluster,
    programs,
    run_as,
    server_command,
)
from heliograph.base.embedded.filelock import FileLock, looks, owned
from heliograph.base.embedded.passage import (
    Identity,
    choose_identity,
    give,
    leave_to_owner,
    open_passage,
    open_programs,
)
from heliograph.base.embedded.postmaster import Status, read_status, socket_folder
from heliograph.base.errors import OperatorError

START_SECONDS = 60.0
STOP_SECONDS = 20.0
TURN_SECONDS = START_SECONDS + 2 * STOP_SECONDS
LOG_BYTES = 4_000_000


class EmbeddedPostgres:
    """One process's use of the server. `url` leads to it; `changes` says what root had to change.

    Give it back with `release()`, or use it as a context manager; at the latest it is given back
    when the process ends. One that is killed gives it back too, but stops nothing: the server
    then runs until the next that uses it is done.
    """

    def __init__(self, home: Path, users: FileLock, sockets: Path, changes: list[str]) -> None:
        place = urllib.parse.quote(str(sockets))
        self.url = f"postgresql://{SUPERUSER}@/postgres?host={place}"
        self.changes = tuple(changes)
        self._home = home
        self._users: FileLock | None = users
        self._process_id = os.getpid()
        atexit.register(self.release)

    def release(self) -> None:
        """Stop using the server, and stop it when nobody else uses it. May be called again."""
        if self._users is None or self._process_id != os.getpid():
            return  # what a fork inherits is not its own
        users, self._users = self._users, None
        atexit.unregister(self.release)
        # Without its folder the server finds out by itself that it has to stop.
        with contextlib.suppress(FileNotFoundError), users:
            users.give_back()
            with owned(self._home / "start.lock", TURN_SECONDS):
                if users.try_own():
                    _stop(self._home)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def start_embedded(
    data_dir: Path, *, settings: Mapping[str, str] | None = None
) -> EmbeddedPostgres:
    """Use the PostgreSQL in `data_dir`/postgres; make it and start it where it does not run yet.

    `settings` are settings of PostgreSQL, for the case that this call starts it. Blocks for about
    a second. Raises OperatorError, with what PostgreSQL said last and what helps.
    """
    home = data_dir.expanduser().resolve() / "postgres"
    with _named_trouble(home), contextlib.ExitStack() as undo:
        home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
        with owned(home / "start.lock", TURN_SECONDS):
            users = undo.enter_context(FileLock(home / "users.lock"))
            users.share()
            status, changes = _ensure_running(home, settings or {})
        undo.pop_all()
        return EmbeddedPostgres(home, users, status.sockets, changes)


def _ensure_running(home: Path, settings: Mapping[str, str]) -> tuple[Status, list[str]]:
    """The status of the running server, and what was changed to start it."""
    cluster = home / "data"
    with FileLock(home / "server.lock") as lock:
        for _ in looks(START_SECONDS):
            free, status = lock.try_own(), read_status(cluster)
            # A server without the lock was started by hand.
            runs = status is not None and (not free or status.is_server_of(cluster))
            if status and runs and status.is_ready():
                return status, []
            if free and not runs:
                return _start(home, lock, settings)
    raise OperatorError(
        f"The embedded PostgreSQL in {cluster} runs but does not answer, or it runs in another "
        f"container. The end of {home / 'log'} may say why. Wait if it recovers, else end it "
        f"(fuser -v {home / 'server.lock'}), {INSTEAD}."
    )


def _start(home: Path, lock: FileLock, settings: Mapping[str, str]) -> tuple[Status, list[str]]:
    """Start the server. The lock proves that none runs, whatever its old files say."""
    cluster = home / "data"
    identity, changes = _prepare(home)
    sockets = socket_folder(home, identity, read_status(cluster))
    changes += open_passage(identity, sockets)
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    with _open_log(home / "log") as log:
        leave_to_owner(identity, home)
        log_start = log.tell()
        server = subprocess.Popen(  # noqa: S603 - a program of the wheel
            server_command(cluster, sockets, settings),
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in a terminal is meant for us
            pass_fds=(lock.number,),
            **run_as(identity, cluster),
        )
    threading.Thread(target=server.wait, name="postgres", daemon=True).start()
    try:
        return _wait_until_ready(server, home, log_start), changes
    except OperatorError:
        with contextlib.suppress(OSError):
            sockets.rmdir()
        raise


def _prepare(home: Path) -> tuple[Identity, list[str]]:
    """See to the user, the programs and the cluster; who runs it, and what was changed."""
    cluster = home / "data"
    identity, changes = choose_identity(home.parent, cluster)
    changes += open_passage(identity, cluster)
    changes += open_programs(identity, programs(cluster_version(cluster)).parent)
    if not cluster.exists():
        make_cluster(cluster, identity)
    changes += give(identity, cluster)
    return identity, changes


def _wait_until_ready(server: subprocess.Popen[bytes], home: Path, log_start: int) -> Status:
    for _ in looks(START_SECONDS):
        status = read_status(home / "data")
        if status and status.process_id == server.pid and status.is_ready():
            return status
        if server.poll() is not None:
            break
    with (home / "log").open(errors="replace") as log:
        log.seek(log_start)
        raise cannot_start(home / "data", log.read().splitlines())


def _stop(home: Path) -> None:
    status = read_status(home / "data")
    if status is None or not status.is_server_of(home / "data"):
        return
    with FileLock(home / "server.lock") as lock:
        if lock.try_own():
            return  # started by hand: not ours to stop
        for order in (signal.SIGINT, signal.SIGQUIT):  # end the connections; then end at once
            with contextlib.suppress(ProcessLookupError):
                os.kill(status.process_id, order)
            if any(lock.try_own() for _ in looks(STOP_SECONDS)):
                break
    with contextlib.suppress(OSError):
        status.sockets.rmdir()


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name("log.old"))
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "ab")


@contextlib.contextmanager
def _named_trouble(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OperatorError(
            f"The data directory {home.parent} cannot be used by user {os.geteuid()}: "
            f"{error.strerror} ({error.filename or home}). Make it usable, choose another "
            f"HELIOGRAPH_DATA_DIR, {INSTEAD}."
        ) from error
