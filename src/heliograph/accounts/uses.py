"""When each key was last used: noted in memory, and written for all keys at once, now and then."""

import asyncio
import datetime

from heliograph.accounts import store
from heliograph.base.database import Pool, borrow
from heliograph.base.errors import Busy
from heliograph.base.log import log

WRITE_SECONDS = 60.0


class Uses:
    """Keeps when keys are used, off the way of the requests that use them.

    What is noted is written within `write_seconds`, and once a minute for each key however many
    processes note it; so what is read may be two minutes old. Nothing runs while no key is used.
    """

    def __init__(self, pool: Pool, *, write_seconds: float = WRITE_SECONDS) -> None:
        self._pool = pool
        self._write_seconds = write_seconds
        self._noted: dict[str, datetime.datetime] = {}
        self._writer: asyncio.Task[None] | None = None

    def note(self, key_id: str, now: datetime.datetime) -> None:
        """The key is used at this moment."""
        self._noted[key_id] = now
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_in_time())

    async def close(self) -> None:
        """Write what is noted, unless the database is away."""
        if self._writer is not None:
            self._writer.cancel()
        await self._write()

    async def _write_in_time(self) -> None:
        while self._noted:
            await asyncio.sleep(self._write_seconds)
            await self._write()
        self._writer = None

    async def _write(self) -> None:
        noted = dict(self._noted)
        if not noted:
            return
        try:
            async with borrow(self._pool) as connection:
                await store.write_uses(connection, noted)
        except Busy as busy:
            log.debug("keys.uses_not_written", error=busy.message)
        else:
            # what has been noted meanwhile, and what was not written, waits for the next time
            self._noted = {
                key_id: at for key_id, at in self._noted.items() if noted.get(key_id) != at
            }
