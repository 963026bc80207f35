"""Processes that use an embedded PostgreSQL, and a look at what they leave behind."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg

import heliograph.base.postgres
from heliograph.base.embedded.cluster import programs
from heliograph.base.embedded.filelock import FileLock
from heliograph.base.embedded.postmaster import read_status

SOURCE = Path(heliograph.base.postgres.__file__).parents[2]
NOBODY = 65534

#: Starts it, says its URL and what was changed, and waits for its standard input to close.
#: Everything is imported before the user changes: the new one may not be able to read it.
USER = """
import os, sys, pathlib, encodings.idna
from heliograph.base.errors import OperatorError
from heliograph.base.postgres import start_embedded
user, data_dir = int(sys.argv[1]), pathlib.Path(sys.argv[2])
if user != os.geteuid():
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
try:
    server = start_embedded(data_dir)
except OperatorError as error:
    sys.exit(str(error))
print(server.url, flush=True)
print(*server.changes, sep=" | ", flush=True)
sys.stdin.read()
{ending}
"""


def begin_using(
    data_dir: Path, *, user: int | None = None, ending: str = "server.release()"
) -> subprocess.Popen[str]:
    """A process that starts using the server."""
    chosen = os.geteuid() if user is None else user
    return subprocess.Popen(
        [sys.executable, "-c", USER.format(ending=ending), str(chosen), str(data_dir)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def using(
    data_dir: Path, *, user: int | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that uses the server during the block, and the URL it was given."""
    with begin_using(data_dir, user=user) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, process.communicate()[1]
        yield process, url


def end_using(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def ask(url: str, sql: str) -> object:
    """The first value of the first row."""

    async def fetch() -> object:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def is_running(data_dir: Path) -> bool:
    """Whether any process of the server is left."""
    with FileLock(data_dir / "postgres" / "server.lock") as lock:
        return not lock.try_own()


def postmaster(data_dir: Path) -> int:
    status = read_status(data_dir / "postgres" / "data")
    assert status is not None
    return status.process_id


def owner(data_dir: Path) -> int:
    return (data_dir / "postgres" / "data").stat().st_uid


def programs_are_readable() -> bool:
    """Whether an ordinary user may run PostgreSQL where it is installed."""
    folders = [*programs().parents, programs()]
    return all(folder.stat().st_mode & 0o1 for folder in folders)
