"""For operators: does the process live, can it serve, and the figures for a scraper."""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.wire import Live, Ready, success
from heliograph.base.database import borrow, ping
from heliograph.base.errors import Busy
from heliograph.base.metrics import CONTENT_TYPE, Figures, read_figures, render_metrics
from heliograph.ledger.audit import drift_micros
from heliograph.runtime import Runtime

READY_TIMEOUT_SECONDS = 1.0
FIGURES_KEPT_SECONDS = 10.0

FIGURES_COST_SHARE = 0.05
"""Reading the figures may take this share of the time, however many tasks there are to count."""


METRICS_HEADERS = {
    "content-type": CONTENT_TYPE,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


class HealthRoutes:
    """GET /health/live, /health/ready and /metrics."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._reading = asyncio.Lock()
        self._figures: Figures | None = None
        self._figures_kept_until = 0.0

    async def live(self, _: Request) -> Response:
        """Good as long as the process answers at all."""
        return success(Live())

    async def ready(self, _: Request) -> Response:
        """Good while requests can be served. Raises Busy, with the part that cannot."""
        if self._runtime.draining.is_set():
            raise Busy("Not ready: the process is stopping and finishes what it has begun")
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS):
                async with borrow(self._runtime.pool) as connection:
                    await ping(connection)
        except TimeoutError:
            raise Busy(
                f"Not ready: the database did not answer within {READY_TIMEOUT_SECONDS:g} s"
            ) from None
        except Busy as error:
            raise Busy(f"Not ready: {error.message}") from error
        return success(Ready())

    async def metrics(self, _: Request) -> Response:
        """The metrics of this service in Prometheus' text format."""
        text = render_metrics(await self._fresh_figures())
        return Response(text, headers=METRICS_HEADERS)

    async def _fresh_figures(self) -> Figures:
        async with self._reading:
            started = time.monotonic()
            if self._figures is None or started >= self._figures_kept_until:
                self._figures = await self._read_figures()
                ended = time.monotonic()
                kept_seconds = max(FIGURES_KEPT_SECONDS, (ended - started) / FIGURES_COST_SHARE)
                self._figures_kept_until = ended + kept_seconds
            return self._figures

    async def _read_figures(self) -> Figures:
        drift = await drift_micros(self._runtime.pool)
        async with borrow(self._runtime.pool) as connection:
            return await read_figures(connection, drift)
