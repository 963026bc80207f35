"""Starts the servers that are compared, each on a port of its own, and ends them; counts their CPU time."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from run import SERVICE, free_port

HERE = Path(__file__).parent
PEERS = Path(sys.prefix) / "peers" / "bin"

START_SECONDS = 120
ACCOUNTS = 32
LITELLM_KEY = "sk-bench"
COG_PLACES = "256"


@dataclass(frozen=True)
class Bench:
    """What all measurements share: files, the database of ours, rich keys, and how long a round lasts."""

    folder: Path
    database_url: str
    keys: list[str]
    seconds: int


@dataclass(frozen=True)
class Server:
    """A process, and where it answers, if it does."""

    process: "subprocess.Popen[bytes]"
    url: str

    def cpu_seconds(self) -> float:
        """What it and its children have used of a core since they began."""
        return cpu_seconds(psutil.Process(self.process.pid))


def cpu_seconds(process: psutil.Process) -> float:
    """What `process`, its living children and those that have ended have used of a core."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = one.cpu_times()
            total += used.user + used.system + used.children_user + used.children_system
    return total


@contextlib.contextmanager
def started(
    command: list[str], folder: Path, ready: str | None = None, **environ: str
) -> Iterator[Server]:
    """`command` as a process, ready when `ready` answers 200; its output goes to a file in `folder`."""
    log = folder / f"{Path(command[0]).name}-{time.monotonic_ns()}.log"
    paths = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    ours = {"PYTHONPATH": paths} if command[0] == sys.executable else {}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=os.environ | ours | environ, stdout=output, stderr=output, cwd=HERE
        )
    try:
        if ready is not None:
            _wait_for(ready, process, log)
        yield Server(process, (ready or "").rsplit("/", 1)[0])
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if b"STARTING" not in answer.read():
                return
        time.sleep(0.2)
    sys.exit(f"{url} does not answer:\n{log.read_text(errors='replace')[-2000:]}")


async def make_database(url: str, name: str) -> str:
    """An empty database of that name beside the one at `url`, and its address."""
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await connection.close()
    path, question, options = url.partition("?")
    return f"{path.rsplit('/', 1)[0]}/{name}{question}{options}"


def has_peers() -> bool:
    """Whether the others are installed."""
    return (PEERS / "litellm").exists()


@contextlib.contextmanager
def stub(folder: Path, seconds: float = 0) -> Iterator[str]:
    """The upstream of everybody, and its address up to `/v1`."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "stub:app", "--port", str(port)]
    quiet = ["--no-access-log", "--log-level=warning"]
    url = f"http://127.0.0.1:{port}"
    with started([*command, *quiet], folder, f"{url}/health", STUB_SECONDS=str(seconds)):
        yield f"{url}/v1"


@contextlib.contextmanager
def ours(bench: Bench, upstream: str, *options: str) -> Iterator[Server]:
    """One process of the service, which makes its pictures at `upstream`."""
    port = free_port()
    command = [sys.executable, "-c", SERVICE, "serve", "--port", str(port), *options]
    ready = f"http://127.0.0.1:{port}/health/ready"
    environ = settings_of(bench, upstream)
    with started(command, bench.folder, ready, **environ) as server:
        yield Server(server.process, f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def our_worker(bench: Bench, upstream: str) -> Iterator[Server]:
    """One worker process of the service."""
    command = [sys.executable, "-c", SERVICE, "worker"]
    with started(command, bench.folder, **settings_of(bench, upstream)) as server:
        yield server


def settings_of(bench: Bench, upstream: str) -> dict[str, str]:
    """The service with the provider that asks `upstream`, as many pictures at once as it likes."""
    return {
        "HELIOGRAPH_DATABASE_URL": bench.database_url,
        "HELIOGRAPH_DATA_DIR": str(bench.folder / "data"),
        "HELIOGRAPH_PROVIDERS": "openai-images",
        "HELIOGRAPH_OPENAI_IMAGES_BASE_URL": upstream,
        "HELIOGRAPH_OPENAI_IMAGES_CALLS_PER_ENGINE": "64",
        "HELIOGRAPH_LOG_LEVEL": "warning",
    }


@contextlib.contextmanager
def litellm(folder: Path, upstream: str) -> Iterator[Server]:
    """One process of LiteLLM's proxy, without its database, which needs a download of its own."""
    port = free_port()
    command = [str(PEERS / "litellm"), "--config", str(HERE / "litellm.yaml")]
    where = ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    environ = {
        "STUB_URL": upstream,
        "LITELLM_MASTER_KEY": LITELLM_KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
    }
    ready = f"http://127.0.0.1:{port}/health/liveliness"
    with started([*command, *where], folder, ready, **environ) as server:
        yield Server(server.process, f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def cog(folder: Path) -> Iterator[Server]:
    """Cog's HTTP server with a model that answers at once."""
    port = free_port()
    environ = {
        "PORT": str(port),
        # it starts a second process with whichever python comes first
        "PATH": os.pathsep.join([str(PEERS), os.environ["PATH"]]),
        "COG_PREDICT_TYPE_STUB": "cog_model.py:Picture",
        "COG_MAX_CONCURRENCY": COG_PLACES,
        "COG_LOG_LEVEL": "error",
    }
    command = [str(PEERS / "python"), "-m", "cog.server.http", "--host", "127.0.0.1"]
    with started(command, folder, f"http://127.0.0.1:{port}/health-check", **environ) as server:
        yield server
