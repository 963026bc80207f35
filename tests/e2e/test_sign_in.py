"""Links that sign in, as commands and the starting service print them: to people, and never into a log."""

import contextlib
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from support.service import COMMAND, Installation, environment, installed, wait_for

LINK = re.compile(r"http://127\.0\.0\.1:\d+/sign-in/hgl_[\w-]{43}")
FROM_PAGE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    with installed(tmp_path, database_url) as installation:
        yield installation


class Terminal:
    """`heliograph serve` as a person starts it, and what they see."""

    def __init__(self, installation: Installation, *options: str, **settings: str) -> None:
        self.screen, inside = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, "serve", *options],
            env=environment(installation.settings | settings),
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        os.set_blocking(self.screen, False)
        self.seen = ""

    def shows(self, text: str) -> bool:
        with contextlib.suppress(BlockingIOError):
            self.seen += os.read(self.screen, 65_536).decode(errors="replace")
        return text in self.seen

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.screen)


def role(link: str) -> tuple[str, str]:
    """Who one is after following a link, and where one is led."""
    with httpx2.Client(timeout=20) as visitor:
        there = visitor.post(link, headers=FROM_PAGE).headers["location"]
        base = link.partition("/sign-in/")[0]
        data = visitor.get(f"{base}/api/v1/session").json()["data"]
    return data["role"], there


def test_commands_print_links_that_sign_in_once(installation: Installation):
    service = installation.serve().ready()
    account_id = installation.ask("account", "create", "Ada")["account_id"]
    link = installation.ask("account", "sign-in", account_id)["url"]
    assert role(link) == ("account", "/console")
    assert role(link) == ("nobody", "/sign-in/over")
    told = installation.run("admin", "sign-in", "--name", "Grace H.").stdout
    assert "signs in once" in told
    assert role(LINK.findall(told)[0]) == ("operator", "/admin")
    assert "sign-in" not in service.log.read_text()


def test_no_link_is_made_for_whom_there_is_not(installation: Installation):
    missing = installation.run("account", "sign-in", "acc_000000000000")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "There is no account acc_000000000000" in missing.stderr
    unfit = installation.run("admin", "sign-in", "--name", "Ada\nLovelace")
    assert (unfit.returncode, unfit.stdout) == (2, "")
    assert "must be a name" in unfit.stderr


@pytest.mark.parametrize("processes", [1, 2])
def test_who_starts_the_service_at_a_terminal_is_told_how_to_sign_in(
    installation: Installation, processes: int
):
    terminal = Terminal(installation, "--processes", str(processes))
    try:
        wait_for(lambda: terminal.shows("service.ready"), "the service to be ready")
        (link,) = LINK.findall(terminal.seen)
        assert terminal.seen.index(link) < terminal.seen.index("service.ready")
        assert role(link) == ("operator", "/admin")
    finally:
        terminal.close()


def test_a_log_in_json_is_told_no_link(installation: Installation):
    terminal = Terminal(installation, HELIOGRAPH_LOG_FORMAT="json")
    try:
        wait_for(lambda: terminal.shows("service.ready"), "the service to be ready")
        assert "sign-in" not in terminal.seen
    finally:
        terminal.close()
