"""Webhooks: how many one worker process delivers, and how long they take beside receivers that fail or hang.

    make bench-deliveries
    make bench-deliveries ARGS="--rate 200 --seconds 5"

Twenty receivers, each a port of its own: thirty in a hundred answer 500, and one more never answers.
First notices come evenly, and the delay of each that a good receiver gets is the time from the moment
it was due to its arrival; then backlogs are worked off.
"""

import argparse
import asyncio
import datetime
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from heliograph.accounts.store import create_account
from heliograph.base.database import transaction
from heliograph.base.settings import load_settings
from heliograph.runtime import Runtime, open_runtime, prepare_database
from heliograph.webhooks.notice import Notice
from heliograph.webhooks.store import add_notice
from run import SERVICE
from waiting import until

RECEIVERS = 20
FAILING = 6
HANGING = 1
BACKLOG = 3000
AT_ONCE = 100
BODY = b'{"taskId":"01a203267159759fbaa0032011f326c4","state":"success"}'
ANSWERS = {
    "good": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK",
    "failing": b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n",
    "hanging": b"",
}


@dataclass
class Receivers:
    """Where notices go, and when each came in, by its id, at the good ones."""

    urls: dict[str, list[str]] = field(default_factory=dict)
    arrived: dict[str, float] = field(default_factory=dict)
    failed: int = 0


class Visit(asyncio.Protocol):
    """One connection: whole requests are answered as the receiver's kind has it."""

    def __init__(self, kind: str, receivers: Receivers) -> None:
        self._kind = kind
        self._receivers = receivers
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the body, which ends what is sent, is there."""
        self._unread += data
        if not self._unread.endswith(BODY):
            return
        head, self._unread = self._unread, b""
        if self._kind == "good":
            notice_id = head.lower().partition(b"webhook-id:")[2].split(maxsplit=1)[0].decode()
            self._receivers.arrived[notice_id] = time.time()
        elif self._kind == "failing":
            self._receivers.failed += 1
        self._transport.write(ANSWERS[self._kind])


async def listen(receivers: Receivers) -> None:
    kinds = ["hanging"] * HANGING + ["failing"] * FAILING
    kinds += ["good"] * (RECEIVERS - len(kinds))
    loop = asyncio.get_running_loop()
    for kind in kinds:
        server = await loop.create_server(
            lambda kind=kind: Visit(kind, receivers), "127.0.0.1", 0, backlog=1024
        )
        port = server.sockets[0].getsockname()[1]
        receivers.urls.setdefault(kind, []).append(f"http://127.0.0.1:{port}/hook")


class Sender:
    """Writes notices as the service does when tasks end, to one receiver after the other."""

    def __init__(self, runtime: Runtime, account_id: str, receivers: Receivers) -> None:
        self._runtime = runtime
        self._account_id = account_id
        urls = [*itertools.chain(*receivers.urls.values())]
        random.Random(1).shuffle(urls)
        self._urls = itertools.cycle(urls)
        self._good = set(receivers.urls["good"])
        self.due: dict[str, float] = {}

    async def send(self, count: int) -> None:
        """`count` notices in one transaction."""
        now = self._runtime.clock.now()
        async with transaction(self._runtime.pool) as connection:
            sent = [self._notice(now) for _ in range(count)]
            for notice in sent:
                await add_notice(connection, notice)
        moment = time.time()
        self.due |= {one.notice_id.hex: moment for one in sent if one.url in self._good}

    def _notice(self, now: datetime.datetime) -> Notice:
        return Notice(
            uuid.uuid4(), None, self._account_id, next(self._urls), BODY, now, "balance.low"
        )


@contextmanager
def worker(environ: dict[str, str], log: Path, queues: str = "deliver") -> Iterator[psutil.Process]:
    command = [sys.executable, "-c", SERVICE, "worker", "--queues", queues]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=output)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


async def work_off(sender: Sender, receivers: Receivers) -> float:
    """Deliveries a second, good and failed, of a backlog that is there when the worker comes to it."""
    before = len(receivers.arrived) + receivers.failed
    for _ in range(BACKLOG // AT_ONCE):
        await sender.send(AT_ONCE)
    expected = before + BACKLOG * (RECEIVERS - HANGING) // RECEIVERS
    began = time.perf_counter()
    await until(lambda: len(receivers.arrived) + receivers.failed >= expected)
    return (expected - before) / (time.perf_counter() - began)


async def come_evenly(
    sender: Sender, receivers: Receivers, *, per_second: int, seconds: int
) -> list[float]:
    """The delays of what good receivers got, in seconds, the shortest first."""
    sender.due.clear()
    began = time.perf_counter()
    ticks = 20
    for tick in range(seconds * ticks):
        await sender.send(per_second // ticks)
        await asyncio.sleep(max(0.0, began + (tick + 1) / ticks - time.perf_counter()))
    async with asyncio.timeout(60):
        await until(lambda: sender.due.keys() <= receivers.arrived.keys())
    return sorted(receivers.arrived[one] - due for one, due in sender.due.items())


async def measure(environ: dict[str, str], folder: Path, options: argparse.Namespace) -> None:
    settings = load_settings(environ)
    async with open_runtime(settings) as runtime:
        receivers = Receivers()
        await listen(receivers)
        now = runtime.clock.now()
        owner = await create_account(runtime.pool, "bench", max_live_tasks=1000, now=now)
        sender = Sender(runtime, owner.account_id, receivers)
        with worker(os.environ | environ, folder / "worker.log") as process:
            # what is opened at first
            await come_evenly(sender, receivers, per_second=20, seconds=3)
            delays = await come_evenly(
                sender, receivers, per_second=options.rate, seconds=options.seconds
            )
            rates = []
            for _ in range(options.rounds):
                used = process.cpu_times()
                rates.append(await work_off(sender, receivers))
                print(f"  backlog {rates[-1]:>8.0f}/s", file=sys.stderr)
            cost = process.cpu_times()
    work_ms = (cost.user + cost.system - used.user - used.system) / BACKLOG * 1000
    report(rates, work_ms, delays, options.rate)


def report(rates: list[float], work_ms: float, delays: list[float], rate: int) -> None:
    share = f"{FAILING} of {RECEIVERS} receivers fail, {HANGING} hangs"
    print(f"\none worker, {share}{'':<10} {'measured':>9}  goal")
    print(
        f"{'backlog, deliveries a second, median':<52} {statistics.median(rates):>9.0f}  at least 300"
    )
    print(f"{'milliseconds of a core for one':<52} {work_ms:>9.2f}")
    for name, part, goal in (("median", 0.5, ""), ("p99", 0.99, "  at most 1"), ("longest", 1, "")):
        at = delays[min(len(delays) - 1, int(len(delays) * part))]
        print(f"{f'delay at {rate} a second, {name}, seconds':<52} {at:>9.3f}{goal}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=300, help="notices a second that come evenly")
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = load_settings({}, data_dir=str(folder / "data"))
        with prepare_database(own) as database_url:
            environ = {
                "HELIOGRAPH_DATABASE_URL": database_url,
                "HELIOGRAPH_DATA_DIR": str(folder / "data"),
                "HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8",
                "HELIOGRAPH_LOG_LEVEL": "warning",
            }
            asyncio.run(measure(environ, folder, options))


if __name__ == "__main__":
    main()
