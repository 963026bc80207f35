"""Four workers, one account upstream: its limits are kept, its places are used, nothing is sent twice."""

import asyncio
import random
import statistics
import time

import asyncpg
import httpx2

from e2e.conftest import Install
from e2e.crowd import GENERATE, text_to_image
from e2e.upstream import Upstream, upstream

WORKERS = 4
RUNNING = 5
SECONDS = (1.0, 4.0)
MEAN_SECONDS = sum(SECONDS) / 2


async def test_four_workers_keep_the_limits_of_one_account(
    install: Install, pool: asyncpg.Pool, limited_tasks: int
):
    with upstream(seconds=MEAN_SECONDS, limits=True) as account:
        installation = install(**account.settings, HELIOGRAPH_TASK_DEADLINE_SECONDS="3600")
        customer = await asyncio.to_thread(installation.customer, "1000")
        api = installation.serve("--no-worker")
        for _ in range(WORKERS):
            installation.worker()
        await asyncio.to_thread(api.ready)
        began = time.monotonic()
        async with httpx2.AsyncClient(
            base_url=installation.url, headers=customer.headers, timeout=60
        ) as http:
            dice = random.Random(5)
            bodies = [
                {"input": text_to_image(f"lake {number} {{{{slow:{dice.uniform(*SECONDS):.2f}}}}}")}
                for number in range(limited_tasks)
            ]
            answers = await asyncio.gather(*(http.post(GENERATE, json=body) for body in bodies))
        assert {answer.status_code for answer in answers} == {200}
        await ended(pool, limited_tasks)
        took_seconds = time.monotonic() - began
        report(await overheads(pool, account), took_seconds, limited_tasks)
        states = await pool.fetch("SELECT state, count(*) FROM tasks GROUP BY state")
        assert [tuple(row) for row in states] == [("success", limited_tasks)]
        assert account.told()["refused"] == {}
        assert set(account.submits().values()) == {1}
        assert len(account.submits()) == limited_tasks
    audit = await asyncio.to_thread(installation.run, "audit")
    assert audit.returncode == 0, audit.stdout


async def ended(pool: asyncpg.Pool, tasks: int) -> None:
    async with asyncio.timeout(60 + 3 * tasks * MEAN_SECONDS / RUNNING):
        while await pool.fetchval("SELECT count(*) FROM tasks WHERE completed_at IS NULL"):
            await asyncio.sleep(0.2)


async def overheads(pool: asyncpg.Pool, account: Upstream) -> list[float]:
    """From each task's end upstream until its end here: noticed, fetched, stored, settled."""
    ends = {entry["prompt"]: entry["ends_at"] for entry in account.told()["submits"]}
    rows = await pool.fetch("SELECT request ->> 'prompt' AS prompt, completed_at FROM tasks")
    return [row["completed_at"].timestamp() - ends[row["prompt"]] for row in rows]


def report(overheads_seconds: list[float], took_seconds: float, tasks: int) -> None:
    ideal_seconds = tasks * MEAN_SECONDS / RUNNING
    print(
        f"\n{tasks} tasks in {took_seconds:.0f} s (the account alone: {ideal_seconds:.0f} s);"
        f" from the end upstream to the end here: median {statistics.median(overheads_seconds):.2f} s,"
        f" longest {max(overheads_seconds):.2f} s"
    )
