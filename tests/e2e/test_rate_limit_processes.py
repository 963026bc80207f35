"""A key's limit is the same however many processes answer, and whichever of them its connections reach."""

import asyncio
import contextlib
import datetime
import time
from collections import Counter

import asyncpg

from e2e.conftest import Install
from e2e.flood import Answer, Line, get
from heliograph.accounts.account import Key
from heliograph.accounts.keys import mint_key
from heliograph.accounts.store import create_account, create_key
from support.service import START_SECONDS, Api, Installation, wait_for

PROCESSES = 4
KEYS = 20
LINES = 32
REQUESTS_OVER_LIMIT = 2
ASKED = "/api/v1/models"


async def new_key(pool: asyncpg.Pool, limit: int) -> str:
    minted = mint_key(test=True)
    now = datetime.datetime.now(datetime.UTC)
    async with pool.acquire() as connection, connection.transaction():
        account = await create_account(connection, "rated", max_live_tasks=1, now=now)
        key = Key(minted.key_id, account.account_id, "rated", True, "auto", limit, now, None, None)
        await create_key(connection, key, minted.secret_sha256)
    return minted.api_key


async def answers_to(lines: list[Line], api_key: str, requests: int) -> list[Answer]:
    """The answers to `requests` with one key, on all lines side by side."""
    asked = iter(range(requests))

    async def ask(line: Line) -> list[Answer]:
        return [await line.ask(get(ASKED, api_key)) for _ in asked]

    return [one for found in await asyncio.gather(*map(ask, lines)) for one in found]


async def opened_lines(
    opened: contextlib.AsyncExitStack, installation: Installation, api_key: str
) -> list[Line]:
    """Connections to every one of the processes; request ids begin with the name of the process.

    They are opened side by side: those that come one by one all go to the process that is idle first.
    """
    deadline = time.monotonic() + START_SECONDS
    lines: list[Line] = []
    seen: set[str] = set()
    while len(seen) < PROCESSES or len(lines) < LINES:
        assert time.monotonic() < deadline, f"{len(lines)} connections go to {len(seen)} processes"
        more = [Line.open(installation.port) for _ in range(PROCESSES)]
        lines += await asyncio.gather(*map(opened.enter_async_context, more))
        answers = await asyncio.gather(*(line.ask(get(ASKED, api_key)) for line in lines))
        seen |= {answer.headers["x-request-id"].partition("-")[0] for answer in answers}
    return lines


def all_ready(api: Api) -> bool:
    return sum(line.get("event") == "service.ready" for line in api.events()) == PROCESSES


async def test_four_processes_admit_exactly_what_the_key_may_send(
    install: Install, pool: asyncpg.Pool, rated_requests: int
):
    installation = install()
    api = installation.serve("--no-worker", "--processes", str(PROCESSES))
    await asyncio.to_thread(wait_for, lambda: all_ready(api), "four processes to be ready")
    requests = rated_requests // KEYS
    limit = requests // REQUESTS_OVER_LIMIT
    counted = turned = 0
    async with contextlib.AsyncExitStack() as opened:
        lines = await opened_lines(opened, installation, await new_key(pool, 1_000_000))
        while counted < KEYS:
            api_key = await new_key(pool, limit)
            began = time.time()
            answers = await answers_to(lines, api_key, requests)
            if int(began // 60) != int(time.time() // 60):
                turned += 1  # with the minute the limit begins to come back
                continue
            statuses = Counter(answer.status for answer in answers)
            assert statuses == {200: limit, 429: requests - limit}
            assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {str(limit)}
            counted += 1
    print(
        f"\n{KEYS * requests} requests on {len(lines)} connections to {PROCESSES} processes:"
        f" of {requests} of each key {limit} admitted, its limit; the minute turned {turned} times"
    )
