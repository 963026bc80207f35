"""Waiting for what others count."""

import asyncio
from collections.abc import Callable


async def until(reached: Callable[[], bool]) -> None:
    """Look every hundredth of a second, until `reached` says so."""
    while not reached():  # noqa: ASYNC110 - who counts has better to do than to tell of each one
        await asyncio.sleep(0.01)
