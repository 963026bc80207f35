"""An hour at seven tenths of what the service can do: whether it fails, slows down or grows.

    make soak
    make soak ARGS="--minutes 10"

An upstream has every picture ready. Clients submit, wait for the end and read the state, at a steady
rate; beside them a process of its own reads the state of a task that has ended, ten times a second. Each
minute is a line: what was done, what failed, how long a read took, and how much memory the process has.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import clients
import compare
import psutil
import servers
from crowd import Once, as_fast_as_possible

from heliograph.base.settings import load_settings
from heliograph.runtime import prepare_database

SHARE = 0.7
CLIENTS = 32
CAPACITY_SECONDS = 10
READING = Path(__file__).with_name("reading.py")
#: What is loaded, cached and compiled at first is not growth.
WARM_MINUTES = 2
GROWTH_GOAL = 0.05
READ_GOAL_MS = 20.0


@dataclass
class Minute:
    """What happened in one."""

    done: int = 0
    failed: int = 0
    reads_ms: list[float] = field(default_factory=list)
    memory_bytes: int = 0

    @property
    def p99_ms(self) -> float:
        """What only one read of a hundred took longer than."""
        return sorted(self.reads_ms)[int(len(self.reads_ms) * 0.99)]


class Soak:
    """A service, and what its clients see of it, minute by minute."""

    def __init__(self, once: Once, reads: asyncio.StreamReader, process: psutil.Process) -> None:
        self.once, self.reads, self.process = once, reads, process
        self.minute = Minute()

    async def run(self, per_second: float, minutes: int) -> list[Minute]:
        """The minutes of a steady load of so many tasks a second."""
        seen = []
        async with asyncio.TaskGroup() as group:
            load = group.create_task(self._load(per_second))
            reader = group.create_task(self._read())
            for number in range(1, minutes + 1):
                await asyncio.sleep(60)
                self.minute.memory_bytes = self.process.memory_info().rss
                seen.append(self.minute)
                show(number, self.minute)
                self.minute = Minute()
            load.cancel()
            reader.cancel()
        return seen

    async def _load(self, per_second: float) -> None:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as calls:
            number = 0
            while True:
                number += 1
                await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
                calls.create_task(self._one())

    async def _one(self) -> None:
        try:
            await self.once()
        except (aiohttp.ClientError, AssertionError, KeyError, TimeoutError) as error:
            self.minute.failed += 1
            print(f"failed: {error!r}", file=sys.stderr)
        else:
            self.minute.done += 1

    async def _read(self) -> None:
        async for line in self.reads:
            self.minute.reads_ms.append(float(line))
        raise RuntimeError("the reader has ended")


def show(number: int, minute: Minute) -> None:
    print(
        f"{number:>6} {minute.done / 60:>8.1f}/s {minute.failed:>7} {statistics.median(minute.reads_ms):>8.1f}"
        f" {minute.p99_ms:>8.1f} {minute.memory_bytes / 1024**2:>8.1f}",
        flush=True,
    )


def report(minutes: list[Minute]) -> None:
    """The growth from the first minutes after the start to the last ones, and the usual slowest reads."""
    settled = minutes[min(WARM_MINUTES, len(minutes) - 1) :]
    third = max(1, len(settled) // 10)
    before, after = (
        statistics.median(one.memory_bytes for one in part)
        for part in (settled[:third], settled[-third:])
    )
    p99 = statistics.median(one.p99_ms for one in minutes)
    print(
        f"\n{sum(one.done for one in minutes)} tasks, {sum(one.failed for one in minutes)} failed (goal: none);"
        f" memory {after / before - 1:+.1%} (goal: less than {GROWTH_GOAL:.0%});"
        f" p99 of a state read in the usual minute {p99:.1f} ms (goal: at most {READ_GOAL_MS:g})"
    )


async def soak(bench: servers.Bench, server: servers.Server, minutes: int) -> None:
    async with clients.session() as http:
        once = clients.ours(http, server.url, bench.keys)
        await as_fast_as_possible(once, clients=CLIENTS, seconds=2)
        capacity = await as_fast_as_possible(once, clients=CLIENTS, seconds=CAPACITY_SECONDS)
        print(f"{capacity:.0f} tasks a second at most; {capacity * SHARE:.0f} from now on")
        print(f"{'minute':>6} {'tasks':>10} {'failed':>7} {'read ms':>8} {'p99':>8} {'MB':>8}")
        process = psutil.Process(server.process.pid)
        async with reading(server.url, bench.keys[0]) as reads:
            report(await Soak(once, reads, process).run(capacity * SHARE, minutes))


@contextlib.asynccontextmanager
async def reading(url: str, key: str) -> AsyncIterator[asyncio.StreamReader]:
    """The lines of `reading.py`, a number of milliseconds each, while the block goes on."""
    command = (sys.executable, READING, url, key)
    reader = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert reader.stdout is not None
    try:
        yield reader.stdout
    finally:
        with contextlib.suppress(ProcessLookupError):
            reader.terminate()
        await reader.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as opened:
        folder = Path(name)
        own = load_settings({}, data_dir=str(folder / "data"))
        database_url = opened.enter_context(prepare_database(own))
        bench = compare.prepare(folder, database_url, "soak", CAPACITY_SECONDS)
        upstream = opened.enter_context(servers.stub(folder))
        server = opened.enter_context(servers.ours(bench, upstream))
        asyncio.run(soak(bench, server, options.minutes))


if __name__ == "__main__":
    main()
