"""What one task costs, from one to four processes, and what follows from it for 100 to 10,000 tasks a second.

    make bench-scaling
    make bench-scaling ARGS="--seconds 5 --tasks 2000"

API processes take submits from wrk; then workers make the tasks of a backlog: each is sent to a stub of a
remote provider, asked after, and its four pictures are fetched and stored. Processor time is counted apart for
API, workers and PostgreSQL. The machine's cores are shared by all of them, wrk and the stub.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

import load
from deliveries import worker
from heliograph.base.embedded.postmaster import read_status
from heliograph.base.settings import load_settings
from heliograph.runtime import open_runtime, prepare_database
from heliograph.tasks.submit import submit_tasks
from provider_stub import settings_for
from run import MODEL, SERVICE, free_port, new_task, rich_key, served

PROCESSES = [number for number in (1, 2, 4) if number <= max(2, os.cpu_count() or 1)]
KEYS = 32
AT_ONCE = 200
READS_A_TASK = 3
"""Status reads that a client who polls makes for one task, in the model."""

IDLE_SECONDS = 0.05
"""Of a core, that processes without work use in a second."""

SETTLED_SECONDS = 3

BUSY_SHARE = 0.7
"""Of a core that may be counted on."""


@dataclass
class Cost:
    """What `count` tasks or requests took."""

    count: float
    per_second: float
    ours_seconds: float
    postgres_seconds: float
    wal_bytes: int

    def row(self, name: str) -> str:
        """A line of the table."""
        ours, theirs = self.ours_ms, self.postgres_ms
        wal = self.wal_bytes / self.count
        return f"{name:<28} {self.per_second:>9.0f} {ours:>9.3f} {theirs:>11.3f} {wal:>10.0f}"

    @property
    def ours_ms(self) -> float:
        """Processor time of API or workers for one."""
        return self.ours_seconds / self.count * 1000

    @property
    def postgres_ms(self) -> float:
        """That of PostgreSQL."""
        return self.postgres_seconds / self.count * 1000


class Meter:
    """Reads processor time and the length of the log."""

    def __init__(self, data_dir: Path, database_url: str) -> None:
        status = read_status(data_dir / "postgres" / "data")
        assert status is not None
        self._postgres = psutil.Process(status.process_id)
        self._url = database_url

    def read(self, ours: list[psutil.Process]) -> tuple[float, float, int]:
        """Seconds of `ours` and of PostgreSQL, and bytes of its log, so far."""
        return _seconds_of(ours), _seconds_of([self._postgres]), asyncio.run(self._wal())

    async def _wal(self) -> int:
        return int(await self.ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))

    async def ask(self, sql: str) -> object:
        """The first value of an answer."""
        connection = await asyncpg.connect(self._url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()


def _seconds_of(processes: list[psutil.Process]) -> float:
    everyone = [
        one for process in processes for one in [process, *process.children(recursive=True)]
    ]
    total = 0.0
    for process in everyone:
        with contextlib.suppress(psutil.NoSuchProcess):
            spent = process.cpu_times()
            total += spent.user + spent.system
    return total


def _settle(process: psutil.Process, processes: int) -> None:
    """Wait until it and its children have started: then they have nothing to do."""
    idle_seconds, spent = 0, 0.0
    while idle_seconds < SETTLED_SECONDS:
        time.sleep(1)
        now = _seconds_of([process])
        begun = processes == 1 or len(process.children()) >= processes
        idle_seconds = idle_seconds + 1 if begun and now - spent < IDLE_SECONDS else 0
        spent = now


class Bench:
    """A database with rich accounts, and ways to use it."""

    def __init__(self, environ: dict[str, str], folder: Path, options: argparse.Namespace) -> None:
        self._environ = environ
        self._folder = folder
        self._options = options
        data_dir = Path(environ["HELIOGRAPH_DATA_DIR"])
        self._meter = Meter(data_dir, environ["HELIOGRAPH_DATABASE_URL"])
        self._keys, self._task_id = asyncio.run(self._prepare())

    async def _prepare(self) -> tuple[list[str], str]:
        async with open_runtime(load_settings(self._environ)) as runtime:
            keys = [await rich_key(runtime, number) for number in range(KEYS)]
            (accepted,) = await submit_tasks(runtime, [await new_task(runtime, keys[0])])
        return keys, accepted.task_id

    def requests(self, processes: int, *, submit: bool) -> Cost:
        """Requests by wrk to as many API processes."""
        port, seconds = free_port(), self._options.seconds
        serve = ["-c", SERVICE, "serve", "--no-worker", "--port", str(port)]
        with served([*serve, "--processes", str(processes)], port, **self._environ) as url:
            address = f"{url}/api/v1/{'generateTask' if submit else 'statusTask'}/{MODEL}"
            keys = self._keys
            if not submit:
                address, keys = f"{address}?taskId={self._task_id}", keys[:1]

            def ask(seconds: int) -> float:
                return load.measure(address, keys, self._folder, submit=submit, seconds=seconds)

            ours = [one for one in psutil.Process().children() if str(port) in one.cmdline()]
            _settle(ours[0], processes)
            ask(1)
            before = self._meter.read(ours)
            per_second = ask(seconds)
            return _cost(per_second * seconds, seconds, before, self._meter.read(ours))

    def work(self, processes: int) -> Cost:
        """A backlog, made by as many workers."""
        tasks = self._options.tasks
        asyncio.run(self._submit(tasks))
        with contextlib.ExitStack() as opened:
            log = self._folder / "worker.log"
            ours = [
                opened.enter_context(worker(os.environ | self._environ, log, "run,check"))
                for _ in range(processes)
            ]
            # starting costs a second of a core, which is none of the tasks'
            self._wait_for(tasks * 3 // 4)
            before, began, left = self._meter.read(ours), time.perf_counter(), self._open()
            self._wait_for(tasks // 20)
            seconds, done = time.perf_counter() - began, left - self._open()
            return _cost(done, seconds, before, self._meter.read(ours))

    async def _submit(self, tasks: int) -> None:
        async with open_runtime(load_settings(self._environ)) as runtime:
            drafts = [await new_task(runtime, key) for key in self._keys]
            for number in range(tasks // AT_ONCE):
                await submit_tasks(runtime, [drafts[number % KEYS]] * AT_ONCE)

    def _open(self) -> int:
        sql = "SELECT count(*) FROM tasks WHERE completed_at IS NULL"
        return int(asyncio.run(self._meter.ask(sql)))

    def _wait_for(self, left: int) -> None:
        while self._open() > left:
            time.sleep(0.05)

    def forget_backlog(self) -> None:
        """What wrk has submitted is not made: the workers' backlog is counted."""
        asyncio.run(self._meter.ask("TRUNCATE tasks, attempts, pgqueuer CASCADE"))


