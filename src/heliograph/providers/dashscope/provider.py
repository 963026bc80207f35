"""The real Wan 2.5: Alibaba's DashScope, where every call may cost money and lasts minutes.

A submit is never sent twice. Only an answer, or a connection that was never made, proves that
nothing was accepted; anything else is `Unknown`. A poll is free and is repeated until it answers.
Faults of the operator's account raise an alarm and are never shown to the customer; neither the
key nor a signed address appears in a log line or an exception.
"""

import asyncio
import datetime
import re
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import msgspec
import structlog

from heliograph.providers.dashscope.calls import SINGAPORE, Answer, Calls, listed_tasks, text_of
from heliograph.providers.dashscope.errors import PROVIDER_FAILURE
from heliograph.providers.dashscope.judge import (
    NAME,
    Judge,
    Setbacks,
    backoff_seconds,
    failed_task,
    refused_submit,
)
from heliograph.providers.dashscope.request import Options, body_of, model_of, path_of
from heliograph.providers.dashscope.results import PictureFetcher, TryAgain
from heliograph.providers.provider import (
    BOTH_MODES,
    Alarm,
    Failed,
    Finding,
    Finished,
    ImageJob,
    Limits,
    Made,
    Missing,
    Outcome,
    Refused,
    Report,
    Running,
    Started,
    Unknown,
)

#: What DashScope grants an account for each of the two models (5 submits a second, 5 running), and
#: for queries; tasks beyond those that run would only wait there, where they cannot go elsewhere.
ACCOUNT_LIMITS: Final = Limits(starts_per_second=5, tasks_in_flight=5, checks_per_second=20)
COST_MICROS: Final = 30_000
CHECK_SECONDS: Final = 2.0
MAX_CHECK_SECONDS: Final = 60.0
TOLERATED_UNKNOWN_CHECKS: Final = 3
TOLERATED_DOWNLOAD_CHECKS: Final = 3
UNREACHABLE: Final = "The model service could not be reached"
_DOWNLOAD_SECONDS: Final = 60.0
_SLACK: Final = datetime.timedelta(seconds=5)
_LONGEST_SUBMIT: Final = datetime.timedelta(seconds=75)
_COMPARED_CHARACTERS: Final = 200
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

log = structlog.get_logger()


