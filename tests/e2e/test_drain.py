"""An orderly end, and a disorderly one: SIGTERM, kill -9 of a child or the parent, a port taken."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx2
import pytest

from e2e.conftest import Install
from e2e.crowd import GENERATE, text_to_image
from e2e.upstream import upstream
from heliograph.accounts.store import revoke_key
from heliograph.base.clock import Clock
from support.service import Api, Customer, Installation, Process, processes_of, wait_for

BALANCE = "/api/v1/apikeys/current-balance"
EXIT_SECONDS = 10
REVOKED_SECONDS = 1
AT_ONCE = 16


def stopped(process: Process) -> float:
    """Tell it to stop; gives the seconds until it has."""
    started = time.monotonic()
    process.terminate()
    process.wait()
    return time.monotonic() - started


async def ended(pool: asyncpg.Pool, seconds: float) -> None:
    """Wait until no task is open."""
    async with asyncio.timeout(seconds):
        while await pool.fetchval("SELECT count(*) FROM tasks WHERE completed_at IS NULL"):
            await asyncio.sleep(0.1)


class Load:
    """Clients that submit until they are refused a connection."""

    def __init__(self, installation: Installation, customer: Customer, prompt: str) -> None:
        self.accepted: list[str] = []
        self._body = {"input": text_to_image(prompt)}
        self._url = installation.url + GENERATE
        self._headers = customer.headers | {"Connection": "close"}

    async def run(self) -> None:
        await asyncio.gather(*(self._submit() for _ in range(AT_ONCE)))

    async def _submit(self) -> None:
        async with httpx2.AsyncClient(headers=self._headers, timeout=20) as http:
            with contextlib.suppress(httpx2.TransportError):
                while True:
                    answer = await http.post(self._url, json=self._body)
                    if answer.status_code == 200:
                        self.accepted.append(answer.json()["data"]["taskId"])

    async def at_least(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.accepted) < count:
                await asyncio.sleep(0.01)


async def test_sigterm_during_load_loses_no_accepted_task_and_another_worker_ends_all(
    install: Install, pool: asyncpg.Pool
):
    installation = install()
    customer = await asyncio.to_thread(installation.customer, "0", "--test")
    api = installation.serve()
    await asyncio.to_thread(api.ready)
    load = Load(installation, customer, "a lake [[delay:2]]")
    running = asyncio.create_task(load.run())
    await load.at_least(100)
    seconds = await asyncio.to_thread(stopped, api)
    await running
    rows = await pool.fetch("SELECT task_id, state FROM tasks")
    left = sum(row["state"] in ("pending", "processing") for row in rows)
    print(f"\nstopped in {seconds:.1f} s; {len(rows)} tasks accepted, {left} of them open")
    assert seconds < EXIT_SECONDS
    assert {row["task_id"].hex for row in rows} == set(load.accepted), "each was answered"
    assert api.family() == []
    installation.worker()
    await ended(pool, 60)
    assert await pool.fetchval("SELECT count(*) FROM tasks WHERE state <> 'success'") == 0
    assert (await asyncio.to_thread(installation.run, "audit")).returncode == 0


async def test_a_worker_that_is_stopped_during_a_paid_submit_has_it_never_submitted_again(
    install: Install, pool: asyncpg.Pool
):
    """Nobody knows whether the call that was cut off is paid: the deadline ends the task."""
    with upstream(seconds=0) as paid:
        installation = install(HELIOGRAPH_TASK_DEADLINE_SECONDS="25", **paid.settings)
        customer = await asyncio.to_thread(installation.customer, "1")
        api, first = installation.serve("--no-worker"), installation.worker()
        await asyncio.to_thread(api.ready)
        body = {"input": text_to_image("a lake {{accept:hang}}")}
        async with httpx2.AsyncClient(base_url=installation.url, headers=customer.headers) as http:
            assert (await http.post(GENERATE, json=body)).status_code == 200
        await asyncio.to_thread(wait_for, paid.submits, "the submit")
        seconds = await asyncio.to_thread(stopped, first)
        print(f"\nstopped in {seconds:.1f} s")
        assert seconds < EXIT_SECONDS
        installation.worker()
        await ended(pool, 60)
        assert paid.submits().total() == 1
        assert await pool.fetchval("SELECT fail_code FROM tasks") == "Timeout"
        assert await pool.fetchval("SELECT outcome FROM attempts") == "unknown"
        account = await asyncio.to_thread(installation.ask, "account", "show", customer.account_id)
        assert (account["available"], account["held"]) == (1, 0)


def children(api: Api) -> list[int]:
    """The processes that serve, of one that has several."""
    found = []
    for process_id in processes_of(api.pid):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{process_id}/cmdline").read_bytes()
            if b"spawn_main" in words:
                found.append(process_id)
    return found


def connections(process_id: int, port: int) -> int:
    """How many connections to `port` this process has accepted."""
    local = f"0100007F:{port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = {f"socket:[{line[9]}]" for line in lines if line[1] == local and line[3] == "01"}
    folder = Path(f"/proc/{process_id}/fd")
    held = set()
    for file in folder.iterdir():
        with contextlib.suppress(OSError):
            held.add(str(file.readlink()))
    return len(held & established)


@pytest.fixture
def pair(install: Install) -> tuple[Installation, Api]:
    """A service of two processes."""
    installation = install()
    return installation, installation.serve("--processes", "2", "--no-worker").ready()


class Asker:
    """Asks for the balance over one connection, again and again, until the key is refused."""

    def __init__(self, url: str, customer: Customer) -> None:
        self.good_at = 0.0
        self.refused = False
        self._http = httpx2.AsyncClient(base_url=url, headers=customer.headers, timeout=10)

    async def ask(self) -> None:
        started = time.monotonic()
        answer = await self._http.get(BALANCE)
        assert answer.status_code in (200, 401), answer.text
        if answer.status_code == 200:
            self.good_at = max(self.good_at, started)
        self.refused = answer.status_code == 401

    async def ask_until_refused(self) -> None:
        async with asyncio.timeout(30):
            while not self.refused:
                await self.ask()
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self._http.aclose()


@contextlib.asynccontextmanager
async def asking_everyone(api: Api, url: str, customer: Customer) -> AsyncIterator[list[Asker]]:
    """Connections to both processes."""
    async with contextlib.AsyncExitStack() as opened, asyncio.timeout(60):
        askers: list[Asker] = []
        while not all(connections(child, api.port) for child in children(api)):
            askers.append(Asker(url, customer))
            opened.push_async_callback(askers[-1].close)
            await askers[-1].ask()
        yield askers


async def test_a_revoked_key_is_refused_within_a_second_by_every_process(
    pair: tuple[Installation, Api], pool: asyncpg.Pool
):
    installation, api = pair
    customer = await asyncio.to_thread(installation.customer, "1")
    await asyncio.to_thread(wait_for, lambda: len(children(api)) == 2, "two processes")
    async with asking_everyone(api, installation.url, customer) as askers:
        asking = asyncio.gather(*(asker.ask_until_refused() for asker in askers))
        assert await revoke_key(pool, customer.key_id, now=Clock().now())
        revoked_at = time.monotonic()
        await asking
    latest = max(asker.good_at for asker in askers) - revoked_at
    print(f"\n{len(askers)} connections to two processes; last good request after {latest:.2f} s")
    assert latest < REVOKED_SECONDS


def test_a_process_that_is_killed_is_replaced(pair: tuple[Installation, Api]):
    _, api = pair
    first, second = wait_for(lambda: len(children(api)) == 2 and children(api), "two processes")
    os.kill(first, signal.SIGKILL)
    started = time.monotonic()
    wait_for(lambda: len({*children(api)} - {first, second}) == 1, "another process")
    replaced = time.monotonic() - started
    assert second in children(api)
    api.ready()
    seconds = stopped(api)
    print(f"\nreplaced after {replaced:.1f} s; both stopped in {seconds:.1f} s")
    assert seconds < EXIT_SECONDS
    # a helper of Python's, which has ended too, is there until the system's first process collects it
    wait_for(lambda: api.family() == [], "the end of all others", seconds=5)


def test_when_the_parent_is_killed_its_children_end_and_the_port_is_free(
    pair: tuple[Installation, Api],
):
    installation, api = pair
    wait_for(lambda: len(children(api)) == 2, "two processes")
    api.kill()
    started = time.monotonic()
    wait_for(lambda: api.family() == [], "the end of the children", seconds=15)
    print(f"\nno process was left after {time.monotonic() - started:.1f} s")
    installation.serve("--no-worker").ready()


def test_a_port_that_is_taken_is_said_in_a_sentence(install: Install):
    installation = install()
    with socket.create_server(("127.0.0.1", installation.port)):
        refused = installation.run("serve")
    assert refused.returncode == 1
    assert refused.stdout == ""
    (line,) = refused.stderr.splitlines()
    assert f"Cannot listen on 127.0.0.1:{installation.port}" in line
    assert "heliograph serve --port" in line


def test_of_two_that_start_at_once_on_one_port_one_serves_and_the_other_says_why_not(
    install: Install,
):
    installation = install()
    both = [installation.serve("--no-worker"), installation.serve("--no-worker")]
    (loser,) = wait_for(
        lambda: [process for process in both if process.exit_code is not None], "one to give up"
    )
    assert loser.exit_code == 1
    assert "Cannot listen on" in loser.log_lines()[-1]
    (winner,) = (process for process in both if process is not loser)
    winner.ready()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_service_that_cannot_start_says_why_and_fails(install: Install, processes: str):
    installation = install(HELIOGRAPH_PROVIDERS="dashscope")
    refused = installation.run("serve", "--processes", processes, seconds=30)
    assert refused.returncode == 1
    assert "HELIOGRAPH_DASHSCOPE_API_KEY is not set" in refused.stderr
    assert "Traceback" not in refused.stderr
