"""Ten thousand tasks that a remote provider works on, and one worker process that asks after them.

    make bench-open-tasks
    make bench-open-tasks ARGS="--tasks 2000 --checks-per-second 40"

The provider is a stub that ends none of its jobs. How late a check comes is measured there: the time
since the last answer about the same job, less the interval that the worker keeps.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil

from deliveries import worker
from heliograph.base.database import transaction
from heliograph.base.jobs import Job, enqueue
from heliograph.base.settings import load_settings
from heliograph.runtime import Runtime, open_runtime, prepare_database
from heliograph.tasks.submit import submit_tasks
from provider_stub import Stub, serving, settings_for
from run import new_task, rich_key
from waiting import until

AT_ONCE = 200
#: Until the first check is due: the worker is started meanwhile.
LEAD_SECONDS = 10
#: A worker asks for three quarters of what the provider's account allows.
SHARE = 0.75
DEADLINE_SECONDS = 7200
TAKEN = """
UPDATE tasks SET state = 'processing', provider = 'dashscope', provider_ref = 'job-' || task_id,
    claim_no = 1, starts = 1, due_at = now() + after * interval '1 second'
FROM unnest($1::uuid[], $2::float8[]) AS due (id, after) WHERE task_id = id
"""
MEMORY_GOAL_BYTES = 300 * 1024**2
LATENESS_GOAL_SECONDS = 2.0


async def submit(runtime: Runtime, tasks: int) -> list[uuid.UUID]:
    """So many tasks."""
    task = await new_task(runtime, await rich_key(runtime, 0))
    accepted = [await submit_tasks(runtime, [task] * AT_ONCE) for _ in range(tasks // AT_ONCE)]
    return [uuid.UUID(one.task_id) for batch in accepted for one in batch]


async def open_all(runtime: Runtime, stub: Stub, ids: list[uuid.UUID], interval: float) -> None:
    """Have the provider work on all, as it does after a while: their checks are spread over an interval."""
    begin = time.monotonic() + LEAD_SECONDS
    after = [interval * number / len(ids) for number in range(len(ids))]
    async with transaction(runtime.pool) as connection:
        await connection.execute("DELETE FROM pgqueuer")
        now = begin - time.monotonic()
        due = [now + seconds for seconds in after]
        await connection.execute(TAKEN, ids, due)
        jobs = [
            Job("check", one.hex, after_seconds=seconds)
            for one, seconds in zip(ids, due, strict=True)
        ]
        await enqueue(connection, jobs)
    for one, seconds in zip(ids, after, strict=True):
        stub.answered[f"job-{one}"] = begin + seconds - interval


async def measure(environ: dict[str, str], stub: Stub, options: argparse.Namespace) -> None:
    interval_seconds = options.tasks / (SHARE * options.checks_per_second)
    log = Path(environ["HELIOGRAPH_DATA_DIR"]) / "worker.log"
    async with open_runtime(load_settings(environ)) as runtime:
        ids = await submit(runtime, options.tasks)
        await open_all(runtime, stub, ids, interval_seconds)
    with worker(os.environ | environ, log, "run,check") as process:
        await until(lambda: bool(stub.gaps_seconds))
        used = process.cpu_times()
        await asyncio.sleep(options.seconds)
        report(process, used, stub.gaps_seconds, interval_seconds)


def report(process: psutil.Process, used: object, gaps: list[float], interval: float) -> None:
    now, memory = process.cpu_times(), process.memory_info().rss
    work_ms = (now.user + now.system - used.user - used.system) / len(gaps) * 1000
    late = sorted(gap - interval for gap in gaps)
    print(f"\none worker, {'a check of each every':<36} {interval:>8.0f} s")
    print(f"{'checks':<48} {len(gaps):>8}")
    print(f"{'milliseconds of a core for a check':<48} {work_ms:>8.2f}")
    print(f"{'memory':<48} {memory / 1024**2:>8.0f} MB  at most {MEMORY_GOAL_BYTES // 1024**2}")
    for name, part in (("median", 0.5), ("p99", 0.99), ("longest", 1)):
        at = late[min(len(late) - 1, int(len(late) * part))]
        goal = f"  at most {LATENESS_GOAL_SECONDS:g}" if name == "p99" else ""
        print(f"{f'lateness, {name}':<48} {at:>8.2f} s{goal}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--checks-per-second", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        settings = load_settings({}, data_dir=str(Path(name) / "data"))
        with prepare_database(settings) as database_url:
            asyncio.run(run(str(settings.data_dir), database_url, options))


async def run(data_dir: str, database_url: str, options: argparse.Namespace) -> None:
    stub = Stub()
    async with serving(stub) as base_url:
        environ = settings_for(base_url) | {
            "HELIOGRAPH_DATA_DIR": data_dir,
            "HELIOGRAPH_DATABASE_URL": database_url,
            "HELIOGRAPH_DASHSCOPE_TASKS_IN_FLIGHT": str(options.tasks),
            "HELIOGRAPH_DASHSCOPE_CHECKS_PER_SECOND": str(options.checks_per_second),
            "HELIOGRAPH_TASK_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
        }
        await measure(environ, stub, options)


if __name__ == "__main__":
    sys.exit(main())
