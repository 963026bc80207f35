"""Hosts of one network, as network namespaces of this machine: each can be cut off, or lost with all it runs.

They hang on a bridge with a leg in the test's own namespace. Needs root and iproute2.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from support.service import COMMAND, Installation, Process, environment

NETWORK = "10.213.77"
HERE = f"{NETWORK}.1"
API_PORT = 8080


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


class Host:
    """A namespace with an address. Names are short: those of interfaces have 15 characters at most."""

    def __init__(self, name: str, number: int) -> None:
        self.name = f"hg-{name}"
        self.address = f"{NETWORK}.{number}"
        self.processes: list[Process] = []
        ip("netns", "add", self.name)
        ip(
            "link",
            "add",
            f"{self.name}-b",
            "type",
            "veth",
            "peer",
            "name",
            "up0",
            "netns",
            self.name,
        )
        ip("link", "set", f"{self.name}-b", "up")
        for words in (
            ("address", "add", f"{self.address}/24", "dev", "up0"),
            ("link", "set", "up0", "up"),
            ("link", "set", "lo", "up"),
        ):
            ip("-n", self.name, *words)
        self.join()

    def join(self) -> None:
        ip("link", "set", f"{self.name}-b", "master", "hg-bridge")

    def cut_off(self) -> None:
        """Let its packets, and those to it, vanish: nobody is told."""
        ip("link", "set", f"{self.name}-b", "nomaster")

    def command(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *words]

    def start(self, command: Sequence[str], settings: dict[str, str], log: Path) -> Process:
        """A process of this host."""
        self.processes.append(Process(self.command(*command), settings, log))
        return self.processes[-1]

    def kill(self) -> None:
        """Lose the host: its network and everything that runs on it, at once."""
        self.cut_off()
        self._kill_all()

    def close(self) -> None:
        self._kill_all()
        for process in self.processes:
            process.end_all()
        ip("link", "delete", f"{self.name}-b")
        ip("netns", "delete", self.name)

    def _kill_all(self) -> None:
        command = ["ip", "netns", "pids", self.name]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for pid in found.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


@contextlib.contextmanager
def network() -> Iterator[None]:
    """The bridge that hosts hang on, and this namespace's address there."""
    ip("link", "add", "hg-bridge", "type", "bridge")
    try:
        ip("address", "add", f"{HERE}/24", "dev", "hg-bridge")
        ip("link", "set", "hg-bridge", "up")
        yield
    finally:
        ip("link", "delete", "hg-bridge")


@contextlib.contextmanager
def host(name: str, number: int) -> Iterator[Host]:
    """A host that lives as long as the block."""
    made = Host(name, number)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def playing(role: str, name: str, number: int, folder: Path) -> Iterator[tuple[Host, Any]]:
    """A host that runs a role of `host_roles`, and what that told."""
    place = folder / role
    place.mkdir()
    with host(name, number) as found:
        command = found.command(
            sys.executable, "-m", "e2e.host_roles", role, str(place), found.address
        )
        with (
            (folder / f"{role}.log").open("wb") as log,
            subprocess.Popen(
                command,
                env=environment({}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            ) as process,
        ):
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (folder / f"{role}.log").read_text()
            yield found, json.loads(line)


class HostedApi:
    """The API on a host."""

    def __init__(self, on: Host, installation: Installation, log: Path) -> None:
        self.url = f"http://{on.address}:{API_PORT}"
        options = ("--no-worker", "--host", on.address, "--port", str(API_PORT))
        self.process = on.start([*COMMAND, "serve", *options], installation.settings, log)


def start_worker(on: Host, installation: Installation, log: Path) -> Process:
    return on.start([*COMMAND, "worker"], installation.settings, log)


def possible() -> bool:
    """Whether this user may make namespaces here."""
    return os.geteuid() == 0 and Path("/sys/class/net").exists() and _has_ip()


def _has_ip() -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run(["ip", "-V"], capture_output=True, check=False).returncode == 0
    return False
