"""A balancer as hosts and clusters have them: whole connections, to whoever says that it is ready."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

READY = b"GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 1.0
CHUNK_BYTES = 65_536

Place = tuple[str, int]
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Balancer:
    """Passes each new connection to the next of `backends` that was ready at the last look."""

    def __init__(self) -> None:
        self.backends: list[Place] = []
        self.ready: set[Place] = set()
        self.port = 0
        self._turns = itertools.count()
        self._sinks: set[asyncio.StreamWriter] = set()

    async def keep_looking(self) -> None:
        while True:
            places = list(self.backends)
            looks = await asyncio.gather(*map(is_ready, places))
            self.ready = {place for place, good in zip(places, looks, strict=True) if good}
            await asyncio.sleep(LOOK_SECONDS)

    async def until_ready(self, place: Place, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while place not in self.ready:
                await asyncio.sleep(LOOK_SECONDS / 2)

    async def serve(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Join the client with a backend; one that refuses the connection is passed over."""
        turn = next(self._turns)
        places = sorted(self.ready)
        for number in range(len(places)):
            try:
                back = await connected(places[(turn + number) % len(places)])
            except (OSError, TimeoutError):
                continue
            await self._join((source, sink), back)
            return
        sink.transport.abort()

    async def _join(self, front: Line, back: Line) -> None:
        self._sinks |= {front[1], back[1]}
        try:
            await asyncio.gather(pump(front[0], back[1]), pump(back[0], front[1]))
        finally:
            self._sinks -= {front[1], back[1]}

    async def close(self) -> None:
        """Hang up on everybody."""
        sinks = list(self._sinks)
        for sink in sinks:
            sink.transport.abort()
        for sink in sinks:
            with contextlib.suppress(OSError):
                await sink.wait_closed()


async def connected(place: Place) -> Line:
    """A connection. Raises OSError or TimeoutError."""
    return await asyncio.wait_for(asyncio.open_connection(*place), PATIENCE_SECONDS)


async def is_ready(place: Place) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            source, sink = await asyncio.open_connection(*place)
            with contextlib.closing(sink):
                sink.write(READY)
                return b" 200 " in (await source.read()).partition(b"\r\n")[0]
    return False


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """All that comes from one side goes to the other, the end and a reset too."""
    try:
        while data := await source.read(CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
        sink.close()
    except OSError:
        sink.transport.abort()


@contextlib.asynccontextmanager
async def balancing(port: int, host: str = "127.0.0.1") -> AsyncIterator[Balancer]:
    """A balancer that listens on `port` during the block, without backends yet."""
    balancer = Balancer()
    server = await asyncio.start_server(balancer.serve, host, port)
    looking = asyncio.create_task(balancer.keep_looking())
    try:
        yield balancer
    finally:
        looking.cancel()
        server.close()
        await balancer.close()
