"""The two wires, by httpx2: one blocks, one awaits. Nothing else in this package opens a socket."""

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from importlib.metadata import version

import httpx2

from heliograph_client._wire import Answer, NotAStream, Request, StreamEvent
from heliograph_client.errors import NoAnswer

CONNECT_SECONDS = 10.0
USER_AGENT = f"heliograph-client/{version('heliograph-client')}"

#: With these the request has not left this machine, or has met nobody who could act on it.
NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.LocalProtocolError,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


class BlockingWire:
    """A wire whose coroutines never suspend: they block the thread instead."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        timeout_seconds: float,
        sleep: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        self._http = httpx2.Client(base_url=base_url, headers={"User-Agent": USER_AGENT})
        self._writer = _Writer(base_url, api_key, timeout_seconds)
        self._sleep = sleep
        self.now = now

    async def send(self, request: Request) -> Answer:
        with self._writer.translated():
            return _answer(
                self._http.send(
                    self._writer.write(self._http, request), follow_redirects=not request.keyed
                )
            )

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        with self._writer.translated():
            response = self._http.send(self._writer.write(self._http, request), stream=True)
            with contextlib.closing(response):
                for event in _events(response):
                    yield StreamEvent(event.event, event.id, event.data)

    async def sleep(self, seconds: float) -> None:
        self._sleep(seconds)

    def close(self) -> None:
        self._http.close()


class AwaitingWire:
    """A wire for an event loop."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        timeout_seconds: float,
        sleep: Callable[[float], Awaitable[None]],
        now: Callable[[], float],
    ) -> None:
        self._http = httpx2.AsyncClient(base_url=base_url, headers={"User-Agent": USER_AGENT})
        self._writer = _Writer(base_url, api_key, timeout_seconds)
        self._sleep = sleep
        self.now = now

    async def send(self, request: Request) -> Answer:
        with self._writer.translated():
            return _answer(
                await self._http.send(
                    self._writer.write(self._http, request), follow_redirects=not request.keyed
                )
            )

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        with self._writer.translated():
            response = await self._http.send(self._writer.write(self._http, request), stream=True)
            async with contextlib.aclosing(response):
                async for event in _events(response):
                    yield StreamEvent(event.event, event.id, event.data)

    async def sleep(self, seconds: float) -> None:
        await self._sleep(seconds)

    async def close(self) -> None:
        await self._http.aclose()


class _Writer:
    """Writes requests of this package as requests of httpx2, and reads its errors."""

    def __init__(self, base_url: str, api_key: str, timeout_seconds: float) -> None:
        self._base_url = base_url
        self._authorization = {"Authorization": f"Bearer {api_key}"}
        self._timeout_seconds = timeout_seconds

    def write(self, http: httpx2.Client | httpx2.AsyncClient, request: Request) -> httpx2.Request:
        seconds = self._timeout_seconds + request.extra_seconds
        return http.build_request(
            request.method,
            request.url,
            params=request.query or None,
            headers={**request.headers, **(self._authorization if request.keyed else {})},
            content=request.content,
            timeout=httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
        )

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Errors of httpx2 come out as NoAnswer."""
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            sent = isinstance(error, httpx2.HTTPError) and not isinstance(error, NEVER_SENT)
            reason = str(error) or type(error).__name__
            raise NoAnswer(f"{self._base_url} does not answer: {reason}", sent=sent) from error


def _answer(response: httpx2.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


def _events(response: httpx2.Response) -> httpx2.EventSource:
    kind = response.headers.get("content-type", "")
    if response.status_code != httpx2.codes.OK or not kind.startswith("text/event-stream"):
        headers = {name.lower(): value for name, value in response.headers.items()}
        raise NotAStream(Answer(response.status_code, headers, b""))
    return httpx2.EventSource(response)
