"""The provider `openai-images`: engines of the operator's own, or a hosted service, by OpenAI's API.

Every picture is a call of its own, so that the pictures of a job spread over the replicas, come one
by one, and fail one by one. An engine of the operator's own charges nothing, so that a picture whose
call was lost is made again, once, elsewhere; at a hosted service it is never asked for again.
"""

import asyncio
import datetime
import random
from collections.abc import Collection, Sequence
from typing import Final

import structlog

from heliograph.base.clock import Clock
from heliograph.base.database import Pool
from heliograph.base.errors import OperatorError
from heliograph.providers.health.notes import HealthNotes
from heliograph.providers.openai_images.answer import outcome_of
from heliograph.providers.openai_images.call import Caller
from heliograph.providers.openai_images.engine import Engine, engine_at
from heliograph.providers.openai_images.engines import Engines, Place, unless_busy
from heliograph.providers.openai_images.order import Dialect, Order, orders_of
from heliograph.providers.openai_images.probe import look_at
from heliograph.providers.openai_images.trouble import Kind, Trouble, unreachable
from heliograph.providers.provider import (
    BOTH_MODES,
    Alarm,
    Finding,
    ImageJob,
    Limits,
    Made,
    Outcome,
    Report,
    Unknown,
)

MOST_RERUNS: Final = 1
#: How often all engines may say that they have no room, until the job makes room for others.
MOST_BUSY_ROUNDS: Final = 10
FIRST_BUSY_SECONDS: Final = 2.0
LONGEST_BUSY_SECONDS: Final = 30.0
#: How long an engine is left alone that only the operator can mend.
OPERATOR_PAUSE_SECONDS: Final = 300.0

_FINAL: Final = {Kind.REQUEST, Kind.UNUSABLE, Kind.LOST}
_FAILURES: Final = {Kind.BROKEN, Kind.LOST, Kind.UNREACHABLE}
_NO_NEGATIVE_PROMPT: Final = "The negative prompt was not used: the image engine takes none."

log = structlog.get_logger()


