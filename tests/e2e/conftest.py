"""Installations of real processes, and how hard to try."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.service import Installation, installed

Install = Callable[..., Installation]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("heliograph")
    group.addoption("--kills", type=int, default=10, help="how often a process is killed")
    group.addoption("--tasks", type=int, default=50, help="how many tasks run meanwhile")
    group.addoption(
        "--restarts", type=int, default=3, help="how often the database is killed under load"
    )
    group.addoption(
        "--every-failpoint", action="store_true", help="kill at every step of a task's life"
    )
    group.addoption(
        "--limited-tasks", type=int, default=25, help="how many tasks share one account upstream"
    )
    group.addoption(
        "--overload-seconds", type=int, default=0, help="how long three times too much is asked"
    )
    group.addoption(
        "--rated-requests", type=int, default=2_000, help="how many requests four processes count"
    )
    group.addoption(
        "--rolling-restarts", type=int, default=1, help="how often every process is replaced"
    )
    group.addoption(
        "--hosts", action="store_true", help="network namespaces as hosts: needs root and iproute2"
    )


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("kills", 12))


@pytest.fixture
def tasks(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("tasks", 60))


@pytest.fixture
def limited_tasks(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("limited_tasks", 25))


@pytest.fixture
def overload_seconds(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("overload_seconds", 0))


@pytest.fixture
def rated_requests(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("rated_requests", 2_000))


@pytest.fixture
def install(tmp_path: Path, database_url: str) -> Iterator[Install]:
    """Makes an installation on a fresh database; all that it starts has ended after the test."""
    with ExitStack() as opened:
        yield lambda **settings: opened.enter_context(installed(tmp_path, database_url, **settings))