@contextlib.contextmanager
def provider() -> Iterator[str]:
    """The stub in a process of its own, whose time is not counted."""
    command = [sys.executable, str(Path(__file__).with_name("provider_stub.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _cost(
    count: float, seconds: float, before: tuple[float, float, int], after: tuple[float, float, int]
) -> Cost:
    ours, theirs, wal = (new - old for new, old in zip(after, before, strict=True))
    cost = Cost(count, count / seconds, ours, theirs, int(wal))
    print(cost.row("  measured"), file=sys.stderr, flush=True)
    return cost


def report(submits: list[Cost], reads: list[Cost], works: list[Cost]) -> None:
    """The table of what was measured, and the model."""
    print(f"\n{'':<28} {'a second':>9} {'ours, ms':>9} {'database, ms':>12} {'log, bytes':>10}")
    for name, costs in (("submit", submits), ("status read", reads), ("work on a task", works)):
        for processes, cost in zip(PROCESSES, costs, strict=True):
            print(cost.row(f"{name}, {processes} process{'es' if processes > 1 else ''}"))
    submit, read, work = submits[0], reads[0], works[0]
    api_ms = submit.ours_ms + READS_A_TASK * read.ours_ms
    postgres_ms = submit.postgres_ms + READS_A_TASK * read.postgres_ms + work.postgres_ms
    wal_bytes = submit.wal_bytes / submit.count + work.wal_bytes / work.count
    print(
        f"\none task with {READS_A_TASK} status reads, in milliseconds of a core: API {api_ms:.2f},"
    )
    print(
        f"workers {work.ours_ms:.2f}, PostgreSQL {postgres_ms:.2f}; log {wal_bytes / 1024:.1f} KiB"
    )
    print(
        f"\n{'tasks a second':<16} {'API':>6} {'workers':>8} {'PostgreSQL':>11} {'log, MB/s':>10}"
    )
    for rate in (100, 1_000, 10_000):
        cores = [rate * ms / 1000 / BUSY_SHARE for ms in (api_ms, work.ours_ms, postgres_ms)]
        api, workers, postgres = (f"{one:.1f}" for one in cores)
        log = rate * wal_bytes / 1e6
        print(f"{rate:<16} {api:>6} {workers:>8} {postgres:>11} {log:>10.1f}")
    print(f"cores, each {BUSY_SHARE:.0%} busy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=3_000)
    options = parser.parse_args()
    load.require_wrk()
    with tempfile.TemporaryDirectory() as name:
        settings = load_settings({}, data_dir=str(Path(name) / "data"))
        with prepare_database(settings) as database_url, provider() as base_url:
            environ = settings_for(base_url) | {
                "HELIOGRAPH_DATA_DIR": str(settings.data_dir),
                "HELIOGRAPH_DATABASE_URL": database_url,
                "HELIOGRAPH_TASK_DEADLINE_SECONDS": "3600",
            }
            bench = Bench(environ, Path(name), options)
            reads = [bench.requests(processes, submit=False) for processes in PROCESSES]
            submits = [bench.requests(processes, submit=True) for processes in PROCESSES]
            bench.forget_backlog()
            report(submits, reads, [bench.work(processes) for processes in PROCESSES])


if __name__ == "__main__":
    main()
