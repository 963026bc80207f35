"""Every secret is a canary; after all that could go wrong, none is found where it does not belong."""

import asyncio
import contextlib
import http.server
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx2
import pytest

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, image_to_image, text_to_image
from heliograph.base.embedded.cluster import programs
from support.pictures import encoded, photo
from support.service import Customer, Installation, Process

# No two have a shape in common: what is hidden must not depend on how a provider makes its keys.
DATABASE_PASSWORD = "canary0database"
DASHSCOPE_KEY = "sk-canary1dashscope"
OPENAI_KEY = "canary2.openai/images"
ALERT_PASSWORD = "canary3alert"
ALERT_TOKEN = "canary4alerttoken"
CALLBACK_TOKEN = "canary5callback"
PICTURE_PASSWORD = "canary6picture"

OPERATORS = (DATABASE_PASSWORD, DASHSCOPE_KEY, OPENAI_KEY, ALERT_PASSWORD, ALERT_TOKEN)


@dataclass
class Heard:
    """What the echo was told: bodies, and what stood above them."""

    heads: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)


class Echo(http.server.BaseHTTPRequestHandler):
    """Says no, and tells all that it was told: the key, the address, the other headers."""

    heard: Heard

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.heard.heads.append(f"{self.path} {self.headers}")
        self.heard.bodies.append(body.decode("latin-1"))
        told = re.search(rb"status:(\d+)", body)
        key = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        message = f"Incorrect API key provided: {key}. {self.headers} {self.path}"
        answer = json.dumps(
            {"code": "InvalidApiKey", "message": message, "error": {"message": message}}
        ).encode()
        self.send_response(int(told[1]) if told else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_DELETE = do_POST  # noqa: N815 - names of the library

    def log_message(self, *_: object) -> None:
        """Nothing: its own log is not the subject."""


@pytest.fixture
def echo() -> Iterator[tuple[str, Heard]]:
    """Where the echo is, and what it has heard."""
    heard = Heard()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), type("OneEcho", (Echo,), {"heard": heard})
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}", heard
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Trial:
    """An installation full of canaries, and what it has answered."""

    installation: Installation
    customer: Customer
    processes: list[Process]
    echo: str
    answers: list[httpx2.Response] = field(default_factory=list)

    @property
    def api_secrets(self) -> tuple[str, ...]:
        """The key of the customer, and the part of it that nobody else knows."""
        key = self.customer.api_key
        return key, key.rpartition("_")[2]

    def ask(self, method: str, path: str, **request: object) -> httpx2.Response:
        with httpx2.Client(base_url=self.installation.url, timeout=90) as http:
            answer = http.request(method, path, **request)
        self.answers.append(answer)
        return answer

    def submit(self, fields: dict, **body: object) -> str | None:
        answer = self.ask(
            "POST", GENERATE, json={"input": fields, **body}, headers=self.customer.headers
        )
        return answer.json()["data"]["taskId"] if answer.status_code == 200 else None

    def ended(self, task_id: str) -> dict:
        query = {"taskId": task_id, "wait": 60}
        answer = self.ask("GET", STATUS, params=query, headers=self.customer.headers)
        return answer.json()["data"]

    def logs(self) -> str:
        return "".join(process.log.read_text() for process in self.processes)


@pytest.fixture
def trial(install: Install, database_url: str, echo: tuple[str, Heard]) -> Trial:
    installation = install(
        HELIOGRAPH_DATABASE_URL=database_url.replace("@", f":{DATABASE_PASSWORD}@", 1),
        HELIOGRAPH_PROVIDERS="dashscope,openai-images",
        HELIOGRAPH_DASHSCOPE_API_KEY=DASHSCOPE_KEY,
        HELIOGRAPH_DASHSCOPE_BASE_URL=f"http://{echo[0]}/api/v1",
        HELIOGRAPH_OPENAI_IMAGES_BASE_URL=f"http://{echo[0]}/v1",
        HELIOGRAPH_OPENAI_IMAGES_API_KEY=OPENAI_KEY,
        HELIOGRAPH_ALERT_WEBHOOK_URL=f"http://ops:{ALERT_PASSWORD}@{echo[0]}/alert?t={ALERT_TOKEN}",
        HELIOGRAPH_TRUSTED_NETWORKS="127.0.0.0/8",
        HELIOGRAPH_WEBHOOK_RETRY_SECONDS="0.1",
        HELIOGRAPH_LOG_LEVEL="debug",
    )
    api = installation.serve("--no-worker")
    processes = [api, installation.worker()]
    api.ready()
    return Trial(installation, installation.customer("10"), processes, echo[0])


