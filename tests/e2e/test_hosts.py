"""Seven hosts: two APIs, two workers, a database, an object store, an upstream. They are cut off and lost."""

import asyncio
import functools
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx2
import pytest

from e2e.crowd import GENERATE, text_to_image
from e2e.hosts import (
    NETWORK,
    Host,
    HostedApi,
    host,
    network,
    playing,
    possible,
    start_worker,
)
from e2e.upstream import KEY, UNLIMITED
from heliograph.base.database import open_pool
from support.service import Customer, Installation, installed, wait_for

CLIENTS = 4
PAUSE_SECONDS = 0.5
CALM_SECONDS = 8
#: A lease and its grace are 24 s: what a lost worker had in hand is with another one by then.
LOST_SECONDS = 35
#: The longest that a request may be held by a database that has vanished.
HELD_SECONDS = 12
PATIENCE_SECONDS = 15
DEADLINE_SECONDS = 300


@pytest.fixture
def hosts_wanted(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("hosts", False):
        pytest.skip("hosts are made by `make prove-hosts` only")
    assert possible(), "needs root and iproute2"


@dataclass
class Clients:
    """Each has an API that it asks first; it goes to the other, with the same key, until it is accepted."""

    urls: list[str]
    customer: Customer
    accepted: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    slowest_seconds: dict[str, float] = field(default_factory=dict)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def begin_act(self) -> None:
        self.answers = {url: Counter() for url in self.urls}
        self.slowest_seconds = dict.fromkeys(self.urls, 0.0)

    async def run(self) -> None:
        self.begin_act()
        await asyncio.gather(*(self._go(number) for number in range(CLIENTS)))

    async def _go(self, number: int) -> None:
        count = 0
        async with httpx2.AsyncClient(
            headers=self.customer.headers, timeout=PATIENCE_SECONDS
        ) as http:
            while not self.stop.is_set():
                await self._insist(http, f"lake-{number}-{count}", number)
                count += 1
                await asyncio.sleep(PAUSE_SECONDS)

    async def _insist(self, http: httpx2.AsyncClient, name: str, first: int) -> None:
        for attempt in range(1_000):
            url = self.urls[(first + attempt) % len(self.urls)]
            if await self._submit(http, url, name):
                return
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{name} was never accepted")

    async def _submit(self, http: httpx2.AsyncClient, url: str, name: str) -> bool:
        began = time.monotonic()
        headers = {"Idempotency-Key": name}
        timeout = httpx2.Timeout(PATIENCE_SECONDS, connect=1)
        try:
            answer = await http.post(
                url + GENERATE,
                json={"input": text_to_image(name)},
                headers=headers,
                timeout=timeout,
            )
        except httpx2.TransportError as error:
            self.answers[url][type(error).__name__] += 1
            return False
        self.answers[url][str(answer.status_code)] += 1
        assert answer.status_code in {200, 409, 503}, answer.text
        spent = time.monotonic() - began
        self.slowest_seconds[url] = max(self.slowest_seconds[url], spent)
        if answer.status_code == 200:
            self.accepted[name] = answer.json()["data"]["taskId"]
        return answer.status_code == 200


@dataclass
class Stage:
    """All hosts but the one of the upstream, and what runs there."""

    apis: list[Host]
    workers: list[Host]
    database: Host
    installation: Installation
    folder: Path

    def start_api(self, number: int) -> HostedApi:
        log = self.folder / f"api-{number}-{time.monotonic_ns()}.log"
        return HostedApi(self.apis[number], self.installation, log)

    def start_worker(self, number: int) -> None:
        log = self.folder / f"worker-{number}-{time.monotonic_ns()}.log"
        worker = start_worker(self.workers[number], self.installation, log)
        wait_for(lambda: worker.has_said("worker.ready"), "a worker")


def raised(opened: ExitStack, folder: Path) -> tuple[Stage, str]:
    """The whole deployment, and the URL of its database."""
    opened.enter_context(network())
    numbers = {"a1": 11, "a2": 12, "w1": 21, "w2": 22}
    made = {name: opened.enter_context(host(name, number)) for name, number in numbers.items()}
    database, found = opened.enter_context(playing("database", "db", 31, folder))
    _, bucket = opened.enter_context(playing("store", "s3", 41, folder))
    _, paid = opened.enter_context(playing("upstream", "up", 51, folder))
    settings = UNLIMITED | {
        "HELIOGRAPH_PROVIDERS": "dashscope",
        "HELIOGRAPH_DASHSCOPE_API_KEY": KEY,
        "HELIOGRAPH_DASHSCOPE_BASE_URL": paid["base_url"],
        "HELIOGRAPH_TRUSTED_NETWORKS": f"{NETWORK}.0/24",
        "HELIOGRAPH_STORAGE_URL": f"s3://{bucket.pop('bucket')}/pictures",
        "HELIOGRAPH_TASK_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    }
    url = found["url"]
    installation = opened.enter_context(installed(folder, url, **settings, **bucket))
    apis, workers = [made["a1"], made["a2"]], [made["w1"], made["w2"]]
    return Stage(apis, workers, database, installation, folder), url


async def begun(stage: Stage) -> list[str]:
    """Start everything; gives the addresses of the APIs."""
    apis = [stage.start_api(number) for number in range(2)]
    for api in apis:
        await answering(api)
    for number in range(2):
        await asyncio.to_thread(stage.start_worker, number)
    return [api.url for api in apis]


async def answering(api: HostedApi) -> None:
    said = functools.partial(api.process.has_said, "service.ready")
    await asyncio.to_thread(wait_for, said, "an API")


async def test_hosts_that_are_cut_off_and_lost_under_load_lose_nothing(
    hosts_wanted: None, tmp_path: Path
):
    with ExitStack() as opened:
        stage, database_url = await asyncio.to_thread(raised, opened, tmp_path)
        customer = await asyncio.to_thread(stage.installation.customer, "10000")
        first, second = await begun(stage)
        pool = await open_pool(database_url)
        clients = Clients([first, second], customer)
        load = asyncio.create_task(clients.run())
        await asyncio.sleep(CALM_SECONDS)

        # a worker's host is cut off with tasks in hand, an API's is lost
        clients.begin_act()
        stage.workers[0].cut_off()
        await asyncio.to_thread(stage.apis[0].kill)
        await asyncio.sleep(LOST_SECONDS)
        told("a worker cut off, an API killed", clients)
        assert not load.done(), load.exception()
        assert set(clients.answers[second]) == {"200"}, "the other API answers throughout"

        # they come back; then the database is not to be reached
        stage.workers[0].join()
        stage.apis[0].join()
        await answering(stage.start_api(0))
        await asyncio.sleep(CALM_SECONDS)
        clients.begin_act()
        stage.database.cut_off()
        await asyncio.sleep(LOST_SECONDS)
        stage.database.join()
        told("the database cut off", clients)
        assert max(clients.slowest_seconds.values()) < HELD_SECONDS
        assert set(clients.answers[second]) <= {"200", "503"}
        assert clients.answers[second]["503"] > 0

        await asyncio.sleep(CALM_SECONDS)
        clients.stop.set()
        await load
        await everything_ended(pool, clients, stage)
        await pool.close()


def told(act: str, clients: Clients) -> None:
    for url, answers in clients.answers.items():
        print(
            f"\n{act}: {url} {dict(answers)}, slowest {clients.slowest_seconds[url]:.1f} s", end=""
        )


async def everything_ended(pool: asyncpg.Pool, clients: Clients, stage: Stage) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS + 60):
        while await pool.fetchval("SELECT count(*) FROM tasks WHERE completed_at IS NULL"):
            await asyncio.sleep(0.5)
    rows = await pool.fetch("SELECT task_id, state, fail_code, starts FROM tasks")
    endings = Counter(row["fail_code"] or row["state"] for row in rows)
    print(f"\n{len(rows)} tasks: {dict(endings)}")
    assert {row["task_id"].hex for row in rows} == set(clients.accepted.values())
    # a call to a paid upstream that was cut off is never made again
    assert set(endings) <= {"success", "Timeout"}
    assert all(row["starts"] <= 1 for row in rows)
    unknown = await pool.fetchval("SELECT count(*) FROM attempts WHERE outcome = 'unknown'")
    assert endings["Timeout"] <= unknown
    audit = await asyncio.to_thread(stage.installation.run, "audit")
    assert audit.returncode == 0, audit.stdout
