"""What changes elsewhere, heard here: one listening connection for all who wait in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from heliograph.base.database import Connection, Pool, borrow, ping
from heliograph.base.errors import Busy
from heliograph.base.log import log

CHANNEL = "heliograph_changes"
PING_SECONDS = 15.0
RELISTEN_SECONDS = 1.0


class Changes:
    """Wakes whoever watches a topic when PostgreSQL tells that it changed.

    A topic is the payload of a NOTIFY on CHANNEL: a task id, for one. After a lost connection
    everybody is woken, because nobody knows what was missed; a watcher reads again anyway.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._hearing = asyncio.Event()
        self._over = False

    @contextlib.asynccontextmanager
    async def watch(self, topic: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set at every change of `topic` from the start of the block on.

        Raises Busy when the database does not let us listen now.
        """
        changed = asyncio.Event()
        self._watchers.setdefault(topic, set()).add(changed)
        try:
            await self._listen()
            yield changed
        finally:
            watchers = self._watchers[topic]
            watchers.discard(changed)
            if not watchers:
                del self._watchers[topic]

    @property
    def over(self) -> bool:
        """Whether the service is stopping: nobody should wait on."""
        return self._over

    def stop_waiting(self) -> None:
        """Wake everybody, for the last time: the service is stopping."""
        self._over = True
        self._wake_all()

    async def close(self) -> None:
        """Give the connection back."""
        self.stop_waiting()
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = asyncio.create_task(self._keep_listening())
        if self._hearing.is_set():
            return
        try:
            await asyncio.wait_for(self._hearing.wait(), PING_SECONDS)
        except TimeoutError:
            raise Busy("The database does not let us listen for changes") from None

    async def _keep_listening(self) -> None:
        while True:
            try:
                async with borrow(self._pool) as connection:
                    await connection.add_listener(CHANNEL, self._hear)
                    try:
                        await self._hear_until_lost(connection)
                    finally:
                        self._hearing.clear()
                        await connection.remove_listener(CHANNEL, self._hear)
            except Busy as busy:
                log.warning("changes.not_heard", error=busy.message)
            await asyncio.sleep(RELISTEN_SECONDS)

    async def _hear_until_lost(self, connection: Connection) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        self._hearing.set()
        self._wake_all()
        while not lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), PING_SECONDS)
            await ping(connection)

    def _hear(self, _connection: object, _pid: int, _channel: str, topic: str) -> None:
        for changed in self._watchers.get(topic, ()):
            changed.set()

    def _wake_all(self) -> None:
        for watchers in self._watchers.values():
            for changed in watchers:
                changed.set()
