"""How many worlds are tried, and which one is replayed."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("heliograph")
    group.addoption("--seeds", type=int, default=40, help="how many simulated worlds are tried")
    group.addoption(
        "--seed", type=int, default=None, help="the one simulated world that is replayed"
    )
    group.addoption("--minutes", type=float, default=None, help="simulate for so long instead")
