"""The provider `diffusers`: open models on the operator's own graphics processor.

Each model has a process of its own, so that a crash or a lack of memory does not end the service.
A lost call is free and may be made again; whatever goes wrong here may go well elsewhere, so a job
without any picture is refused, not failed.
"""

import asyncio
import datetime
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from heliograph.base.errors import OperatorError
from heliograph.providers.diffusers.engine import Answer, Ended, Engine, ReportShare
from heliograph.providers.diffusers.messages import (
    NotLoaded,
    NotPainted,
    Order,
    Painted,
    Ready,
    Setup,
)
from heliograph.providers.diffusers.painter import Look
from heliograph.providers.provider import (
    Alarm,
    Finding,
    Finished,
    ImageJob,
    Limits,
    Made,
    Missing,
    Outcome,
    Refused,
    Report,
    Unknown,
)

PIPELINE: Final = "heliograph.providers.diffusers.pipeline"
LIBRARIES: Final = ("torch", "diffusers", "transformers", "accelerate")
DTYPES: Final = ("auto", "bfloat16", "float16", "float32")
#: A job waits so long for its model; one that is still being downloaded then comes back later.
PATIENCE_SECONDS: Final = 120.0
CANCEL_SECONDS: Final = 10.0
STILL_LOADING_SECONDS: Final = 30.0
RESTART_SECONDS: Final = 5.0

CRASHED: Final = Refused(
    "InternalError", "The image engine ran out of memory or crashed.", RESTART_SECONDS
)
LOADING: Final = Refused(
    "InternalError", "The image model is still being loaded.", STILL_LOADING_SECONDS
)
NO_MODEL: Final = Refused("InternalError", "The image engine could not load its model.")
UNFIT: Final = Refused("InternalError", "The image engine makes no pictures of this kind.")
OUT_OF_MEMORY: Final = Missing(
    "InternalError", "The image engine ran out of memory for this picture."
)
#: The code of the alarm and the remedy, by whether memory did not suffice.
NOT_PAINTED: Final = {
    True: ("OutOfMemory", "Use a smaller model, or a device with more memory."),
    False: ("PaintingFailed", "The documentation of diffusers may know this error."),
}
FAILED: Final = Missing("InternalError", "The image engine failed at this picture.")

log = structlog.get_logger()


