"""What the demo needs: a server in this process, and an account with a key and some money."""

import asyncio
import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.accounts.sessions.sign_in import offer_account_link
from heliograph.accounts.store import create_account, read_account
from heliograph.base.clock import Clock
from heliograph.base.database import Pool
from heliograph.base.errors import OperatorError
from heliograph.base.settings import Settings
from heliograph.cli.serving import listen, server_config
from heliograph.ledger.store import top_up
from heliograph.runtime import open_database

START_SECONDS = 60
LOOK_SECONDS = 0.05


@contextlib.contextmanager
def running_server(settings: Settings) -> Iterator[str]:
    """The whole service in a thread of this process; gives its address. Raises OperatorError."""
    listener = listen(settings.host, settings.port)
    server = uvicorn.Server(server_config(settings, work=True))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise OperatorError("The server did not start; the lines above say why.")
            time.sleep(LOOK_SECONDS)
        yield settings.public_url
    finally:
        server.should_exit = True
        thread.join()


def credentials(settings: Settings, credit_micros: int) -> tuple[str, str]:
    """The demo account and its API key: made once, kept readable by its owner alone, used again after that."""
    path = settings.data_dir / "demo.json"
    known = _read(path)
    return asyncio.run(_ensure(settings, known, path, credit_micros))


def console_link(settings: Settings, account_id: str) -> str:
    """An address that signs in at the console, once. Raises NotFound."""
    return asyncio.run(_offer(settings, account_id))


async def _offer(settings: Settings, account_id: str) -> str:
    async with open_database(settings) as pool:
        link = await offer_account_link(pool, account_id, now=Clock().now())
    return link.address(settings.public_url)


async def _ensure(
    settings: Settings, known: dict[str, Any], path: Path, credit_micros: int
) -> tuple[str, str]:
    async with open_database(settings) as pool:
        if known and await read_account(pool, known["account_id"]) is not None:
            return str(known["account_id"]), str(known["api_key"])
        made = await _make(settings, pool, credit_micros)
    _write(path, made)
    return made["account_id"], made["api_key"]


async def _make(settings: Settings, pool: Pool, credit_micros: int) -> dict[str, str]:
    now = Clock().now()
    account = await create_account(pool, "demo", max_live_tasks=settings.max_live_tasks, now=now)
    await top_up(pool, account.account_id, credit_micros, note="demo", now=now)
    limit = settings.rate_limit_per_minute
    wish = KeyWish(
        account.account_id, "demo", test=False, routing="auto", rate_limit_per_minute=limit
    )
    minted = await issue_key(pool, wish, now=now)
    return {"account_id": account.account_id, "api_key": minted.api_key}


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def _write(path: Path, value: dict[str, str]) -> None:
    path.unlink(missing_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w") as file:
        json.dump(value, file, indent=2)
