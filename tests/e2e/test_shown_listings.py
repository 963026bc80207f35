"""Every command and program that a page of the documentation shows is run against a live server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from support.database import Databases
from support.listings import Listing, listings
from support.service import COMMAND, Customer, Installation, environment, installed

DATA = ("json", "toml", "text", "ini")
PROGRAMS = ("python", "bash", "sh", "")
EXAMPLE_TASK = "0199c0de8f1c7b3c9d5e4f60718293a4"

#: Pages whose listings are run here, but for those that are named below. No other page's ever are.
HERE_PAGES = (
    "how-to/batches.md",
    "how-to/mcp.md",
    "how-to/openai.md",
    "how-to/playground.md",
    "how-to/spend-safely.md",
    "how-to/webhooks.md",
    "operating/admin.md",
    "quickstart.md",
)

#: Listings that another test runs, and which.
ELSEWHERE = {
    "how-to/python.md": "test_client_commands",
    "how-to/moving-here.md": "test_client_commands",
    "how-to/webhooks.md: export HELIOGRAPH_API_KEY=hg_test_…": "test_webhook_commands",
    "operating/backup.md": "test_backup",
    "reference/http-api.md: from standardwebhooks import Webhook": "test_documentation",
    "quickstart.md: make setup": "each run of CI, and test_cli",
}

#: Listings that want what no test machine has, and what.
WANTING = {
    "quickstart.md: make demo": "minutes; test_cli runs the command behind it",
    "how-to/dashscope.md": "a DashScope account",
    "how-to/diffusers.md": "a graphics processor and gigabytes of weights",
    "how-to/openai-images-engines.md": "a graphics processor",
    "how-to/stable-diffusion-cpp.md": "another program and its weights",
    "operating/deploying.md": "Docker, Kubernetes or a database of one's own; test_deploy judges the files",
    "how-to/ray.md": "Ray; tests/ray runs it",
    "operating/tracing.md": "a collector of traces; test_trace has one",
    'operating/moderation.md: pip install "heliograph[moderation]"': "a package of weights",
}

#: Pictures of texts, and what a command prints.
SHOWN = (
    "architecture.md",
    "how-to/webhooks.md: 12:03:11",
)


def is_in(listing: Listing, names: Any) -> bool:
    return any(listing.name.startswith(name) for name in names)


PROGRAMS_SHOWN = [one for one in listings() if one.language.partition(" ")[0] not in DATA]
OTHERS = (*ELSEWHERE, *WANTING, *SHOWN)
HERE = [one for one in PROGRAMS_SHOWN if one.page in HERE_PAGES and not is_in(one, OTHERS)]


def test_of_every_listing_it_is_known_how_it_is_run():
    unknown = [one.name for one in PROGRAMS_SHOWN if one not in HERE and not is_in(one, OTHERS)]
    assert unknown == [], "Say in this file where it is run, or why it cannot be"
    for name in OTHERS:
        assert any(one.name.startswith(name) for one in listings()), f"no page shows {name}"
    assert len(HERE) >= 14
    assert {one.language for one in HERE} <= set(PROGRAMS)


def test_every_example_of_data_can_be_read():
    for one in listings():
        if one.language == "json":
            json.loads(one.text)


@pytest.fixture(scope="module")
def installation(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("shown")
    with databases.fresh() as url, installed(folder, url) as installation:
        installation.serve().ready()
        yield installation


@pytest.fixture(scope="module")
def customer(installation: Installation) -> Customer:
    return installation.customer("20", "--test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader works who has installed the command and has two pictures."""
    Image.effect_noise((800, 800), 60).convert("RGB").save(tmp_path / "photo.jpg")
    Image.effect_noise((800, 800), 60).convert("RGB").save(tmp_path / "picture.png")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    command = tmp_path / ".venv" / "bin" / "heliograph"
    command.write_text(f'#!/bin/sh\nexec "{COMMAND[0]}" -c "{COMMAND[2]}" "$@"\n')
    command.chmod(0o755)
    return tmp_path


def run(program: list[str], text: str, settings: dict[str, str], folder: Path) -> str:
    """What a program prints that has to succeed."""
    path = f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*program, text],
        env=environment(settings) | {"PATH": path, "no_proxy": "*"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with what its reader would put in."""
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


@pytest.mark.parametrize("listing", HERE, ids=[one.name for one in HERE])
def test_what_a_page_shows_runs(
    installation: Installation, customer: Customer, folder: Path, listing: Listing
):
    settings = installation.settings | {
        "HELIOGRAPH_API_KEY": customer.api_key,
        "HELIOGRAPH_BASE_URL": installation.url,
    }
    text = filled(
        listing.text,
        {
            "acc_…": customer.account_id,
            "hg_live_…": customer.api_key,
            "KEY_ID": installation.ask("key", "create", "--account", customer.account_id)["key_id"]
            if "KEY_ID" in listing.text
            else "",
            "http://127.0.0.1:8080": installation.url,
            EXAMPLE_TASK: submitted(installation, customer) if EXAMPLE_TASK in listing.text else "",
        },
    )
    if listing.language == "python":
        beginning = "" if "import" in text else OPENAI
        run(
            [sys.executable, "-c"],
            filled(beginning, {"URL": installation.url}) + text,
            settings,
            folder,
        )
        return
    said = run(["bash", "-euc"], text, settings, folder)
    if "curl" in text:
        assert json.loads(said)["code"] == 200, said


#: What stands further up on the page.
OPENAI = """
import os
from openai import OpenAI
client = OpenAI(base_url="URL/v1", api_key=os.environ["HELIOGRAPH_API_KEY"])
"""


def submitted(installation: Installation, customer: Customer) -> str:
    """The id of a new task."""
    body = {"input": {"mode": "text-to-image", "prompt": "a lake", "num_images": 1}}
    url = f"{installation.url}/api/v1/generateTask/wan-2-5-image"
    return httpx2.post(url, json=body, headers=customer.headers).json()["data"]["taskId"]
