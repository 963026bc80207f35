"""A process that reads the state of a task ten times a second; prints the milliseconds of each read.

`make soak` starts it. It does nothing else, so that what it reports is not its own delay.
"""

import asyncio
import sys
import time

import clients

READS_PER_SECOND = 10


async def read(url: str, key: str) -> None:
    async with clients.session() as http:
        once = await clients.reader(http, url, key)
        while True:
            began = time.perf_counter()
            await once()
            print((time.perf_counter() - began) * 1000, flush=True)
            await asyncio.sleep(1 / READS_PER_SECOND)


if __name__ == "__main__":
    asyncio.run(read(*sys.argv[1:]))
