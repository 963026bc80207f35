"""A runtime on a test's own database, with a clock that is set and an engine that does as it is told."""

import asyncio
import contextlib
import datetime
import io
import json
import uuid
from collections import deque
from dataclasses import dataclass, field, replace

from PIL import Image

from heliograph.accounts.account import Key
from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.accounts.limit import KeyLimits
from heliograph.accounts.store import create_account, read_keys_by_id
from heliograph.base.clock import SettableClock
from heliograph.base.settings import load_settings
from heliograph.catalog.request import read_submission
from heliograph.ledger.store import top_up
from heliograph.providers.provider import (
    BOTH_MODES,
    Finding,
    Finished,
    Limits,
    Made,
    Missing,
)
from heliograph.runtime import Runtime, open_runtime
from heliograph.tasks.submit import NewTask, submit_tasks

START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
CENT_MICROS = 10_000
NO_LIMITS = Limits()


@dataclass
class ScriptedEngine:
    """Somebody else's engine: gives the outcomes it was told to, in order, and counts its calls."""

    name: str = "scripted"
    queue: str = "render"
    reruns: bool = True
    modes: frozenset = BOTH_MODES
    limits: Limits = NO_LIMITS
    slots: int = 1
    cost_micros: int = 0
    found: tuple = ()
    outcomes: deque = field(default_factory=deque)
    starts: list = field(default_factory=list)
    checks: list = field(default_factory=list)
    cancels: list = field(default_factory=list)
    looks: list = field(default_factory=list)

    async def start(self, job, report):
        self.starts.append(job)
        return await self._next(job)

    async def check(self, job, ref):
        self.checks.append(ref)
        return await self._next(job)

    async def cancel(self, job, ref):
        self.cancels.append(ref)

    async def find(self, job, started_at):
        self.looks.append(started_at)
        return self.found

    async def probe(self):
        return [Finding(True, "is scripted")]

    async def close(self):
        """Nothing is held."""

    async def _next(self, job):
        outcome = self.outcomes.popleft() if self.outcomes else pictures(job.request.num_images)
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, asyncio.Event):
            await outcome.wait()
            return pictures(job.request.num_images)
        return outcome


def png(colour="navy", size=(64, 64)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def pictures(made, missing=0):
    """An engine's answer with `made` pictures, and `missing` ones behind them."""
    lost = Missing("SensitiveContentDetected", "Output data may contain inappropriate content.")
    return Finished(tuple(Made(png()) for _ in range(made)) + (lost,) * missing)


@dataclass
class Spine:
    """What a test of the spine holds in its hands."""

    runtime: Runtime
    clock: SettableClock
    engine: ScriptedEngine

    async def key(self, dollars=10, *, test=False, limits=None, **account) -> Key:
        """A key of a new account with `dollars` on it."""
        pool, now = self.runtime.pool, self.clock.now()
        limit = account.get("max_live_tasks", 1000)
        owner = await create_account(pool, "test", max_live_tasks=limit, now=now)
        if dollars:
            micros = round(dollars * 1_000_000)
            await top_up(pool, owner.account_id, micros, note=None, now=now)
        return await self.another_key(owner.account_id, test=test, limits=limits)

    async def another_key(self, account_id, *, test=False, limits=None) -> Key:
        """One key more of an account."""
        wish = KeyWish(account_id, "test", test, "auto", 10_000, limits or KeyLimits())
        minted = await issue_key(self.runtime.pool, wish, now=self.clock.now())
        return await self.key_again(minted.key_id)

    async def key_again(self, key_id) -> Key:
        """The key as it is now."""
        return (await read_keys_by_id(self.runtime.pool, [key_id]))[key_id].key

    def asked(self, key, **fields) -> NewTask:
        """A checked request for `key`."""
        callback = fields.pop("callback_url", None)
        idempotency_key = fields.pop("idempotency_key", None)
        body = {"input": {"mode": "text-to-image", "prompt": "a panda", **fields}}
        if callback:
            body |= {"request_type": "callback", "callback_url": callback}
        model = self.runtime.models["wan-2-5-image"]
        submission = read_submission(
            json.dumps(body).encode(),
            model,
            check_callback=self.runtime.check_callback,
            check_image_url=self.runtime.check_image_url,
        )
        return NewTask(key, submission, idempotency_key)

    async def submit(self, key, **fields) -> uuid.UUID:
        """Submit one task; its id. Raises the Fault with which it is refused."""
        answer = (await submit_tasks(self.runtime, [self.asked(key, **fields)]))[0]
        if isinstance(answer, Exception):
            raise answer
        return uuid.UUID(answer.task_id)

    async def row(self, task_id):
        """The task's row."""
        return await self.runtime.pool.fetchrow("SELECT * FROM tasks WHERE task_id = $1", task_id)

    async def balance(self, key):
        """The account's balances in cents: (available, held, charged)."""
        row = await self.runtime.pool.fetchrow(
            "SELECT * FROM balances WHERE account_id = $1", key.account_id
        )
        names = ("available_micros", "held_micros", "charged_micros")
        return tuple(row[name] / CENT_MICROS for name in names)

    async def jobs(self):
        """The queued jobs: a list of (entrypoint, id)."""
        rows = await self.runtime.pool.fetch("SELECT entrypoint, payload FROM pgqueuer ORDER BY id")
        return [(row["entrypoint"], row["payload"].decode()) for row in rows]


@contextlib.asynccontextmanager
async def open_spine(database_url, folder, **settings):
    """A Spine whose only engine is a ScriptedEngine."""
    environ = {
        "HELIOGRAPH_DATABASE_URL": database_url,
        "HELIOGRAPH_DATA_DIR": str(folder),
        "HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8",
    }
    clock, engine = SettableClock(START), ScriptedEngine()
    async with open_runtime(load_settings(environ, **settings), clock) as runtime:
        providers = {
            "studio": engine,
            "scripted": engine,
            "rehearsal": runtime.providers["rehearsal"],
        }
        yield Spine(replace(runtime, providers=providers), clock, engine)
