"""One running service for all contract tests; each test makes customers of its own."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from contract.service import Customer, Service, running_service, working_service
from support.database import Databases


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("heliograph")
    group.addoption(
        "--requests-per-operation",
        type=int,
        default=60,
        help="how many requests are made up for each operation",
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.register_profile(
        "requests",
        max_examples=int(config.getoption("requests_per_operation", 60)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )


@pytest.fixture(scope="session")
def service(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with (
        databases.fresh() as url,
        running_service(url, tmp_path_factory.mktemp("data")) as service,
    ):
        yield service


@pytest.fixture(scope="module")
def live(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Another service, which does the work too: for callers that wait.

    It ends with its module: while a worker runs in this process, no other test may draw random bodies.
    """
    with (
        databases.fresh() as url,
        working_service(url, tmp_path_factory.mktemp("live")) as service,
    ):
        yield service


@pytest.fixture
def customer(service: Service) -> Customer:
    """Pays, and can."""
    return service.customer(dollars=100)


@pytest.fixture
def tester(service: Service) -> Customer:
    """Has a test key: its tasks rehearse every outcome and cost nothing."""
    return service.customer(test=True)


@pytest.fixture(scope="session")
def generous(service: Service) -> Customer:
    """A customer whom no limit stops."""
    return service.customer(
        dollars=100_000, rate_limit_per_minute=10_000_000, max_live_tasks=1_000_000
    )