def knock_at_every_door(trial: Trial) -> None:
    """Wrong keys, keys where they do not belong, and bodies that are none."""
    key = trial.customer.api_key
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    told = {"Authorization": f"Bearer {wrong}"}
    good = trial.customer.headers
    for path in (GENERATE, "/v1/images/generations", "/mcp", "/api/v1/files"):
        trial.ask("POST", path, json={"input": {"prompt": "x"}}, headers=told)
        trial.ask("POST", path, content=f'{{"api_key": "{key}", ', headers=good)
        trial.ask("POST", path, json={"api_key": key, key: key, "input": key}, headers=good)
        trial.ask("PUT", path, headers=good)
        trial.ask("POST", path, headers={"Authorization": f"Basic {key}", "X-Request-Id": key})
    for path in (f"{STATUS}?taskId={key}", f"/api/v1/tasks/{key}", f"/{key}", f"/v1/models/{key}"):
        trial.ask("GET", path, headers=good)
        trial.ask("GET", f"{path.partition('?')[0]}?wait={key}&api_key={key}", headers=good)
    hidden = f"http://me:{PICTURE_PASSWORD}@{trial.echo}/a.png"
    assert trial.submit({**image_to_image("x"), "image_urls": [hidden]}) is None
    assert trial.submit(text_to_image("x"), request_type="callback", callback_url=hidden) is None


def work(trial: Trial) -> None:
    """Tasks whose providers and receivers refuse and tell all; a picture that is decoded."""
    callback = {
        "request_type": "callback",
        "callback_url": f"http://{trial.echo}/?t={CALLBACK_TOKEN}",
    }
    for status in (400, 401, 429, 500):
        task_id = trial.submit(text_to_image(f"a lake, status:{status}"), **callback)
        assert task_id is not None
        if status in (400, 401):
            assert trial.ended(task_id)["state"] == "failed"
    image_url = {
        **image_to_image("x"),
        "image_urls": [f"http://{trial.echo}/a.png?t={CALLBACK_TOKEN}"],
    }
    task_id = trial.submit(image_url)
    assert task_id is not None
    trial.ended(task_id)
    data = encoded(photo(500, 400), "PNG")
    headers = trial.customer.headers | {"Content-Type": "image/png"}
    assert trial.ask("POST", "/api/v1/files", content=data, headers=headers).status_code == 200


def dump(database_url: str) -> str:
    """All that is in the database, as a backup has it."""
    done = subprocess.run(
        [programs() / "pg_dump", "--dbname", database_url],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def found(text: str, secrets: tuple[str, ...]) -> list[str]:
    return [secret for secret in secrets if secret in text]


def descendants(pid: int) -> set[int]:
    """All processes that `pid` has started, in whatever session, itself included."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


@dataclass(frozen=True)
class Shown:
    """What the system shows of a process to its user."""

    command: str
    environment: str
    limits: str


def shown(processes: list[Process]) -> list[Shown]:
    """Every process that one of ours has started, ours included."""
    folders = [Path(f"/proc/{pid}") for one in processes for pid in descendants(one.pid)]
    return [
        Shown(*((folder / name).read_text() for name in ("cmdline", "environ", "limits")))
        for folder in folders
    ]


async def trouble(trial: Trial, pool: asyncpg.Pool) -> str:
    """The database goes away for a moment, and a command does not find it at all: what that prints."""
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    nowhere = f"postgresql://heliograph:{DATABASE_PASSWORD}@127.0.0.1:9/heliograph"
    done = await asyncio.to_thread(
        trial.installation.run, "account", "list", HELIOGRAPH_DATABASE_URL=nowhere
    )
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stdout + done.stderr
    return done.stdout + done.stderr


async def test_no_secret_is_found_where_it_does_not_belong(
    trial: Trial, pool: asyncpg.Pool, database_url: str, echo: tuple[str, Heard]
):
    await asyncio.to_thread(knock_at_every_door, trial)
    await asyncio.to_thread(work, trial)
    secrets = (*trial.api_secrets, trial.customer.webhook_secret, *OPERATORS)
    ours = await asyncio.to_thread(shown, trial.processes)
    said = await trouble(trial, pool)

    decoders = [one for one in ours if "heliograph.intake.normalise" in one.command]
    assert decoders
    assert all(re.fullmatch(r"PYTHONPATH=[^\0]+\0", one.environment) for one in decoders)
    assert found("".join(one.command for one in ours), secrets) == []
    assert all(re.search(r"Max core file size +0 ", one.limits) for one in ours)

    assert all(
        secret in "".join(echo[1].heads) for secret in (DASHSCOPE_KEY, OPENAI_KEY, ALERT_TOKEN)
    )
    assert any("provider.alarm" in body for body in echo[1].bodies)
    assert found("".join(echo[1].bodies), (*trial.api_secrets, *OPERATORS)) == []

    logs = trial.logs()
    assert all(word in logs for word in ('"level": "debug"', "provider.alarm", "reason"))
    assert found(logs + said, (*secrets, CALLBACK_TOKEN, PICTURE_PASSWORD)) == []

    assert {200, 400, 401, 404, 405} <= {one.status_code for one in trial.answers}
    answers = "".join(f"{one.headers} {one.text}" for one in trial.answers)
    assert found(answers, OPERATORS) == []

    stored = await asyncio.to_thread(dump, database_url)
    assert trial.customer.key_id in stored
    assert found(stored, (*trial.api_secrets, *OPERATORS)) == []
