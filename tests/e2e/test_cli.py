"""Every command as an operator or a client types it, on a database of the data directory's own."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from e2e.crowd import GENERATE, text_to_image
from support.receiver import Receiver
from support.service import Customer, Installation, installed, wait_for

Settings = dict[str, str]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A service with nothing but a data directory; commands use its database beside it."""
    folder = tmp_path_factory.mktemp("cli")
    with installed(folder, HELIOGRAPH_TRUSTED_NETWORKS="127.0.0.0/8") as installation:
        installation.serve().ready()
        yield installation


@pytest.fixture(scope="module")
def customer(installation: Installation) -> Customer:
    """Has a test key, so that pictures come at once, and some money."""
    return installation.customer("1.5", "--test")


@pytest.fixture(scope="module")
def client(installation: Installation, customer: Customer) -> Settings:
    """What the client commands want to know."""
    return {"HELIOGRAPH_API_KEY": customer.api_key, "HELIOGRAPH_BASE_URL": installation.url}


def said(installation: Installation, *arguments: str, **settings: str) -> str:
    """What a command that must succeed prints for people."""
    done = installation.run(*arguments, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def submitted(installation: Installation, customer: Customer, prompt: str, **body: Any) -> str:
    answer = httpx2.post(
        installation.url + GENERATE,
        json={"input": text_to_image(prompt)} | body,
        headers=customer.headers,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["taskId"]


def test_help_names_every_command_and_is_quick(installation: Installation):
    started = time.monotonic()
    text = said(installation, "--help")
    print(f"\nheliograph --help: {time.monotonic() - started:.2f} s")
    commands = "demo serve worker migrate account key task webhook generate status balance models"
    for command in [*commands.split(), "audit", "doctor", "openapi"]:
        assert f" {command} " in text


def test_without_any_service_the_first_command_makes_the_database_and_ends_it(tmp_path: Path):
    with installed(tmp_path) as alone:
        assert said(alone, "migrate").startswith("The database is at revision")
        created = alone.ask("account", "create", "first")
        assert alone.ask("account", "list")[0]["account_id"] == created["account_id"]
        assert not (tmp_path / "data" / "postgres" / "data" / "postmaster.pid").exists()


def test_an_account_is_created_credited_and_shown(installation: Installation):
    created = installation.ask("account", "create", "Ada & Söhne")
    account_id = created["account_id"]
    assert account_id.startswith("acc_")
    assert created["webhook_secret"].startswith("whsec_")
    credited = installation.ask("account", "credit", account_id, "0.25", "--note", "welcome")
    assert (credited["available"], credited["funded"]) == (0.25, 0.25)
    shown = installation.ask("account", "show", account_id)
    assert shown == credited
    assert "Ada & Söhne" in said(installation, "account", "show", account_id)
    assert account_id in said(installation, "account", "list")
    assert account_id in [one["account_id"] for one in installation.ask("account", "list")]
    assert "heliograph account credit acc_" in said(installation, "account", "create", "Bob")


def test_a_key_is_shown_once_and_can_be_rotated_and_revoked(installation: Installation):
    customer = installation.customer("3")
    listed = said(installation, "key", "list") + json.dumps(installation.ask("key", "list"))
    assert customer.key_id in listed
    assert customer.api_key not in listed
    rotated = installation.ask("key", "rotate", customer.key_id)
    fresh = {"HELIOGRAPH_API_KEY": rotated["api_key"], "HELIOGRAPH_BASE_URL": installation.url}
    assert said(installation, "balance", **fresh) == "$3.0000\n"
    old = installation.run("balance", **fresh | {"HELIOGRAPH_API_KEY": customer.api_key})
    assert (old.returncode, old.stdout) == (1, "")
    assert "Invalid or missing API key" in old.stderr
    listed = installation.ask("key", "list", "--account", customer.account_id)
    assert [key["last_used_at"] for key in listed] == [None, None]
    assert installation.ask("key", "revoke", rotated["key_id"])["revoked"] is True
    refused = installation.run("balance", **fresh)
    assert refused.returncode == 1
    text = said(installation, "key", "create", "--account", customer.account_id, "--test")
    assert "hg_test_" in text
    assert "not shown again" in text


def test_a_key_is_limited_and_its_limits_are_taken_away_again(installation: Installation):
    customer = installation.customer(
        "3", "--monthly-cap", "0.5", "--model", "wan-2-5-image", "--expires-days", "1"
    )
    listed = {one["key_id"]: one for one in installation.ask("key", "list")}
    created = listed[customer.key_id]
    assert (created["monthly_cap"], created["total_cap"]) == (0.5, None)
    assert created["models"] == ["wan-2-5-image"]
    assert 23.9 <= (created["expires_at"] - created["created_at"]) / 3_600_000 <= 24
    limits = ("--monthly-cap", "none", "--total-cap", "0.01", "--network", "10.0.0.1")
    limited = installation.ask("key", "limit", customer.key_id, *limits, "--expires-days", "none")
    changed = ("monthly_cap", "total_cap", "networks", "expires_at", "models")
    assert [limited[name] for name in changed] == [
        *(None, 0.01, ["10.0.0.1/32"], None),
        ["wan-2-5-image"],
    ]
    asking = {"HELIOGRAPH_API_KEY": customer.api_key, "HELIOGRAPH_BASE_URL": installation.url}
    assert (
        "not be used from your address, 127.0.0.1" in installation.run("balance", **asking).stderr
    )
    rotated = installation.ask("key", "rotate", customer.key_id, "--keep-hours", "1")
    again = installation.ask("key", "limit", rotated["key_id"], "--network", "none")
    assert (again["total_cap"], again["networks"]) == (0.01, None)
    asking["HELIOGRAPH_API_KEY"] = rotated["api_key"]
    assert said(installation, "balance", **asking) == "$3.0000\n"


def test_an_account_says_what_it_is_told_and_shows_its_statement(installation: Installation):
    account_id = installation.customer("3").account_id
    hook = "https://example.com/account"
    watched = installation.ask(
        "account", "set", account_id, "--webhook-url", hook, "--low-balance", "0.5"
    )
    assert (watched["webhook_url"], watched["low_balance"]) == (hook, 0.5)
    less = installation.ask("account", "set", account_id, "--low-balance", "none")
    assert (less["webhook_url"], less["low_balance"]) == (hook, None)
    (line,) = installation.ask("account", "statement", account_id)
    assert (line["kind"], line["amount"], line["balance"]) == ("topup", 3, 3)
    head, row = said(installation, "account", "statement", account_id, "--csv").splitlines()
    assert head == "time,kind,amount,moved,balance,task_id,note"
    assert row.endswith("topup,3.000000,3.000000,3.000000,,")


def test_pictures_are_generated_and_saved(
    installation: Installation, client: Settings, tmp_path: Path
):
    made = installation.ask(
        "generate", "a lake", "-n", "2", "--ratio", "16:9", "--out", str(tmp_path), **client
    )
    assert len(made["files"]) == 2
    assert all(Path(file).read_bytes().startswith(b"\x89PNG") for file in made["files"])
    status = installation.ask("status", made["task_id"], **client)
    assert (status["state"], len(status["urls"])) == ("success", 2)
    assert "success" in said(installation, "status", made["task_id"], **client)
    picture = made["files"][0]
    text = said(installation, "generate", "warmer", "--image", picture, "-n", "1", **client)
    assert Path(text.strip()).is_file()


def test_a_failed_generation_says_why(installation: Installation, client: Settings):
    done = installation.run("generate", "a lake [[fail:SensitiveContentDetected]]", **client)
    assert (done.returncode, done.stdout) == (1, "")
    assert "SensitiveContentDetected" in done.stderr


def test_balance_and_models_are_read(installation: Installation, client: Settings):
    assert installation.ask("balance", **client) == {"balance": 1.5}
    models = installation.ask("models", **client)
    assert "wan-2-5-image" in json.dumps(models)
    assert "text-to-image" in said(installation, "models", **client)


def test_a_task_is_listed_shown_and_cancelled(installation: Installation, customer: Customer):
    task_id = submitted(installation, customer, "a lake [[delay:600]]")
    assert task_id in said(installation, "task", "list")
    shown = installation.ask("task", "show", task_id)
    assert shown["prompt"] == "a lake [[delay:600]]"
    assert "a lake [[delay:600]]" in said(installation, "task", "show", task_id)
    cancelled = installation.ask("task", "cancel", task_id)
    assert (cancelled["task_id"], cancelled["state"]) == (task_id, "failed")
    again = installation.run("task", "cancel", task_id)
    assert again.returncode == 1
    assert "cannot be cancelled" in again.stderr
    of_account = ("task", "list", "--state", "failed", "--account", customer.account_id)
    assert task_id in [one["task_id"] for one in installation.ask(*of_account)]


async def test_a_webhook_is_listed_shown_and_sent_again(
    installation: Installation, customer: Customer
):
    async with Receiver() as receiver:
        callback = {"request_type": "callback", "callback_url": receiver.url()}
        task_id = submitted(installation, customer, "a lake", **callback)
        (first,) = await receiver.arrived(1, timeout_seconds=20)
        webhook_id = first.headers["webhook-id"]
        commands = asyncio.to_thread(_show_and_resend, installation, task_id, webhook_id)
        await commands
        _, second = await receiver.arrived(2, timeout_seconds=20)
    assert (second.body, second.headers["webhook-id"]) == (first.body, webhook_id)


def _show_and_resend(installation: Installation, task_id: str, webhook_id: str) -> None:
    def delivered() -> bool:
        listed = installation.ask("webhook", "list", "--state", "delivered")
        return webhook_id in [one["webhook_id"] for one in listed]

    wait_for(delivered, "the delivery to be noted")
    assert webhook_id in said(installation, "webhook", "list")
    shown = installation.ask("webhook", "show", webhook_id)
    assert (shown["task_id"], len(shown["attempts"])) == (task_id, 1)
    assert shown["attempts"][0]["status"] == 200
    assert "200" in said(installation, "webhook", "show", webhook_id)
    resent = installation.ask("webhook", "resend", webhook_id)
    assert resent["webhook_id"] == webhook_id


def test_the_books_and_the_installation_are_checked(installation: Installation):
    assert installation.ask("audit") == []
    assert "Clean" in said(installation, "audit")
    checks = installation.ask("doctor")
    assert {one["what"] for one in checks} >= {"python", "disk", "database", "schema", "storage"}
    assert all(one["ok"] for one in checks), checks
    assert "WRONG" not in said(installation, "doctor")


def test_the_openapi_document_is_the_one_that_is_served(installation: Installation):
    document = json.loads(said(installation, "openapi"))
    assert document["openapi"].startswith("3.")
    served = httpx2.get(f"{installation.url}/openapi.json").json()
    assert sorted(document["paths"]) == sorted(served["paths"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("account show", 2, "Missing argument"),
        ("account credit acc_x many", 2, "many"),
        ("account create " + "x" * 101, 2, "1 to 100 characters"),
        ("account credit acc_nobody 5", 1, "acc_nobody"),
        ("account show acc_nobody", 1, "There is no account acc_nobody"),
        ("key create", 2, "--account"),
        ("key create --account acc_nobody", 1, "acc_nobody"),
        ("key create --account acc_x --routing cheap", 2, "'cheap' is not one of"),
        ("account set acc_nobody", 1, "There is no account acc_nobody"),
        ("account set acc_x --webhook-url http://10.0.0.1/", 2, "--webhook-url"),
        ("account set acc_x --low-balance much", 2, "--low-balance"),
        ("account statement acc_nobody", 1, "There is no account acc_nobody"),
        ("key create --account acc_x --monthly-cap -1", 2, "--monthly-cap"),
        ("key create --account acc_x --network 10.0.0.1/8", 2, "--network"),
        ("key create --account acc_x --model wan-9", 2, "--model"),
        ("key create --account acc_x --expires-days never", 2, "--expires-days"),
        ("key create --account acc_x --expires-days 99999999", 2, "more than 36500"),
        ("key limit nokey --total-cap 5", 1, "There is no key nokey"),
        ("key revoke nokey", 1, "There is no key nokey"),
        ("key rotate nokey", 1, "nokey"),
        ("task show 12", 1, "12 is no task id"),
        ("task show 0199a5f0000070008000000000000000", 1, "There is no task"),
        ("task cancel 0199a5f0000070008000000000000000", 1, "There is no task"),
        ("task list --state happy", 2, "'happy' is not one of"),
        ("webhook show 12", 2, "valid UUID"),
        ("webhook show 0199a5f0000070008000000000000000", 1, "There is no delivery"),
        ("webhook resend 0199a5f0000070008000000000000000", 1, "There is no delivery"),
        ("worker --queues run,nonsense", 2, "nonsense is none of"),
        ("worker --queues ,", 2, "Name at least one of run, check"),
        ("webhook resend --since 0001-01-01", 2, "--since"),
        ("key rotate nokey --keep-hours inf", 2, "--keep-hours"),
        ("account create \udcff", 1, "Argument 3 is not written in UTF-8"),
        ("serve --processes 0", 2, "--processes"),
        ("balance", 1, "HELIOGRAPH_API_KEY"),
        ("generate", 2, "Missing argument"),
        ("generate x -n 5", 2, "less than or equal to 4"),
        ("nonsense", 2, "No such command"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    installation: Installation, arguments: str, code: int, words: str
):
    done = installation.run(*arguments.split())
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_without_its_second_word_shows_the_help(installation: Installation):
    done = installation.run("webhook")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Send one delivery again" in done.stderr


def test_a_server_that_cannot_be_reached_and_a_file_that_is_no_picture_are_said(
    installation: Installation, client: Settings, tmp_path: Path
):
    away = client | {"HELIOGRAPH_BASE_URL": "http://127.0.0.1:9"}
    unreachable = installation.run("balance", **away)
    assert unreachable.returncode == 1
    assert "127.0.0.1:9" in unreachable.stderr
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    unreadable = installation.run("generate", "x", "--image", str(text), **client)
    assert unreadable.returncode == 1
    assert "notes.txt cannot be read as a picture" in unreadable.stderr
    assert "Traceback" not in unreachable.stderr + unreadable.stderr


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("HELIOGRAPH_DATA_DRI", "/tmp/x", "Did you mean HELIOGRAPH_DATA_DIR?"),
        ("HELIOGRAPH_PORT", "eighty", "HELIOGRAPH_PORT"),
        ("HELIOGRAPH_TRUSTED_NETWORKS", "10.0.0.1/8", "HELIOGRAPH_TRUSTED_NETWORKS"),
        ("HELIOGRAPH_DATA_DIR", "/dev/null", "The data directory /dev/null cannot be made"),
        ("HELIOGRAPH_DATA_DIR", "/proc/x", "The data directory /proc/x cannot be made"),
        ("HELIOGRAPH_DATA_DIR", "/tmp/" + "x" * 300, "cannot be made: File name too long"),
        ("HELIOGRAPH_DATABASE_URL", "postgresql://u:secret@127.0.0.1:9/x", "cannot be used"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_name_and_the_remedy(
    installation: Installation, name: str, text: str, words: str
):
    done = installation.run("account", "list", **{name: text})
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
