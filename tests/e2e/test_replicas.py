"""Tasks over HTTP, two workers, three image servers: one is killed, one becomes slow; none is lost."""

import asyncio
import signal
from contextlib import AsyncExitStack

import asyncpg
import httpx2

from e2e.conftest import Install
from e2e.crowd import GENERATE, text_to_image
from support.openai_images_emulator import process

TASKS = 200
QUICK_SECONDS, SLOW_SECONDS = "0.05", "1.5"


async def test_of_200_tasks_none_is_lost_when_one_replica_is_killed_and_one_becomes_slow(
    install: Install, pool: asyncpg.Pool
):
    async with AsyncExitStack() as opened:
        replicas = [
            await opened.enter_async_context(process("--seconds", QUICK_SECONDS)) for _ in range(3)
        ]
        (doomed, victim), (slow, _), (fast, _) = replicas
        installation = install(
            HELIOGRAPH_PROVIDERS="openai-images",
            HELIOGRAPH_OPENAI_IMAGES_BASE_URL=f"{doomed},{slow},{fast}",
        )
        customer = await asyncio.to_thread(installation.customer, "100")
        api = installation.serve("--no-worker")
        for _ in range(2):
            installation.worker()
        await asyncio.to_thread(api.ready)
        http = await opened.enter_async_context(
            httpx2.AsyncClient(base_url=installation.url, headers=customer.headers, timeout=60)
        )
        bodies = [{"input": text_to_image(f"lake {number}")} for number in range(TASKS)]
        answers = await asyncio.gather(*(http.post(GENERATE, json=body) for body in bodies))
        assert {answer.status_code for answer in answers} == {200}
        await ended(pool, TASKS // 4)
        before = [await made_at(http, url) for url in (slow, fast)]
        await http.post(f"{slow.removesuffix('/v1')}/_emulator/seconds", content=SLOW_SECONDS)
        victim.send_signal(signal.SIGKILL)
        await ended(pool, TASKS)
        made = [await made_at(http, url) for url in (slow, fast)]
    states = await pool.fetch("SELECT state, count(*) FROM tasks GROUP BY state")
    assert [tuple(row) for row in states] == [("success", TASKS)]
    assert made[0] - before[0] < (made[1] - before[1]) / 2
    print(f"\nafter the kill: slow {made[0] - before[0]}, fast {made[1] - before[1]} pictures")
    audit = await asyncio.to_thread(installation.run, "audit")
    assert audit.returncode == 0, audit.stdout


async def ended(pool: asyncpg.Pool, tasks: int) -> None:
    async with asyncio.timeout(120):
        sql = "SELECT count(*) FROM tasks WHERE completed_at IS NOT NULL"
        while await pool.fetchval(sql) < tasks:
            await asyncio.sleep(0.05)


async def made_at(http: httpx2.AsyncClient, base_url: str) -> int:
    """How many pictures a replica has made."""
    calls = (await http.get(f"{base_url.removesuffix('/v1')}/_emulator/calls")).json()
    made: int = calls["ended"].get("made", 0)
    return made
