"""Clients that call again as soon as they are answered, or at a given rate whatever the answers do."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

Once = Callable[[], Awaitable[None]]


async def as_fast_as_possible(once: Once, *, clients: int, seconds: float) -> float:
    """How often a second `clients` get through `once` together."""
    end = time.perf_counter() + seconds
    done = 0

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await once()
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return done / (time.perf_counter() - began)


async def at_a_rate(once: Once, *, per_second: float, seconds: float) -> list[float]:
    """How many seconds each of the calls took that began `per_second`, each at a chance moment of its turn.

    Begun evenly, all would meet the same part of the others' work, and the result be a matter of luck.
    """
    chance = random.Random(1)
    took: list[float] = []

    async def timed() -> None:
        began = time.perf_counter()
        await once()
        took.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as calls:
        for number in range(int(per_second * seconds)):
            moment = began + (number + chance.random()) / per_second
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            calls.create_task(timed())
    return took
