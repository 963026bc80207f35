"""Submits and status reads on an empty database and on one with a million finished tasks, in one run.

    make bench-grown                    1,000,000 tasks, five rounds of four seconds
    make bench-grown ARGS="--tasks 100000 --rounds 3 --seconds 2"

Two databases on one embedded PostgreSQL, a service on each; rounds are interleaved, because machines are
shared. The processor time of a request, of service and database together, tells on a busy machine more than
its rate. Then the audit of the grown one, whole and of what changed.
"""

import argparse
import asyncio
import contextlib
import functools
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

import load
from heliograph.base.database import connect
from heliograph.base.migrate import migrate
from heliograph.base.settings import load_settings
from heliograph.runtime import prepare_database
from processor import used_seconds
from run import MODEL, SERVICE, free_port, prepare, run_rounds, served
from support.many_tasks import fill

MARGIN = 0.1
AUDIT_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    load.require_wrk()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with prepare_database(load_settings({}, data_dir=str(folder / "data"))) as url:
            urls = {kind: asyncio.run(_made(url, kind)) for kind in ("empty", "grown")}
            started = time.monotonic()
            asyncio.run(_fill(urls["grown"], options.tasks))
            print(
                f"{options.tasks:,} tasks written in {time.monotonic() - started:.0f} s", flush=True
            )
            asked = {kind: _prepared(folder, url) for kind, url in urls.items()}
            with contextlib.ExitStack() as opened:
                services = {
                    kind: opened.enter_context(_service(folder, url)) for kind, url in urls.items()
                }
                run(Bench(folder, options.seconds, services, asked), options.rounds)
            audit(folder, urls["grown"])


async def _made(url: str, kind: str) -> str:
    """The URL of a new database."""
    connection = await connect(url)
    await connection.execute(f"CREATE DATABASE {kind}")
    await connection.close()
    return url.replace("/postgres?", f"/{kind}?")


def _prepared(folder: Path, url: str) -> tuple[list[str], str]:
    """Keys of rich accounts, and a task to ask after."""
    settings = load_settings(
        {"HELIOGRAPH_DATABASE_URL": url, "HELIOGRAPH_DATA_DIR": str(folder / "data")}
    )
    return asyncio.run(prepare(settings, folder))


async def _fill(url: str, tasks: int) -> None:
    await migrate(url)
    connection: asyncpg.Connection = await connect(url)
    await fill(connection, tasks)
    await connection.execute("CHECKPOINT")
    await connection.close()


@contextlib.contextmanager
def _service(folder: Path, database_url: str) -> Iterator[str]:
    port = free_port()
    settings = {
        "HELIOGRAPH_DATABASE_URL": database_url,
        "HELIOGRAPH_DATA_DIR": str(folder / "data"),
        "HELIOGRAPH_LOG_LEVEL": "warning",
    }
    command = ["-c", SERVICE, "serve", "--no-worker", "--port", str(port)]
    with served(command, port, **settings) as url:
        urllib.request.urlopen(f"{url}/health/ready").close()
        yield url


@dataclass
class Bench:
    """Where the services are, what is asked of each, and what their processors had to do for a request."""

    folder: Path
    seconds: int
    services: dict[str, str]
    asked: dict[str, tuple[list[str], str]]
    costs_micros: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def measure(self, kind: str, call: str) -> float:
        """Requests per second of the service on the database `kind`."""
        keys, task_id = self.asked[kind]
        path = (
            f"generateTask/{MODEL}" if call == "submit" else f"statusTask/{MODEL}?taskId={task_id}"
        )
        url = self.services[kind]
        before = self._used_seconds(kind)
        rate = load.measure(
            f"{url}/api/v1/{path}",
            keys if call == "submit" else keys[:1],
            self.folder,
            submit=call == "submit",
            seconds=self.seconds,
        )
        used = self._used_seconds(kind) - before
        self.costs_micros[f"{call}, {kind}"].append(used / (rate * self.seconds) * 1e6)
        return rate

    def _used_seconds(self, kind: str) -> float:
        port = self.services[kind].rsplit(":", 1)[1]
        ours, database = f"--port {port}", f"postgres: heliograph {kind} "
        return used_seconds(lambda command: ours in command or command.startswith(database))


def run(bench: Bench, rounds: int) -> None:
    measurements: dict[str, Callable[[], float]] = {
        f"{call}, {kind}": functools.partial(bench.measure, kind, call)
        for call in ("submit", "status")
        for kind in bench.services
    }
    report(run_rounds(measurements, rounds), bench.costs_micros)


def report(rates: dict[str, list[float]], costs_micros: dict[str, list[float]]) -> None:
    print(
        f"\n{'medians of the rounds':<24} {'per second':>10} {'lowest':>8} {'highest':>8}"
        f" {'µs of processor':>16}"
    )
    for name, values in rates.items():
        print(
            f"{name:<24} {statistics.median(values):>10.0f} {min(values):>8.0f} {max(values):>8.0f}"
            f" {statistics.median(costs_micros[name]):>16.0f}"
        )
    print(f"\n{'grown beside empty, median of the ratios':<50} {'ratio':>6} {'limit':>6}")
    for call in ("submit", "status"):
        print(f"{call + ', rate':<50} {_ratio(rates, call):>6.2f} {1 - MARGIN:>6.2f}")
    for call in ("submit", "status"):
        print(
            f"{call + ', processor of service and database':<50} {_ratio(costs_micros, call):>6.2f}"
            f" {1 / (1 - MARGIN):>6.2f}"
        )


def _ratio(results: dict[str, list[float]], call: str) -> float:
    pairs = zip(results[f"{call}, grown"], results[f"{call}, empty"], strict=True)
    return statistics.median(grown / empty for grown, empty in pairs)


def audit(folder: Path, url: str) -> None:
    """Run the audit as an operator does; its time includes the start of the command."""
    settings = {"HELIOGRAPH_DATABASE_URL": url, "HELIOGRAPH_DATA_DIR": str(folder / "data")}
    print(f"\n{'audit':<50} {'s':>6} {'limit':>6}")
    for name, options in (("whole", []), ("of what changed since", ["--changes"])):
        started = time.monotonic()
        command = [sys.executable, "-c", SERVICE, "audit", *options]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"The books are not clean:\n{done.stdout}{done.stderr}")
        print(f"{name:<50} {time.monotonic() - started:>6.1f} {AUDIT_SECONDS:>6}")


if __name__ == "__main__":
    main()
