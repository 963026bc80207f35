"""kill -9, again and again, while paid tasks run: none is lost, none is paid twice, all are told."""

import asyncio
import datetime
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2
from standardwebhooks import Webhook

from e2e.crowd import (
    AWAY,
    STATUS,
    InsistentClient,
    Killer,
    Observer,
    Postmaster,
    image_to_image,
    text_to_image,
)
from e2e.upstream import Upstream, upstream
from heliograph.base.database import open_pool
from heliograph.base.embedded.cluster import SUPERUSER
from heliograph.base.embedded.postmaster import read_status
from support.receiver import Receiver, Reply
from support.service import Customer, Installation, installed

UPSTREAM_SECONDS = 2.0
ANSWER_SECONDS = 2.0
DEADLINE_SECONDS = 40

#: Lease, grace and sweep are 24 s; on top, the database and the successor may be away themselves.
TAKEOVER_SECONDS = 60

#: From one kill to the next. A process takes about two seconds to start: some are killed while they do.
PAUSE_SECONDS = (0.5, 3.0)
AT_ONCE = 8

#: The longest lease of a notice is the timeout plus half a minute; only then is it sent again.
WEBHOOK_TIMEOUT_SECONDS = 5
ALL_TOLD_SECONDS = DEADLINE_SECONDS + WEBHOOK_TIMEOUT_SECONDS + 30 + 45

SETTINGS = {
    "HELIOGRAPH_TASK_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "HELIOGRAPH_WEBHOOK_TIMEOUT_SECONDS": str(WEBHOOK_TIMEOUT_SECONDS),
    "HELIOGRAPH_WEBHOOK_RETRY_SECONDS": "1,2,4",
}


@dataclass
class Scene:
    """Everything that a run needs, and what it has seen."""

    installation: Installation
    customer: Customer
    receiver: Receiver
    client: InsistentClient
    killer: Killer
    observer: Observer
    pool: asyncpg.Pool

    async def run(self, tasks: int, kills: int) -> None:
        """Submit and kill at the same time, then wait until everything is over."""
        watch = asyncio.create_task(self.observer.watch())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.killer.kill(kills, PAUSE_SECONDS))
                group.create_task(self._submit(tasks, kills * sum(PAUSE_SECONDS) / 2))
            await self._wait_for_the_end()
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _submit(self, tasks: int, over_seconds: float) -> None:
        numbers = iter(range(tasks))

        async def insist() -> None:
            for number in numbers:
                await self.client.submit(*self._task(number))
                await asyncio.sleep(over_seconds * AT_ONCE / tasks)

        await asyncio.gather(*(insist() for _ in range(AT_ONCE)))

    def _task(self, number: int) -> tuple:
        prompt = f"panda {number}"
        if number % 20 == 7:
            prompt += " {{accept:drop}}"
        make = image_to_image if number % 4 == 1 else text_to_image
        script = [Reply(503), Reply()] if number % 10 == 3 else [Reply()]
        return prompt, make, self.receiver.script(f"/hook/{number}", *script)

    async def _wait_for_the_end(self) -> None:
        """Until no task is open and every notice was delivered."""
        sql = """SELECT (SELECT count(*) FROM tasks WHERE state IN ('pending', 'processing'))
            + (SELECT count(*) FROM notices WHERE state = 'pending')"""
        async with asyncio.timeout(ALL_TOLD_SECONDS):
            while await self._ask(sql):
                self.killer.revive()
                await asyncio.sleep(0.2)

    async def _ask(self, sql: str) -> int:
        with suppress(*AWAY):
            return int(await self.pool.fetchval(sql))
        return 1


async def test_killed_processes_lose_nothing_pay_nothing_twice_and_leave_no_callback_out(
    tmp_path: Path, kills: int, tasks: int
):
    seed = random.randrange(1_000_000)
    started = time.monotonic()
    with (
        upstream(seconds=UPSTREAM_SECONDS, answer_seconds=ANSWER_SECONDS) as paid,
        installed(tmp_path, **SETTINGS, **paid.settings) as installation,
    ):
        cluster = tmp_path / "data" / "postgres" / "data"
        roles = {
            "api": installation.serve,  # with a worker of its own, which begins what it accepts
            "worker 1": installation.worker,
            "worker 2": installation.worker,
            "database": lambda: Postmaster(cluster),
        }
        killer = Killer(roles, random.Random(seed))
        await asyncio.to_thread(killer.running["api"].ready)
        customer = await asyncio.to_thread(installation.customer, "1000")
        status = read_status(cluster)
        assert status is not None
        pool = await open_pool(f"postgresql://{SUPERUSER}@/postgres?host={status.sockets}")
        async with Receiver() as receiver:
            client = InsistentClient(installation.url, customer)
            scene = Scene(installation, customer, receiver, client, killer, Observer(pool), pool)
            try:
                await scene.run(tasks, kills)
            finally:
                await client.close()
                await report(scene, seed, time.monotonic() - started)
            await asyncio.to_thread(killer.running["api"].ready)
            await everything_holds(scene, paid)
        await pool.close()


