"""Switch a model off, or on again."""

import datetime

from heliograph.base.database import Pool, transaction
from heliograph.base.errors import BadRequest
from heliograph.operators.log.store import Deed, note_deed
from heliograph.operators.switches import store
from heliograph.operators.switches.store import Off


async def switch_off(
    pool: Pool, operator: str, model: str, reason: str, *, now: datetime.datetime
) -> None:
    """Refuse new tasks for `model`, in every process within a second, and log it.

    `reason` is a sentence for its callers. Raises BadRequest when there is none.
    """
    if not reason.strip():
        raise BadRequest("reason must say why, for those who call the model", "reason")
    async with transaction(pool) as connection:
        await store.lock_switches(connection)
        before = (await store.read_off(connection)).get(model)
        off = Off(model, operator, _sentence(reason), now)
        await store.write_off(connection, off)
        await note_deed(connection, _deed(operator, before, off, model), now=now)


async def switch_on(pool: Pool, operator: str, model: str, *, now: datetime.datetime) -> None:
    """Take new tasks for `model` again, and log it if it was off."""
    async with transaction(pool) as connection:
        await store.lock_switches(connection)
        before = (await store.read_off(connection)).get(model)
        if before is not None:
            await store.remove_off(connection, model)
            await note_deed(connection, _deed(operator, before, None, model), now=now)


def _sentence(reason: str) -> str:
    text = " ".join(reason.split())
    return text if text.endswith((".", "!", "?", "。")) else f"{text}."


def _deed(operator: str, before: Off | None, after: Off | None, model: str) -> Deed:
    return Deed(
        operator=operator,
        action="model.off" if after else "model.on",
        subject=model,
        before=_state(before),
        after=_state(after),
    )


def _state(off: Off | None) -> dict[str, object]:
    return {"on": True} if off is None else {"on": False, "reason": off.reason}
