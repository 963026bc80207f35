"""A disk without room, under the pictures and under PostgreSQL: nothing is half written, and it passes."""

import asyncio
import contextlib
import errno
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx2
import pytest

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image
from e2e.test_crash import nothing_was_paid_twice
from e2e.upstream import upstream
from heliograph.base.embedded.cluster import SUPERUSER
from heliograph.base.embedded.postmaster import read_status
from support.pictures import encoded, noise
from support.service import Installation, installed, wait_for

TASKS = 4
FILES = "/api/v1/files"
EDITS = "/v1/images/edits"

#: Until every task has found that there is no room.
FULL_SECONDS = 30
#: A task that found no room rests for 10 s; a server that ended over it is started by the service.
AGAIN_SECONDS = 60

PICTURE = encoded(noise(1000, 1000), "PNG")
LIVE_UPLOADS = "SELECT count(*) FROM uploads WHERE expires_at > now()"

Disk = Callable[[int], Path]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    """Mounts a disk of so many megabytes; unmounted after the test, whatever happened."""
    with contextlib.ExitStack() as mounted:

        def mount(megabytes: int) -> Path:
            folder = tmp_path / "small"
            folder.mkdir()
            options = f"size={megabytes}m,mode=755"
            command = ["mount", "-t", "tmpfs", "-o", options, "heliograph-test", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"NOT TESTED, for no disk can be mounted here: {done.stderr.strip()}")
            mounted.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
            return folder

        yield mount


def fill(disk: Path) -> Path:
    """Leave no byte free; the file to delete when there shall be room again."""
    ballast = disk / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(NoRoom):
                while True:
                    _write(descriptor, bytes(size))
    finally:
        os.close(descriptor)
    return ballast


class NoRoom(Exception):
    """The disk is full."""


def _write(descriptor: int, data: bytes) -> None:
    try:
        written = os.write(descriptor, data)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise NoRoom from error
        raise
    if written < len(data):
        raise NoRoom


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def assert_no_room(answer: httpx2.Response) -> None:
    """A client is told in a sentence what is wrong, and when to come back."""
    assert answer.status_code == 503, answer.text
    assert "no room left for pictures" in answer.text
    assert int(answer.headers["retry-after"]) > 0


async def test_a_full_disk_of_pictures_charges_nothing_and_passes(
    install: Install, pool: asyncpg.Pool, small_disk: Disk
):
    disk = small_disk(12)
    pictures = disk / "pictures"
    with upstream(seconds=0.2) as paid:
        installation = install(
            HELIOGRAPH_STORAGE_URL=f"file://{pictures}", TMPDIR=str(disk), **paid.settings
        )
        customer = await asyncio.to_thread(installation.customer, "10")
        api = await asyncio.to_thread(installation.serve().ready)
        async with httpx2.AsyncClient(
            base_url=installation.url, headers=customer.headers, timeout=90
        ) as http:
            await kept(http)
            before = files_below(pictures)
            ballast = fill(disk)
            await uploads_are_refused(http)
            assert await pool.fetchval(LIVE_UPLOADS) == len(before) == 1
            tasks = [await submitted(http, number) for number in range(TASKS)]
            await asyncio.to_thread(
                wait_for,
                lambda: busy_steps(api.events()) >= TASKS,
                "every task to find no room",
                seconds=FULL_SECONDS,
                every=0.2,
            )
            assert files_below(pictures) == before
            assert await pool.fetchval("SELECT sum(charged_micros) FROM balances") == 0
            assert await pool.fetchval("SELECT sum(live_tasks) FROM balances") == TASKS
            await audit_is_clean(installation)
            ballast.unlink()
            for task_id in tasks:
                await made_and_served(http, task_id)
            await kept(http)
        assert api.exit_code is None
        nothing_was_paid_twice(await pool.fetch("SELECT * FROM tasks"), paid.submits())
    await audit_is_clean(installation)
    assert await pool.fetchval("SELECT sum(live_tasks) FROM balances") == 0


def busy_steps(events: list[dict]) -> int:
    return sum(one.get("event") == "worker.busy" for one in events)


async def kept(http: httpx2.AsyncClient) -> None:
    """An upload in a form, too large to be spared a file of its own by Starlette."""
    answer = await http.post(FILES, files={"file": ("one.png", PICTURE, "image/png")})
    assert answer.status_code == 200, answer.text


async def uploads_are_refused(http: httpx2.AsyncClient) -> None:
    """By every way in."""
    assert_no_room(await http.post(FILES, content=PICTURE, headers={"Content-Type": "image/png"}))
    assert_no_room(await http.post(FILES, files={"file": ("one.png", PICTURE, "image/png")}))
    form = {"prompt": "a lake", "model": "wan-2-5-image"}
    image = {"image": ("one.png", PICTURE, "image/png")}
    assert_no_room(await http.post(EDITS, data=form, files=image))


