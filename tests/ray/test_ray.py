"""A real Ray with two replicas of the studio, behind the provider `openai-images` as it is."""

import asyncio
import contextlib
import importlib.util
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx2
import pytest

from e2e.crowd import GENERATE, image_to_image, text_to_image
from support.service import Process, free_port, installed, is_alive, wait_for
from support.source import ROOT

TASKS, EDITS = 10, 2
KILLED_AFTER = 2
ALL_MADE_SECONDS = 300
REPLICA = b"ray::ServeReplica:default:Replica"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray._raylet") is None, reason="no Ray here: make test-ray"
)


class Cluster:
    """The processes of a Ray."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}/v1"
        paths = [str(ROOT / "deploy/ray"), *sys.path]
        self.process = Process(
            [sys.executable, str(Path(__file__).with_name("cluster.py")), str(folder), str(port)],
            {"PYTHONPATH": os.pathsep.join(paths), "RAY_USAGE_STATS_ENABLED": "0"},
            folder / "ray.log",
        )

    def is_ready(self) -> bool:
        ending = "\n".join(self.process.log_lines()[-20:])
        assert self.process.exit_code is None, ending
        return "ready" in self.process.log_lines()

    def family(self) -> dict[int, bytes]:
        """The command lines of everything that descends from its first process, which is left out."""
        parents: dict[int, int] = {}
        commands: dict[int, bytes] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                commands[int(folder.name)] = (folder / "cmdline").read_bytes()
                parents[int(folder.name)] = int(fields[1])
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return {pid: commands[pid] for pid in found - {self.process.pid}}

    def replicas(self) -> set[int]:
        return {pid for pid, command in self.family().items() if command.startswith(REPLICA)}

    def close(self) -> None:
        """End it, whatever becomes of it."""
        family = self.family()
        self.process.end_all()
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    try:
        wait_for(cluster.is_ready, "Ray", seconds=180, every=0.5)
        yield cluster
    finally:
        cluster.close()


async def submit(http: httpx2.AsyncClient) -> None:
    prompts = [text_to_image(f"a lake at dawn {number}") for number in range(TASKS)]
    edits = [image_to_image(f"the same in autumn {number}") for number in range(EDITS)]
    for fields in [*edits, *prompts]:
        answer = await http.post(GENERATE, json={"input": fields})
        assert answer.status_code == 200, answer.text


async def ended(pool: asyncpg.Pool, tasks: int) -> None:
    async with asyncio.timeout(ALL_MADE_SECONDS):
        sql = "SELECT count(*) FROM tasks WHERE completed_at IS NOT NULL"
        while await pool.fetchval(sql) < tasks:
            await asyncio.sleep(0.1)


async def test_no_task_is_lost_when_one_of_two_replicas_is_killed_under_load(
    cluster: Cluster, tmp_path: Path, database_url: str, pool: asyncpg.Pool
):
    settings = {
        "HELIOGRAPH_PROVIDERS": "openai-images",
        "HELIOGRAPH_OPENAI_IMAGES_BASE_URL": cluster.url,
        "HELIOGRAPH_OPENAI_IMAGES_CALLS_PER_ENGINE": "3",
    }
    with installed(tmp_path, database_url, **settings) as installation:
        customer = await asyncio.to_thread(installation.customer, "100")
        api = installation.serve("--no-worker")
        installation.worker()
        await asyncio.to_thread(api.ready)
        first = cluster.replicas()
        assert len(first) == 2
        headers = customer.headers
        async with httpx2.AsyncClient(base_url=installation.url, headers=headers) as http:
            await submit(http)
        await ended(pool, KILLED_AFTER)
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        await ended(pool, TASKS + EDITS)
        states = await pool.fetch("SELECT state, count(*) FROM tasks GROUP BY state")
        assert [tuple(row) for row in states] == [("success", TASKS + EDITS)]
        second = await asyncio.to_thread(
            wait_for, lambda: len(found := cluster.replicas()) == 2 and found, "another replica"
        )
        assert victim not in second
        doctor = await asyncio.to_thread(installation.run, "doctor")
        assert re.search(rf"{cluster.url} answers in \d+ ms and serves studio", doctor.stdout)
        audit = await asyncio.to_thread(installation.run, "audit")
        assert audit.returncode == 0, audit.stdout
    family = cluster.family()
    await asyncio.to_thread(cluster.close)
    print(
        f"\n{TASKS + EDITS} tasks made; {len(family)} processes of Ray, {len(second - first)} new"
    )
    await asyncio.to_thread(wait_for, lambda: not any(map(is_alive, family)), "the end of Ray")
