"""Every process of a deployment is replaced by another, again and again under load: no request fails."""

import asyncio
import itertools
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import httpx2
import pytest

from e2e.balancer import Balancer, balancing
from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image
from e2e.upstream import upstream
from support.service import Api, Customer, Installation, Process, free_port

CLIENTS = 6
PAUSE_SECONDS = 0.2
WAIT_SECONDS = 1
API_COUNT = WORKER_COUNT = 2
DEADLINE_SECONDS = 60

SETTINGS = {
    "HELIOGRAPH_DRAIN_SECONDS": "2",
    "HELIOGRAPH_TASK_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
}


@pytest.fixture
def rolling_restarts(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("rolling_restarts", 2))


@dataclass
class Clients:
    """Clients without a second try: every other one opens a connection for each request."""

    url: str
    customer: Customer
    accepted: list[str] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    slowest_seconds: float = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def run(self) -> None:
        await asyncio.gather(*(self._go(number) for number in range(CLIENTS)))

    async def _go(self, number: int) -> None:
        headers = dict(self.customer.headers)
        if number % 2:
            headers["Connection"] = "close"
        async with httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=20) as http:
            while not self.stop.is_set():
                await self._one_task(http)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _one_task(self, http: httpx2.AsyncClient) -> None:
        """Submit, look, and wait for the task."""
        body = {"input": text_to_image(f"lake {next(self.numbers)}")}
        submitted = await self._ask(http, "POST", GENERATE, json=body)
        if submitted is None:
            return
        task_id = submitted.json()["data"]["taskId"]
        self.accepted.append(task_id)
        await self._ask(http, "GET", STATUS, params={"taskId": task_id})
        await self._ask(http, "GET", STATUS, params={"taskId": task_id, "wait": WAIT_SECONDS})

    async def _ask(
        self, http: httpx2.AsyncClient, method: str, path: str, **more: object
    ) -> httpx2.Response | None:
        began = time.monotonic()
        try:
            answer = await http.request(method, path, **more)
        except httpx2.TransportError as error:
            self.failed[f"{method} {error!r}"] += 1
            return None
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        self.answered += 1
        if answer.status_code != 200:
            self.failed[f"{method} {answer.status_code} {answer.text}"] += 1
            return None
        return answer


class Deployment:
    """Two of each kind; a restart starts a new one, waits until it is ready, and then stops the old one."""

    def __init__(self, installation: Installation, balancer: Balancer) -> None:
        self._installation = installation
        self._balancer = balancer
        self._apis: list[Api] = []
        self._workers: list[Process] = []

    async def begin(self) -> None:
        await asyncio.gather(*(self._start_api() for _ in range(API_COUNT)))
        await asyncio.gather(*(self._start_worker() for _ in range(WORKER_COUNT)))

    async def restart(self) -> None:
        """Replace them all, one of each kind at a time."""
        for _ in range(API_COUNT):
            await asyncio.gather(self._replace_api(), self._replace_worker())

    async def _replace_api(self) -> None:
        await self._start_api()
        old = self._apis.pop(0)
        await ended_well(old)
        self._balancer.backends.remove(("127.0.0.1", old.port))

    async def _replace_worker(self) -> None:
        await self._start_worker()
        await ended_well(self._workers.pop(0))

    async def _start_api(self) -> None:
        port = free_port()
        self._installation.port = port
        # with a worker of its own, which begins what it accepts
        api = self._installation.serve("--port", str(port))
        self._apis.append(api)
        self._balancer.backends.append(("127.0.0.1", port))
        await self._balancer.until_ready(("127.0.0.1", port))

    async def _start_worker(self) -> None:
        worker = self._installation.worker()
        self._workers.append(worker)
        async with asyncio.timeout(60):
            while not worker.has_said("worker.ready"):
                await asyncio.sleep(0.1)


async def ended_well(process: Process) -> None:
    process.terminate()
    assert await asyncio.to_thread(process.wait, 30) in {0, -signal.SIGTERM}


@asynccontextmanager
async def deployed(installation: Installation) -> AsyncIterator[Deployment]:
    async with balancing(installation.port) as balancer:
        deployment = Deployment(installation, balancer)
        await deployment.begin()
        yield deployment


async def test_restarting_every_process_under_load_fails_no_request_and_no_task(
    install: Install, pool: asyncpg.Pool, rolling_restarts: int
):
    async with AsyncExitStack() as opened:
        paid = opened.enter_context(upstream(seconds=0.5))
        installation = install(**SETTINGS, **paid.settings)
        customer = await asyncio.to_thread(installation.customer, "10000")
        clients = Clients(installation.url, customer)
        deployment = await opened.enter_async_context(deployed(installation))
        load = asyncio.create_task(clients.run())
        began = time.monotonic()
        for _ in range(rolling_restarts):
            await deployment.restart()
        seconds = time.monotonic() - began
        clients.stop.set()
        await load
        print(
            f"\n{rolling_restarts} restarts of {API_COUNT + WORKER_COUNT} processes in {seconds:.0f} s:"
            f" {clients.answered} answers, slowest {clients.slowest_seconds:.2f} s,"
            f" {clients.failed.total()} failed; {len(clients.accepted)} tasks"
        )
        found = await endings(pool)
        print(f"the tasks: {dict(found)}")
        assert clients.failed == {}
        # a paid call that takes longer than a worker waits for it when it stops is never made again
        assert set(found) <= {"success", "Timeout"}
        assert found.total() == len(clients.accepted)
        assert set(paid.submits().values()) == {1}
    audit = await asyncio.to_thread(installation.run, "audit")
    assert audit.returncode == 0, audit.stdout


async def endings(pool: asyncpg.Pool) -> Counter[str]:
    """How all tasks have ended: as `success`, or with which code."""
    async with asyncio.timeout(DEADLINE_SECONDS + 30):
        while await pool.fetchval("SELECT count(*) FROM tasks WHERE completed_at IS NULL"):
            await asyncio.sleep(0.1)
    rows = await pool.fetch("SELECT coalesce(fail_code, state) AS ending FROM tasks")
    return Counter(row["ending"] for row in rows)
