"""`heliograph webhook …`, as an operator and as a developer type it."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from standardwebhooks import Webhook

from e2e.crowd import GENERATE, text_to_image
from support.receiver import Receiver, Reply
from support.service import COMMAND, Customer, Installation, Process, installed, wait_for


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("webhooks")
    with installed(folder, HELIOGRAPH_TRUSTED_NETWORKS="127.0.0.0/8") as installation:
        installation.serve().ready()
        yield installation


@pytest.fixture(scope="module")
def customer(installation: Installation) -> Customer:
    return installation.customer("0", "--test")


@contextlib.contextmanager
def listening(
    installation: Installation, customer: Customer, folder: Path, forward_to: str
) -> Iterator[Process]:
    """`heliograph webhook listen` until the end of the block."""
    settings = {"HELIOGRAPH_API_KEY": customer.api_key, "HELIOGRAPH_BASE_URL": installation.url}
    command = [*COMMAND, "webhook", "listen", "--forward-to", forward_to]
    listener = Process(command, settings, folder / "listen.log")
    try:
        yield listener
    finally:
        listener.end_all()


def callback_url(listener: Process) -> str:
    def look() -> str:
        assert listener.exit_code is None, listener.log_lines()
        lines = [line.split() for line in listener.log_lines()]
        return next((line[1] for line in lines if line[:1] == ["callback_url"]), "")

    return wait_for(look, "the callback URL")


async def post(url: str, customer: Customer, body: object) -> dict:
    async with httpx2.AsyncClient(headers=customer.headers, timeout=20) as client:
        answer = await client.post(url, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_developer_hears_the_end_of_a_task_without_a_public_address(
    installation: Installation, customer: Customer, tmp_path: Path
):
    async with Receiver() as receiver:
        url = receiver.script("/hook", Reply(500), Reply(200))
        with listening(installation, customer, tmp_path, url) as listener:
            callback = await asyncio.to_thread(callback_url, listener)
            for _ in range(2):
                body = {"request_type": "callback", "callback_url": callback}
                task = await post(
                    installation.url + GENERATE,
                    customer,
                    body | {"input": text_to_image("a panda")},
                )
                request = (await receiver.arrived(len(receiver.requests) + 1, timeout_seconds=30))[
                    -1
                ]
                notice = Webhook(customer.webhook_secret).verify(request.body, request.headers)
                assert (notice["data"]["taskId"], notice["data"]["state"]) == (
                    task["taskId"],
                    "success",
                )
            shown = f"{task['taskId']} success  200  "
            await asyncio.to_thread(
                wait_for, lambda: any(shown in line for line in listener.log_lines()), shown
            )
            assert any(" success  500  " in line for line in listener.log_lines())
            listener._process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(listener.wait) == 0


def test_a_message_that_nobody_hears_is_reported_and_the_next_one_is_forwarded(
    installation: Installation, customer: Customer, tmp_path: Path
):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        with listening(installation, customer, tmp_path, url) as listener:
            inbox = callback_url(listener)
            for number in (1, 2):
                httpx2.post(inbox, content=b"hello").raise_for_status()
                wait_for(
                    lambda: sum("no answer" in line for line in listener.log_lines()) == number,  # noqa: B023
                    "the report",
                )
            assert "message  no answer" in listener.log_lines()[-1]
            assert listener.log_lines()[-1].endswith("signature not valid")


def test_a_message_of_a_stranger_cannot_write_to_the_terminal(
    installation: Installation, customer: Customer, tmp_path: Path
):
    with listening(installation, customer, tmp_path, "http://127.0.0.1:9/") as listener:
        inbox = callback_url(listener)
        httpx2.post(inbox, json={"type": "a\x1b[2J\nforged \u202e"}).raise_for_status()
        shown = r"  a\x1b[2J\nforged \u202e  no answer"
        wait_for(lambda: any(shown in line for line in listener.log_lines()), shown)


def test_listening_needs_a_key_a_server_and_an_address(
    installation: Installation, customer: Customer
):
    key = {"HELIOGRAPH_API_KEY": customer.api_key}
    for settings, url, sentence in (
        ({}, "http://localhost:1/", "set HELIOGRAPH_API_KEY"),
        (
            key | {"HELIOGRAPH_BASE_URL": "http://127.0.0.1:1"},
            "http://localhost:1/",
            "running there",
        ),
        (key | {"HELIOGRAPH_BASE_URL": installation.url}, "localhost", "no address to forward to"),
        (
            {"HELIOGRAPH_API_KEY": "hg_test_x", "HELIOGRAPH_BASE_URL": installation.url},
            "http://localhost:1/",
            "Invalid or missing API key",
        ),
    ):
        done = installation.run("webhook", "listen", "--forward-to", url, **settings)
        assert (done.returncode, done.stdout) == (1, "")
        assert sentence in done.stderr


async def test_a_receiver_is_tried_and_what_it_lost_is_sent_again(
    installation: Installation, customer: Customer
):
    async with Receiver() as receiver:
        url = receiver.script("/hook", Reply(410), Reply(404), Reply(200))
        body = {"request_type": "callback", "callback_url": url}
        await post(
            installation.url + GENERATE, customer, body | {"input": text_to_image("a panda")}
        )
        await receiver.arrived(1, timeout_seconds=30)

        def ask(*arguments: str):
            return installation.ask("webhook", *arguments)

        account = customer.account_id
        dead = ("list", "--account", account, "--state", "dead")
        (lost,) = await asyncio.to_thread(wait_for, lambda: ask(*dead), "the end")
        run = installation.run
        refused = await asyncio.to_thread(run, "webhook", "resend", lost["webhook_id"])
        assert (refused.returncode, "answered 410" in refused.stderr) == (1, True)
        failed = await asyncio.to_thread(run, "webhook", "test", account, url)
        assert (failed.returncode, "answered 404" in failed.stderr) == (1, True)
        tried = await asyncio.to_thread(ask, "test", account, url)
        assert (tried["event"], tried["state"]) == ("webhook.test", "delivered")
        resend = ("resend", "--since", "2026-01-01", "--account", account, "--url", url)
        assert await asyncio.to_thread(ask, *resend) == {"resent": 1}
        await receiver.arrived(4, timeout_seconds=30)
        assert receiver.requests[3].headers["webhook-id"] == lost["webhook_id"]


def test_a_secret_is_replaced(installation: Installation):
    account = installation.ask("account", "create", "Rota")["account_id"]
    rotated = installation.ask("webhook", "rotate-secret", account, "--overlap-hours", "2")
    assert (
        installation.ask("account", "show", account)["webhook_secret"]
        == (rotated["webhook_secret"])
    )
    assert rotated["previous_valid_until"] > 0
    unknown = installation.run("webhook", "rotate-secret", "acc_nobody")
    assert (unknown.returncode, "acc_nobody" in unknown.stderr) == (1, True)


@pytest.mark.parametrize(
    "arguments", [(), ("0" * 32, "--since", "2026-01-01")], ids=["neither", "both"]
)
def test_either_one_is_sent_again_or_all_since_a_time(installation: Installation, arguments):
    done = installation.run("webhook", "resend", *arguments)
    assert done.returncode == 2
    assert "give --since" in done.stderr
