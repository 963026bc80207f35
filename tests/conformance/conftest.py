"""Other people's clients: collected only where their environments are named (`make conformance`)."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("heliograph")
    group.addoption(
        "--sdk",
        action="append",
        type=Path,
        default=[],
        help="the Python of an environment with a release of the dashscope SDK",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if not config.getoption("sdk", []) and collection_path.is_file() else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sdk" in metafunc.fixturenames:
        metafunc.parametrize(
            "sdk", metafunc.config.getoption("sdk"), ids=lambda path: path.parts[-3]
        )