class OpenAIImagesProvider:
    """Has pictures made by the engines at some addresses, each of which may have replicas."""

    name: Final = "openai-images"
    queue: Final = "render"
    limits: Final = Limits()
    cost_micros: Final = 0

    def __init__(  # noqa: PLR0913 - each is a setting, or what it is kept in
        self,
        pool: Pool,
        clock: Clock,
        *,
        base_urls: tuple[str, ...],
        edits_base_urls: tuple[str, ...],
        api_key: str | None,
        model: str | None,
        dialect: Dialect,
        calls_per_engine: int = 1,
        modes: frozenset[str] = BOTH_MODES,
        alarm: Alarm,
    ) -> None:
        """Edits go to `edits_base_urls`, or to `base_urls` where that is empty.

        `modes` are what the models can do, for no engine tells whether its model edits. Raises
        OperatorError for addresses that are none.
        """
        if not base_urls:
            raise OperatorError(
                "HELIOGRAPH_PROVIDERS names openai-images, but HELIOGRAPH_OPENAI_IMAGES_BASE_URL"
                " is not set."
            )
        self._text = _named(base_urls, dialect)
        self._edits = _named(edits_base_urls, dialect) or self._text
        self._all = self._text | self._edits
        self.modes: Final = modes
        self.reruns: Final = dialect != "openai"
        self.slots: Final = len(self._all) * calls_per_engine + 1
        self._dialect = dialect
        self._model = model
        self._alarm = alarm
        self._health = HealthNotes(pool, clock)
        self._engines = Engines(pool, clock, self._all.values(), calls_per_engine)
        self._caller = Caller(dialect, model, api_key, paid=not self.reruns)

    async def start(self, job: ImageJob, report: Report) -> Outcome:
        """The finished pictures, each made by whichever engine is free."""
        shares = [0.0] * job.request.num_images

        async def make(index: int, order: Order) -> Made | Trouble:
            picture = await self._make(order)
            if isinstance(picture, Made):
                shares[index] = 1.0
                report(tuple(shares))
            return picture

        async with asyncio.TaskGroup() as group:
            makings = [
                group.create_task(make(index, order)) for index, order in enumerate(orders_of(job))
            ]
        pictures = [making.result() for making in makings]
        return outcome_of(pictures, paid=not self.reruns, warnings=self._warnings(job))

    async def check(self, job: ImageJob, ref: str) -> Outcome:
        """Never has anything to tell, because `start` never leaves a reference."""
        return Unknown("the engine keeps no jobs")

    async def cancel(self, job: ImageJob, ref: str) -> None:
        """Nothing to do: cancelling `start` closes the connections."""

    async def find(self, job: ImageJob, started_at: datetime.datetime) -> Sequence[str]:
        """None: engines keep no jobs."""
        return ()

    async def probe(self) -> Sequence[Finding]:
        """For each engine: whether it is well, how fast it answers, and what it serves."""
        # sd-server is asked for no model by name
        model = None if self._dialect == "sd-server" else self._model
        engines = self._all.values()
        return await asyncio.gather(*(look_at(self._caller, engine, model) for engine in engines))

    async def close(self) -> None:
        """Closes the connections."""
        await self._caller.close()
        await self._engines.close()

    async def _make(self, order: Order) -> Made | Trouble:
        """One picture, asked of one engine after the other until there is nothing left to try."""
        untried = set(self._edits if order.references else self._text)
        busy: set[str] = set()
        breaks = rounds = 0
        told: Trouble | None = None
        while True:
            engine, result = await self._try(untried, order)
            if isinstance(result, Made) or result.kind in _FINAL:
                return result
            # what passes by itself leaves more hope than what the operator must mend
            told = result if told is None or result.kind is not Kind.OPERATOR else told
            breaks += result.kind is Kind.BROKEN
            untried.discard(engine.name)
            if result.kind is Kind.BUSY:
                busy.add(engine.name)
            if breaks > MOST_RERUNS or not untried | busy:
                return told
            if not untried:
                if rounds == MOST_BUSY_ROUNDS:
                    return told
                await asyncio.sleep(_busy_seconds(result, rounds))
                untried, busy, rounds = busy, set(), rounds + 1

    async def _try(self, names: Collection[str], order: Order) -> tuple[Engine, Made | Trouble]:
        async with self._engines.place(names) as place:
            result = await self._ask(place, order)
            # known before the place is free, or the next picture would run into the same trouble
            if isinstance(result, Trouble):
                await self._note(place.engine, result)
        if isinstance(result, Made):
            with unless_busy():
                await self._health.success(place.engine.name)
        return place.engine, result

    async def _ask(self, place: Place, order: Order) -> Made | Trouble:
        if place.suspect and not await self._caller.is_well(place.engine):
            return unreachable("it does not say that it is well")
        return await self._caller.make(place.engine, order)

    async def _note(self, engine: Engine, trouble: Trouble) -> None:
        """Tell whom it concerns: the log, the other processes, the operator."""
        kind, words = trouble.kind, trouble.words or trouble.kind.value
        log.info("provider.engine_trouble", engine=engine.name, kind=kind.name, reason=words)
        if kind is Kind.OPERATOR:
            await self._note_failure(engine, words, OPERATOR_PAUSE_SECONDS)
        elif kind in _FAILURES:
            await self._note_failure(engine, words)
        if trouble.alert is not None:
            remedy = f"{engine.api}: {trouble.alert.remedy} ({words})"
            await self._alarm(self.name, trouble.alert.code, remedy)

    async def _note_failure(
        self, engine: Engine, why: str, pause_seconds: float | None = None
    ) -> None:
        log.warning("provider.engine_failed", engine=engine.name, reason=why)
        with unless_busy():
            await self._health.failure(engine.name, why, pause_seconds)

    def _warnings(self, job: ImageJob) -> tuple[str, ...]:
        ignored = self._dialect == "openai" and job.request.negative_prompt
        return (_NO_NEGATIVE_PROMPT,) if ignored else ()


def _named(base_urls: tuple[str, ...], dialect: Dialect) -> dict[str, Engine]:
    engines = [engine_at(base_url, dialect) for base_url in base_urls]
    return {engine.name: engine for engine in engines}


def _busy_seconds(trouble: Trouble, rounds: int) -> float:
    """As long as the engine said, or twice as long after each round; never the same for all."""
    seconds = FIRST_BUSY_SECONDS * 2.0**rounds
    if trouble.wait_seconds is not None:
        seconds = trouble.wait_seconds
    return min(seconds, LONGEST_BUSY_SECONDS) + random.uniform(0.05, 0.15)  # noqa: S311 - no secret
