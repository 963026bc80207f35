"""What an outcome says about the health of its provider."""

import contextlib

from heliograph.base.database import borrow
from heliograph.base.errors import Busy
from heliograph.base.log import log
from heliograph.providers.health.store import note_failure, note_success
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
        async with borrow(runtime.pool) as connection:
            now = runtime.clock.now()
            if isinstance(outcome, Started) or (isinstance(outcome, Ending) and outcome.made):
                await note_success(connection, provider, now)
            elif isinstance(outcome, Refused) and outcome.code != "RateLimitExceeded":
                lasting = outcome.retry_after_seconds is None
                pause = FAULT_PAUSE_SECONDS if lasting else None
                health = await note_failure(connection, provider, outcome.message, now, pause=pause)
                if health.is_open(now):
                    log.warning("provider.circuit_open", provider=provider, until=health.open_until)
