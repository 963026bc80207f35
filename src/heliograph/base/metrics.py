"""The metrics, in the words of Prometheus: base units, and never a key, an account or a prompt.

Requests are counted by the process that answers them; with several processes prometheus_client
adds them up through the files of PROMETHEUS_MULTIPROC_DIR. All else is read from the database, so
that every process, and every restart, gives the same figures.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from heliograph.base.database import Connection
from heliograph.base.provider_metrics import (
    ProviderFigures,
    by_name,
    provider_families,
    read_provider_figures,
)
from heliograph.base.tallies.store import TASK_LIMITS_SECONDS, Labels, read_totals

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

MULTIPLE_PROCESSES = "PROMETHEUS_MULTIPROC_DIR"

REQUEST_LIMITS_SECONDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

HTTP_SECONDS = Histogram(
    "heliograph_http_request_duration_seconds",
    "Time from the first byte of a request's head to the end of its answer.",
    ["route", "method", "code"],
    buckets=REQUEST_LIMITS_SECONDS,
    registry=REGISTRY,
)

_children: dict[tuple[str, str, int], Histogram] = {}


def observe_request(route: str, method: str, code: int, seconds: float) -> None:
    """Count one request. `route` is the pattern of the path, never the path itself."""
    labels = (route, method, code)
    child = _children.get(labels)
    if child is None:
        # Clients invent methods; each would be a series for ever.
        known = method if method in METHODS else "OTHER"
        child = HTTP_SECONDS.labels(route, known, str(code))
        if known == method:
            _children[labels] = child
    child.observe(seconds)


@dataclass(frozen=True)
class Figures:
    """What the database knows at one moment."""

    tasks: Mapping[tuple[str, str, str], int]
    """By model, mode and state."""
    task_seconds: Sequence[int]
    """Tasks that ended, by the first of TASK_LIMITS_SECONDS that they did not pass; the last is the rest."""
    task_seconds_sum: float
    queue_depth: int
    queue_oldest_seconds: float
    webhook_attempts: Mapping[str, int]
    """By outcome: `delivered`, `refused` (an answer, but not the right one), `unreachable`."""
    webhook_receivers: Mapping[str, int]
    """In trouble, by state: `active` ones fail, `paused` and `disabled` ones get nothing."""
    unknown_outcomes: Mapping[str, int]
    """Calls that a provider may or may not have accepted, by provider. Each wants a human eye."""
    ledger_drift_micros: int
    providers: ProviderFigures = field(default_factory=ProviderFigures)


async def read_figures(connection: Connection, ledger_drift_micros: int) -> Figures:
    """Read all figures but the drift, which the ledger knows; whatever is old is added up already."""
    totals = await read_totals(connection)
    tasks = totals.get("tasks", {})
    queue = await connection.fetchrow(
        """
        SELECT count(*) AS depth,
          coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
        FROM tasks WHERE state = 'pending'
        """
    )
    receivers = await connection.fetch(
        "SELECT state, count(*) AS number FROM receivers GROUP BY state"
    )
    return Figures(
        tasks=_by_state(tasks),
        task_seconds=_by_duration(tasks),
        task_seconds_sum=sum(totals.get("task_milliseconds", {}).values()) / 1000,
        queue_depth=queue["depth"],
        queue_oldest_seconds=max(0.0, queue["oldest_seconds"]),
        webhook_attempts=by_name(totals, "webhook_attempts"),
        webhook_receivers={row["state"]: row["number"] for row in receivers},
        unknown_outcomes=by_name(totals, "unknown_outcomes"),
        ledger_drift_micros=ledger_drift_micros,
        providers=await read_provider_figures(connection, totals),
    )


def _by_state(tasks: Mapping[Labels, int]) -> dict[tuple[str, str, str], int]:
    counts: dict[tuple[str, str, str], int] = {}
    for (model, mode, state, _), number in tasks.items():
        counts[model, mode, state] = counts.get((model, mode, state), 0) + number
    return counts


def _by_duration(tasks: Mapping[Labels, int]) -> list[int]:
    counts = [0] * (len(TASK_LIMITS_SECONDS) + 1)
    for (*_, limits_kept), number in tasks.items():
        if limits_kept:
            counts[len(TASK_LIMITS_SECONDS) - int(limits_kept)] += number
    return counts


class _FiguresCollector(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        figures = self._figures
        yield from _tasks(figures.tasks)
        yield _durations(figures)
        yield GaugeMetricFamily(
            "heliograph_queue_depth", "Tasks that wait for a worker.", figures.queue_depth
        )
        yield GaugeMetricFamily(
            "heliograph_queue_oldest_seconds",
            "Age of the oldest task that waits for a worker.",
            figures.queue_oldest_seconds,
        )
        yield _attempts(figures.webhook_attempts)
        yield _receivers(figures.webhook_receivers)
        yield _unknown_outcomes(figures.unknown_outcomes)
        yield GaugeMetricFamily(
            "heliograph_ledger_drift_micros",
            "Micro-dollars by which holds and open tasks differ. Anything but 0 is a defect.",
            figures.ledger_drift_micros,
        )
        yield from provider_families(figures.providers)


def _tasks(tasks: Mapping[tuple[str, str, str], int]) -> Iterator[Metric]:
    """Tasks that ended only ever grow in number and are a counter; the open ones are a gauge."""
    labels = ("model", "mode", "state")
    ended = CounterMetricFamily("heliograph_tasks", "Tasks that have ended.", labels=labels)
    opened = GaugeMetricFamily("heliograph_tasks_open", "Tasks not yet ended.", labels=labels)
    for (model, mode, state), number in sorted(tasks.items()):
        family = ended if state in ("success", "failed") else opened
        family.add_metric((model, mode, state), number)
    yield ended
    yield opened


def _durations(figures: Figures) -> Metric:
    limits = [*(str(limit) for limit in TASK_LIMITS_SECONDS), "+Inf"]
    buckets = list(zip(limits, accumulate(figures.task_seconds), strict=True))
    family = HistogramMetricFamily(
        "heliograph_task_duration_seconds", "Time from a task's submit to its end."
    )
    family.add_metric((), buckets, figures.task_seconds_sum)
    return family


def _attempts(attempts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(
        "heliograph_webhook_attempts", "Webhook attempts that have ended.", labels=("outcome",)
    )
    for outcome in ("delivered", "refused", "unreachable"):
        family.add_metric((outcome,), attempts.get(outcome, 0))
    return family


def _receivers(receivers: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(
        "heliograph_webhook_receivers",
        "Receivers that fail (active), are paused, or are disabled.",
        labels=("state",),
    )
    for state in ("active", "paused", "disabled"):
        family.add_metric((state,), receivers.get(state, 0))
    return family


def _unknown_outcomes(outcomes: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(
        "heliograph_unknown_outcomes",
        "Calls of which nobody knows whether the provider accepted them.",
        labels=("provider",),
    )
    for provider, number in sorted(outcomes.items()):
        family.add_metric((provider,), number)
    return family


def render_metrics(figures: Figures) -> bytes:
    """Everything, as text for a scraper (see CONTENT_TYPE)."""
    database = CollectorRegistry()
    database.register(_FiguresCollector(figures))
    return generate_latest(_of_processes()) + generate_latest(database)


def _of_processes() -> CollectorRegistry:
    if MULTIPLE_PROCESSES not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
