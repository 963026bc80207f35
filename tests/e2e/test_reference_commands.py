"""Every command of the API reference at /docs is run as it stands there, with only the examples' ids replaced."""

import html
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from support.database import Databases
from support.service import Customer, Installation, installed

COMMAND = re.compile(
    r'<section class="operation" aria-labelledby="(\w+)">.*?<h3>Call</h3><pre[^>]*><code>(.*?)</code>',
    re.DOTALL,
)
MODEL = "wan-2-5-image"

#: Answers that are good and not 200: what has ended cannot be cancelled, a link leads on.
OTHERWISE = {"followLink": "303"}

#: What is run last, as it ends what others need: the model, the session.
LAST = ("adminSwitch", "signIn", "session", "signOut")


class Account:
    """An account in which there is something of everything."""

    def __init__(self, installation: Installation, customer: Customer, http: httpx2.Client) -> None:
        self.installation = installation
        self.customer = customer
        self.http = http
        account_id = customer.account_id
        other, live = (installation.ask("key", "create", "--account", account_id) for _ in range(2))
        self.key, self.live = other["key_id"], live["api_key"]
        self.owner = token(installation.ask("account", "sign-in", account_id))
        self.operator = token(installation.ask("admin", "sign-in"))
        inbox = self.call("POST", "/api/v1/webhooks/inboxes")
        self.inbox = inbox["inboxId"]
        self.task = self.submit("a lake", request_type="callback", callback_url=inbox["url"])
        status = f"/api/v1/statusTask/{MODEL}?taskId={self.task}&wait=60"
        while (task := self.call("GET", status))["state"] in ("pending", "processing"):
            pass
        self.file = re.findall(r'/files/([^"]+)', task["resultJson"])[0]
        self.webhook = self.call("GET", "/api/v1/webhooks")["items"][0]["id"]
        item = {
            "client_item_id": "a",
            "idempotency_key": "a",
            "input": {"mode": "text-to-image", "prompt": "a lake"},
        }
        repeat = {"Idempotency-Key": "mine"}
        batches = f"/api/v1/generateTask/{MODEL}/batches"
        self.batch = self.call("POST", batches, json={"items": [item]}, headers=repeat)["batchId"]
        picture = {"file": ("picture.png", Path(installation.folder, "picture.png").read_bytes())}
        self.picture = self.call("POST", "/api/v1/files", files=picture)["url"]

    def call(self, method: str, path: str, **more: Any) -> Any:
        answer = self.http.request(method, path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def submit(self, prompt: str, **more: object) -> str:
        body = {"input": {"mode": "text-to-image", "prompt": prompt, "num_images": 1}} | more
        return self.call("POST", f"/api/v1/generateTask/{MODEL}", json=body)["taskId"]

    def ended(self, prompt: str) -> str:
        task_id = self.submit(prompt)
        path = f"/api/v1/statusTask/{MODEL}"
        assert self.call("GET", path, params={"taskId": task_id, "wait": 50})["state"] == "failed"
        return task_id


def token(link: Mapping[str, str]) -> str:
    """The secret of a link."""
    return link["url"].rpartition("/")[2]


@pytest.fixture(scope="module")
def account(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("reference")
    Image.effect_noise((800, 800), 60).convert("RGB").save(folder / "picture.png")
    with databases.fresh() as url, installed(folder, url) as installation:
        installation.serve().ready()
        customer = installation.customer("20", "--test")
        with httpx2.Client(base_url=installation.url, headers=customer.headers, timeout=60) as http:
            yield Account(installation, customer, http)


def instead(account: Account, name: str) -> Mapping[str, str]:
    """What a reader of the command of an operation puts in, by the pattern of its example."""
    task = {
        "deleteTask": lambda: account.ended("a lake [[fail:Timeout]]"),
        "cancelTask": lambda: account.submit("a lake [[delay:600]]"),
    }.get(name, lambda: account.task)
    return {
        # a test key may not do that
        "YOUR_API_KEY": account.live if name == "rotateSecret" else account.customer.api_key,
        r"acc_\w{12}": account.customer.account_id,
        r"0199c0de8f1c7b3c9d5e4f60718293a4(?!/1-0)": task(),
        r"0199c0de8f1c7b3c9d5e4f60718293a4/1-0-\w+\.png": account.file,
        "0199c0de8f1d7a1b8c2d3e4f50617283": account.batch,
        "0b1f6c3e5a7d4f5e9c2a1d3b5f7e9a0c|5f0c5a2e9b7d41e3a8c6d2f1b0e9a7c4": account.webhook,
        "q3wVn8yT0eK5uR2aZ7xC9bM4dJ6fH1sL": account.inbox,
        "4fQ9xZ1b": account.key,
        r"hgl_\w{43}": account.owner,
        "https://example.com/base.png": account.picture,
        "https://your-server.com/webhooks/heliograph": f"{account.installation.url}/inbox/{account.inbox}",
    }


def run(account: Account, name: str, command: str) -> str:
    """The status that a command is answered with, and the body when it is a refusal."""
    for pattern, value in instead(account, name).items():
        command = re.sub(pattern, lambda _, value=value: value, command)
    options = "curl -sS -o answer -w '%{http_code}' --noproxy '*' --max-time 60"
    done = subprocess.run(
        ["bash", "-c", command.replace("curl", options, 1)],
        cwd=account.installation.folder,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    status = done.stdout + done.stderr
    if status == OTHERWISE.get(name, "200"):
        return ""
    answer = (account.installation.folder / "answer").read_text(errors="replace")
    return f"{name}: {status} {answer[:300]}"


def test_every_command_of_the_reference_is_answered_as_it_says(account: Account):
    page = account.http.get("/docs").text
    commands = {name: html.unescape(text) for name, text in COMMAND.findall(page)}
    assert set(commands) == set(
        re.findall(r'<section class="operation" aria-labelledby="(\w+)">', page)
    )
    of_operators = [name for name in commands if name.startswith("admin") and "Asset" not in name]
    first = [name for name in commands if name not in (*of_operators, *LAST)]
    first.sort(key=lambda name: name != "followLink")
    wrong = [run(account, name, commands[name]) for name in first]
    account.owner = account.operator
    wrong.append(run(account, "followLink", commands["followLink"]))
    wrong += [run(account, name, commands[name]) for name in of_operators if name not in LAST]
    wrong += [run(account, name, commands[name]) for name in LAST]
    assert [one for one in wrong if one] == []
