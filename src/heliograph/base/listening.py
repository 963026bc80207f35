"""How PgQueuer reaches the database when notifications and statements take different ways there."""

import asyncio
from collections.abc import Callable
from typing import Self, TypeAlias

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import Driver, NotifyCallback

Payload: TypeAlias = str | bytes | bytearray


class ListeningDriver(Driver):
    """Statements through `pool`, which may lead through a pooler; notifications heard on `listening`.

    Both may be the same pool. `hears` tells which notifications are worth hearing.
    """

    def __init__(self, pool: asyncpg.Pool, listening: asyncpg.Pool) -> None:
        self._speaking = AsyncpgPoolDriver(pool)
        self._hearing = AsyncpgPoolDriver(listening)
        self._heard: dict[tuple[str, NotifyCallback], NotifyCallback] = {}
        self.hears: Callable[[Payload], bool] = lambda _: True

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of one statement."""
        return await self._speaking.fetch(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """The status of one statement."""
        return await self._speaking.execute(query, *args)

    async def notify(self, channel: str, payload: str) -> None:
        """Tell all who listen: that needs no connection of its own."""
        await self._speaking.notify(channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Hear `channel` from now on, on one connection that is kept: what `hears` lets through."""

        def hear(payload: Payload) -> None:
            if self.hears(payload):
                callback(payload)

        self._heard[channel, callback] = hear
        await self._hearing.add_listener(channel, hear)

    async def remove_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Hear it no more."""
        await self._hearing.remove_listener(channel, self._heard.pop((channel, callback), callback))

    @property
    def shutdown(self) -> asyncio.Event:
        """Set when the worker ends."""
        return self._speaking.shutdown

    @property
    def tm(self) -> TaskManager:
        """A keeper of tasks in the background."""
        return self._speaking.tm

    async def __aenter__(self) -> Self:
        await self._hearing.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._hearing.__aexit__(*error)
