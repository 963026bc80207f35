"""A worker process says that it is alive."""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import Collection

from heliograph.base.database import Pool, borrow
from heliograph.base.errors import Busy
from heliograph.base.log import log
from heliograph.operators.workers.store import note_alive, note_gone

BEAT_SECONDS = 10.0

#: Two beats may be late before a worker counts as gone.
ALIVE_SECONDS = 3 * BEAT_SECONDS


async def beat(pool: Pool, queues: Collection[str], stop: asyncio.Event) -> None:
    """Say every few seconds that this process serves `queues`, until `stop` is set; then take it back.

    A database that is away is no trouble: the work itself tells of that.
    """
    worker_id = uuid.uuid4()
    while not stop.is_set():
        try:
            async with borrow(pool) as connection:
                await note_alive(
                    connection, worker_id, socket.gethostname(), os.getpid(), list(queues)
                )
        except Busy as busy:
            log.debug("worker.not_noted", error=busy.message)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), BEAT_SECONDS)
    with contextlib.suppress(Busy):
        async with borrow(pool) as connection:
            await note_gone(connection, worker_id)
