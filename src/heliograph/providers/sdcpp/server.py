"""The calls to one sd-server: each a request and its answer, with no opinion on either."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar

import aiohttp
import msgspec

from heliograph.providers.quoted import quoted
from heliograph.providers.sdcpp.wire import Refusal
from heliograph.providers.upstream import checked_address, read_at_most

#: Four pictures of 4096 x 4096 px that show noise, in base64.
MAX_ANSWER_BYTES: Final = 300_000_000
SLOWEST_TRANSFER_BYTES_PER_SECOND: Final = 1_000_000
_CONNECT_SECONDS: Final = 10.0
_SUBMIT_SECONDS: Final = 30.0
_CHECK_SECONDS: Final = 60.0
_PROBE_SECONDS: Final = 10.0

#: What a call raises when it got no answer.
NO_ANSWER: Final = (aiohttp.ClientError, TimeoutError)

Body = TypeVar("Body")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `body` is None where it is longer than an answer may be."""

    status: int
    body: bytes | None

    def read(self, kind: type[Body]) -> Body | None:
        """The body as `kind`, or None where it is something else."""
        try:
            return msgspec.json.decode(self.body or b"", type=kind)
        except msgspec.MsgspecError:
            return None

    @property
    def reason(self) -> str:
        """The server's own words on why not, cut short; empty where someone else answered."""
        refusal = self.read(Refusal)
        return quoted(refusal.error) if refusal else ""


class Server:
    """The sd-server at `base_url`. Raises OperatorError for an address that cannot be one."""

    def __init__(self, base_url: str) -> None:
        self.base = checked_address(base_url, "HELIOGRAPH_SDCPP_BASE_URL", "http://127.0.0.1:1234")
        self._session: aiohttp.ClientSession | None = None

    async def submit(self, payload: bytes) -> Answer:
        """Hand a job over. This and all others raise what is in NO_ANSWER."""
        seconds = _SUBMIT_SECONDS + len(payload) / SLOWEST_TRANSFER_BYTES_PER_SECOND
        return await self._call("POST", "sdcpp/v1/img_gen", seconds, payload)

    async def ask(self, ref: str) -> Answer:
        """Ask after job `ref`."""
        return await self._call("GET", f"sdcpp/v1/jobs/{ref}", _CHECK_SECONDS)

    async def cancel(self, ref: str) -> Answer:
        """Take job `ref` out of the queue, if it is still there."""
        return await self._call("POST", f"sdcpp/v1/jobs/{ref}/cancel", _CHECK_SECONDS)

    async def capabilities(self) -> Answer:
        """Ask what it can do."""
        return await self._call("GET", "sdcpp/v1/capabilities", _PROBE_SECONDS)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _call(
        self, method: str, path: str, seconds: float, payload: bytes | None = None
    ) -> Answer:
        if self._session is None:
            # The server hangs up after some seconds; a submit that meets that moment would be lost.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        async with self._session.request(
            method,
            self.base / path,
            data=payload,
            headers={"Content-Type": "application/json"} if payload else None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=seconds, connect=_CONNECT_SECONDS),
        ) as response:
            body = await read_at_most(response.content, MAX_ANSWER_BYTES)
            return Answer(response.status, body)


def is_lost(answer: Answer) -> bool:
    """Whether the server itself says that it does not know the job, or not any more."""
    return (answer.status, answer.reason) in {
        (HTTPStatus.NOT_FOUND, "job not found"),
        (HTTPStatus.GONE, "job expired"),
    }
