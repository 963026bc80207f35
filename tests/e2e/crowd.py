"""Those who make trouble and those who watch: a client that insists, a killer, an observer."""

import asyncio
import base64
import contextlib
import datetime
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from heliograph.base.embedded.postmaster import Status, read_status
from support.pictures import encoded, photo
from support.service import Customer, Process

GENERATE = "/api/v1/generateTask/wan-2-5-image"
STATUS = "/api/v1/statusTask/wan-2-5-image"

#: A request is repeated for so long; a process that was killed is back by then.
INSIST_SECONDS = 120
AGAIN_SECONDS = 0.1

#: What a look at the database raises while it is away.
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

Fields = dict[str, Any]


def text_to_image(prompt: str, images: int = 1) -> Fields:
    return {"mode": "text-to-image", "prompt": prompt, "num_images": images}


def image_to_image(prompt: str, images: int = 1) -> Fields:
    data = base64.b64encode(encoded(photo(), "JPEG")).decode()
    urls = [f"data:image/jpeg;base64,{data}"]
    return {"mode": "image-to-image", "prompt": prompt, "num_images": images, "image_urls": urls}


class InsistentClient:
    """Submits until it is accepted. Each try has a prompt of its own: a broken one may have counted."""

    def __init__(self, url: str, customer: Customer) -> None:
        self.accepted: list[str] = []
        self.broken = 0
        self._http = httpx2.AsyncClient(base_url=url, headers=customer.headers, timeout=20)

    async def close(self) -> None:
        await self._http.aclose()

    async def submit(self, prompt: str, make: Callable[..., Fields], callback_url: str) -> None:
        deadline = time.monotonic() + INSIST_SECONDS
        tries = 0
        while time.monotonic() < deadline:
            tries += 1
            body = {
                "request_type": "callback",
                "callback_url": callback_url,
                "input": make(f"{prompt}, try {tries}", images=1 + tries % 2),
            }
            answer = await self._post(body)
            if answer is not None and answer.status_code == 200:
                self.accepted.append(answer.json()["data"]["taskId"])
                return
            assert answer is None or answer.status_code == 503, answer.text
            await asyncio.sleep(AGAIN_SECONDS)
        raise AssertionError(f"not accepted in {tries} tries")

    async def _post(self, body: Fields) -> httpx2.Response | None:
        try:
            return await self._http.post(GENERATE, json=body)
        except httpx2.TransportError:
            self.broken += 1
            return None


class Postmaster:
    """The embedded server, which those who use it start again."""

    def __init__(self, cluster: Path) -> None:
        self._cluster = cluster

    @property
    def exit_code(self) -> int | None:
        """None while it lives."""
        return None if self._alive() else -signal.SIGKILL

    def kill(self) -> None:
        status = self._alive()
        assert status is not None
        os.kill(status.process_id, signal.SIGKILL)

    def _alive(self) -> Status | None:
        status = read_status(self._cluster)
        return status if status and status.is_server_of(self._cluster) else None


class Killer:
    """Kills a process at a random moment and has it started again at once, again and again.

    One that ended by itself, because the database was away when it started, is started again too.
    """

    def __init__(
        self, roles: dict[str, Callable[[], Process | Postmaster]], dice: random.Random
    ) -> None:
        self.kills: Counter[str] = Counter()
        self._roles = roles
        self._dice = dice
        self.running = {role: start() for role, start in roles.items()}

    async def kill(self, times: int, pause_seconds: tuple[float, float]) -> None:
        for _ in range(times):
            await asyncio.sleep(self._dice.uniform(*pause_seconds))
            self.revive()
            alive = [role for role, one in self.running.items() if one.exit_code is None]
            role = self._dice.choice(alive)
            self.running[role].kill()
            self.running[role] = self._roles[role]()
            self.kills[role] += 1

    def revive(self) -> None:
        """Do what a supervisor does."""
        for role, one in self.running.items():
            if one.exit_code is not None:
                self.running[role] = self._roles[role]()


@dataclass
class Sight:
    """An open task as it was last seen, and since when it has looked like that."""

    row: tuple[Any, ...]
    since: datetime.datetime


@dataclass
class Observer:
    """Looks at the open tasks all the time: how long does one wait for somebody to take it up?

    `overdue_seconds`: the longest time past the moment from which anyone may take a task up.
    `silent_seconds`: the longest time without any sign of life of a task that somebody holds; a
    holder gives one every two seconds, so this is from the death of a worker to its successor.
    """

    pool: asyncpg.Pool
    overdue_seconds: float = 0
    silent_seconds: float = 0
    open_tasks: int = 0
    _seen: dict[Any, Sight] = field(default_factory=dict)

    async def watch(self) -> None:
        while True:
            with contextlib.suppress(*AWAY):
                await self.look()
            await asyncio.sleep(0.25)

    async def look(self) -> None:
        rows = await self.pool.fetch(
            """SELECT task_id, claim_no, due_at, provider_ref, state, deadline_at, now() AS now
            FROM tasks WHERE state IN ('pending', 'processing')"""
        )
        for row in rows:
            late = (row["now"] - row["due_at"]).total_seconds()
            self.overdue_seconds = max(self.overdue_seconds, late)
            self._note_silence(row)
        self.open_tasks = len(rows)

    def _note_silence(self, row: asyncpg.Record) -> None:
        looks = (row["claim_no"], row["due_at"], row["provider_ref"], row["state"])
        seen = self._seen.get(row["task_id"])
        if seen is None or seen.row != looks:
            self._seen[row["task_id"]] = Sight(looks, row["now"])
        elif row["state"] == "processing" and row["due_at"] != row["deadline_at"]:
            silent = (row["now"] - seen.since).total_seconds()
            self.silent_seconds = max(self.silent_seconds, silent)
