"""How many worlds are tried, and which one is replayed."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("heliograph")
    group.addoption("--seeds", type=int, default=None, help="how many simulated worlds are tried")
    group.addoption("--first", type=int, default=0, help="the seed of the first of them")
    group.addoption(
        "--seed", type=int, default=None, help="the one simulated world that is replayed"
    )
    group.addoption("--minutes", type=float, default=None, help="simulate no longer than this")
