"""The only way out to hosts that customers name: pictures are fetched and notices are sent through here.

The check sits on the address that is really connected to (`socket_factory`), so neither a second
look-up, nor a redirect, nor an unusual spelling gets around it; look-ups are checked besides, so that
a name with one public and one private address is refused as a whole. Proxy variables are ignored.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from heliograph.base.address import (
    Network,
    Policy,
    callback_policy,
    check_url,
    is_public,
    is_trusted,
    not_public,
    picture_policy,
    read_networks,
)
from heliograph.base.errors import OutboundFailed, OutboundRefused

__all__ = [
    "Answer",
    "Lookup",
    "Outbound",
    "Policy",
    "callback_policy",
    "check_url",
    "is_public",
    "picture_policy",
]

CONNECT_SECONDS = 5.0
MAX_REDIRECTS = 3
MAX_ANSWER_BYTES = 65_536
SHOWN_ANSWER_BYTES = 1024
# A notice is delivered once its status line is here; the rest of the answer is a courtesy.
ANSWER_BODY_SECONDS = 5.0
# The minimum speed of a download: so many bytes in each stretch of so many seconds.
PACE_BYTES = 16_384
PACE_SECONDS = 5.0
FIRST_LOOK_BYTES = 64

_MAX_CONNECTIONS = 512
_MAX_CONNECTIONS_PER_HOST = 64
# Shorter than the five seconds after which common servers hang up, so that a reused connection is alive.
_KEEP_ALIVE_SECONDS = 4.0
_LOOKUP_THREADS = 16
_MOVED = frozenset({301, 302, 303, 307, 308})

Lookup = Callable[[str, int], Awaitable[list[str]]]
Look = Callable[[bytes], None]
AddressInfo = tuple[int, int, int, str, tuple[object, ...]]


@dataclass(frozen=True)
class Answer:
    """What a receiver said: HTTP status, the beginning of its answer as text, and how long it took.

    `retry_after` is the header of that name, as it came.
    """

    status: int
    first_kilobyte: str
    latency_ms: int
    retry_after: str | None = None


class _NotAllowedError(OSError):
    """The address about to be connected to is not one that this guard allows."""


@dataclass(frozen=True)
class _Guard:
    """Decides on addresses. `public` is False where only trusted networks may be reached."""

    trusted: tuple[Network, ...]
    public: bool

    def allows(self, address: str) -> bool:
        return is_trusted(address, self.trusted) or (self.public and is_public(address))

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """The seam: every socket of a connector is made here, an instant before it connects."""
        family, kind, protocol, _, peer = info
        if not self.allows(str(peer[0])):
            raise _NotAllowedError
        return socket.socket(family, kind, protocol)


class _CheckedResolver(AbstractResolver):
    """Refuses a name unless every address it has is allowed."""

    def __init__(self, guard: _Guard, lookup: Lookup) -> None:
        self._guard = guard
        self._lookup = lookup

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - both are looked up
    ) -> list[ResolveResult]:
        addresses = await self._lookup(host, port)
        if not addresses:
            raise OSError(f"{host} has no address")
        if not all(map(self._guard.allows, addresses)):
            raise _NotAllowedError
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


class Outbound:
    """Opened once per process; safe for any number of calls at a time."""

    def __init__(
        self,
        trusted_networks: Iterable[str] = (),
        *,
        allow_http_callbacks: bool = False,
        lookup: Lookup | None = None,
        pace_seconds: float = PACE_SECONDS,
    ) -> None:
        trusted = read_networks(trusted_networks)
        self.pictures = picture_policy(trusted_networks)
        self.callbacks = callback_policy(trusted_networks, allow_http=allow_http_callbacks)
        self._pace_seconds = pace_seconds
        # Look-ups of customers' names get threads of their own: a name server that never answers
        # must not hold up what else the process does in threads.
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")
        self._lookup = lookup or self._look_up
        self._tls = ssl.create_default_context()
        self._anywhere = self._open_session(_Guard(trusted, public=True))
        self._trusted_only = self._open_session(_Guard(trusted, public=False))

    def _open_session(self, guard: _Guard) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(guard, self._lookup),
            socket_factory=guard.open_socket,
            ssl=self._tls,
            limit=_MAX_CONNECTIONS,
            limit_per_host=_MAX_CONNECTIONS_PER_HOST,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "Heliograph", "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._anywhere.close()
        await self._trusted_only.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, host: str, port: int) -> list[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(info[4][0]) for info in found]

    def _session(self, url: URL, policy: Policy) -> aiohttp.ClientSession:
        return self._anywhere if policy.is_ordinary(url) else self._trusted_only

    async def fetch(
        self,
        url: str,
        *,
        max_bytes: int,
        total_seconds: float,
        redirects: int = MAX_REDIRECTS,
        look: Look | None = None,
    ) -> bytes:
        """The bytes behind `url`, as sent.

        `look` is shown everything received so far whenever that has doubled, and stops the download by
        raising. Raises OutboundRefused and OutboundFailed, with a sentence for the customer.
        """
        target = check_url(url, self.pictures)
        async with _sentences(target, total_seconds):
            for _ in range(redirects + 1):
                session = self._session(target, self.pictures)
                async with session.get(target, allow_redirects=False) as response:
                    if response.status not in _MOVED:
                        return await self._read(response, max_bytes, look)
                    target = self._next_hop(response)
        raise OutboundFailed(f"The URL redirects more than {redirects} times.")

    def _next_hop(self, response: aiohttp.ClientResponse) -> URL:
        location = response.headers.get("Location", "")
        try:
            hop = response.url.join(URL(location))
        except ValueError:
            raise OutboundFailed(f"{response.url.host} redirects to a malformed URL.") from None
        return check_url(str(hop), self.pictures)

    async def _read(
        self, response: aiohttp.ClientResponse, max_bytes: int, look: Look | None
    ) -> bytes:
        host = response.url.host
        if response.status != 200:  # noqa: PLR2004 - the status that means success
            raise OutboundFailed(f"{host} answered with HTTP status {response.status}.")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise OutboundFailed(
                f"{host} sends the file compressed although that was not asked for."
            )
        if (response.content_length or 0) > max_bytes:
            raise _too_large(max_bytes)
        data = bytearray()
        next_look_bytes = FIRST_LOOK_BYTES
        while await self._read_stretch(response, data, max_bytes):
            if look is not None and len(data) >= next_look_bytes:
                look(bytes(data))
                next_look_bytes = 2 * len(data)
        return bytes(data)

    async def _read_stretch(
        self, response: aiohttp.ClientResponse, data: bytearray, max_bytes: int
    ) -> bool:
        """Add at least PACE_BYTES to `data` within the time for them; False at the end of the file."""
        stretch_bytes = PACE_BYTES if data else FIRST_LOOK_BYTES
        wanted_bytes = min(len(data) + stretch_bytes, max_bytes + 1)
        try:
            async with asyncio.timeout(self._pace_seconds):
                while len(data) < wanted_bytes:
                    chunk = await response.content.readany()
                    if not chunk:
                        return False
                    data += chunk
        except TimeoutError:
            raise OutboundFailed(f"{response.url.host} sends the file too slowly.") from None
        if len(data) > max_bytes:
            raise _too_large(max_bytes)
        return True

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float
    ) -> Answer:
        """Send `body` to `url` and say what came back, whatever its status; redirects are not followed.

        Raises OutboundRefused and OutboundFailed, with a sentence for the customer.
        """
        target = check_url(url, self.callbacks)
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with _sentences(target, timeout_seconds):
            response = await self._session(target, self.callbacks).post(
                target, data=body, headers=headers, allow_redirects=False
            )
        latency_ms = round((loop.time() - started) * 1000)
        try:
            said = await _read_answer(response)
        finally:
            response.release()
        # PostgreSQL keeps no NUL in a text.
        text = said.decode(errors="replace").replace("\0", "\ufffd")
        return Answer(response.status, text, latency_ms, response.headers.get("Retry-After"))


async def _read_answer(response: aiohttp.ClientResponse) -> bytes:
    """The first kilobyte. A short answer is read to its end, so that the connection can be used again."""
    data = bytearray()
    try:
        async with asyncio.timeout(ANSWER_BODY_SECONDS):
            while len(data) < MAX_ANSWER_BYTES and (chunk := await response.content.readany()):
                data += chunk
    except (TimeoutError, aiohttp.ClientError):
        response.close()
    return bytes(data[:SHOWN_ANSWER_BYTES])


@asynccontextmanager
async def _sentences(url: URL, total_seconds: float) -> AsyncIterator[None]:
    """Within `total_seconds`, or OutboundFailed; the library's errors become sentences."""
    host = url.raw_host
    try:
        async with asyncio.timeout(total_seconds):
            yield
    except aiohttp.ConnectionTimeoutError:
        raise OutboundFailed(
            f"{host} accepted no connection within {CONNECT_SECONDS:g} seconds."
        ) from None
    except TimeoutError:
        raise OutboundFailed(f"{host} took longer than {total_seconds:g} seconds.") from None
    except aiohttp.ClientConnectorError as error:
        raise _connect_sentence(error) from None
    except (aiohttp.ClientError, OSError):
        raise OutboundFailed(f"{host} broke the connection or sent no proper HTTP.") from None


def _connect_sentence(error: aiohttp.ClientConnectorError) -> OutboundRefused | OutboundFailed:
    if isinstance(error.os_error, _NotAllowedError):
        return not_public(error.host)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return OutboundFailed(f"The host name {error.host} was not found.")
    if isinstance(error, aiohttp.ClientSSLError):
        return OutboundFailed(f"{error.host} has no valid TLS certificate.")
    return OutboundFailed(f"{error.host} accepted no connection.")


def _too_large(max_bytes: int) -> OutboundFailed:
    return OutboundFailed(
        f"The file is larger than {max_bytes // 2**20} MB ({max_bytes} bytes), the most that is taken."
    )
