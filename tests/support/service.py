"""Real processes of the service on a database or data directory: start, stop, kill, and clean up."""

import contextlib
import http.client
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import heliograph
from heliograph.base.postgres import start_embedded

Found = TypeVar("Found")

#: The command as it runs from an installed environment and from a source tree alike.
COMMAND = (sys.executable, "-c", "import sys; from heliograph.cli import main; main.run()")

SOURCES = [
    Path(heliograph.__file__).parents[1],
    *(Path(heliograph.__file__).parents[2] / name / "src" for name in ("client", "studio")),
    Path(__file__).parents[1],
]

START_SECONDS = 60
STOP_SECONDS = 20
COMMAND_SECONDS = 90
SHOWN_LINES = 12
SHOWN_CHARACTERS = 600

# Below the ports that the kernel lends to outgoing connections: one that was killed and starts
# again at once must find its port free.
PORTS = range(20_000, 30_000)


def free_port() -> int:
    """A port on loopback on which nobody listens."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def wait_for(
    look: Callable[[], Found], what: str, *, seconds: float = START_SECONDS, every: float = 0.02
) -> Found:
    """Look again and again until something true is found, and give it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def environment(settings: dict[str, str]) -> dict[str, str]:
    """The environment of a child: none of the caller's settings, only these."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HELIOGRAPH_")}
    paths = [str(path) for path in SOURCES if path.is_dir()]
    if kept.get("PYTHONPATH"):
        paths.append(kept["PYTHONPATH"])
    spoken = {"COLUMNS": "200", "LC_ALL": "C.UTF-8"}
    return kept | {"PYTHONPATH": os.pathsep.join(paths)} | spoken | settings


def is_alive(process_id: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def processes_of(session: int) -> list[int]:
    """The processes that were started in the session of `session`, whoever is their parent now."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            _, _, fields = (folder / "stat").read_text().rpartition(")")
            if int(fields.split()[3]) == session and is_alive(int(folder.name)):
                found.append(int(folder.name))
    return sorted(found)


class Process:
    """One process of ours, in a session of its own so that nothing of it can be left behind."""

    def __init__(self, command: list[str], settings: dict[str, str], log: Path) -> None:
        self.command = command
        self.log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                command,
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def family(self) -> list[int]:
        """Everything that runs in its session, itself included."""
        return processes_of(self.pid)

    def kill(self) -> None:
        """What kill -9 does: nothing is told, not even to its children."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        return self._process.wait(seconds)

    def end_all(self) -> None:
        """End it and whatever it has left."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.terminate()
            self._process.wait(STOP_SECONDS)
        for process_id in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        self._process.wait()

    def log_lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()

    def events(self) -> list[dict[str, Any]]:
        """The structured lines of its log."""
        return [json.loads(line) for line in self.log_lines() if line.startswith("{")]

    def has_said(self, event: str) -> bool:
        """Whether the event is in the log. Raises AssertionError when the process has ended."""
        if any(line.get("event") == event for line in self.events()):
            return True
        ending = "\n".join(self.log_lines()[-20:])
        assert self.exit_code is None, f"it ended with {self.exit_code}:\n{ending}"
        return False


class Api(Process):
    """A process that answers HTTP."""

    def __init__(self, command: list[str], settings: dict[str, str], log: Path, port: int) -> None:
        super().__init__(command, settings, log)
        self.port = port

    def ready(self) -> "Api":
        """Wait until it is ready to serve."""
        wait_for(self._answers, f"port {self.port} to be ready")
        return self

    def _answers(self) -> bool:
        ending = "\n".join(self.log_lines()[-20:])
        assert self.exit_code is None, f"it ended with {self.exit_code}:\n{ending}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            contextlib.closing(connection),
        ):
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == HTTPStatus.OK
        return False


class Installation:
    """Settings, a data directory, and the processes that run on them."""

    def __init__(self, folder: Path, database_url: str | None, settings: dict[str, str]) -> None:
        self.folder = folder
        self.command: Sequence[str] = COMMAND
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "HELIOGRAPH_DATA_DIR": str(folder / "data"),
            "HELIOGRAPH_PUBLIC_URL": self.url,
            "HELIOGRAPH_PORT": str(self.port),
        } | settings
        if database_url is not None:
            self.settings["HELIOGRAPH_DATABASE_URL"] = database_url
        self._processes: list[Process] = []
        self._numbers = itertools.count(1)

    def serve(self, *options: str) -> Api:
        """Start `heliograph serve` on the port of this installation."""
        command = [*self.command, "serve", *options]
        return self._started(Api(command, self.settings, self._log("serve"), self.port))

    def worker(self, *options: str) -> Process:
        """Start `heliograph worker`."""
        command = [*self.command, "worker", *options]
        return self._started(Process(command, self.settings, self._log("worker")))

    def run(
        self, *arguments: str, seconds: float = COMMAND_SECONDS, **settings: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            env=environment(self.settings | settings),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def ask(self, *arguments: str, **settings: str) -> Any:
        """What a command that must succeed prints with `--json`."""
        done = self.run(*arguments, "--json", **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def customer(self, dollars: str, *options: str) -> "Customer":
        """A new account with `dollars`, and a key."""
        account = self.ask("account", "create", "e2e")
        if float(dollars):
            self.ask("account", "credit", account["account_id"], dollars)
        key = self.ask("key", "create", "--account", account["account_id"], *options)
        return Customer(
            account["account_id"], account["webhook_secret"], key["key_id"], key["api_key"]
        )

    def show_logs(self) -> None:
        """Print what each process said last, for the report of a test that failed."""
        for process in self._processes:
            ending = "\n  ".join(
                line[:SHOWN_CHARACTERS] for line in process.log_lines()[-SHOWN_LINES:]
            )
            print(f"{process.log.name}: exit code {process.exit_code}\n  {ending}")

    def close(self) -> None:
        """End every process, also the database that one may have left running."""
        for process in self._processes:
            process.end_all()
        data_dir = Path(self.settings["HELIOGRAPH_DATA_DIR"])
        if (data_dir / "postgres" / "data" / "postmaster.pid").exists():
            start_embedded(data_dir).release()

    def _started(self, process: "Started") -> "Started":
        self._processes.append(process)
        return process

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}-{next(self._numbers)}.log"


Started = TypeVar("Started", bound=Process)


class Customer:
    """Who pays, and the key that acts for them."""

    def __init__(self, account_id: str, webhook_secret: str, key_id: str, api_key: str) -> None:
        self.account_id = account_id
        self.webhook_secret = webhook_secret
        self.key_id = key_id
        self.api_key = api_key
        self.headers = {"Authorization": f"Bearer {api_key}"}


@contextlib.contextmanager
def installed(
    folder: Path, database_url: str | None = None, **settings: str
) -> Iterator[Installation]:
    """An installation for the length of the block; without a URL it has a database of its own."""
    installation = Installation(folder, database_url, settings)
    try:
        yield installation
    except BaseException:
        installation.show_logs()
        raise
    finally:
        installation.close()
