"""What an outcome says about the health of its provider."""

import contextlib

from heliograph.base.errors import Busy
from heliograph.base.log import log
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
            await runtime.health.success(provider)
        elif isinstance(outcome, Refused) and outcome.code != "RateLimitExceeded":
            await _note_failure(runtime, provider, outcome)


async def _note_failure(runtime: Runtime, provider: str, refused: Refused) -> None:
    pause_seconds = FAULT_PAUSE_SECONDS if refused.retry_after_seconds is None else None
    health = await runtime.health.failure(provider, refused.message, pause_seconds)
    if health.is_open(runtime.clock.now()):
        log.warning("provider.circuit_open", provider=provider, until=health.open_until)
