"""A collector of traces on loopback: takes OTLP over HTTP as a real one does, and keeps every span."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


class Collected(NamedTuple):
    """One span as it came in; ids in hexadecimal, `parent_id` empty for the first of a trace."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    process_id: int
    attributes: dict[str, Any]
    error: str


class Collector:
    """Its `url` belongs in OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.raw = b""
        self.spans: list[Collected] = []
        self._lock = threading.Lock()

    def take(self, body: bytes) -> None:
        export = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.raw += body
            for process in export.resource_spans:
                process_id = _values(process.resource.attributes)["process.pid"]
                for scope in process.scope_spans:
                    self.spans += [_collected(process_id, one) for one in scope.spans]

    def of(self, trace_id: str) -> dict[str, list[Collected]]:
        """The spans of one trace, by name."""
        found: dict[str, list[Collected]] = {}
        with self._lock:
            for one in self.spans:
                if one.trace_id == trace_id:
                    found.setdefault(one.name, []).append(one)
        return found


def _collected(process_id: int, span: Any) -> Collected:
    return Collected(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        process_id,
        _values(span.attributes),
        span.status.message,
    )


def _values(pairs: Iterator[KeyValue]) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in pairs}


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for the length of the block."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collector.take(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    collector = Collector(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
