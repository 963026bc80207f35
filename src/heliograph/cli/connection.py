"""One client's connection: what uvicorn reads, with limits on what a client may make it hold."""

import asyncio
from collections.abc import Mapping, Sized
from typing import Any

from httptools import HttpParserError
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from heliograph.api.language.wording import Headers, word
from heliograph.api.wire import failure
from heliograph.base.errors import BadRequest, Fault, HeadTooLarge

MAX_HEADERS = 100

LINGER_SECONDS = 1
"""For which a client that was refused may go on sending what nobody reads."""

NO_BODY = (204, 304)

_LINE_BYTES = 4
"""What stands around the name and the value of a header."""


class Connection(HttpToolsProtocol):
    """A connection that is refused in the envelope and dropped when it goes beyond the limits.

    Handed to uvicorn as its `http` protocol. Beyond uvicorn's own: heads have a size and a time, a
    request names exactly one host (RFC 9112, 3.2), and nothing more is read from a client while
    requests that it has sent already are still waiting.

    `max_head_bytes`: of the request line and the headers together. `head_timeout_seconds`: within
    which a head has to arrive whole, the first one from the moment of connecting.
    `last_request_seconds`: for which a server that stops takes one more request on a kept connection.
    """

    def __init__(
        self,
        *args: Any,
        max_head_bytes: int,
        head_timeout_seconds: float,
        last_request_seconds: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._max_head_bytes = max_head_bytes
        self._head_timeout_seconds = head_timeout_seconds
        self._last_request_seconds = last_request_seconds
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_open = False
        self._head_bytes = 0
        self._chunk_bytes = 0
        self._fault: Fault | None = None
        self._refused = False
        self._stopping = False
        self._idle_since = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        """Start to wait for a first head."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client. Of several requests, uvicorn tells only the one that came last."""
        self._stop_waiting()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; what is no request, or has too large a head, is refused and read no further."""
        if self._refused:
            return
        self._chunk_bytes = len(data)
        if self._head_open:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_open and not self._refused:
            self._go_on_waiting()

    def _go_on_waiting(self) -> None:
        if max(self._head_bytes, self._measure_head()) > self._max_head_bytes:
            self._fault = self._too_large()
            self.send_400_response("")
        elif self._head_timer is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """Begin a head. What it takes of its first chunk is not known, so later ones are counted."""
        super().on_message_begin()
        self._head_open = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Check the head that has arrived, and let it be answered."""
        self._stop_waiting()
        self._head_open = False
        self._fault = self._head_fault()
        if self._fault is not None:
            raise HttpParserError
        super().on_headers_complete()
        # uvicorn makes cycles of its own class only; this one has not begun yet
        self.cycle.__class__ = _Cycle
        if self._stopping:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Let the next answer be the last one; who asks for none is closed a moment later.

        Closed at once, as by uvicorn, a connection may lose the request that is on its way.
        """
        self._stopping = True
        if self._is_idle():
            self.loop.call_later(self._last_request_seconds, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if self._is_idle():
            self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def on_response_complete(self) -> None:
        """Go on with the next request. One timer waits for it all along, where uvicorn makes one for each."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._await_request(self.timeout_keep_alive)

    def _await_request(self, seconds: float) -> None:
        self._idle_timer = self.loop.call_later(seconds, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        self._idle_timer = None
        if self._head_open or not self._is_idle():
            return
        left_seconds = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_seconds > 0:
            self._await_request(left_seconds)
        else:
            self.timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _head_fault(self) -> Fault | None:
        most = self._max_head_bytes
        if self._head_bytes + self._chunk_bytes > most and self._measure_head() > most:
            return self._too_large()
        if len(self.headers) > MAX_HEADERS:
            return HeadTooLarge(f"The request has more than {MAX_HEADERS} headers")
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            return BadRequest("A request names exactly one host: send one Host header")
        return None

    def _measure_head(self) -> int:
        lengths = (len(name) + len(value) + _LINE_BYTES for name, value in self.headers)
        return len(self.url) + sum(lengths)

    def _too_large(self) -> HeadTooLarge:
        return HeadTooLarge(
            f"The request line and headers are over the limit of {self._max_head_bytes:,} bytes"
        )

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._head_timeout_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's says nothing more
        """Refuse what was sent last. Whole requests before it are answered first, then it ends."""
        self._refused = True
        waiting = self.cycle is not None and not self.cycle.response_complete
        if waiting and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        if self.pipeline or (waiting and self.cycle.response_started):
            self.transport.abort()
            return
        if waiting:
            # whoever reads the body hears no more of it, and what is answered to it goes nowhere
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_refusal(self._fault, self.headers or ()))
        # Closed at once, with bytes of the client unread, the answer could be lost on its way.
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


class _Cycle(RequestResponseCycle):
    """Looks at all headers of an answer at once, and sends them with the first part of its body.

    uvicorn looks twice at each and writes the head alone: a fifth of the time of a submit.
    """

    _head = b""

    async def send(self, message: Any) -> None:
        """Send a part of the answer (ASGI). Raises RuntimeError for headers that are none."""
        if self.response_started or message["type"] != "http.response.start":
            await super().send(self._with_head(message) if self._head else message)
        else:
            self._head = self._begin(message)

    def _begin(self, message: Any) -> bytes:
        headers = [*self.default_headers, *message["headers"]]
        # A tab may stand in a value, so that it can stand between them too. Names are our own words.
        if HEADER_VALUE_RE.search(b"\t".join([value for _, value in headers])):
            raise RuntimeError("Invalid HTTP header")
        self.response_started, self.waiting_for_100_continue = True, False
        lines = [STATUS_LINE[message["status"]], *self._framing(dict(headers), message["status"])]
        lines += [b"%b: %b\r\n" % header for header in headers]
        return b"".join([*lines, b"\r\n"])

    def _with_head(self, message: Any) -> Any:
        """The part that comes first: with the head before it, unless uvicorn will not write it as it is."""
        head, self._head = self._head, b""
        if self.chunked_encoding or self.scope["method"] == "HEAD":
            self.transport.write(head)
            return message
        self.expected_content_length += len(head)
        return {**message, "body": head + message.get("body", b"")}

    def _framing(self, headers: Mapping[bytes, bytes], status: int) -> list[bytes]:
        """How the body will be told apart from what follows, and the lines that say so."""
        lines = []
        length = headers.get(b"content-length")
        self.chunked_encoding = length is None and not (
            self.scope["method"] == "HEAD" or status in NO_BODY
        )
        self.expected_content_length = int(length or 0)
        if self.chunked_encoding and b"transfer-encoding" not in headers:
            lines.append(b"transfer-encoding: chunked\r\n")
        if b"close" in headers.get(b"connection", b""):
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close\r\n")
        return lines


def _refusal(fault: Fault | None, sent: Headers) -> bytes:
    fault = fault or BadRequest("This is no HTTP/1.1 request that can be understood")
    answer = failure(word(fault, sent))
    headers = [(b"connection", b"close"), *answer.raw_headers]
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join([STATUS_LINE[fault.status], *lines, b"\r\n", bytes(answer.body)])


class _Flow(FlowControl):
    """Reads nothing new while requests of the same client wait."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()