async def everything_holds(scene: Scene, paid: Upstream) -> None:
    rows = await scene.pool.fetch("SELECT * FROM tasks")
    ended = {row["task_id"].hex: row for row in rows}
    assert set(scene.client.accepted) <= set(ended)
    assert {row["state"] for row in rows} <= {"success", "failed"}
    audit = await asyncio.to_thread(scene.installation.run, "audit")
    assert audit.returncode == 0, audit.stdout
    nothing_was_paid_twice(rows, paid.submits())
    await what_nobody_knows_is_on_record(scene.pool)
    every_end_was_told(ended, scene)
    await what_was_told_is_what_status_shows(scene, ended)
    assert scene.observer.overdue_seconds < TAKEOVER_SECONDS
    assert scene.observer.silent_seconds < TAKEOVER_SECONDS


def nothing_was_paid_twice(rows: list[asyncpg.Record], submits: Counter[str]) -> None:
    prompts = [row["request"]["prompt"] for row in rows]
    assert len(prompts) == len(set(prompts)), "each try has a prompt of its own"
    assert set(submits) <= set(prompts)
    assert [prompt for prompt, times in submits.items() if times > 1] == []
    assert all(row["starts"] <= 1 for row in rows)
    made = [row["request"]["prompt"] for row in rows if row["state"] == "success"]
    assert all(submits[prompt] == 1 for prompt in made)


async def what_nobody_knows_is_on_record(pool: asyncpg.Pool) -> None:
    """Every call has an outcome, and one that was cut off without an answer is called unknown."""
    wrong = await pool.fetch(
        """SELECT task_id, state, tasks.fail_code, tasks.provider_ref, outcome, detail
        FROM tasks JOIN attempts USING (task_id)
        WHERE outcome IS DISTINCT FROM CASE WHEN state = 'success' THEN 'finished'
            WHEN tasks.provider_ref IS NULL THEN 'unknown' ELSE 'failed' END"""
    )
    assert [dict(row) for row in wrong] == []


def every_end_was_told(ended: dict[str, asyncpg.Record], scene: Scene) -> None:
    webhook = Webhook(scene.customer.webhook_secret)
    told: dict[str, set[tuple[str, bytes]]] = {}
    for request in scene.receiver.requests:
        name = request.headers["webhook-id"]
        # not `verify`, which refuses what was sent minutes ago
        sent_at = datetime.datetime.fromtimestamp(
            int(request.headers["webhook-timestamp"]), datetime.UTC
        )
        signature = webhook.sign(name, sent_at, request.body.decode())
        assert request.headers["webhook-signature"] == signature
        told.setdefault(request.json["data"]["taskId"], set()).add((name, request.body))
    assert set(told) == set(ended), "no callback is missing, and none is about nothing"
    assert all(len(notices) == 1 for notices in told.values()), "one notice, one body"


async def what_was_told_is_what_status_shows(
    scene: Scene, ended: dict[str, asyncpg.Record]
) -> None:
    """Asked again after everything, the answer is the body that was posted; the files are there."""
    told = {request.json["data"]["taskId"]: request for request in scene.receiver.requests}
    url, headers = scene.installation.url, scene.customer.headers
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as http:
        for task_id in list(ended)[:20]:
            shown = await http.get(STATUS, params={"taskId": task_id})
            assert shown.content == told[task_id].body
        for row in ended.values():
            for image in row["images"]:
                path = image["path"].removeprefix("results/")
                picture = await http.head(f"/files/{path}")
                assert picture.status_code == 200
                assert int(picture.headers["content-length"]) == image["size_bytes"]


async def report(scene: Scene, seed: int, seconds: float) -> None:
    states = await scene.pool.fetch(
        """SELECT state || coalesce(' ' || fail_code, '') AS state, count(*) FROM tasks
        GROUP BY 1 ORDER BY 1"""
    )
    outcomes = await scene.pool.fetch(
        "SELECT outcome, count(*) FROM attempts GROUP BY 1 ORDER BY 1"
    )
    claims = await scene.pool.fetchval("SELECT sum(claim_no) FROM tasks")
    kills = ", ".join(f"{role} {times}" for role, times in sorted(scene.killer.kills.items()))
    print(f"\nseed {seed}: {scene.killer.kills.total()} kills ({kills}) in {seconds:.0f} s")
    print(
        f"  {len(scene.client.accepted)} submits accepted, {scene.client.broken} broke off;"
        f" {claims} claims; {len(scene.receiver.requests)} posts to the receiver"
    )
    print("  tasks:", ", ".join(f"{row['state']} {row['count']}" for row in states))
    print("  calls upstream:", ", ".join(f"{row['outcome']} {row['count']}" for row in outcomes))
    print(
        f"  longest overdue {scene.observer.overdue_seconds:.1f} s,"
        f" longest without a sign of life {scene.observer.silent_seconds:.1f} s"
    )
