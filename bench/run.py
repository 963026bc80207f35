"""Submits and status reads of one process, beside their limits, in one run.

    make bench                  five rounds of four seconds
    make bench ARGS="--rounds 3 --seconds 2"

The limits: the same statements through pgbench, one submit per transaction; and a bare Starlette
application that decodes and answers the same requests without a database. Rounds are interleaved,
because machines are shared; the ratios of the medians are what counts.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import database
import load
from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.accounts.store import read_keys_by_id
from heliograph.base.clock import Clock
from heliograph.base.settings import Settings, load_settings
from heliograph.catalog.request import read_submission
from heliograph.ledger.store import top_up
from heliograph.runtime import Runtime, open_runtime, prepare_database
from heliograph.tasks.submit import NewTask, submit_tasks

HERE = Path(__file__).parent
SERVICE = "from heliograph.cli.main import run; run()"
MODEL = "wan-2-5-image"
RICH_MICROS = 10**12
BODY = b"""{"request_type":"async","input":{"mode":"text-to-image",
"prompt":"a cinematic panda in snow","aspect_ratio":"1:1","num_images":4}}"""


async def prepare(settings: Settings, folder: Path) -> tuple[list[str], str]:
    """Rich accounts with a key each, the pgbench script, and the id of a task to ask after."""
    async with open_runtime(settings) as runtime:
        keys = [await rich_key(runtime, number) for number in range(database.CLIENTS)]
        task = await new_task(runtime, keys[0])
        (folder / "submit.sql").write_text(await database.record_submit(runtime, task))
        (accepted,) = await submit_tasks(runtime, [task])
    return keys, accepted.task_id


async def rich_key(runtime: Runtime, number: int) -> str:
    account, now = f"acc_bench{number:03}", Clock().now()
    await runtime.pool.execute(
        "WITH a AS (INSERT INTO accounts VALUES ($1, 'bench', 'whsec_', $2, 1000000000))"
        " INSERT INTO balances (account_id) VALUES ($1)",
        account,
        now,
    )
    await top_up(runtime.pool, account, RICH_MICROS, note=None, now=now)
    wish = KeyWish(account, "bench", test=False, routing="auto", rate_limit_per_minute=10**9)
    return (await issue_key(runtime.pool, wish, now=now)).api_key


async def new_task(runtime: Runtime, api_key: str, body: bytes = BODY) -> NewTask:
    """What the key of `api_key` asks for with `body`."""
    key_id = api_key.split("_")[2]
    stored = await read_keys_by_id(runtime.pool, [key_id])
    submission = read_submission(
        body,
        runtime.models[MODEL],
        check_callback=runtime.check_callback,
        check_image_url=runtime.check_image_url,
    )
    return NewTask(stored[key_id].key, submission)


@contextlib.contextmanager
def served(
    command: list[str], port: int, *, cores: AbstractSet[int] = frozenset(), **environ: str
) -> Iterator[str]:
    """A server process on `port` that runs on `cores`, or anywhere; ended afterwards."""
    path = os.pathsep.join([str(HERE), *sys.path])
    process = subprocess.Popen(
        [sys.executable, *command], env={**os.environ, "PYTHONPATH": path, **environ}
    )
    if cores:
        os.sched_setaffinity(process.pid, cores)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))).close()
            return
        if process.poll() is not None:
            sys.exit("A server did not start; its lines above say why.")
        time.sleep(0.1)
    sys.exit(f"{url} does not answer.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_rounds(measurements: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Every measurement once a round, one after the other."""
    results: dict[str, list[float]] = {name: [] for name in measurements}
    for number in range(1, rounds + 1):
        for name, measure in measurements.items():
            results[name].append(measure())
            print(f"round {number}  {name:<28} {results[name][-1]:>8.0f}/s", file=sys.stderr)
    return results


def report(results: dict[str, list[float]]) -> None:
    median = {name: statistics.median(values) for name, values in results.items()}
    print(f"\n{'median of the rounds':<30} {'per second':>10} {'lowest':>8} {'highest':>8}")
    for name, values in results.items():
        print(f"{name:<30} {median[name]:>10.0f} {min(values):>8.0f} {max(values):>8.0f}")
    print(f"\n{'ratio of the medians':<46} {'ratio':>6} {'floor':>6}")
    for ours, limit, floor in (
        ("submit", "pgbench, one per transaction", 1.0),
        ("submit", "bare POST", 0.45),
        ("status", "bare GET", 0.45),
    ):
        print(f"{ours + ' / ' + limit:<46} {median[ours] / median[limit]:>6.2f} {floor:>6.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    load.require_wrk()
    options.cores = move_aside()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings({}, data_dir=str(folder / "data"))
        with prepare_database(settings) as database_url:
            keys, task_id = asyncio.run(prepare(settings, folder))
            report(measure_all(folder, database_url, keys, task_id, options))


def move_aside() -> AbstractSet[int]:
    """Leave one core to the servers, which is given, and go to the others with all that is started here.

    A server is one process: what is measured is how much it does with a core, and not how often it has
    to change it with wrk and PostgreSQL. On a machine with one core nothing is changed.
    """
    cores = os.sched_getaffinity(0)
    servers = {min(cores)}
    if cores == servers:
        return frozenset()
    os.sched_setaffinity(0, cores - servers)
    return servers


def measure_all(
    folder: Path, database_url: str, keys: list[str], task_id: str, options: argparse.Namespace
) -> dict[str, list[float]]:
    ours, bare = free_port(), free_port()
    settings = {
        "HELIOGRAPH_DATABASE_URL": database_url,
        "HELIOGRAPH_DATA_DIR": str(folder / "data"),
    }
    quiet = {"HELIOGRAPH_LOG_LEVEL": "warning"}
    uvicorn = ["-m", "uvicorn", "bare_app:app", "--no-access-log", "--log-level=warning"]
    serve = ["-c", SERVICE, "serve", "--no-worker", "--port", str(ours)]
    with (
        served(serve, ours, cores=options.cores, **settings, **quiet) as our_url,
        served([*uvicorn, "--port", str(bare)], bare, cores=options.cores) as bare_url,
    ):
        urllib.request.urlopen(f"{our_url}/health/ready").close()

        def http(url: str, *, submit: bool) -> float:
            call = "generateTask" if submit else "statusTask"
            query = "" if submit else f"?taskId={task_id}"
            asking = keys if submit else keys[:1]
            address = f"{url}/api/v1/{call}/{MODEL}{query}"
            return load.measure(address, asking, folder, submit=submit, seconds=options.seconds)

        script = folder / "submit.sql"
        return run_rounds(
            {
                "submit": lambda: http(our_url, submit=True),
                "pgbench, one per transaction": lambda: database.measure(
                    database_url, script, seconds=options.seconds
                ),
                "bare POST": lambda: http(bare_url, submit=True),
                "status": lambda: http(our_url, submit=False),
                "bare GET": lambda: http(bare_url, submit=False),
            },
            options.rounds,
        )


if __name__ == "__main__":
    main()
