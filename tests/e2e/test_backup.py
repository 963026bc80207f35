"""The commands of docs/operating/backup.md, as they stand there: a backup under load, restored elsewhere."""

import asyncio
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import httpx2
import pytest

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image
from heliograph.base.embedded.cluster import programs
from support.database import Databases
from support.openai_images_emulator import process
from support.service import Installation, installed
from support.source import ROOT

TASKS = 40
SECONDS = "0.1"


def commands(name: str) -> str:
    """What the page says under this name."""
    text = (ROOT / "docs/operating/backup.md").read_text(encoding="utf-8")
    found = re.findall(rf"^```sh {name}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(found) == 1, name
    return str(found[0])


def do(name: str, installation: Installation, backup: Path) -> str:
    """Do what the page says, in the environment of `installation`."""
    folders = [str(programs()), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {
        **os.environ,
        **installation.settings,
        "PATH": os.pathsep.join(folders),
        "PICTURES": f"{installation.settings['HELIOGRAPH_DATA_DIR']}/files",
        "BACKUP": str(backup),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(name)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def ended(url: str, tasks: int) -> None:
    connection = await asyncpg.connect(url)
    async with asyncio.timeout(60):
        sql = "SELECT count(*) FROM tasks WHERE completed_at IS NOT NULL"
        while await connection.fetchval(sql) < tasks:
            await asyncio.sleep(0.02)
    await connection.close()


async def pictures_of(http: httpx2.AsyncClient, task_id: str) -> list[str]:
    data = (await http.get(STATUS, params={"taskId": task_id})).json()["data"]
    assert data["state"] == "success", data
    return list(json.loads(data["resultJson"])["resultUrls"])


async def test_a_backup_under_load_is_restored_elsewhere_with_books_and_pictures_in_order(
    install: Install, database_url: str, databases: Databases, tmp_path: Path
):
    backup = tmp_path / "backup"
    backup.mkdir()
    async with process("--seconds", SECONDS) as (engine, _):
        settings = {
            "HELIOGRAPH_PROVIDERS": "openai-images",
            "HELIOGRAPH_OPENAI_IMAGES_BASE_URL": engine,
        }
        before = install(**settings)
        customer = await asyncio.to_thread(before.customer, "100")
        api = before.serve()
        await asyncio.to_thread(api.ready)
        async with httpx2.AsyncClient(base_url=before.url, headers=customer.headers) as http:
            bodies = [{"input": text_to_image(f"lake {number}")} for number in range(TASKS)]
            answers = await asyncio.gather(*(http.post(GENERATE, json=body) for body in bodies))
            task_ids = [answer.json()["data"]["taskId"] for answer in answers]
            await ended(database_url, TASKS // 4)
            await asyncio.to_thread(do, "backup", before, backup)
        api.terminate()
        await asyncio.to_thread(api.wait)

        with (
            databases.fresh("template0") as url,
            installed(tmp_path / "after", url, **settings) as after,
        ):
            (tmp_path / "after").mkdir()
            said = await asyncio.to_thread(do, "restore", after, backup)
            assert "Clean" in said
            kept = await counted(url)
            print(f"\nin the backup: {kept['success']} tasks that had ended, {kept['open']} open")
            assert kept["success"] >= TASKS // 4
            assert kept["open"] > 0, "the backup was made too late to show anything"
            await asyncio.to_thread(after.serve().ready)
            await ended(url, TASKS)
            async with httpx2.AsyncClient(base_url=after.url, headers=customer.headers) as http:
                for task_id in task_ids:
                    for address in await pictures_of(http, task_id):
                        await check_picture(http, address)
            account = await asyncio.to_thread(after.ask, "account", "show", customer.account_id)
            assert account["available"] == pytest.approx(100 - TASKS * 0.03)
            audit = await asyncio.to_thread(after.run, "audit")
            assert audit.returncode == 0, audit.stdout


async def counted(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT CASE WHEN completed_at IS NULL THEN 'open' ELSE state END AS state, count(*)"
        " FROM tasks GROUP BY 1"
    )
    await connection.close()
    return {"open": 0} | dict(map(tuple, rows))


async def check_picture(http: httpx2.AsyncClient, address: str) -> None:
    answer = await http.get(address)
    assert answer.status_code == 200, address
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'


def test_a_copy_of_the_embedded_database_is_a_backup(tmp_path: Path):
    backup = tmp_path / "backup"
    backup.mkdir()
    with installed(tmp_path, None) as before:
        customer = before.customer("12.5")
        do("embedded-backup", before, backup)
        before.ask("account", "credit", customer.account_id, "1")
    after_folder = tmp_path / "elsewhere"
    after_folder.mkdir()
    with installed(after_folder, None) as after:
        assert "Clean" in do("embedded-restore", after, backup)
        assert after.ask("account", "show", customer.account_id)["available"] == 12.5
