"""The real service on loopback: the application under uvicorn, in a thread with a loop of its own."""

import asyncio
import contextlib
import datetime
import socket
import threading
import time
import uuid
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import uvicorn

from heliograph.accounts.account import Key
from heliograph.accounts.keys import mint_key
from heliograph.accounts.store import create_account, create_key
from heliograph.api.app import create_app
from heliograph.base.clock import SettableClock
from heliograph.base.database import transaction
from heliograph.base.settings import load_settings
from heliograph.ledger.store import top_up
from heliograph.runtime import Runtime, open_runtime
from heliograph.tasks.run import advance
from heliograph.worker import work

Result = TypeVar("Result")

MODEL = "wan-2-5-image"
GENERATE = f"/api/v1/generateTask/{MODEL}"
STATUS = f"/api/v1/statusTask/{MODEL}"
BALANCE = "/api/v1/apikeys/current-balance"


@dataclass(frozen=True)
class Customer:
    """An account of a test's own, with a key and a client that carries it."""

    account_id: str
    api_key: str
    http: httpx2.Client

    def submit(self, prompt: str = "a panda", **parameters: Any) -> str:
        """Submit a text-to-image task and give its id."""
        fields = {"mode": "text-to-image", "prompt": prompt, **parameters}
        answer = self.http.post(GENERATE, json={"input": fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["taskId"]

    def status(self, task_id: str) -> httpx2.Response:
        return self.http.get(STATUS, params={"taskId": task_id})


class Service:
    """A running service. Its clock stands still until a test moves it."""

    def __init__(self, runtime: Runtime, clock: SettableClock, url: str) -> None:
        self.runtime = runtime
        self.clock = clock
        self.url = url
        self._clients: list[httpx2.Client] = []
        self.http = self._client({})
        self.loop = asyncio.get_running_loop()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do `work` in the service's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def customer(
        self,
        *,
        dollars: float = 0,
        test: bool = False,
        routing: str = "auto",
        rate_limit_per_minute: int = 10_000,
        max_live_tasks: int = 1_000,
    ) -> Customer:
        account_id = self.run(self._open_account(round(dollars * 1e6), max_live_tasks))
        return self._with_key(
            account_id, test=test, routing=routing, rate_limit_per_minute=rate_limit_per_minute
        )

    def another_key(self, customer: Customer, *, test: bool) -> Customer:
        """The same customer, with one key more."""
        return self._with_key(
            customer.account_id, test=test, routing="auto", rate_limit_per_minute=10_000
        )

    def _with_key(self, account_id: str, *, test: bool, **facts: Any) -> Customer:
        minted = mint_key(test=test)
        key = Key(
            key_id=minted.key_id,
            account_id=account_id,
            name="contract",
            test=test,
            created_at=self.clock.now(),
            expires_at=None,
            revoked_at=None,
            **facts,
        )
        self.run(self._add_key(key, minted.secret_sha256))
        http = self._client({"Authorization": f"Bearer {minted.api_key}"})
        return Customer(account_id, minted.api_key, http)

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _client(self, headers: dict[str, str]) -> httpx2.Client:
        client = httpx2.Client(base_url=self.url, headers=headers, timeout=20)
        self._clients.append(client)
        return client

    def finish(self, task_id: str, seconds: float = 1.5) -> None:
        """Let `seconds` pass, and a worker do what there is to do."""
        self.clock.advance(seconds)
        self.run(advance(self.runtime, uuid.UUID(task_id), "run"))

    async def _open_account(self, micros: int, max_live_tasks: int) -> str:
        now = self.clock.now()
        async with transaction(self.runtime.pool) as connection:
            account = await create_account(
                connection, "contract", max_live_tasks=max_live_tasks, now=now
            )
        if micros:
            await top_up(self.runtime.pool, account.account_id, micros, note="contract", now=now)
        return account.account_id

    async def _add_key(self, key: Key, secret_sha256: bytes) -> None:
        async with transaction(self.runtime.pool) as connection:
            await create_key(connection, key, secret_sha256)


@contextlib.contextmanager
def running_service(database_url: str, data_dir: Path, **settings: str) -> Iterator[Service]:
    """A service on `database_url`, up for the length of the block."""
    # With the protocol named, as asyncio turns Nagle's algorithm off (40 ms an answer) only then.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    loaded = load_settings(
        {
            "HELIOGRAPH_DATABASE_URL": database_url,
            "HELIOGRAPH_DATA_DIR": str(data_dir),
            "HELIOGRAPH_PUBLIC_URL": url,
            **settings,
        }
    )
    started: list[Service] = []
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        clock = SettableClock(datetime.datetime.now(datetime.UTC))
        async with open_runtime(loaded, clock) as runtime:
            config = uvicorn.Config(
                create_app(runtime),
                lifespan="off",
                log_level="warning",
                access_log=False,
                proxy_headers=False,
            )
            servers.append(uvicorn.Server(config))
            started.append(Service(runtime, clock, url))
            await servers[0].serve(sockets=[listener])

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    try:
        yield _first(started, thread)
    finally:
        for service in started:
            service.close()
        for server in servers:
            server.should_exit = True
        thread.join(20)
        listener.close()


def _first(started: list[Service], thread: threading.Thread) -> Service:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and thread.is_alive():
        with contextlib.suppress(IndexError, httpx2.TransportError):
            started[0].http.get("/health/live")
            return started[0]
        time.sleep(0.02)
    raise AssertionError("the service did not start")


@contextlib.contextmanager
def working_service(database_url: str, data_dir: Path) -> Iterator[Service]:
    """A running service that does the work too, so that who waits for a task sees its end."""
    with running_service(database_url, data_dir) as service:
        stop = asyncio.Event()
        worker = asyncio.run_coroutine_threadsafe(work(service.runtime, stop), service.loop)
        try:
            yield service
        finally:
            service.loop.call_soon_threadsafe(stop.set)
            worker.result(30)
