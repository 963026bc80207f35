"""A proxy on loopback that passes requests on to the service, and loses what a test tells it to lose."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

HOP = {"connection", "host", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Passed:
    """A request that went through; names of headers in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]


@dataclass
class Proxy:
    """`lose` is how many of the next answers are lost. `cut` is how many of the next event streams break
    off after their first event.
    """

    url: str
    port: int
    lose: int = 0
    cut: int = 0
    passed: list[Passed] = field(default_factory=list)

    def to(self, path: str) -> list[Passed]:
        """The requests to this path."""
        return [one for one in self.passed if one.path == path]


class Handler(BaseHTTPRequestHandler):
    proxy: Proxy

    def _pass(self) -> None:
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.proxy.passed.append(
            Passed(self.command, address.path, parse_qs(address.query), headers)
        )
        body = self.rfile.read(int(headers.get("content-length", "0")))
        upstream = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=60)
        kept = {name: value for name, value in headers.items() if name not in HOP}
        upstream.request(self.command, self.path, body or None, kept)
        answer = upstream.getresponse()
        if self.proxy.lose:
            self.proxy.lose -= 1
            answer.read()
        else:
            self._answer(answer)
        upstream.close()

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.end_headers()
        streamed = answer.getheader("content-type", "").startswith("text/event-stream")
        for line in answer:
            self.wfile.write(line)
            self.wfile.flush()
            if streamed and line == b"\n" and self.proxy.cut:
                self.proxy.cut -= 1
                return

    do_GET = do_POST = do_DELETE = _pass  # noqa: N815 - names of the library

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def breaking_proxy(port: int) -> Iterator[Proxy]:
    """A proxy of the service on `port`, up for the length of the block."""
    handler = type("BoundHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}", port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield handler.proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