class DiffusersProvider:
    """Paints the pictures of a job one after the other; they come back from `start` itself."""

    name: Final = "diffusers"
    queue: Final = "render"
    reruns: Final = True
    limits: Final = Limits()
    # one job more than is painted, so that the engine has its next one at once
    slots: Final = 2
    cost_micros: Final = 0

    def __init__(  # noqa: PLR0913 - each is a setting with a name
        self,
        *,
        alarm: Alarm,
        text_model: str | None,
        edit_model: str | None,
        device: str = "auto",
        dtype: str = "auto",
        cache_dir: Path,
        steps: int | None = None,
        painter: str = PIPELINE,
        patience_seconds: float = PATIENCE_SECONDS,
        cancel_seconds: float = CANCEL_SECONDS,
    ) -> None:
        """The models are folders, or names at Hugging Face, whose files are kept in `cache_dir`.

        Raises OperatorError when none is named, `dtype` is not known or libraries are missing.
        """
        models = {"text-to-image": text_model, "image-to-image": edit_model}
        _check(models, dtype, painter)
        engines = {
            model: Engine(
                Setup(model, device, dtype, str(cache_dir), steps),
                painter,
                patience_seconds=patience_seconds,
                cancel_seconds=cancel_seconds,
            )
            for model in models.values()
            if model
        }
        self._alarm = alarm
        self._engines = {mode: engines[model] for mode, model in models.items() if model}
        self.modes = frozenset(self._engines)

    async def start(self, job: ImageJob, report: Report) -> Outcome:
        """The finished pictures, `Missing` for one that failed; `Refused` if there is none."""
        engine = self._engines.get(job.request.mode)
        if engine is None:
            return UNFIT
        async with engine.turn:
            match await engine.open():
                case None:
                    return LOADING
                case NotLoaded(reason, remedy):
                    await self._tell(engine, "ModelNotLoaded", reason, remedy)
                    return NO_MODEL
                case Ended() as ended:
                    await self._tell_of_end(engine, ended)
                    return CRASHED
                case Ready() as ready:
                    return await self._paint(engine, ready, job, report)

    async def check(self, job: ImageJob, ref: str) -> Outcome:
        """Never has anything to tell, because `start` never leaves a reference."""
        return Unknown("the engine keeps no jobs")

    async def cancel(self, job: ImageJob, ref: str) -> None:
        """Nothing is left to say: ending the call of `start` ends the painting."""

    async def find(self, job: ImageJob, started_at: datetime.datetime) -> Sequence[str]:
        """Nothing: a job that was lost is painted again."""
        return ()

    async def probe(self) -> Sequence[Finding]:
        """Where each model is and where it would run; nothing is downloaded or loaded."""
        found = [await _look(engine) for engine in self._all_engines()]
        return [finding for findings in found for finding in findings]

    async def close(self) -> None:
        """Ends the engines' processes."""
        await asyncio.gather(*(engine.close() for engine in self._all_engines()))

    def _all_engines(self) -> list[Engine]:
        return list(dict.fromkeys(self._engines.values()))

    async def _paint(
        self, engine: Engine, ready: Ready, job: ImageJob, report: Report
    ) -> Finished | Refused:
        if not ready.fewest_references <= len(job.references) <= ready.most_references:
            reason = f"{ready.pipeline} does not serve {job.request.mode}"
            await self._tell(engine, "ModelUnfit", reason, "Name a model for this mode that does.")
            return UNFIT
        answers = await self._paint_each(engine, job, report)
        images = tuple(_image(answer) for answer in answers)
        missing = [image for image in images if isinstance(image, Missing)]
        if len(missing) == len(images):
            first = missing[0]
            return CRASHED if isinstance(answers[-1], Ended) else Refused(first.code, first.message)
        return Finished(images, _warnings(ready, job))

    async def _paint_each(self, engine: Engine, job: ImageJob, report: Report) -> list[Answer]:
        """An answer for each picture; once the process has ended, it stands for all that follow."""
        shares = [0.0] * job.request.num_images
        answers: list[Answer] = []
        for index in range(job.request.num_images):
            answer = await engine.paint(_order(job, index), _reporter(shares, index, report))
            answers.append(answer)
            if isinstance(answer, Ended):
                await self._tell_of_end(engine, answer)
                return answers + [answer] * (job.request.num_images - len(answers))
            if isinstance(answer, NotPainted):
                code, remedy = NOT_PAINTED[answer.out_of_memory]
                await self._tell(engine, code, answer.reason, remedy)
        return answers

    async def _tell_of_end(self, engine: Engine, ended: Ended) -> None:
        remedy = "Look at its last lines in the log; if memory ran out, use a smaller model."
        lines = ended.last_lines
        await self._tell(engine, "EngineEnded", f"its process {ended.how}", remedy, lines)

    async def _tell(
        self, engine: Engine, code: str, reason: str, remedy: str, last_lines: Sequence[str] = ()
    ) -> None:
        """What only the operator can mend goes into the log and raises an alarm."""
        model = engine.setup.model
        said = {"last_lines": last_lines} if last_lines else {}
        log.warning("provider.failure", provider=self.name, model=model, reason=reason, **said)
        await self._alarm(self.name, code, f"{model}: {reason}. {remedy}")


def _check(models: dict[str, str | None], dtype: str, painter: str) -> None:
    if not any(models.values()):
        raise OperatorError(
            "HELIOGRAPH_PROVIDERS names diffusers, but neither HELIOGRAPH_DIFFUSERS_TEXT_MODEL"
            " nor HELIOGRAPH_DIFFUSERS_EDIT_MODEL is set."
        )
    if dtype not in DTYPES:
        raise OperatorError(
            f"HELIOGRAPH_DIFFUSERS_DTYPE is {dtype}; it can be {', '.join(DTYPES)}."
        )
    absent = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if painter == PIPELINE and absent:
        raise OperatorError(
            f"HELIOGRAPH_PROVIDERS names diffusers, but {', '.join(absent)} is not installed."
            ' Install what it needs with: pip install "heliograph[diffusers]"'
        )


def _order(job: ImageJob, index: int) -> Order:
    request = job.request
    return Order(
        number=0,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        width=request.width,
        height=request.height,
        seed=job.seed + index,
        references=tuple(reference.data for reference in job.references),
    )


def _reporter(shares: list[float], index: int, report: Report) -> ReportShare:
    def move(share: float) -> None:
        shares[index] = share
        report(tuple(shares))

    return move


def _image(answer: Answer) -> Made | Missing:
    match answer:
        case Painted(_, png):
            return Made(png)
        case NotPainted(out_of_memory=True):
            return OUT_OF_MEMORY
        case Ended():
            return Missing(CRASHED.code, CRASHED.message)
        case _:
            return FAILED


def _warnings(ready: Ready, job: ImageJob) -> tuple[str, ...]:
    if job.request.negative_prompt and not ready.negative_prompt:
        return ("The model takes no negative prompt; it was left out.",)
    return ()


async def _look(engine: Engine) -> list[Finding]:
    try:
        looks = msgspec.json.decode(await engine.look(), type=list[Look])
    except (OSError, msgspec.DecodeError) as error:
        remedy = (
            'Install the libraries again: pip install --force-reinstall "heliograph[diffusers]"'
        )
        return [Finding(False, f"the libraries cannot be loaded: {error}", remedy)]
    return [Finding(look.ok, look.found, look.remedy) for look in looks]
