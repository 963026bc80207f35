"""The client commands as people type them, in terminals and in pipes, and every example of the SDK."""

import base64
import contextlib
import datetime
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from both_clients import opened
from heliograph.webhooks.sign import signed_headers
from support.database import Databases
from support.service import COMMAND, Customer, Installation, environment, installed
from support.source import ROOT

Settings = dict[str, str]

PAGES = ("README.md", "client/README.md", "docs/how-to/python.md", "docs/how-to/moving-here.md")
HALF_BLOCK = "▀"
KITTY = "\x1b_Ga=T,f=100"


@pytest.fixture(scope="module")
def installation(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    with (
        databases.fresh() as url,
        installed(tmp_path_factory.mktemp("commands"), url) as installation,
    ):
        installation.serve().ready()
        yield installation


@pytest.fixture(scope="module")
def customer(installation: Installation) -> Customer:
    """Has a test key: every outcome on demand."""
    return installation.customer("1.5", "--test")


@pytest.fixture(scope="module")
def client(installation: Installation, customer: Customer) -> Settings:
    """What the client commands want to know."""
    return {"HELIOGRAPH_API_KEY": customer.api_key, "HELIOGRAPH_BASE_URL": installation.url}


@pytest.fixture
def waiting(client: Settings) -> Iterator[str]:
    """A task that will not end by itself."""
    with opened("sync", *client.values()) as sdk:
        task_id = sdk.submit("a lake [[delay:600]]")
        yield task_id
        sdk.cancel(task_id)


class Terminal:
    """A command in a terminal of its own, 100 columns wide."""

    def __init__(self, folder: Path, settings: Settings, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment(
                {"COLUMNS": "100", "LINES": "40", "TERM": "xterm-256color", **settings}
            ),
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def read_until(self, words: str) -> None:
        """Read what is shown, until `words` are."""
        while words not in self.text:
            assert self._read(), self.text

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read the rest, and give the exit code."""
        while self._read():
            pass
        os.close(self._master)
        return self._process.wait(20)

    def _read(self) -> bool:
        with contextlib.suppress(OSError):
            found = os.read(self._master, 65536)
            self.text += found.decode(errors="replace")
            return bool(found)
        return False


def test_a_terminal_shows_a_bar_for_each_image_and_the_pictures(
    installation: Installation, client: Settings, tmp_path: Path
):
    shown = Terminal(
        tmp_path, client, "generate", "a lake [[delay:2]]", "-n", "2", "--ratio", "16:9"
    )
    assert shown.end() == 0
    assert "image 1" in shown.text
    assert "image 2" in shown.text
    lines = [line for line in shown.text.splitlines() if HALF_BLOCK in line]
    assert len(lines) == 2 * 18
    assert len(list((tmp_path / "heliograph-pictures").glob("*.png"))) == 2
    assert KITTY not in shown.text


def test_a_terminal_that_speaks_kittys_protocol_gets_the_picture_itself(
    installation: Installation, client: Settings, tmp_path: Path
):
    shown = Terminal(tmp_path, client | {"TERM": "xterm-kitty"}, "generate", "a lake", "-n", "1")
    assert shown.end() == 0
    assert KITTY in shown.text
    assert HALF_BLOCK not in shown.text


@pytest.mark.parametrize("quiet", [("--no-show",), ("--json",)])
def test_a_terminal_shows_no_picture_when_none_is_wanted(
    client: Settings, tmp_path: Path, quiet: tuple[str]
):
    shown = Terminal(tmp_path, client, "generate", "a lake", "-n", "1", *quiet)
    assert shown.end() == 0
    assert HALF_BLOCK not in shown.text


def test_after_an_interrupt_the_task_goes_on_and_can_be_fetched(
    installation: Installation, client: Settings, tmp_path: Path
):
    shown = Terminal(tmp_path, client, "generate", "a lake [[delay:3]]", "-n", "1")
    shown.read_until("image 1")
    shown.interrupt()
    assert shown.end() != 0
    (task_id,) = re.findall(r"heliograph wait (\w+)", shown.text)
    assert "Traceback" not in shown.text
    fetched = installation.ask("wait", task_id, "--out", str(tmp_path), **client)
    with Image.open(fetched["files"][0]) as picture:
        assert (fetched["task_id"], picture.size) == (task_id, (1280, 1280))


def test_in_a_pipe_there_are_paths_alone_unless_pictures_are_asked_for(
    installation: Installation, client: Settings, tmp_path: Path
):
    command = ("generate", "a lake", "-n", "1", "--out", str(tmp_path))
    plain = installation.run(*command, **client)
    assert (plain.returncode, plain.stderr) == (0, "")
    assert Path(plain.stdout.strip()).is_file()
    shown = installation.run(*command, "--show", **client)
    assert HALF_BLOCK in shown.stdout


def test_a_large_file_is_a_reference_image(
    installation: Installation, client: Settings, tmp_path: Path
):
    photo = tmp_path / "photo.png"
    Image.effect_noise((1500, 1500), 60).convert("RGB").save(photo)
    assert photo.stat().st_size > 2_000_000
    made = installation.ask("generate", "warmer", "--image", str(photo), "-n", "1", **client)
    assert len(made["files"]) == 1
    quoted = installation.ask("quote", "warmer", "--image", str(photo), **client)
    assert quoted["images"] == [{"width": 1500, "height": 1500}]


def asked_for(task: Any) -> tuple[Any, ...]:
    return task.prompt, task.negative_prompt, task.mode, task.num_images, task.aspect_ratio


def test_a_request_printed_for_curl_asks_for_the_same(installation: Installation, client: Settings):
    prompt, how = "a cat's 灯塔, $HOME", {"num_images": 2, "aspect_ratio": "16:9"}
    words = ("generate", prompt, "-n", "2", "--ratio", "16:9", "--negative", "dogs", "--curl")
    printed = installation.run(*words, **client).stdout
    assert client["HELIOGRAPH_API_KEY"] not in printed
    command = printed.replace("curl ", "curl -sS --noproxy '*' ", 1)
    answer = subprocess.run(
        ["bash", "-c", command], env=environment(client), capture_output=True, check=True
    )
    with opened("sync", *client.values()) as sdk:
        task_ids = (
            json.loads(answer.stdout)["data"]["taskId"],
            sdk.submit(prompt, negative_prompt="dogs", **how),
        )
        curled, own = (asked_for(sdk.task(task_id)) for task_id in task_ids)
    assert curled == own == (prompt, "dogs", "text-to-image", 2, "16:9")


def test_a_price_is_quoted(installation: Installation, client: Settings):
    quoted = installation.ask("quote", "a lake", "-n", "3", "--ratio", "16:9", **client)
    assert (quoted["num_images"], quoted["width"], quoted["affordable"]) == (3, 1696, True)
    text = installation.run("quote", "a lake", "-n", "3", **client).stdout
    assert "3 of 1280x1280" in text
    assert "$1.5000 after it" in text


def test_tasks_are_listed_and_cancelled(installation: Installation, client: Settings, waiting: str):
    listed = installation.ask("tasks", "--limit", "1", **client)
    assert [one["task_id"] for one in listed] == [waiting]
    text = installation.run("tasks", "--state", "processing", **client).stdout
    assert f"{waiting}  processing  0/4" in text
    assert "a lake [[delay:600]]" in text
    cancelled = installation.ask("cancel", waiting, **client)
    assert cancelled == {"task_id": waiting, "state": "failed"}
    shown = installation.run("status", waiting, **client).stdout
    assert "Cancelled" in shown
    assert "progress" not in shown
    waited = installation.run("wait", waiting, **client)
    assert (waited.returncode, waited.stdout) == (1, "")
    assert "Cancelled" in waited.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("cancel 0199a5f0000070008000000000000000", 1, "Resource doesn't exist"),
        ("wait 0199a5f0000070008000000000000000", 1, "Resource doesn't exist"),
        ("status nonsense", 1, "Resource doesn't exist"),
        ("quote x --ratio 7:5", 1, "input.aspect_ratio"),
        ("generate x --image missing.png", 1, "missing.png cannot be read as a picture"),
        ("generate x --curl --image cat.png", 1, "cat.png is a file"),
        ("tasks --state happy", 2, "'happy' is not one of"),
        ("tasks --limit 0", 2, "--limit"),
        ("quote", 2, "Missing argument"),
        ("cancel", 2, "Missing argument"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    installation: Installation, client: Settings, arguments: str, code: int, words: str
):
    done = installation.run(*arguments.split(), **client)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_help_is_instant_because_commands_import_late(installation: Installation):
    program = (
        "import atexit, sys\n"
        "late = {'asyncio', 'rich', 'httpx2', 'PIL', 'heliograph_client', 'msgspec'}\n"
        "atexit.register(lambda: print('early:', sorted(late & set(sys.modules))))\n"
        "sys.argv = ['heliograph', '--help']\n"
        "from heliograph.cli.main import run\n"
        "run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("early: []\n")
    assert " generate " in done.stdout

    # Of the processor, as others on a busy machine take its time.
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert installation.run("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    print(f"\nheliograph --help: {seconds():.2f} s of the processor")


def programs() -> Iterator[tuple[str, str]]:
    """Every Python program on the pages about the client, with the page and its number there."""
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        found = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for number, program in enumerate(found, start=1):
            yield f"{page} {number}", program


@pytest.mark.parametrize(
    ("name", "program"), list(programs()), ids=[name for name, _ in programs()]
)
def test_every_program_on_the_pages_about_the_client_runs_as_it_stands(
    client: Settings, tmp_path: Path, name: str, program: str
):
    Image.effect_noise((800, 800), 60).convert("RGB").save(tmp_path / "photo.jpg")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment(client),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_the_receiver_on_the_page_answers_as_it_should():
    (program,) = (text for name, text in programs() if "def receive" in text)
    names: dict[str, Any] = {}
    exec(program, names)
    secret = "whsec_" + base64.b64encode(bytes(range(24))).decode()
    body = b'{"code":200,"data":{"taskId":"t","state":"failed","createTime":1}}'
    now = datetime.datetime.now(datetime.UTC)
    headers = signed_headers("n1", body, secret=secret, moment=now)
    assert names["receive"](body, headers, secret) == 200
    assert names["SEEN"] == {"n1"}
    assert names["receive"](body + b" ", headers, secret) == 401