class DashScopeProvider:
    """Starts and checks tasks at one DashScope account in one region."""

    name: Final = NAME
    queue: Final = "run"
    reruns: Final = False
    modes: Final = BOTH_MODES
    slots: Final = 1
    cost_micros: Final = COST_MICROS

    def __init__(  # noqa: PLR0913 - each is a decision of the operator
        self,
        *,
        api_key: str,
        alarm: Alarm,
        base_url: str = SINGAPORE,
        options: Options | None = None,
        limits: Limits = ACCOUNT_LIMITS,
        submit_timeout_seconds: float = 30.0,
    ) -> None:
        """`limits` are those that Alibaba grants the account. Raises OperatorError for unusable settings."""
        self.limits: Final = limits
        self._calls = Calls(base_url, api_key, submit_timeout_seconds=submit_timeout_seconds)
        self._judge = Judge(api_key, alarm)
        self._options = options or Options()
        self._setbacks = Setbacks()
        self._fetcher = PictureFetcher(self._calls.base, timeout_seconds=_DOWNLOAD_SECONDS)

    async def start(self, job: ImageJob, report: Report) -> Outcome:
        """Submits `job` once. `Failed` and `Refused` mean that nothing was accepted, `Unknown` that it may be."""
        payload = await asyncio.to_thread(lambda: msgspec.json.encode(body_of(job, self._options)))
        try:
            answer = await self._calls.submit(path_of(job), payload)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            log.warning("provider.unreachable", provider=self.name, error=type(error).__name__)
            tries = self._setbacks.count(job.task_id, "unreachable")
            return Refused("InternalError", UNREACHABLE, backoff_seconds(tries))
        except (aiohttp.ClientError, TimeoutError) as error:
            return _unknown(f"no answer to the submit: {type(error).__name__}")
        return await self._submitted(job, answer)

    async def check(self, job: ImageJob, ref: str) -> Outcome:
        """Asks after task `ref`; fetches the pictures when it is done. Trouble is no outcome."""
        try:
            answer = await self._calls.query(ref)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("provider.check_retry", provider=self.name, error=type(error).__name__)
            return self._later(ref, "poll")
        if answer.status != HTTPStatus.OK:
            await self._judge.verdict(answer.status, answer.code, answer.message, ref)
            return self._later(ref, "poll")
        return await self._outcome(job, ref, answer)

    async def cancel(self, job: ImageJob, ref: str) -> None:
        """Cancels task `ref`, which succeeds only while it waits there; one that runs is paid for."""
        try:
            answer = await self._calls.cancel(ref)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("provider.cancel_failed", ref=ref, error=type(error).__name__)
            return
        log.info("provider.cancelled", ref=ref, done=answer.ok, upstream_code=answer.code)

    async def find(self, job: ImageJob, started_at: datetime.datetime) -> Sequence[str]:
        """The account's tasks of this model that were created while the submit was under way."""
        since, until = started_at - _SLACK, started_at + _LONGEST_SUBMIT
        try:
            answer = await self._calls.list_tasks(model_of(job, self._options), since, until)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("provider.look_up_failed", error=type(error).__name__)
            return ()
        if not answer.ok:
            await self._judge.verdict(answer.status, answer.code, answer.message)
            return ()
        return [
            text_of(entry, "task_id")
            for entry in listed_tasks(answer)
            if _created_between(entry, since, until)
        ]

    async def probe(self) -> Sequence[Finding]:
        """Whether the key is taken at this address, and how quickly it answers. Costs nothing."""
        began = time.perf_counter()
        try:
            answer = await self._calls.list_some({"page_size": "1"})
        except (aiohttp.ClientError, TimeoutError) as error:
            found = f"{self._calls.base.host} cannot be reached: {type(error).__name__}"
            return [Finding(False, found, "Check HELIOGRAPH_DASHSCOPE_BASE_URL and the network.")]
        took_ms = (time.perf_counter() - began) * 1000
        if not answer.ok:
            verdict = await self._judge.verdict(answer.status, answer.code, answer.message)
            found = f"answers HTTP {answer.status} {answer.code}".rstrip()
            return [Finding(False, found, verdict.remedy or verdict.message)]
        options, limits = self._options, self.limits
        return [
            Finding(True, f"the key is accepted by {self._calls.base.host} in {took_ms:.0f} ms"),
            Finding(
                True,
                f"{options.text_model}, {options.edit_model}; {limits.starts_per_second:g} submits"
                f" a second, {limits.tasks_in_flight} tasks in flight",
            ),
        ]

    async def close(self) -> None:
        """Closes the connections."""
        await self._calls.close()

    async def _submitted(self, job: ImageJob, answer: Answer) -> Outcome:
        if answer.ok:
            ref = text_of(answer.output, "task_id")
            if not _TASK_ID.fullmatch(ref):
                return _unknown(f"the submit answered {answer.status} without a task id")
            self._setbacks.forget(job.task_id)
            log.info("provider.started", provider=self.name, ref=ref, **_request_id(answer))
            return Started(ref, self._check_seconds)
        if not answer.code and _may_be_accepted(answer.status):
            return _unknown(f"someone else answered the submit with {answer.status}")
        verdict = await self._judge.verdict(answer.status, answer.code, answer.message)
        if verdict.code == "Timeout":
            # The submit ran out of time upstream; the task may exist all the same.
            return _unknown(f"the submit timed out upstream with {answer.status}")
        return refused_submit(verdict, self._setbacks.count(job.task_id, verdict.code))

    async def _outcome(self, job: ImageJob, ref: str, answer: Answer) -> Outcome:
        output = answer.output
        match text_of(output, "task_status"):
            case "PENDING" | "RUNNING" | "SUSPENDED":
                self._setbacks.forget(ref)
                return Running(self._check_seconds, _progress(output))
            case "SUCCEEDED":
                return await self._succeeded(job, ref, answer)
            case "FAILED":
                return await self._failed(job, ref, output)
            case "CANCELED":
                # A task of ours that is cancelled has ended; this one was cancelled by someone else.
                return Refused(PROVIDER_FAILURE.code, PROVIDER_FAILURE.message)
            case "UNKNOWN":
                return self._not_known(ref)
            case _:
                log.warning("provider.check_unreadable", provider=self.name, ref=ref)
                return self._later(ref, "poll")

    async def _failed(self, job: ImageJob, ref: str, output: Mapping[str, Any]) -> Failed | Refused:
        self._setbacks.forget(ref)
        code, message = text_of(output, "code"), text_of(output, "message")
        verdict = await self._judge.verdict(None, code, message, ref)
        return failed_task(verdict, self._setbacks.count(job.task_id, verdict.code))

    def _not_known(self, ref: str) -> Running | Unknown:
        """A fresh task may not be known everywhere yet; an old one has been forgotten for good."""
        if self._setbacks.count(ref, "unknown") <= TOLERATED_UNKNOWN_CHECKS:
            return Running(self._check_seconds)
        self._setbacks.forget(ref)
        return _unknown("the provider does not know the task any more")

    async def _succeeded(self, job: ImageJob, ref: str, answer: Answer) -> Outcome:
        if job.found and not _is_of(job, answer):
            return _unknown("the task that was found makes the pictures of another prompt")
        entries = _entries(answer.output, job.request.num_images)
        fetched = await asyncio.gather(*(self._picture(entry, ref) for entry in entries))
        if any(isinstance(one, TryAgain) for one in fetched):
            tries = self._setbacks.count(ref, "download")
            if tries <= TOLERATED_DOWNLOAD_CHECKS:
                return Running(self._delay(tries))
        self._setbacks.forget(ref)
        images = tuple(one.missing if isinstance(one, TryAgain) else one for one in fetched)
        made = sum(isinstance(image, Made) for image in images)
        log.info("provider.finished", provider=self.name, ref=ref, made=made, **_billed(answer))
        return Finished(images) if made else _nothing_made(images)

    async def _picture(self, entry: Mapping[str, Any], ref: str) -> Made | Missing | TryAgain:
        url = text_of(entry, "url")
        if url:
            return await self._fetcher.fetch(self._calls.session("check"), url)
        return await self._judge.missing(text_of(entry, "code"), text_of(entry, "message"), ref)

    @property
    def _check_seconds(self) -> float:
        """The rhythm of the checks: all tasks in flight together stay within three quarters of the limit."""
        in_flight, per_second = self.limits.tasks_in_flight, self.limits.checks_per_second
        if in_flight is None or per_second is None:
            return CHECK_SECONDS
        return max(CHECK_SECONDS, in_flight / (0.75 * per_second))

    def _later(self, ref: str, kind: str) -> Running:
        return Running(self._delay(self._setbacks.count(ref, kind)))

    def _delay(self, tries: int) -> float:
        """Twice as long after each try, up to a minute."""
        return min(MAX_CHECK_SECONDS, self._check_seconds * 2.0 ** min(tries - 1, 10))


