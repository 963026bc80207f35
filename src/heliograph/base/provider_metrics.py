"""The metrics of the providers: health, alarms, places, costs. Labels are names of the operator's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from heliograph.base.database import Connection
from heliograph.base.tallies.store import Labels


@dataclass(frozen=True)
class ProviderFigures:
    """What the database knows about providers, and their engines, at one moment; all by name."""

    circuits_open: Mapping[str, bool] = field(default_factory=dict)
    failures_in_a_row: Mapping[str, int] = field(default_factory=dict)
    alarms: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    """By provider and code."""
    tasks_in_line: Mapping[str, int] = field(default_factory=dict)
    engine_calls: Mapping[str, int] = field(default_factory=dict)
    costs_micros: Mapping[str, int] = field(default_factory=dict)
    charged_micros: Mapping[str, int] = field(default_factory=dict)


def by_name(totals: Mapping[str, Mapping[Labels, int]], figure: str) -> dict[str, int]:
    """A figure that has one label."""
    return {name: number for (name,), number in totals.get(figure, {}).items()}


async def read_provider_figures(
    connection: Connection, totals: Mapping[str, Mapping[Labels, int]]
) -> ProviderFigures:
    """Read all of them that are not in `totals`."""
    health = await connection.fetch(
        "SELECT name, failures, coalesce(open_until > now(), false) AS open FROM provider_health"
    )
    alarms = await connection.fetch("SELECT provider, code, number FROM alarms")
    line = await connection.fetch(
        """
        SELECT waits_for AS name, count(*) AS number FROM tasks
        WHERE waits_for IS NOT NULL AND state = 'processing' GROUP BY waits_for
        """
    )
    calls = await connection.fetch(
        """
        SELECT engine AS name, count(*) AS number FROM engine_calls
        WHERE lease_until > now() GROUP BY engine
        """
    )
    return ProviderFigures(
        circuits_open={row["name"]: row["open"] for row in health},
        failures_in_a_row={row["name"]: row["failures"] for row in health},
        alarms={(row["provider"], row["code"]): row["number"] for row in alarms},
        tasks_in_line={row["name"]: row["number"] for row in line},
        engine_calls={row["name"]: row["number"] for row in calls},
        costs_micros=by_name(totals, "cost_micros"),
        charged_micros=by_name(totals, "charged_micros"),
    )


def provider_families(figures: ProviderFigures) -> Iterator[Metric]:
    """The figures as families of Prometheus."""
    yield _gauge(
        "heliograph_provider_circuit_open",
        "1 while a provider or engine that keeps failing is left alone.",
        {name: int(is_open) for name, is_open in figures.circuits_open.items()},
    )
    yield _gauge(
        "heliograph_provider_failures_in_a_row",
        "Failures of a provider or engine since it last worked.",
        figures.failures_in_a_row,
    )
    yield _gauge(
        "heliograph_tasks_in_line",
        "Tasks that wait for a place at a provider.",
        figures.tasks_in_line,
    )
    yield _gauge(
        "heliograph_engine_calls", "Calls that an engine works on.", figures.engine_calls, "engine"
    )
    yield _counter(
        "heliograph_provider_alarms",
        "Alarms that only the operator can mend.",
        ("provider", "code"),
        figures.alarms,
    )
    yield _counter(
        "heliograph_provider_cost_micros",
        "What images of a provider have cost the operator, in micro-dollars.",
        ("provider",),
        {(name,): cost for name, cost in figures.costs_micros.items()},
    )
    yield _counter(
        "heliograph_provider_charged_micros",
        "What customers were charged for images of a provider, in micro-dollars.",
        ("provider",),
        {(name,): charged for name, charged in figures.charged_micros.items()},
    )


def _gauge(name: str, text: str, values: Mapping[str, int], label: str = "provider") -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for key, value in sorted(values.items()):
        family.add_metric((key,), value)
    return family


def _counter(
    name: str, text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], int]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family
