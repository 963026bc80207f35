"""Work: milliseconds of a core that one job costs its worker, from its queue to its end.

Ours is a whole task: claimed, made by an upstream that answers at once, checked, stored, paid for
and told. Each worker idles first, then gets its jobs at once; starting is not counted.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import servers
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from heliograph.base.settings import load_settings
from heliograph.runtime import open_runtime
from heliograph.tasks.submit import submit_tasks
from run import free_port, new_task

OUR_JOBS = 500
FLOOR_JOBS = 3000
AT_ONCE = 100
SETTLE_SECONDS = 3.0
BODY = b'{"input":{"mode":"text-to-image","prompt":"a cinematic panda in snow","num_images":1}}'


@contextlib.contextmanager
def measure_all(bench: servers.Bench) -> Iterator[dict[str, Callable[[], float]]]:
    with servers.stub(bench.folder) as upstream, redis(bench.folder) as redis_url:
        floor_url = asyncio.run(make_floor(bench.database_url))
        ways: dict[str, Callable[[], float]] = {
            "ours": lambda: ours(bench, upstream),
            "PgQueuer": lambda: pgqueuer(bench.folder, floor_url),
        }
        if redis_url is not None:
            ways["Celery"] = lambda: celery(bench.folder, redis_url)
        yield ways


def ours(bench: servers.Bench, upstream: str) -> float:
    async def submit() -> None:
        settings = load_settings(servers.settings_of(bench, upstream))
        async with open_runtime(settings) as runtime:
            tasks = [await new_task(runtime, bench.keys[0], BODY)] * AT_ONCE
            for _ in range(OUR_JOBS // AT_ONCE):
                await submit_tasks(runtime, tasks)

    with servers.our_worker(bench, upstream) as worker:
        sql = "SELECT count(*) FROM tasks WHERE completed_at IS NULL"
        return cost(
            worker, OUR_JOBS, lambda: asyncio.run(submit()), lambda: count(bench.database_url, sql)
        )


def pgqueuer(folder: Path, url: str) -> float:
    async def submit() -> None:
        connection = await asyncpg.connect(url)
        queries = Queries(AsyncpgDriver(connection))
        for _ in range(FLOOR_JOBS // AT_ONCE):
            await queries.enqueue(["nothing"] * AT_ONCE, [b""] * AT_ONCE, [0] * AT_ONCE)
        await connection.close()

    command = [sys.executable, str(servers.HERE / "noop_job.py")]
    with servers.started(command, folder, DATABASE_URL=url) as worker:
        sql = "SELECT count(*) FROM pgqueuer"
        return cost(worker, FLOOR_JOBS, lambda: asyncio.run(submit()), lambda: count(url, sql))


def celery(folder: Path, url: str) -> float:
    python = str(servers.PEERS / "python")
    script = f"import celery_app\nfor _ in range({FLOOR_JOBS}): celery_app.nothing.delay()"
    submit = [python, "-c", script]
    environ = {"REDIS_URL": url, "PYTHONPATH": str(servers.HERE)}
    options = ["--pool=solo", "--loglevel=error", "--without-gossip", "--without-mingle"]
    command = [python, "-m", "celery", "-A", "celery_app", "worker", *options]
    with servers.started(command, folder, **environ) as worker:
        return cost(
            worker,
            FLOOR_JOBS,
            lambda: subprocess.run(submit, env=os.environ | environ, check=True),
            lambda: waiting_in_redis(url),
        )


def cost(
    worker: servers.Server, jobs: int, submit: Callable[[], object], left: Callable[[], int]
) -> float:
    """Milliseconds of a core for one job."""
    settle(worker)
    before = worker.cpu_seconds()
    submit()
    while left():
        time.sleep(0.1)
    return (worker.cpu_seconds() - before) / jobs * 1000


def settle(worker: servers.Server) -> None:
    """Wait until it does next to nothing."""
    used = -1.0
    while worker.cpu_seconds() - used > 0.05:
        used = worker.cpu_seconds()
        time.sleep(SETTLE_SECONDS)


def count(url: str, sql: str) -> int:
    async def read() -> int:
        connection = await asyncpg.connect(url)
        found = await connection.fetchval(sql)
        await connection.close()
        return int(found)

    return asyncio.run(read())


def waiting_in_redis(url: str) -> int:
    """Tasks that wait, and those that the worker has fetched and not yet acknowledged."""
    port = url.rsplit(":", 1)[1].split("/", maxsplit=1)[0]
    script = ["LLEN", "celery"], ["HLEN", "unacked"]
    said = [
        subprocess.run(["redis-cli", "-p", port, *one], capture_output=True, text=True, check=True)
        for one in script
    ]
    return sum(int(one.stdout) for one in said)


async def make_floor(database_url: str) -> str:
    """A database with PgQueuer's tables alone, and its address."""
    url = await servers.make_database(database_url, "floor")
    connection = await asyncpg.connect(url)
    await Queries(AsyncpgDriver(connection)).install()
    await connection.close()
    return url


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str | None]:
    """A Redis that writes every command to disk before it answers; None where there is none."""
    if shutil.which("redis-server") is None:
        print("Celery is left out: there is no redis-server (Debian's package of that name).")
        yield None
        return
    port = free_port()
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--dir", str(folder)]
    with servers.started(["redis-server", "--port", str(port), *durable], folder):
        yield f"redis://127.0.0.1:{port}/0"
