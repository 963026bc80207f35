"""A worker that freezes and wakes again, and a database that is restarted again and again under load."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from pathlib import Path

import asyncpg
import httpx2
import pytest

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image
from e2e.upstream import upstream
from heliograph.base.embedded.postmaster import read_status
from support.service import Process, installed

FREEZE_SECONDS = 25


@pytest.fixture
def restarts(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("restarts", 3))


async def all_ended(pool: asyncpg.Pool, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while await pool.fetchval("SELECT count(*) FROM tasks WHERE completed_at IS NULL"):
            await asyncio.sleep(0.1)


def signal_all(process: Process, number: signal.Signals) -> None:
    for process_id in process.family():
        os.kill(process_id, number)


async def test_a_worker_that_was_frozen_beyond_its_lease_changes_nothing_when_it_wakes(
    install: Install, pool: asyncpg.Pool
):
    with upstream(seconds=4.0, answer_seconds=1.0) as paid:
        installation = install(**paid.settings)
        customer = await asyncio.to_thread(installation.customer, "10")
        frozen = installation.worker()
        api = installation.serve("--no-worker")
        await asyncio.to_thread(api.ready)
        async with httpx2.AsyncClient(base_url=installation.url, headers=customer.headers) as http:
            for number in range(8):
                body = {"input": text_to_image(f"lake {number}")}
                assert (await http.post(GENERATE, json=body)).status_code == 200
        started = "SELECT count(*) FROM tasks WHERE provider_ref IS NOT NULL"
        while await pool.fetchval(started) < 8:
            await asyncio.sleep(0.02)
        signal_all(frozen, signal.SIGSTOP)
        installation.worker()
        open_before = await pool.fetchval("SELECT count(*) FROM tasks WHERE completed_at IS NULL")
        assert open_before > 0
        await asyncio.sleep(FREEZE_SECONDS)
        before = await pool.fetch("SELECT * FROM tasks WHERE completed_at IS NOT NULL")
        signal_all(frozen, signal.SIGCONT)
        await asyncio.sleep(3)
        after = {row["task_id"]: row for row in await pool.fetch("SELECT * FROM tasks")}
        assert all(after[row["task_id"]] == row for row in before)
        assert before
        assert set(paid.submits().values()) == {1}
    audit = await asyncio.to_thread(installation.run, "audit")
    assert audit.returncode == 0, audit.stdout


async def test_a_database_that_is_restarted_under_load_loses_nothing(tmp_path: Path, restarts: int):
    with installed(tmp_path) as installation:
        customer = await asyncio.to_thread(installation.customer, "1000", "--test")
        api = await asyncio.to_thread(installation.serve().ready)
        accepted: list[str] = []
        away: list[float] = []
        stop = asyncio.Event()
        async with httpx2.AsyncClient(
            base_url=installation.url, headers=customer.headers, timeout=90
        ) as http:
            load = asyncio.create_task(submit_until(http, stop, accepted))
            for _ in range(restarts):
                await asyncio.sleep(1)
                away.append(await restart(http, tmp_path / "data" / "postgres" / "data"))
                assert not load.done(), [
                    line["exception"] for line in api.events() if line["event"] == "request failed"
                ]
            await asyncio.sleep(1)
            stop.set()
            await load
            assert api.exit_code is None
            endings = Counter([await ending(http, task_id) for task_id in accepted])
        # an engine is started three times at most, and a kill may meet each of the three
        assert set(endings) <= {"success", "InternalError"}
        assert endings["InternalError"] <= restarts / 10
        assert len(accepted) > restarts
        print(
            f"\n{restarts} restarts, {len(accepted)} tasks: {dict(endings)}, away for {max(away):.1f} s at most,"
            f" {sorted(away)[len(away) // 2]:.1f} s in the median"
        )
        audit = await asyncio.to_thread(installation.run, "audit")
        assert audit.returncode == 0, audit.stdout


async def ending(http: httpx2.AsyncClient, task_id: str) -> str:
    """The failCode of a task at its end, or its state."""
    shown = (await http.get(STATUS, params={"taskId": task_id, "wait": 60})).json()["data"]
    found: str = shown.get("failCode", shown["state"])
    return found


async def submit_until(http: httpx2.AsyncClient, stop: asyncio.Event, accepted: list[str]) -> None:
    """Submit one task after the other; while the database is away the answer is 503, and no other."""
    while not stop.is_set():
        answer = await http.post(GENERATE, json={"input": text_to_image("a lake")})
        if answer.status_code == 200:
            accepted.append(answer.json()["data"]["taskId"])
            await asyncio.sleep(0.02)
            continue
        assert answer.status_code == 503, answer.text
        assert "retry-after" in answer.headers
        await asyncio.sleep(0.1)


async def restart(http: httpx2.AsyncClient, cluster: Path) -> float:
    """Kill the server, wait until the service has started it again; the seconds that took."""
    status = read_status(cluster)
    assert status is not None
    began = time.monotonic()
    with contextlib.suppress(ProcessLookupError):
        os.kill(status.process_id, signal.SIGKILL)
    async with asyncio.timeout(60):
        while True:
            await asyncio.sleep(0.05)
            ready = await http.get("/health/ready")
            started = read_status(cluster)
            if ready.status_code == 200 and started and started.process_id != status.process_id:
                return time.monotonic() - began
