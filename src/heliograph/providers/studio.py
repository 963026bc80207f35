"""The offline picture maker in processes of this machine: the package `heliograph_studio`."""

import asyncio
import datetime
import functools
import importlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from heliograph.providers.provider import (
    BOTH_MODES,
    Failed,
    Finding,
    Finished,
    ImageJob,
    Limits,
    Made,
    Missing,
    Outcome,
    Report,
    Unknown,
)

if TYPE_CHECKING:
    from heliograph_studio import Order, Picture

log = structlog.get_logger()


class Engine(Protocol):
    """What the adapter needs of a studio; the real one is `heliograph_studio.Studio`."""

    async def draw(self, order: "Order", report: Callable[[float], None]) -> "Picture":
        """Draw one picture. Raises StudioError when it cannot."""

    async def close(self) -> None:
        """End its processes."""


def open_engine(processes: int, cache_dir: Path) -> Engine:
    """The real studio. Imported only here: a service without it shall start as quickly."""
    from heliograph_studio import Studio

    return Studio(processes, cache_dir)


class StudioProvider:
    """Draws all pictures of a job side by side; they come back from `start` itself."""

    name: Final = "studio"
    queue: Final = "render"
    reruns: Final = True
    modes: Final = BOTH_MODES
    limits: Final = Limits()
    cost_micros: Final = 0

    def __init__(
        self,
        processes: int,
        cache_dir: Path,
        *,
        open_engine: Callable[[int, Path], Engine] = open_engine,
    ) -> None:
        """`processes` draw at a time; `cache_dir` keeps what the studio prepares once."""
        # one job more than can be drawn keeps the processes busy between two jobs
        self.slots: Final = max(2, processes)
        self.processes: Final = processes
        self._open: Callable[[], Engine] = functools.partial(open_engine, processes, cache_dir)
        self._engine: Engine | None = None

    async def start(self, job: ImageJob, report: Report) -> Outcome:
        """The finished pictures; `Missing` for one that failed, `Failed` if all did."""
        if self._engine is None:
            self._engine = self._open()
        progress = _Progress(job.request.num_images, report)
        async with asyncio.TaskGroup() as group:
            drawings = [
                group.create_task(_draw(self._engine, order, progress.of(index)))
                for index, order in enumerate(_orders(job))
            ]
        return _finished([drawing.result() for drawing in drawings])

    async def check(self, job: ImageJob, ref: str) -> Outcome:
        """Never has anything to tell, because `start` never leaves a reference."""
        return Unknown("the studio keeps no jobs")

    async def cancel(self, job: ImageJob, ref: str) -> None:
        """Nothing is left to say: ending the call of `start` ends the drawing."""

    async def find(self, job: ImageJob, started_at: datetime.datetime) -> Sequence[str]:
        """Nothing: a job that was lost is drawn again."""
        return ()

    async def probe(self) -> Sequence[Finding]:
        """Whether the studio can be imported, and how many processes draw."""
        try:
            await asyncio.to_thread(importlib.import_module, "heliograph_studio")
        except ImportError as error:
            return [
                Finding(False, f"cannot be loaded: {error}", "Run: pip install heliograph-studio")
            ]
        return [Finding(True, f"draws in {self.processes} processes of this machine")]

    async def close(self) -> None:
        """Ends the studio's processes."""
        if self._engine is not None:
            await self._engine.close()
            self._engine = None


class _Progress:
    """The shares of all pictures, reported whenever one of them moves on."""

    def __init__(self, pictures: int, report: Report) -> None:
        self._shares = [0.0] * pictures
        self._report = report

    def of(self, index: int) -> Callable[[float], None]:
        def move(share: float) -> None:
            self._shares[index] = max(self._shares[index], min(share, 1.0))
            self._report(tuple(self._shares))

        return move


def _orders(job: ImageJob) -> Iterable["Order"]:
    from heliograph_studio import Order

    request = job.request
    for index in range(request.num_images):
        yield Order(
            prompt=request.prompt,
            negative_prompt=request.negative_prompt or "",
            width=request.width,
            height=request.height,
            seed=job.seed + index,
            references=tuple(reference.data for reference in job.references),
        )


async def _draw(
    engine: Engine, order: "Order", report: Callable[[float], None]
) -> "Picture | Missing":
    from heliograph_studio import StudioError

    try:
        picture = await engine.draw(order, report)
    except StudioError as error:
        log.warning("provider.failure", provider="studio", seed=order.seed, reason=str(error))
        return Missing("InternalError", f"The studio could not draw this picture: {error}")
    report(1.0)
    return picture


def _finished(drawn: "list[Picture | Missing]") -> Finished | Failed:
    images = tuple(one if isinstance(one, Missing) else Made(one.png) for one in drawn)
    missing = [image for image in images if isinstance(image, Missing)]
    if len(missing) == len(images):
        return Failed(missing[0].code, missing[0].message)
    pictures = [one for one in drawn if not isinstance(one, Missing)]
    sentences = dict.fromkeys(sentence for one in pictures for sentence in one.warnings)
    scene = next((one.scene for one in pictures if one.scene), None)
    return Finished(images, tuple(sentences), scene)
