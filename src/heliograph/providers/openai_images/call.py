"""One HTTP call to one engine: the connection is held until the picture is there.

Closing it, which is what cancelling the coroutine does, stops the work where the engine listens.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from heliograph.base.beside import beside
from heliograph.providers.openai_images.answer import checked_picture, made_of
from heliograph.providers.openai_images.engine import Engine
from heliograph.providers.openai_images.order import Dialect, Order, fields_of, form_of
from heliograph.providers.openai_images.trouble import (
    Trouble,
    judge,
    lost,
    unreachable,
    unusable,
)
from heliograph.providers.provider import Made
from heliograph.providers.upstream import read_at_most

MAX_ANSWER_BYTES: Final = 80_000_000
MAX_LIST_BYTES: Final = 1_000_000
_CONNECT_SECONDS: Final = 10.0
_SILENT_SECONDS: Final = 600.0
_LOOK_SECONDS: Final = 5.0

_CALL: Final = aiohttp.ClientTimeout(
    total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS
)
_LOOK: Final = aiohttp.ClientTimeout(total=_LOOK_SECONDS)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `body` is None where it was longer than is read."""

    status: int
    body: bytes | None
    retry_after: str


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


class Caller:
    """Calls engines of one dialect, with one key."""

    def __init__(
        self, dialect: Dialect, model: str | None, api_key: str | None, *, paid: bool
    ) -> None:
        self._dialect = dialect
        self._model = model
        self._paid = paid
        self._key = (api_key or "").encode()
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._session: aiohttp.ClientSession | None = None

    async def make(self, engine: Engine, order: Order) -> Made | Trouble:
        """The picture that `engine` makes of `order`, asked for once."""
        try:
            answer = await self._post(engine, order)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return unreachable(f"no connection: {type(error).__name__}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return lost(f"no answer: {type(error).__name__}", paid=self._paid)
        if answer.status != HTTPStatus.OK:
            body = self._without_key(answer.body or b"")
            return judge(answer.status, body, answer.retry_after, paid=self._paid)
        try:
            return await self._picture(engine, order, answer)
        except ValueError as error:
            return unusable(str(error))

    async def is_well(self, engine: Engine) -> bool:
        """Whether `engine` says so."""
        try:
            async with self._get(engine.health, _LOOK) as response:
                return response.status == HTTPStatus.OK
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def models(self, engine: Engine) -> list[str] | None:
        """The names of the models that `engine` serves; None if it does not tell."""
        try:
            async with self._get(engine.models, _LOOK) as response:
                body = await read_at_most(response.content, MAX_LIST_BYTES)
            listed = msgspec.json.decode(body or b"", type=_Models)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
            return None
        return [model.id for model in listed.data]

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, engine: Engine, order: Order) -> Answer:
        fields = fields_of(order, self._dialect, self._model)
        body: aiohttp.FormData | aiohttp.JsonPayload = (
            form_of(fields, order.references)
            if order.references
            else aiohttp.JsonPayload(dict(fields))
        )
        async with self._opened().post(
            engine.api / order.path,
            data=body,
            headers=self._headers,
            allow_redirects=False,
            timeout=_CALL,
        ) as response:
            data = await read_at_most(response.content, MAX_ANSWER_BYTES)
            return Answer(response.status, data, response.headers.get("Retry-After", ""))

    async def _picture(self, engine: Engine, order: Order, answer: Answer) -> Made:
        """Raises ValueError with a reason when the answer has no picture that can be used."""
        if answer.body is None:
            raise ValueError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
        size = (order.width, order.height)
        found = await beside(made_of, answer.body, size)
        if isinstance(found, Made):
            return found
        data = await self._fetch(engine, found)
        return await beside(checked_picture, data, size)

    async def _fetch(self, engine: Engine, url: str) -> bytes:
        """The picture that lies at `url`, which must be the engine's own. Raises ValueError."""
        address = engine.api.join(URL(url))
        if address.origin() != engine.api.origin():
            raise ValueError("a picture at an address that is not the engine's")
        try:
            async with self._get(address, _CALL) as response:
                data = await read_at_most(response.content, MAX_ANSWER_BYTES)
        except (aiohttp.ClientError, TimeoutError):
            raise ValueError("a picture that could not be fetched") from None
        if response.status != HTTPStatus.OK or data is None:
            raise ValueError(f"a picture whose address answered {response.status}")
        return data

    def _without_key(self, body: bytes) -> bytes:
        """Some services quote the key that they refuse, and the operator is told what they said."""
        return body.replace(self._key, b"***") if self._key else body

    @asynccontextmanager
    async def _get(
        self, address: URL, patience: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self._opened().get(
            address, headers=self._headers, allow_redirects=False, timeout=patience
        ) as response:
            yield response

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A kept connection may be closed by the other side just as a call is written, which
            # nobody could tell from a lost one. How many there are is decided elsewhere.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session
