"""stable-diffusion.cpp's server: one job runs there at a time, the others wait in its queue.

It is the operator's own engine and nothing is owed for a job, so a call whose answer was lost is
simply made again: at worst the engine makes some pictures for nobody. The server keeps its jobs in
memory; one that it does not know any more, most likely after a restart, is made again as well.
"""

import asyncio
import datetime
import re
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Literal

import structlog

from heliograph.providers.provider import (
    BOTH_MODES,
    Alarm,
    Failed,
    Finding,
    Finished,
    ImageJob,
    Limits,
    Outcome,
    Refused,
    Report,
    Running,
    Started,
)
from heliograph.providers.quoted import quoted
from heliograph.providers.sdcpp.doctor import findings, silent
from heliograph.providers.sdcpp.results import yield_of
from heliograph.providers.sdcpp.server import NO_ANSWER, Answer, Server, is_lost
from heliograph.providers.sdcpp.wire import Accepted, Status, payload_of

#: Its queue takes 64; ours stays short, so that a waiting task can still be cancelled or go elsewhere.
TASKS_IN_FLIGHT: Final = 8
MAX_CHECK_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 5.0
FULL_QUEUE_SECONDS: Final = 10.0
MAX_REMEMBERED_JOBS: Final = 1_000

_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_UNABLE = "does not support"

UNREACHABLE: Final = Refused(
    "InternalError", "The image engine cannot be reached", retry_after_seconds=RETRY_SECONDS
)
BROKEN: Final = Refused(
    "InternalError", "The image engine failed to take the job", retry_after_seconds=RETRY_SECONDS
)
FULL: Final = Refused(
    "RateLimitExceeded",
    "The queue of the image engine is full",
    retry_after_seconds=FULL_QUEUE_SECONDS,
)
UNSUITED: Final = Refused("InternalError", "The image engine is not set up for this task")
LOST: Final = Refused("InternalError", "The image engine lost the job", retry_after_seconds=0)
NOT_TAKEN: Final = Failed("BadRequest", "The image engine does not take this request")
NOTHING_MADE: Final = Refused("InternalError", "The image engine failed to make the pictures")
DROPPED: Final = Failed("InternalError", "The image engine was told to drop the job")

log = structlog.get_logger(provider="sdcpp")