def _unknown(why: str) -> Unknown:
    log.error("provider.outcome_unknown", provider=NAME, why=why)
    return Unknown(why)


def _may_be_accepted(status: int) -> bool:
    """Whether this status, from whoever stands in between, leaves open what happened behind it."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT


def _created_between(
    entry: Mapping[str, Any], since: datetime.datetime, until: datetime.datetime
) -> bool:
    created_ms = entry.get("gmt_create")
    if not isinstance(created_ms, int | float) or not text_of(entry, "task_id"):
        return False
    return since.timestamp() <= created_ms / 1000 <= until.timestamp()


def _is_of(job: ImageJob, answer: Answer) -> bool:
    """Whether the pictures were made from the prompt of `job`: the only thing that can tell."""
    entries = _entries(answer.output, job.request.num_images)
    prompts = [prompt for entry in entries if (prompt := text_of(entry, "orig_prompt"))]
    return bool(prompts) and all(_start(one) == _start(job.request.prompt) for one in prompts)


def _start(prompt: str) -> str:
    return " ".join(prompt.split())[:_COMPARED_CHARACTERS]


def _entries(output: Mapping[str, Any], asked: int) -> list[Mapping[str, Any]]:
    """One entry per picture asked for, those with an address first; absent ones are empty."""
    results = output.get("results")
    listed = results if isinstance(results, list) else []
    entries: list[Mapping[str, Any]] = [entry for entry in listed if isinstance(entry, dict)]
    entries.sort(key=lambda entry: not text_of(entry, "url"))
    return [*entries, *({} for _ in range(asked))][:asked]


def _nothing_made(images: tuple[Made | Missing, ...]) -> Failed:
    missing = next(image for image in images if isinstance(image, Missing))
    return Failed(missing.code, missing.message)


def _progress(output: Mapping[str, Any]) -> float | None:
    match output.get("task_metrics"):
        case {"TOTAL": int(total), "SUCCEEDED": int(made), "FAILED": int(lost)} if total > 0:
            return min(1.0, (made + lost) / total)
        case _:
            return None


def _billed(answer: Answer) -> dict[str, Any]:
    match answer.body.get("usage"):
        case {"image_count": int(billed)}:
            return {"billed": billed}
        case _:
            return {}


def _request_id(answer: Answer) -> dict[str, str]:
    return {"upstream_request_id": text_of(answer.body, "request_id")}
