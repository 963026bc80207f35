"""What operator commands share: the settings, the database, and a runtime, opened and closed."""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from heliograph.base.database import Pool
    from heliograph.base.settings import Settings
    from heliograph.runtime import Runtime

Result = TypeVar("Result")


def read_settings(**overrides: object) -> "Settings":
    """The settings of this process. Raises OperatorError naming what is wrong."""
    from heliograph.base.settings import load_settings

    return load_settings(os.environ, **overrides)


def with_pool(use: "Callable[[Settings, Pool], Awaitable[Result]]") -> Result:
    """Run `use` on the database, migrated; the embedded one is started if nobody has yet."""
    settings = read_settings()

    async def run() -> Result:
        from heliograph.runtime import open_database

        async with open_database(settings) as pool:
            return await use(settings, pool)

    return _run_quietly(settings, run)


def with_runtime(use: "Callable[[Runtime], Awaitable[Result]]") -> Result:
    """Run `use` with everything open, as in the service."""
    settings = read_settings()

    async def run() -> Result:
        from heliograph.runtime import open_runtime

        async with open_runtime(settings) as runtime:
            return await use(runtime)

    return _run_quietly(settings, run)


def _run_quietly(settings: "Settings", run: Callable[[], Awaitable[Result]]) -> Result:
    import asyncio

    log_only_trouble(settings)
    return asyncio.run(run())  # type: ignore[arg-type]


def log_only_trouble(settings: "Settings") -> None:
    """Commands answer on standard output; the log says, on standard error, only what went wrong."""
    import msgspec

    from heliograph.base.log import start_logging

    start_logging(msgspec.structs.replace(settings, log_level="warning"))
