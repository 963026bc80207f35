"""What a task would cost: POST /api/v1/quoteTask."""

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.auth import Gate
from heliograph.api.submission import asked_submission
from heliograph.api.wire import success
from heliograph.runtime import Runtime
from heliograph.tasks.observe.pace import Pace
from heliograph.tasks.quote import quote


class QuoteRoutes:
    """POST /api/v1/quoteTask/{model}."""

    def __init__(self, runtime: Runtime, gate: Gate, pace: Pace) -> None:
        self._runtime = runtime
        self._gate = gate
        self._pace = pace

    async def quote_task(self, request: Request) -> Response:
        """The price of the task that generateTask would make of the same body; see tasks/quote.py."""
        key = await self._gate.admit(request)
        submission = await asked_submission(request, self._runtime)
        return success(await quote(self._runtime, key, submission, self._pace))
