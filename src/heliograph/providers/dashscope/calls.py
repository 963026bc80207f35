"""The HTTP calls to DashScope, each made once; what their answers mean is decided elsewhere."""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

import aiohttp
import msgspec
from yarl import URL

from heliograph.base.errors import OperatorError
from heliograph.providers.upstream import checked_address, read_at_most

SINGAPORE: Final = "https://dashscope-intl.aliyuncs.com/api/v1"
MAX_ANSWER_BYTES: Final = 1_000_000
SLOWEST_UPLOAD_BYTES_PER_SECOND: Final = 1_000_000
LISTED: Final = 100
_CONNECT_SECONDS: Final = 10.0
_QUICK_SECONDS: Final = 15.0
_CHINA: Final = datetime.timezone(datetime.timedelta(hours=8))


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: `body` is empty where it was no JSON object."""

    status: int
    body: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the call was served, whatever became of the task."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def output(self) -> Mapping[str, Any]:
        """The task part of the answer, empty if there is none."""
        output = self.body.get("output")
        return output if isinstance(output, dict) else {}

    @property
    def code(self) -> str:
        """DashScope's error code, empty where someone else answered."""
        return text_of(self.body, "code")

    @property
    def message(self) -> str:
        """The sentence that goes with the code."""
        return text_of(self.body, "message")


class Calls:
    """The calls of one account in one region. All raise aiohttp.ClientError and TimeoutError."""

    def __init__(self, base_url: str, api_key: str, *, submit_timeout_seconds: float) -> None:
        """Raises OperatorError for an address or a key that cannot be right."""
        self.base = checked_address(base_url, "HELIOGRAPH_DASHSCOPE_BASE_URL", SINGAPORE)
        if not re.fullmatch(r"[\x21-\x7e]+", api_key):
            raise OperatorError(
                "HELIOGRAPH_DASHSCOPE_API_KEY is empty or has characters no key has."
            )
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._submit_timeout_seconds = submit_timeout_seconds
        self._sessions: dict[Literal["submit", "check"], aiohttp.ClientSession] = {}

    async def submit(self, path: str, payload: bytes) -> Answer:
        """Create a task: the one call that may cost money, on a connection of its own."""
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            "X-DashScope-Async": "enable",
        }
        # Inlined pictures make up to 30 MB, for which a slow line shall have its time.
        upload_seconds = len(payload) / SLOWEST_UPLOAD_BYTES_PER_SECOND
        timeout = aiohttp.ClientTimeout(
            total=self._submit_timeout_seconds + upload_seconds, connect=_CONNECT_SECONDS
        )
        async with self.session("submit").post(
            self.base / path,
            data=payload,
            headers=headers,
            allow_redirects=False,
            timeout=timeout,
        ) as response:
            return await _read(response)

    async def query(self, task_id: str) -> Answer:
        """Ask after a task."""
        return await self._quick("GET", self.base / "tasks" / task_id)

    async def cancel(self, task_id: str) -> Answer:
        """Cancel a task, which works only while it is PENDING."""
        return await self._quick("POST", self.base / "tasks" / task_id / "cancel")

    async def list_tasks(
        self, model: str, since: datetime.datetime, until: datetime.datetime
    ) -> Answer:
        """The account's tasks of `model` that were created in that time, at most 24 hours."""
        moments = {"start_time": _moment(since), "end_time": _moment(until)}
        return await self.list_some({"model_name": model, **moments, "page_size": str(LISTED)})

    async def list_some(self, query: Mapping[str, str]) -> Answer:
        """A list of the account's tasks."""
        return await self._quick("GET", (self.base / "tasks" / "").with_query(query))

    async def close(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def session(self, use: Literal["submit", "check"]) -> aiohttp.ClientSession:
        """The connections for submits, or those for everything that may be repeated."""
        if use not in self._sessions:
            # A kept connection may be closed by the other side just as a submit is written, which
            # nobody could tell from an accepted one: every submit gets a connection of its own.
            connector = aiohttp.TCPConnector(force_close=use == "submit")
            self._sessions[use] = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._sessions[use]

    async def _quick(self, method: str, url: URL) -> Answer:
        async with self.session("check").request(
            method,
            url,
            headers=self._headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=_QUICK_SECONDS),
        ) as response:
            return await _read(response)


def listed_tasks(answer: Answer) -> Sequence[Mapping[str, Any]]:
    """The entries of a list."""
    entries = answer.body.get("data")
    listed = entries if isinstance(entries, list) else []
    return [entry for entry in listed if isinstance(entry, dict)]


def text_of(part: Mapping[str, Any], name: str) -> str:
    """The text under `name`, empty if there is none."""
    value = part.get(name)
    return value if isinstance(value, str) else ""


async def _read(response: aiohttp.ClientResponse) -> Answer:
    data = await read_at_most(response.content, MAX_ANSWER_BYTES)
    try:
        body = msgspec.json.decode(data or b"")
    except msgspec.DecodeError:
        body = None
    return Answer(response.status, body if isinstance(body, dict) else {})


def _moment(moment: datetime.datetime) -> str:
    """`YYYYMMDDhhmmss`; like all of its times without a zone, taken for UTC+8."""
    return moment.astimezone(_CHINA).strftime("%Y%m%d%H%M%S")
