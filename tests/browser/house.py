"""The service as its visitors meet it: a process of its own, and customers that are made at once."""

import asyncio
import concurrent.futures
import datetime
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.accounts.limit import KeyLimits
from heliograph.accounts.store import create_account
from heliograph.base.database import open_pool
from heliograph.ledger.store import top_up
from support.service import Api, Installation


@dataclass(frozen=True)
class Guest:
    """Who has a key: a test key, unless there is money."""

    api_key: str
    dollars: float = 0
    rate_limit_per_minute: int = 10_000
    max_live_tasks: int = 1_000
    total_cap_dollars: float | None = None


class House:
    """A running service."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.url = installation.url
        self.process: Api = installation.serve().ready()

    def guest(self, dollars: float = 0, **limits: Any) -> Guest:
        """A new account and its key."""
        # The browser's driver keeps a loop in this thread.
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            return other.submit(asyncio.run, self._admit(Guest("", dollars, **limits))).result(30)

    def _admit(self, guest: Guest) -> Coroutine[Any, Any, Guest]:
        return admit(self.installation.settings["HELIOGRAPH_DATABASE_URL"], guest)

    def close(self) -> None:
        """Stop answering, as in an outage."""
        self.process.terminate()
        self.process.wait()

    def open_again(self) -> None:
        self.process = self.installation.serve().ready()


async def admit(database_url: str, wanted: Guest) -> Guest:
    now = datetime.datetime.now(datetime.UTC)
    pool = await open_pool(database_url, size=1)
    try:
        account = await create_account(
            pool, "browser", max_live_tasks=wanted.max_live_tasks, now=now
        )
        if wanted.dollars:
            micros = round(wanted.dollars * 1e6)
            await top_up(pool, account.account_id, micros, note="browser", now=now)
        cap = wanted.total_cap_dollars
        wish = KeyWish(
            account.account_id,
            "browser",
            test=not wanted.dollars,
            routing="auto",
            rate_limit_per_minute=wanted.rate_limit_per_minute,
            limits=KeyLimits(total_cap_micros=cap and round(cap * 1e6)),
        )
        minted = await issue_key(pool, wish, now=now)
    finally:
        await pool.close()
    return Guest(minted.api_key, wanted.dollars)
