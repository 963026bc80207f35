"""What is known of each provider, gathered from health, alarms, calls and the ledger."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliograph.base.database import Connection
from heliograph.operators.store import Calls, read_calls, read_charges
from heliograph.providers.alarms.store import read_alarms
from heliograph.providers.health.health import Health
from heliograph.providers.health.store import read_health


@dataclass(frozen=True)
class Seen:
    """A provider or an engine: is it asked, how is it, and what it did, cost and brought in a time."""

    health: Health
    asked: bool
    calls: Sequence[Calls]
    charged_micros: int
    unit_cost_micros: int | None
    alarms: Sequence[Mapping[str, Any]]


async def read_seen(
    connection: Connection,
    asked: Collection[str],
    costs_micros: Mapping[str, int],
    since: datetime.datetime,
) -> list[Seen]:
    """All providers of which anything is known since then; first those that are `asked`, in their order."""
    health = await read_health(connection)
    calls = await read_calls(connection, since)
    charges = await read_charges(connection, since)
    alarms = await read_alarms(connection)
    known = {
        *health,
        *charges,
        *(one.provider for one in calls),
        *(alarm["provider"] for alarm in alarms),
    }
    return [
        Seen(
            health=health.get(name) or Health(name),
            asked=name in asked,
            calls=[one for one in calls if one.provider == name],
            charged_micros=charges.get(name, 0),
            unit_cost_micros=costs_micros.get(name),
            alarms=[alarm for alarm in alarms if alarm["provider"] == name],
        )
        for name in [*asked, *sorted(known.difference(asked))]
    ]
