"""What a running server says about itself, whether it is true, and the folder of its socket."""

import contextlib
import hashlib
import os
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from heliograph.base.embedded.cluster import INSTEAD
from heliograph.base.embedded.passage import Identity, give
from heliograph.base.errors import OperatorError

SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 103  # the smallest limit among the systems that we run on (macOS)
ANSWER_SECONDS = 5.0
#: Asks nothing of the database, yet every server answers it: with one letter.
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@dataclass(frozen=True)
class Status:
    """What the server wrote into postmaster.pid (its lines: pidfile.h of PostgreSQL)."""

    process_id: int
    sockets: Path
    state: str

    def is_ready(self) -> bool:
        """Whether it takes connections: it says so, and it answers on its socket."""
        if self.state != "ready":
            return False
        with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(self.sockets / SOCKET))
            connection.sendall(SSL_REQUEST)
            return connection.recv(1) in {b"N", b"S"}
        return False

    def is_server_of(self, cluster: Path) -> bool:
        """Whether the process of that number lives and is a PostgreSQL on `cluster`.

        Numbers are given out again: after a kill or in a new container another process may have
        this one. The command line tells, and it can be read where other facts need privileges.
        """
        try:
            command = psutil.Process(self.process_id).cmdline()  # a zombie has none
        except psutil.Error:
            return False
        return bool(command) and Path(command[0]).name == "postgres" and str(cluster) in command


def read_status(cluster: Path) -> Status | None:
    """The status, or None when the server has not written one, or only half."""
    try:
        # as the names of files are written here, whatever language is spoken
        lines = os.fsdecode((cluster / "postmaster.pid").read_bytes()).splitlines()
        status = Status(int(lines[0]), Path(lines[4]), lines[7].strip())
    except (OSError, ValueError, IndexError):
        return None
    return status if status.process_id > 0 else None


def socket_folder(home: Path, identity: Identity, previous: Status | None) -> Path:
    """A folder for `identity` alone, with a path that is short enough for a socket.

    After a kill the previous one is used again, so that those who were connected find their way
    back. A start that failed, for want of room perhaps, leaves nobody to name it: so the first
    choice is one that follows from `home`. Raises OperatorError when no folder can be made.
    """
    known = [] if previous is None else [previous.sockets]
    for folder in (*known, _usual_folder(home)):
        if _take(folder, identity):
            return folder
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp", str(home)):  # noqa: S108 - mkdtemp
        if len(os.fsencode(f"{parent}/heliograph-12345678/{SOCKET}")) <= SOCKET_PATH_BYTES:
            with contextlib.suppress(OSError):
                sockets = Path(tempfile.mkdtemp(prefix="heliograph-", dir=parent))
                give(identity, sockets)
                return sockets
    raise OperatorError(
        "There is no place for PostgreSQL's socket: /tmp cannot be written. Set TMPDIR to a "
        f"writable folder with a short path, {INSTEAD}."
    )


def _usual_folder(home: Path) -> Path:
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"heliograph-{name}"


def _take(folder: Path, identity: Identity) -> bool:
    """Make the folder, or empty it of a dead server's socket. False when it is no place for one."""
    if len(os.fsencode(folder / SOCKET)) > SOCKET_PATH_BYTES:
        return False
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700)
        give(identity, folder)
    if not _is_private(folder, identity) or _answers(folder / SOCKET):
        return False
    for leftover in folder.glob(SOCKET + "*"):
        leftover.unlink()
    return True


def _answers(place: Path) -> bool:
    """Whether somebody takes connections there: a copy of the cluster, or one of another container."""
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(str(place))
        return True
    return False


def _is_private(folder: Path, identity: Identity) -> bool:
    """Whether it is a real folder that belongs to `identity` and is closed to all others."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == identity.uid and not found.st_mode & 0o77
