"""The service behind a real PgBouncer that gives each transaction another connection."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx2
import pytest

from e2e.crowd import GENERATE, text_to_image
from heliograph.base.database import LIMITS_MS, connect, open_pool
from heliograph.base.errors import OperatorError
from support.openai_images_emulator import process
from support.pgbouncer import PROGRAM, SERVER_CONNECTIONS, PgBouncer, running_pgbouncer
from support.receiver import Receiver
from support.service import Process, installed

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs PgBouncer: make test-pgbouncer")

TASKS = 60


@pytest.fixture
def pgbouncer(database_url: str, tmp_path: Path) -> Iterator[PgBouncer]:
    with running_pgbouncer(database_url, tmp_path) as pgbouncer:
        yield pgbouncer


@pytest.fixture
async def limited(pgbouncer: PgBouncer) -> PgBouncer:
    """Its database sets the limits that the pooler does not pass on."""
    connection = await connect(pgbouncer.direct_url)
    user, name = await connection.fetchrow("SELECT current_user, current_database()")
    for limit, milliseconds in LIMITS_MS.items():
        await connection.execute(
            f"ALTER ROLE {user} IN DATABASE {name} SET {limit} = {milliseconds}"
        )
    await connection.close()
    return pgbouncer


async def test_tasks_run_from_submit_to_webhook_over_two_processes_and_few_connections(
    limited: PgBouncer, pool: asyncpg.Pool, tmp_path: Path
):
    async with Receiver() as receiver, process("--seconds", "0.05") as (engine, _):
        settings = limited.settings | {
            "HELIOGRAPH_PROVIDERS": "openai-images",
            "HELIOGRAPH_OPENAI_IMAGES_BASE_URL": engine,
            "HELIOGRAPH_OPENAI_IMAGES_CALLS_PER_ENGINE": "4",
            "HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8",
        }
        with installed(tmp_path, **settings) as installation:
            customer = await asyncio.to_thread(installation.customer, "20")
            api, worker = installation.serve("--no-worker"), installation.worker()
            await asyncio.to_thread(api.ready)
            async with httpx2.AsyncClient(
                base_url=installation.url, headers=customer.headers, timeout=60
            ) as http:
                ids = await submit(http, receiver.url("/done"))
                await waited_for(http, ids)
            told = await receiver.arrived(TASKS, timeout_seconds=30)
            connections = await count_connections(pool)
            audit = await asyncio.to_thread(installation.run, "audit")
            doctor = await asyncio.to_thread(installation.run, "doctor")
    assert {one.json["data"]["taskId"] for one in told} == set(ids)
    assert (audit.returncode, audit.stderr) == (0, ""), audit.stdout
    assert doctor.returncode == 0, doctor.stdout
    assert troubles(api, worker) == []
    assert connections <= SERVER_CONNECTIONS + 1 + 2, (
        "through it, and those of API and worker past it"
    )


async def submit(http: httpx2.AsyncClient, callback_url: str) -> list[str]:
    """Submit all at once, some with a key that makes repeating safe; gives their ids."""
    bodies = [
        {
            "request_type": "callback",
            "callback_url": callback_url,
            "input": text_to_image(f"lake {number}"),
        }
        for number in range(TASKS)
    ]
    sent = [
        http.post(
            GENERATE, json=body, headers={"Idempotency-Key": f"k{number}"} if number % 2 else {}
        )
        for number, body in enumerate(bodies)
    ]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json()["data"]["taskId"] for answer in answers]


async def waited_for(http: httpx2.AsyncClient, ids: list[str]) -> None:
    """Long polls: they are woken by notifications, which come past the pooler."""
    status = GENERATE.replace("generateTask", "statusTask")
    waits = (http.get(f"{status}?taskId={task_id}&wait=30") for task_id in ids)
    states = {answer.json()["data"]["state"] for answer in await asyncio.gather(*waits)}
    assert states == {"success"}


def troubles(*processes: Process) -> list[str]:
    """Events of their logs that are more than information."""
    return [
        event["event"]
        for process in processes
        for event in process.events()
        if event["level"] not in ("debug", "info")
    ]


async def count_connections(pool: asyncpg.Pool) -> int:
    """How many connections to the database there are now, without those of the test's own pool."""
    count: int = await pool.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    )
    return count - pool.get_size()


async def test_a_pooler_that_nobody_named_is_told_from_a_server_with_what_to_set(
    pgbouncer: PgBouncer,
):
    with pytest.raises(OperatorError, match=r"A pooler answers .* HELIOGRAPH_DATABASE_DIRECT_URL"):
        await connect(pgbouncer.url)


async def test_without_limits_of_the_database_user_nobody_starts(pgbouncer: PgBouncer):
    with pytest.raises(
        OperatorError, match=r"no time limits .*ALTER ROLE heliograph SET lock_timeout"
    ):
        await open_pool(pgbouncer.url, pooler=True, prepare=False)


async def test_statements_follow_each_other_on_other_connections(limited: PgBouncer):
    pool = await open_pool(limited.url, size=20, pooler=True, prepare=False)

    async def ask(number: int) -> tuple[int, int]:
        row = await pool.fetchrow("SELECT $1::integer, pg_backend_pid(), pg_sleep(0.01)", number)
        return row[0], row[1]

    answers = [await asyncio.gather(*(ask(number) for number in range(40))) for _ in range(5)]
    await pool.close()
    assert all([number for number, _ in round_] == list(range(40)) for round_ in answers)
    assert 1 < len({pid for round_ in answers for _, pid in round_}) <= SERVER_CONNECTIONS
