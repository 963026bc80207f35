"""One PostgreSQL for all test runs of this user, and a fresh database for each test."""

import asyncio
import concurrent.futures
import contextlib
import hashlib
import importlib.metadata
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import heliograph.base.migrations
from heliograph.base.embedded.cluster import programs
from heliograph.base.migrate import migrate
from heliograph.base.postgres import start_embedded

MEMORY = Path("/dev/shm")
ROOMY_BYTES = 1_000_000_000

# Nothing has to survive the machine here, and several runs may share the server.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
}


def roomy_folder() -> Path:
    """Where test data goes: into memory, when there is plenty."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOMY_BYTES:
        return MEMORY
    return Path(tempfile.gettempdir())


class Databases:
    """Makes and drops databases on one server; each is a copy of a migrated template."""

    def __init__(self, server_url: str, psql: Path) -> None:
        self.server_url = server_url
        self.psql = psql
        self.counter = itertools.count()
        self.template = f"template_{_fingerprint()}"

    def url(self, name: str) -> str:
        return self.server_url.replace("/postgres?", f"/{name}?")

    def run(self, sql: str) -> str:
        command = [self.psql, "-XAtqv", "ON_ERROR_STOP=1", self.server_url]
        done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def make_template(self) -> None:
        """Migrated under another name first, so that a killed run leaves no half of one."""
        if self.run(f"SELECT 1 FROM pg_database WHERE datname = '{self.template}'"):
            return
        draft = f"draft_{os.getpid()}"
        self.run(f"DROP DATABASE IF EXISTS {draft}")
        self.run(f"CREATE DATABASE {draft}")
        with concurrent.futures.ThreadPoolExecutor(
            1
        ) as thread:  # a loop may be running in this one
            thread.submit(asyncio.run, migrate(self.url(draft))).result()
        with contextlib.suppress(AssertionError):  # another run was faster
            self.run(f"ALTER DATABASE {draft} RENAME TO {self.template}")
        self.run(f"DROP DATABASE IF EXISTS {draft}")

    def drop_leftovers(self) -> None:
        """Databases of runs that were killed."""
        names = self.run("SELECT datname FROM pg_database WHERE datname ~ '^(test|draft)_[0-9]+'")
        for name in names.split():
            if not Path(f"/proc/{name.split('_')[1]}").exists():
                self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextlib.contextmanager
    def fresh(self, template: str | None = None) -> Iterator[str]:
        """The URL of a new database, dropped afterwards. `template0` gives an empty one."""
        name = f"test_{os.getpid()}_{next(self.counter)}"
        chosen = template or self.template
        # copying files is quicker here than writing every page of them to the log
        self.run(f"CREATE DATABASE {name} TEMPLATE {chosen} STRATEGY file_copy")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def open_databases() -> Iterator[Databases]:
    """Start or join the server; the last run to leave stops it."""
    data_dir = roomy_folder() / f"heliograph-tests-{os.geteuid()}"
    with start_embedded(data_dir, settings=FAST) as server:
        databases = Databases(server.url, programs() / "psql")
        databases.drop_leftovers()
        databases.make_template()
        yield databases


def _fingerprint() -> str:
    """Changes with everything that decides what the template looks like."""
    folder = Path(heliograph.base.migrations.__file__).parent
    files = [*sorted(folder.rglob("*.py")), folder.parent / "jobs.py", folder.parent / "migrate.py"]
    sources = [path.read_bytes() for path in files]
    sources.append(importlib.metadata.version("pgqueuer").encode())
    return hashlib.sha256(b"".join(sources)).hexdigest()[:12]