async def submitted(http: httpx2.AsyncClient, number: int) -> str:
    answer = await http.post(GENERATE, json={"input": text_to_image(f"lake {number}", images=2)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["taskId"])


async def made_and_served(http: httpx2.AsyncClient, task_id: str) -> None:
    """The task ends well by itself, and its pictures are whole."""
    shown = (await http.get(STATUS, params={"taskId": task_id, "wait": 60})).json()["data"]
    assert shown["state"] == "success", shown
    detail = (await http.get(f"/api/v1/tasks/{task_id}")).json()["data"]
    for image in detail["images"]:
        served = await http.get(image["url"])
        assert len(served.content) == image["sizeBytes"]


async def audit_is_clean(installation: Installation) -> None:
    audit = await asyncio.to_thread(installation.run, "audit")
    assert audit.returncode == 0, audit.stdout + audit.stderr


async def test_a_full_disk_of_the_database_loses_nothing_and_passes(
    tmp_path: Path, small_disk: Disk
):
    disk = small_disk(DATABASE_MEGABYTES)
    with (
        upstream(seconds=0.2) as paid,
        installed(
            tmp_path,
            HELIOGRAPH_DATA_DIR=str(disk),
            HELIOGRAPH_STORAGE_URL=f"file://{tmp_path}/pictures",
            HELIOGRAPH_TASK_DEADLINE_SECONDS="60",
            **paid.settings,
        ) as installation,
    ):
        customer = await asyncio.to_thread(installation.customer, "1000")
        api = await asyncio.to_thread(installation.serve().ready)
        async with httpx2.AsyncClient(
            base_url=installation.url, headers=customer.headers, timeout=90
        ) as http:
            client = Insistent(http)
            async with asyncio.TaskGroup() as group:
                group.create_task(client.submit_until_stopped())
                await client.seen(200, 10)
                ballast = fill(disk)
                await client.seen(503, 5)
                await panic(disk)
                # enough for a server to begin with, too little to recover
                os.truncate(ballast, ballast.stat().st_size - MEGABYTE)
                await client.seen(503, client.answers[503] + 10)
                ballast.unlink()
                await client.seen(200, client.answers[200] + 5)
                client.stopped.set()
            endings = [await ending(http, task_id) for task_id in client.accepted]
        print(f"\n{dict(client.answers)}, {Counter(endings)}, {client.reasons}")
        assert api.exit_code is None
        assert set(endings) <= {"success", "Timeout"}
        url = database_url(disk)
        connection = await asyncpg.connect(url)
        rows = await connection.fetch(
            "SELECT request->>'prompt' AS prompt, state, provider_ref, starts FROM tasks"
        )
        await connection.close()
        submitted = paid.submits()
        assert all(times == 1 for times in submitted.values())
        assert set(submitted) <= {row["prompt"] for row in rows}
        assert all(row["state"] == "success" or row["provider_ref"] is None for row in rows)
        await audit_is_clean(installation)


#: A new cluster with its first segments of log takes about 60, and a checkpoint needs room.
DATABASE_MEGABYTES = 150
MEGABYTE = 1 << 20


def database_url(data_dir: Path) -> str:
    status = read_status(data_dir / "postgres" / "data")
    assert status is not None
    return f"postgresql://{SUPERUSER}@/postgres?host={status.sockets}"


async def panic(data_dir: Path) -> None:
    """Use up the log that PostgreSQL has in store: at the next segment it finds no room, and dies."""
    with contextlib.suppress(asyncpg.PostgresError, OSError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(database_url(data_dir))
        while True:  # until the connection is lost
            fill(data_dir)
            await connection.execute("SELECT pg_logical_emit_message(false, 'test', 'x')")
            await connection.execute("SELECT pg_switch_wal()")


class Insistent:
    """Submits one task after the other, and counts the answers: 200 or a 503 with its reason."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.accepted: list[str] = []
        self.answers: Counter[int] = Counter()
        self.reasons: Counter[str] = Counter()
        self.stopped = asyncio.Event()
        self._http = http

    async def submit_until_stopped(self) -> None:
        number = 0
        while not self.stopped.is_set():
            number += 1
            body = {"input": text_to_image(f"{number} " + "lake " * 300)}
            answer = await self._http.post(GENERATE, json=body)
            self.answers[answer.status_code] += 1
            if answer.status_code == 200:
                self.accepted.append(answer.json()["data"]["taskId"])
                await asyncio.sleep(0.02)
                continue
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            self.reasons[answer.json()["message"]] += 1
            await asyncio.sleep(0.2)

    async def seen(self, status: int, times: int) -> None:
        """Until so many answers of this kind have come."""
        async with asyncio.timeout(AGAIN_SECONDS):
            while self.answers[status] < times:
                await asyncio.sleep(0.1)


async def ending(http: httpx2.AsyncClient, task_id: str) -> str:
    """The failCode of a task at its end, or its state."""
    shown = (await http.get(STATUS, params={"taskId": task_id, "wait": 60})).json()["data"]
    found: str = shown.get("failCode", shown["state"])
    return found
