"""What every test may ask for."""

import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import structlog

from heliograph.base.database import open_pool
from heliograph.base.postgres import start_embedded
from support.database import Databases, open_databases, roomy_folder

# A run in the background of a shell ignores Ctrl-C, and so would every process that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Else every frame of an exception is drawn with all its variables, which takes longer than most tests.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder with a short path.

    Pytest's own lies under one that every new run closes to other users: among them, for root,
    the user that the embedded PostgreSQL runs as.
    """
    with tempfile.TemporaryDirectory(prefix="heliograph-test-", dir=roomy_folder()) as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="session")
def made_cluster() -> Iterator[Path]:
    """A data directory with a new, stopped cluster: copying it is faster than making another."""
    with tempfile.TemporaryDirectory(prefix="heliograph-test-", dir=roomy_folder()) as folder:
        start_embedded(Path(folder)).release()
        yield Path(folder)


@pytest.fixture
def data_dir(made_cluster: Path, tmp_path: Path) -> Path:
    """A data directory of the test's own, with a new, stopped cluster."""
    subprocess.run(["cp", "-a", made_cluster / "postgres", tmp_path], check=True)
    return tmp_path


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A PostgreSQL server, shared by all tests."""
    with open_databases() as server:
        yield server


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A fresh, migrated database of the test's own."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool on the test's own database."""
    pool = await open_pool(database_url, size=10)
    yield pool
    await pool.close()
