"""Every statement on models that are switched off. One that is on has no row."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from heliograph.base.database import Connection


@dataclass(frozen=True)
class Off:
    """A model that is switched off: by whom, when, and why, as its callers are told."""

    model: str
    operator: str
    reason: str
    switched_at: datetime.datetime


async def read_off(connection: Connection) -> Mapping[str, Off]:
    """All models that are off, by id."""
    rows = await connection.fetch("SELECT model, operator, reason, switched_at FROM models_off")
    return {row["model"]: Off(**row) for row in rows}


async def lock_switches(connection: Connection) -> None:
    """Let nobody else turn a switch until the transaction ends."""
    await connection.execute("LOCK TABLE models_off IN SHARE ROW EXCLUSIVE MODE")


async def write_off(connection: Connection, off: Off) -> None:
    """Switch a model off, or give another reason for its being off."""
    await connection.execute(
        """
        INSERT INTO models_off (model, operator, reason, switched_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (model) DO UPDATE SET operator = $2, reason = $3, switched_at = $4
        """,
        off.model,
        off.operator,
        off.reason,
        off.switched_at,
    )


async def remove_off(connection: Connection, model: str) -> None:
    """Switch a model on again."""
    await connection.execute("DELETE FROM models_off WHERE model = $1", model)
