"""More than the database can take: some are served, the others are told at once to come back."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import asyncpg
import httpx2
import pytest

from e2e.crowd import GENERATE, text_to_image
from e2e.flood import Report
from heliograph.base.batch import LONGEST_WAIT_SECONDS
from heliograph.base.database import ACQUIRE_SECONDS, LOCK_TIMEOUT_MS
from heliograph.runtime import POOL_SIZE
from support.database import Databases
from support.service import Customer, Installation, environment, installed

#: Each commit takes a second more, so that about 100 tasks a second of one account fit in.
SLOW_COMMITS = """
    CREATE FUNCTION take_a_second() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
    CREATE TRIGGER slow AFTER INSERT ON tasks FOR EACH STATEMENT EXECUTE FUNCTION take_a_second()
"""
AT_ONCE = 2_000
A_SECOND = 300
#: So many in all, and so many a second.
CALM = (20, 10)
#: The machine of the tests is slow and busy; a hang is longer than this.
NOISE_SECONDS = 15
RECOVERY_SECONDS = 5
SETTINGS = {
    # nothing is ever asked of it: no worker runs
    "HELIOGRAPH_PROVIDERS": "dashscope",
    "HELIOGRAPH_DASHSCOPE_API_KEY": "sk-none",
    "HELIOGRAPH_MAX_LIVE_TASKS": "1000000",
    "HELIOGRAPH_RATE_LIMIT_PER_MINUTE": "1000000",
}


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    with databases.fresh() as url:
        yield url


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, database_url: str
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("overload")
    with installed(folder, database_url, **SETTINGS) as installation:
        installation.serve("--no-worker").ready()
        yield installation


@pytest.fixture(scope="module")
def customer(installation: Installation) -> Customer:
    return installation.customer("100000")


def flooded(
    installation: Installation, customer: Customer, task_id: str, submits: int, a_second: int
) -> Report:
    """What came back of so many submits from another process, all at once or so many a second."""
    command = [sys.executable, "-m", "e2e.flood", str(installation.port), customer.api_key, task_id]
    command += ["--submits", str(submits), "--a-second", str(a_second)]
    done = subprocess.run(command, env=environment({}), capture_output=True, text=True, check=True)
    return Report(*json.loads(done.stdout))


async def submitted(installation: Installation, customer: Customer) -> str | None:
    """The id of a task that was taken within a second, or None."""
    async with httpx2.AsyncClient(base_url=installation.url, headers=customer.headers) as http:
        try:
            answer = await http.post(GENERATE, json={"input": text_to_image("a calm")}, timeout=1)
        except httpx2.TimeoutException:
            return None
    return answer.json()["data"]["taskId"] if answer.status_code == 200 else None


async def test_what_does_not_fit_in_is_sent_away_and_costs_nothing(
    installation: Installation, customer: Customer, pool: asyncpg.Pool, overload_seconds: int
):
    task_id = await submitted(installation, customer)
    assert task_id is not None
    calm = await asyncio.to_thread(flooded, installation, customer, task_id, *CALM)
    assert {status for status, _, _ in calm.submits} == {200}
    print(f"\nstatus reads in calm {1000 * slowest(calm):.0f} ms (99th of 100)")
    await pool.execute(SLOW_COMMITS)
    taken = 1 + len(calm.submits)
    floods = [(AT_ONCE, 0), (A_SECOND * overload_seconds, A_SECOND)]
    for submits, a_second in floods[: 1 + bool(overload_seconds)]:
        report = await asyncio.to_thread(
            flooded, installation, customer, task_id, submits, a_second
        )
        taken += judge(report, a_second)
    await pool.execute("DROP TRIGGER slow ON tasks")
    began = time.monotonic()
    while await submitted(installation, customer) is None:
        assert time.monotonic() - began < RECOVERY_SECONDS, "it does not recover"
    print(f"after the end of the trouble a task was taken in {time.monotonic() - began:.2f} s")
    assert await pool.fetchval("SELECT count(*) FROM tasks") == taken + 1
    audit = await asyncio.to_thread(installation.run, "audit")
    assert audit.returncode == 0, audit.stdout


def slowest(report: Report) -> float:
    """How many seconds 99 of 100 status reads took at most."""
    reads = sorted(seconds for _, seconds in report.reads)
    return reads[int(0.99 * len(reads))]


def judge(report: Report, a_second: int) -> int:
    """Assert that who was not served was told so in time; gives how many were served."""
    statuses = Counter(status for status, _, _ in report.submits)
    assert set(statuses) == {200, 503}
    assert all(int(again) >= 1 for status, _, again in report.submits if status == 503)
    assert max(seconds for _, seconds, _ in report.submits) < LONGEST_WAIT_SECONDS + NOISE_SECONDS
    assert {status for status, _ in report.reads} == {200}
    served, refused = (
        statistics.median(seconds for one, seconds, _ in report.submits if one == status)
        for status in (200, 503)
    )
    print(
        f"\n{len(report.submits)} submits, {a_second or 'all'} {'a second' if a_second else 'at once'}:"
        f" {statuses[200]} served ({served:.2f} s in the median), {statuses[503]} sent away"
        f" ({1000 * refused:.1f} ms in the median), status reads meanwhile"
        f" {1000 * slowest(report):.0f} ms (99th of 100)"
    )
    return statuses[200]


async def test_when_every_connection_to_the_database_is_held_the_others_are_told_in_time(
    installation: Installation, customer: Customer, pool: asyncpg.Pool
):
    limits = httpx2.Limits(max_connections=None)
    longest_seconds = ACQUIRE_SECONDS + LOCK_TIMEOUT_MS / 1000 + NOISE_SECONDS
    async with httpx2.AsyncClient(
        base_url=installation.url, headers=customer.headers, timeout=longest_seconds, limits=limits
    ) as http:
        async with pool.acquire() as holder, holder.transaction():
            await holder.execute("LOCK TABLE balances IN ACCESS EXCLUSIVE MODE")
            balance = "/api/v1/apikeys/current-balance"
            answers = await asyncio.gather(*(http.get(balance) for _ in range(3 * POOL_SIZE)))
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
        assert (await http.get(balance)).status_code == 200
