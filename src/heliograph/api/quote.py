"""What a task would cost: POST /api/v1/quoteTask."""

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.auth import Gate
from heliograph.api.body import read_json_body
from heliograph.api.routes import NO_SUCH_TASK
from heliograph.api.wire import success
from heliograph.base.errors import NotFound
from heliograph.catalog.request import read_submission
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
        model = self._runtime.models.get(request.path_params["model"])
        if model is None:
            raise NotFound(NO_SUCH_TASK)
        submission = read_submission(
            await read_json_body(request),
            model,
            check_callback=self._runtime.check_callback,
            check_image_url=self._runtime.check_image_url,
        )
        return success(await quote(self._runtime, key, submission, self._pace))
