"""What an outcome says about the health of its provider."""

import contextlib
from collections.abc import Sequence

from heliograph.base.database import borrow
from heliograph.base.errors import Busy
from heliograph.base.log import log
from heliograph.providers.health.store import note_failure, note_successes
from heliograph.providers.provider import Refused, Started
from heliograph.runtime import Runtime
from heliograph.tasks.task import Ending

#: How long a provider is left alone whose fault will not pass by itself.
FAULT_PAUSE_SECONDS = 60


async def note_outcome(runtime: Runtime, provider: str, outcome: object) -> None:
    """Write down that `provider` works or fails. A full one is healthy, and so is a strict one.

    `outcome` is a provider's, or the ending that pictures of it have led to. Never fails: it only
    helps the tasks that come.
    """
    with contextlib.suppress(Busy):
        if isinstance(outcome, Started) or (isinstance(outcome, Ending) and outcome.made):
            await runtime.together(_note_successes)(provider)
        elif isinstance(outcome, Refused) and outcome.code != "RateLimitExceeded":
            await _note_failure(runtime, provider, outcome)


async def _note_successes(runtime: Runtime, names: Sequence[str]) -> list[None]:
    async with borrow(runtime.pool) as connection:
        await note_successes(connection, names, runtime.clock.now())
    return [None] * len(names)


async def _note_failure(runtime: Runtime, provider: str, refused: Refused) -> None:
    pause = FAULT_PAUSE_SECONDS if refused.retry_after_seconds is None else None
    async with borrow(runtime.pool) as connection:
        now = runtime.clock.now()
        health = await note_failure(connection, provider, refused.message, now, pause=pause)
    if health.is_open(now):
        log.warning("provider.circuit_open", provider=provider, until=health.open_until)