class SdcppProvider:
    """Starts, checks and cancels jobs at one sd-server."""

    name: Final = "sdcpp"
    queue: Final[Literal["run", "render"]] = "run"
    reruns: Final = True
    limits: Final = Limits(tasks_in_flight=TASKS_IN_FLIGHT)
    slots: Final = 1
    cost_micros: Final = 0

    def __init__(
        self,
        *,
        base_url: str,
        alarm: Alarm,
        check_seconds: float = 2.0,
        modes: frozenset[str] = BOTH_MODES,
    ) -> None:
        """`modes` are what the loaded model can do, for the server cannot tell whether it edits.

        `check_seconds` is the rhythm of the polls. Raises OperatorError for an unusable address.
        """
        self.modes: Final = modes
        self._server = Server(base_url)
        self._alarm = alarm
        self._check_seconds = check_seconds
        self._misses: dict[str, int] = {}

    async def start(self, job: ImageJob, report: Report) -> Outcome:
        """Queues `job` at the server: `Started`, `Refused`, or `Failed` when the request is at fault."""
        payload = await asyncio.to_thread(payload_of, job)
        try:
            answer = await self._server.submit(payload)
        except NO_ANSWER as error:
            log.warning("provider.unreachable", error=type(error).__name__)
            return UNREACHABLE
        accepted = answer.read(Accepted) if answer.status == HTTPStatus.ACCEPTED else None
        if accepted is not None and _JOB_ID.fullmatch(accepted.id):
            log.info("provider.started", ref=accepted.id)
            return Started(accepted.id, self._check_seconds)
        return await self._not_started(answer)

    async def check(self, job: ImageJob, ref: str) -> Outcome:
        """Asks after job `ref` and takes its pictures when it is completed. Trouble is no outcome."""
        try:
            answer = await self._server.ask(ref)
        except NO_ANSWER as error:
            return self._later(ref, error=type(error).__name__)
        if is_lost(answer):
            self._misses.pop(ref, None)
            log.warning("provider.job_lost", ref=ref, reason=answer.reason)
            return LOST
        if answer.body is None:
            return await self._failed(ref, "its answer is longer than any should be")
        # a completed job is tens of megabytes of base64
        status = await asyncio.to_thread(answer.read, Status)
        if answer.status != HTTPStatus.OK or status is None:
            return self._later(ref, status=answer.status)
        self._misses.pop(ref, None)
        return await self._outcome(job, ref, status)

    async def cancel(self, job: ImageJob, ref: str) -> None:
        """Takes job `ref` out of the queue; one that is being made is made to its end, for nobody."""
        self._misses.pop(ref, None)
        try:
            answer = await self._server.cancel(ref)
        except NO_ANSWER as error:
            log.warning("provider.not_cancelled", ref=ref, error=type(error).__name__)
            return
        log.info(
            "provider.cancel",
            ref=ref,
            status=answer.status,
            reason=answer.reason,
        )

    async def find(self, job: ImageJob, started_at: datetime.datetime) -> Sequence[str]:
        """Nothing: the server lists no jobs, and a lost one is made again."""
        return ()

    async def probe(self) -> Sequence[Finding]:
        """The model, how fast it answers, and whether it makes pictures as large as may be asked."""
        base, began = str(self._server.base), time.monotonic()
        try:
            answer = await self._server.capabilities()
        except NO_ANSWER as error:
            return [silent(base, type(error).__name__)]
        latency_ms = round((time.monotonic() - began) * 1000)
        return findings(base, answer, latency_ms, TASKS_IN_FLIGHT)

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()

    async def _not_started(self, answer: Answer) -> Refused | Failed:
        reason = answer.reason
        log.warning("provider.refused", status=answer.status, reason=reason)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return FULL
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return BROKEN
        if answer.status == HTTPStatus.BAD_REQUEST and reason and _UNABLE not in reason:
            await self._raise_alarm(
                "BadRequest",
                f"sd-server refused a request that passed our checks ({reason}):"
                " look at its log, and at the options it was started with.",
            )
            return NOT_TAKEN
        await self._raise_alarm(
            "Unsuited",
            f"What answers at {self._server.base} does not take jobs for pictures"
            f" ({answer.status} {reason}): run `heliograph doctor`.",
        )
        return UNSUITED

    async def _outcome(self, job: ImageJob, ref: str, status: Status) -> Outcome:
        match status.status:
            case "queued":
                log.debug("provider.queued", ref=ref, position=status.queue_position)
                return Running(self._check_seconds)
            case "generating":
                return Running(self._check_seconds, status.progress)
            case "completed":
                return await self._completed(job, ref, status)
            case "failed":
                return await self._failed(ref, quoted(status.error.message) if status.error else "")
            case "cancelled":
                # a task of ours that is cancelled has ended and is asked after no more
                log.warning("provider.job_dropped", ref=ref)
                return DROPPED

    async def _completed(self, job: ImageJob, ref: str, status: Status) -> Finished | Refused:
        got = await asyncio.to_thread(yield_of, status, job)
        if not got.made:
            return await self._failed(ref, "a completed job without pictures")
        log.info("provider.finished", ref=ref, made=got.made)
        return Finished(got.images, got.warnings)

    async def _failed(self, ref: str, reason: str) -> Refused:
        """The engine could not, and would not the next time; nothing is owed, so another one may."""
        log.warning("provider.failure", ref=ref, reason=reason)
        await self._raise_alarm(
            "GenerationFailed",
            f"sd-server could not make the pictures ({reason}): look at its log."
            " Most often the memory of the graphics card is too small for the size asked for.",
        )
        return NOTHING_MADE

    async def _raise_alarm(self, code: str, remedy: str) -> None:
        await self._alarm(self.name, code, remedy)

    def _later(self, ref: str, **why: object) -> Running:
        """Twice as long after each trouble in a row, from `check_seconds` to a minute."""
        tries = self._misses.pop(ref, 0) + 1
        self._misses[ref] = tries
        if len(self._misses) > MAX_REMEMBERED_JOBS:
            del self._misses[next(iter(self._misses))]
        log.warning("provider.check_retry", ref=ref, **why)
        return Running(min(MAX_CHECK_SECONDS, self._check_seconds * 2.0 ** min(tries - 1, 10)))
