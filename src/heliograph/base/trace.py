"""Traces in the words of OpenTelemetry: one for each task, from its request to its webhook.

Off unless one of TURNED_ON_BY says where spans go; then the SDK, which is the extra `otel`, reads its
own variables. While it is off nothing of it is imported, and a span costs one comparison.
"""

import contextlib
import datetime
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

import structlog

from heliograph.base.errors import OperatorError

if TYPE_CHECKING:
    from opentelemetry import trace as otel
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

TURNED_ON_BY = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

#: A collector that does not answer holds no process for longer when it stops.
FLUSH_SECONDS = 3.0

Attributes = Mapping[str, str | int | float | bool]
Kind = Literal["internal", "server", "client"]

_tracer: "otel.Tracer | None" = None


class Span:
    """What a block may say of itself while it runs; nobody hears it while tracing is off."""

    __slots__ = ("_span",)

    def __init__(self, span: "otel.Span | None") -> None:
        self._span = span

    def rename(self, name: str) -> None:
        """Give it a better name than it began with."""
        if self._span is not None:
            self._span.update_name(name)

    def note(self, name: str, value: str | float | None) -> None:
        """Add an attribute; None says nothing."""
        if self._span is not None and value is not None:
            self._span.set_attribute(name, value)

    def fail(self, reason: str) -> None:
        """Mark it as failed. The reason goes to the collector: no secret may be in it."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR, reason)


_UNHEARD = nullcontext(Span(None))


@contextlib.contextmanager
def tracing() -> Iterator[None]:
    """Send the spans of this process to the collector, if there is one, until the block ends.

    Raises OperatorError when the extra is not installed.
    """
    global _tracer  # noqa: PLW0603 - one for each process, as logging has it
    if not any(os.environ.get(name) for name in TURNED_ON_BY):
        yield
        return
    provider = _provider()
    _tracer = provider.get_tracer("heliograph")
    try:
        yield
    finally:
        _tracer = None
        flusher = threading.Thread(target=provider.shutdown, daemon=True)
        flusher.start()
        flusher.join(FLUSH_SECONDS)


def is_traced() -> bool:
    """Whether anybody hears of spans, for what would cost something to find out for them."""
    return _tracer is not None


def span(
    name: str,
    parent: str | None = None,
    *,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
) -> AbstractContextManager[Span]:
    """A span around a block. Log lines within carry its trace.

    It belongs under `parent`, a traceparent of W3C Trace Context, else under the span around it.
    """
    return _UNHEARD if _tracer is None else _opened(_tracer, name, parent, kind, attributes)


def add_spans(
    name: str,
    parents: Iterable[str | None],
    started_at: datetime.datetime,
    ended_at: datetime.datetime,
) -> None:
    """Tell of something that is over, under each of `parents`."""
    if _tracer is None:
        return
    for parent in parents:
        past = _tracer.start_span(name, _context(parent), start_time=_nanoseconds(started_at))
        past.end(_nanoseconds(ended_at))


def traceparent() -> str | None:
    """The present span, as its children on other machines name it; None outside of any."""
    return trace_headers().get("traceparent")


def trace_headers() -> dict[str, str]:
    """What a request that belongs to the present span says of it."""
    if _tracer is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return headers


@contextlib.contextmanager
def _opened(
    tracer: "otel.Tracer", name: str, parent: str | None, kind: Kind, attributes: Attributes | None
) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind, StatusCode

    with tracer.start_as_current_span(
        name,
        _context(parent),
        kind=SpanKind[kind.upper()],
        attributes=attributes,
        # the text of an exception may hold what must not leave the process
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        trace_id = f"{opened.get_span_context().trace_id:032x}"
        try:
            with structlog.contextvars.bound_contextvars(trace_id=trace_id):
                yield Span(opened)
        except BaseException as error:
            opened.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def _context(parent: str | None) -> "Context | None":
    if parent is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent})


def _provider() -> "TracerProvider":
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise OperatorError(
            f"{', '.join(TURNED_ON_BY)} turns tracing on, which needs packages that are not here."
            " Install them with `pip install 'heliograph[otel]'`, or remove the variable."
        ) from None
    ours = Resource(
        {
            "service.name": "heliograph",
            "service.version": version("heliograph"),
            "process.pid": os.getpid(),
        }
    )
    provider = TracerProvider(
        resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _nanoseconds(moment: datetime.datetime) -> int:
    return int(moment.timestamp() * 1_000_000_000)
