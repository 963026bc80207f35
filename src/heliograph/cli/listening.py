"""Webhooks for a machine without a public address: fetched from an inbox, and forwarded."""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import typer
from yarl import URL

from heliograph.base.errors import HeliographError, OperatorError
from heliograph.base.terminal import harmless
from heliograph.cli.spoken import tell

WAIT_SECONDS = 30
ANSWER_SECONDS = 30
PAUSE_SECONDS = 2

#: Of the message's way here, or worked out anew on its way on.
NOT_FORWARDED = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "expect", "keep-alive", "upgrade"}
)


class _NotNowError(HeliographError):
    """The server is away or busy."""


class Server:
    """The routes of the inbox on the server that HELIOGRAPH_BASE_URL names."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        key = os.environ.get("HELIOGRAPH_API_KEY")
        if not key:
            raise OperatorError("No API key: set HELIOGRAPH_API_KEY.")
        self._session = session
        self._headers = {"authorization": f"Bearer {key}"}
        self.url = (os.environ.get("HELIOGRAPH_BASE_URL") or "http://127.0.0.1:8080").rstrip("/")

    async def open_inbox(self) -> dict[str, Any]:
        """A new inbox: `inboxId` and `url`."""
        inbox: dict[str, Any] = await self._call("POST", "/api/v1/webhooks/inboxes")
        return inbox

    async def messages(self, inbox_id: str, after: int) -> list[dict[str, Any]]:
        """What has come in behind `after`; waits for something to come."""
        path = f"/api/v1/webhooks/inboxes/{inbox_id}/messages?after={after}&wait={WAIT_SECONDS}"
        found: list[dict[str, Any]] = (await self._call("GET", path))["items"]
        return found

    async def _call(self, method: str, path: str) -> Any:
        try:
            async with self._session.request(
                method, self.url + path, headers=self._headers
            ) as answer:
                status, body = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            raise _NotNowError(f"{self.url} does not answer.") from None
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _NotNowError(f"{self.url} is busy (HTTP {status}).")
        return _data(self.url, status, body)


def _data(url: str, status: int, body: bytes) -> Any:
    try:
        content = json.loads(body)
        message = content["message"]
    except (ValueError, KeyError, TypeError):
        raise OperatorError(
            f"{url} answered with something else than this API. Check HELIOGRAPH_BASE_URL."
        ) from None
    if status != HTTPStatus.OK:
        raise OperatorError(f"{message} (HTTP {status})")
    return content["data"]


async def listen(forward_to: str) -> None:
    """Forward what comes into a new inbox to `forward_to`, until it is cancelled.

    A receiver that fails is reported and gets the next message all the same. Raises OperatorError
    without a key, and when the server refuses or, at the start, does not answer.
    """
    _check(forward_to)
    timeout = aiohttp.ClientTimeout(total=WAIT_SECONDS + ANSWER_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as local,
    ):
        server = Server(session)
        try:
            inbox = await server.open_inbox()
        except _NotNowError as error:
            raise OperatorError(f"{error} Is the server running there?") from None
        typer.echo(f"callback_url  {inbox['url']}")
        tell("Signed with your account's webhook secret: heliograph account show ACCOUNT_ID")
        tell(f"Forwarding to {forward_to}. The inbox lives for 24 hours. Ctrl-C ends this.")
        await _forward_all(server, inbox["inboxId"], local, forward_to)


def _check(forward_to: str) -> None:
    try:
        url = URL(forward_to)
        usable = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        usable = False
    if not usable:
        raise OperatorError(
            f"{forward_to} is no address to forward to. Write http://localhost:3000/hook."
        )


async def _forward_all(
    server: Server, inbox_id: str, local: aiohttp.ClientSession, forward_to: str
) -> None:
    after, said = 0, ""
    while True:
        try:
            messages = await server.messages(inbox_id, after)
        except _NotNowError as error:
            if str(error) != said:
                said = str(error)
                typer.echo(f"{said} Trying again until it does.", err=True)
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        said = ""
        for message in messages:
            typer.echo(harmless(await _forward(message, local, forward_to)))
            after = message["id"]


async def _forward(
    message: Mapping[str, Any], local: aiohttp.ClientSession, forward_to: str
) -> str:
    """Post one message as it came, but for what belongs to a connection; gives the line to show."""
    headers = {k: v for k, v in message["headers"].items() if k not in NOT_FORWARDED}
    body = message["body"].encode()
    started = time.perf_counter()
    try:
        async with local.post(
            forward_to, data=body, headers=headers, allow_redirects=False
        ) as answer:
            became = str(answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        became = f"no answer ({error or 'in time'})"
    milliseconds = round((time.perf_counter() - started) * 1000)
    moment = time.strftime("%H:%M:%S", time.localtime(message["time"] / 1000))
    unsigned = "" if message["signatureValid"] else "  signature not valid"
    return f"{moment}  {_subject(message['body'])}  {became}  {milliseconds} ms{unsigned}"


def _subject(body: str) -> str:
    """What a message is about: an event's name, or a task and its state."""
    try:
        content = json.loads(body)
        if "type" in content:
            return str(content["type"])
        return f"{content['data']['taskId']} {content['data']['state']}"
    except (ValueError, KeyError, TypeError):
        return "message"
