"""Duplicates from everywhere at once, and while processes are killed: one task and one charge each."""

import asyncio
import itertools
import random
import time
from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import asyncpg
import httpx2

from e2e.conftest import Install
from e2e.crowd import GENERATE, Killer, text_to_image
from e2e.upstream import upstream
from support.service import Customer, Installation

KEYS = 20
DUPLICATES = 50
PRICE = Decimal("0.03")
END_SECONDS = 60

#: From one kill to the next. A process takes about two seconds to start.
PAUSE_SECONDS = (0.5, 2.5)
KILLS = 6
ATTEMPTS_OF_EACH = 12
AGAIN_SECONDS = 0.1
INSIST_SECONDS = 60

#: Each client opens as many connections as it has requests at once.
CLIENTS = 20


def opened(url: str, customer: Customer) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, headers=customer.headers, timeout=60)


async def post(http: httpx2.AsyncClient, key: str, fields: dict[str, Any]) -> httpx2.Response:
    return await http.post(GENERATE, json={"input": fields}, headers={"Idempotency-Key": key})


async def all_ended(pool: asyncpg.Pool) -> None:
    async with asyncio.timeout(END_SECONDS):
        while await pool.fetchval("SELECT count(*) FROM tasks WHERE completed_at IS NULL"):
            await asyncio.sleep(0.1)


def books(installation: Installation, customer: Customer) -> dict[str, Any]:
    audit = installation.run("audit")
    assert audit.returncode == 0, audit.stdout
    return installation.ask("account", "show", customer.account_id)


async def test_1000_duplicates_of_20_keys_at_once_are_20_tasks_and_20_charges(
    install: Install, pool: asyncpg.Pool
):
    with upstream(seconds=0.2) as paid:
        installation = install(**paid.settings)
        await asyncio.to_thread(installation.serve("--processes", "2").ready)
        customer = await asyncio.to_thread(installation.customer, "10")
        names = [f"order-{number}" for number in range(KEYS)] * DUPLICATES
        random.Random(7).shuffle(names)
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(opened(installation.url, customer))
                for _ in range(CLIENTS)
            ]
            started = time.monotonic()
            asked = zip(itertools.cycle(clients), names, strict=False)
            answers = await asyncio.gather(
                *(post(http, name, fields(name)) for http, name in asked)
            )
            seconds = time.monotonic() - started
            other = await post(clients[0], "order-0", text_to_image("another panda"))
        print(f"\n{len(names)} duplicates in {seconds:.1f} s, {len(names) / seconds:.0f} a second")
        assert Counter(answer.status_code for answer in answers) == {200: len(names)}
        assert other.status_code == 422
        replayed = Counter("idempotent-replayed" in answer.headers for answer in answers)
        assert replayed == {False: KEYS, True: len(names) - KEYS}
        assert_each_name_has_one_task(names, answers)
        await all_ended(pool)
        assert await pool.fetchval("SELECT count(*) FROM tasks") == KEYS
        assert await pool.fetchval("SELECT count(*) FROM transfers WHERE kind = 'charge'") == KEYS
        account = await asyncio.to_thread(books, installation, customer)
        assert account["charged"] == float(KEYS * PRICE)
        assert (account["held"], account["live_tasks"]) == (0, 0)
        assert set(paid.submits().values()) == {1}


def fields(name: str) -> dict[str, Any]:
    return text_to_image(f"panda of {name}")


def assert_each_name_has_one_task(names: list[str], answers: list[httpx2.Response]) -> None:
    tasks = defaultdict(set)
    for name, answer in zip(names, answers, strict=True):
        tasks[name].add(answer.json()["data"]["taskId"])
    assert {len(ids) for ids in tasks.values()} == {1}
    assert len(set.union(*tasks.values())) == len(tasks)


async def test_whoever_insists_under_one_key_while_processes_are_killed_pays_once(
    install: Install, pool: asyncpg.Pool
):
    installation = install(
        HELIOGRAPH_PROVIDERS="dashscope",
        HELIOGRAPH_DASHSCOPE_API_KEY="sk-none",
        HELIOGRAPH_MAX_LIVE_TASKS="1000000",  # a fast machine submits thousands meanwhile
    )
    customer = await asyncio.to_thread(installation.customer, "100000")
    killer = Killer({"api": lambda: installation.serve("--no-worker")}, random.Random(11))
    await asyncio.to_thread(killer.running["api"].ready)
    names = iter(f"order-{number}" for number in range(10**6))
    submitted: dict[str, set[str]] = {}
    killing = asyncio.create_task(killer.kill(KILLS, PAUSE_SECONDS))
    async with opened(installation.url, customer) as http:
        broken = await asyncio.gather(
            *(insist(http, names, submitted, killing) for _ in range(ATTEMPTS_OF_EACH))
        )
    await killing
    print(f"\n{len(submitted)} keys, {sum(broken)} tries without an answer, {KILLS} kills")
    assert {len(ids) for ids in submitted.values()} == {1}
    tasks = await pool.fetchval("SELECT count(*) FROM tasks")
    assert tasks == len(submitted) == await pool.fetchval("SELECT count(*) FROM idempotency_keys")
    await asyncio.to_thread(killer.running["api"].ready)
    account = await asyncio.to_thread(books, installation, customer)
    assert account["held"] == float(tasks * PRICE)
    assert sum(broken) > 0


async def insist(
    http: httpx2.AsyncClient, names: Any, submitted: dict[str, set[str]], killing: asyncio.Task
) -> int:
    """Send each request twice until both were answered; gives the tries that had no answer."""
    broken = 0
    while not killing.done():
        name = next(names)
        submitted[name] = set()
        for _ in range(2):
            broken += await answered(http, name, submitted[name])
    return broken


async def answered(http: httpx2.AsyncClient, name: str, ids: set[str]) -> int:
    broken = 0
    async with asyncio.timeout(INSIST_SECONDS):
        while True:
            try:
                answer = await post(http, name, fields(name))
            except httpx2.TransportError:
                broken += 1
            else:
                if answer.status_code == 200:
                    ids.add(answer.json()["data"]["taskId"])
                    return broken
                assert answer.status_code == 503, answer.text
            await asyncio.sleep(AGAIN_SECONDS)
