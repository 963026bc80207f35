"""The real Wan 2.5: Alibaba's DashScope, where every call may cost money and lasts minutes.

A submit is never sent twice. Only an answer, or a connection that was never made, proves that
nothing was accepted; anything else is `Unknown`. A poll is free and is repeated until it answers.
Faults of the operator's account are logged as `provider.operator_fault` and never shown to the
customer; neither the key nor a signed address appears in a log line or an exception.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

import aiohttp
import msgspec
import structlog
from yarl import URL

from heliograph.base.errors import OperatorError
from heliograph.providers.dashscope_errors import PROVIDER_FAILURE, Blame, Verdict, classify
from heliograph.providers.dashscope_request import Models, body_of, path_of
from heliograph.providers.dashscope_results import PictureFetcher, TryAgain, read_at_most
from heliograph.providers.provider import (
    Failed,
    Finished,
    ImageJob,
    Made,
    Missing,
    Report,
    Running,
    Started,
    Unknown,
)

SINGAPORE: Final = "https://dashscope-intl.aliyuncs.com/api/v1"
WAN_2_5: Final = Models()
MAX_ANSWER_BYTES: Final = 1_000_000
SLOWEST_UPLOAD_BYTES_PER_SECOND: Final = 1_000_000
MAX_CHECK_SECONDS: Final = 60.0
TOLERATED_UNKNOWN_CHECKS: Final = 3
TOLERATED_DOWNLOAD_CHECKS: Final = 3
MAX_REMEMBERED_TASKS: Final = 10_000
_CONNECT_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 15.0
_DOWNLOAD_SECONDS: Final = 60.0
_QUOTED_CHARACTERS: Final = 200

_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_KEY_LIKE = re.compile(r"\bsk-[\w*-]+")

log = structlog.get_logger()


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: `body` is empty where it was no JSON object."""

    status: int
    body: Mapping[str, Any]

    @property
    def output(self) -> Mapping[str, Any]:
        """The task part of the answer, empty if there is none."""
        output = self.body.get("output")
        return output if isinstance(output, dict) else {}

    @property
    def code(self) -> str:
        """DashScope's error code, empty where someone else answered."""
        return _text(self.body, "code")


class Setbacks:
    """How often in a row one task met the same trouble: a memory that may be lost at any time."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def count(self, ref: str, kind: str) -> int:
        """Note one more trouble of this `kind`; how many that makes in a row."""
        last_kind, count = self._counts.pop(ref, (kind, 0))
        count = count + 1 if last_kind == kind else 1
        self._counts[ref] = (kind, count)
        if len(self._counts) > MAX_REMEMBERED_TASKS:
            self._counts.popitem(last=False)
        return count

    def forget(self, ref: str) -> None:
        """The task is well again, or over."""
        self._counts.pop(ref, None)


class DashScopeProvider:
    """Starts and checks tasks at one DashScope account in one region."""

    name: Final = "dashscope"
    queue: Final = "run"
    reruns: Final = False

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = SINGAPORE,
        models: Models = WAN_2_5,
        check_seconds: float = 5.0,
        submit_timeout_seconds: float = 30.0,
    ) -> None:
        """`check_seconds` is the rhythm of the polls. Raises OperatorError for unusable settings."""
        self._base = _checked_base(base_url)
        if not re.fullmatch(r"[\x21-\x7e]+", api_key):
            raise OperatorError("The DashScope API key is empty or has characters no key has.")
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._secret = api_key
        self._models = models
        self._check_seconds = check_seconds
        self._submit_timeout_seconds = submit_timeout_seconds
        self._setbacks = Setbacks()
        self._fetcher = PictureFetcher(self._base, timeout_seconds=_DOWNLOAD_SECONDS)
        self._sessions: dict[Literal["submit", "check"], aiohttp.ClientSession] = {}

    async def start(self, job: ImageJob, report: Report) -> Started | Finished | Failed | Unknown:
        """Submits `job` once. `Failed` means that nothing was accepted, `Unknown` that it may be."""
        payload = await asyncio.to_thread(lambda: msgspec.json.encode(body_of(job, self._models)))
        try:
            answer = await self._submit(path_of(job), payload)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            log.warning("provider.unreachable", provider=self.name, error=type(error).__name__)
            return Failed(PROVIDER_FAILURE.code, "The model service could not be reached")
        except (aiohttp.ClientError, TimeoutError) as error:
            return _unknown(f"no answer to the submit: {type(error).__name__}")
        return self._submitted(answer)

    async def check(self, job: ImageJob, ref: str) -> Running | Finished | Failed | Unknown:
        """Asks after task `ref`; fetches the pictures when it is done. Trouble is no outcome."""
        try:
            answer = await self._poll(ref)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("provider.check_retry", provider=self.name, error=type(error).__name__)
            return self._later(ref, "poll")
        if answer.status != HTTPStatus.OK:
            self._judge(answer.status, answer.code, _text(answer.body, "message"), ref)
            return self._later(ref, "poll")
        return await self._outcome(job, ref, answer)

    async def close(self) -> None:
        """Closes the connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def _submit(self, path: str, payload: bytes) -> Answer:
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            "X-DashScope-Async": "enable",
        }
        # Inlined pictures make up to 30 MB, for which a slow line shall have its time.
        upload_seconds = len(payload) / SLOWEST_UPLOAD_BYTES_PER_SECOND
        timeout = aiohttp.ClientTimeout(
            total=self._submit_timeout_seconds + upload_seconds, connect=_CONNECT_SECONDS
        )
        async with self._session("submit").post(
            self._base / path,
            data=payload,
            headers=headers,
            allow_redirects=False,
            timeout=timeout,
        ) as response:
            return await _read(response)

    async def _poll(self, ref: str) -> Answer:
        timeout = aiohttp.ClientTimeout(total=_POLL_SECONDS)
        async with self._session("check").get(
            self._base / "tasks" / ref,
            headers=self._headers,
            allow_redirects=False,
            timeout=timeout,
        ) as response:
            return await _read(response)

    def _session(self, use: Literal["submit", "check"]) -> aiohttp.ClientSession:
        if use not in self._sessions:
            # A kept connection may be closed by the other side just as a submit is written, which
            # nobody could tell from an accepted one: every submit gets a connection of its own.
            connector = aiohttp.TCPConnector(force_close=use == "submit")
            self._sessions[use] = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._sessions[use]

    def _submitted(self, answer: Answer) -> Started | Failed | Unknown:
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            ref = _text(answer.output, "task_id")
            if not _TASK_ID.fullmatch(ref):
                return _unknown(f"the submit answered {answer.status} without a task id")
            log.info("provider.started", provider=self.name, ref=ref, **_request_id(answer))
            return Started(ref, self._check_seconds)
        if not answer.code and _may_be_accepted(answer.status):
            return _unknown(f"someone else answered the submit with {answer.status}")
        verdict = self._judge(answer.status, answer.code, _text(answer.body, "message"))
        if verdict.code == "Timeout":
            # The submit ran out of time upstream; the task may exist all the same.
            return _unknown(f"the submit timed out upstream with {answer.status}")
        return Failed(verdict.code, verdict.message)

    async def _outcome(
        self, job: ImageJob, ref: str, answer: Answer
    ) -> Running | Finished | Failed | Unknown:
        output = answer.output
        match _text(output, "task_status"):
            case "PENDING" | "RUNNING" | "SUSPENDED":
                self._setbacks.forget(ref)
                return Running(self._check_seconds, _progress(output))
            case "SUCCEEDED":
                return await self._succeeded(job, ref, answer)
            case "FAILED" | "CANCELED":
                # We never cancel a task there, so a cancelled one is a failure of the provider.
                self._setbacks.forget(ref)
                verdict = self._judge(None, _text(output, "code"), _text(output, "message"), ref)
                return Failed(verdict.code, verdict.message)
            case "UNKNOWN":
                return self._not_known(ref)
            case _:
                log.warning("provider.check_unreadable", provider=self.name, ref=ref)
                return self._later(ref, "poll")

    def _not_known(self, ref: str) -> Running | Unknown:
        """A fresh task may not be known everywhere yet; an old one has been forgotten for good."""
        if self._setbacks.count(ref, "unknown") <= TOLERATED_UNKNOWN_CHECKS:
            return Running(self._check_seconds)
        self._setbacks.forget(ref)
        return _unknown("the provider does not know the task any more")

    async def _succeeded(
        self, job: ImageJob, ref: str, answer: Answer
    ) -> Running | Finished | Failed:
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
        url = _text(entry, "url")
        if url:
            return await self._fetcher.fetch(self._session("check"), url)
        verdict = self._judge(None, _text(entry, "code"), _text(entry, "message"), ref)
        return Missing(verdict.code, verdict.message)

    def _later(self, ref: str, kind: str) -> Running:
        return Running(self._delay(self._setbacks.count(ref, kind)))

    def _delay(self, tries: int) -> float:
        """Twice as long after each try, from `check_seconds` to a minute."""
        return min(MAX_CHECK_SECONDS, self._check_seconds * 2.0 ** min(tries - 1, 10))

    def _judge(self, status: int | None, code: str, message: str, ref: str = "") -> Verdict:
        """Classify an error, tell the operator, and word it for the customer."""
        verdict = classify(status, code, message)
        quoted = self._quotable(message)
        facts = {"provider": self.name, "ref": ref, "status": status, "upstream_code": code}
        match verdict.blame:
            case Blame.OPERATOR:
                log.error("provider.operator_fault", **facts, reason=quoted, remedy=verdict.remedy)
                return verdict
            case Blame.PROVIDER:
                log.warning("provider.failure", **facts, reason=quoted)
                return verdict
            case Blame.OURS:
                log.error("provider.request_refused", **facts, reason=quoted)
            case Blame.CUSTOMER:
                log.info("provider.content_refused", **facts)
        sentence = f"{verdict.message}: {quoted}" if quoted else verdict.message
        return Verdict(verdict.code, sentence, verdict.blame)

    def _quotable(self, message: str) -> str:
        """`message` on one line, cut short, without anything that looks like a key."""
        clean = _KEY_LIKE.sub("sk-***", message.replace(self._secret, "***"))
        return " ".join(clean.split())[:_QUOTED_CHARACTERS]


def _checked_base(base_url: str) -> URL:
    try:
        base = URL(base_url.rstrip("/"))
    except ValueError:
        base = URL()
    if base.scheme not in {"http", "https"} or not base.host or base.query or base.user:
        raise OperatorError(f"The DashScope base URL must look like {SINGAPORE}")
    return base


async def _read(response: aiohttp.ClientResponse) -> Answer:
    data = await read_at_most(response.content, MAX_ANSWER_BYTES)
    try:
        body = msgspec.json.decode(data or b"")
    except msgspec.DecodeError:
        body = None
    return Answer(response.status, body if isinstance(body, dict) else {})


def _unknown(why: str) -> Unknown:
    log.error("provider.outcome_unknown", provider="dashscope", why=why)
    return Unknown(why)


def _may_be_accepted(status: int) -> bool:
    """Whether this status, from whoever stands in between, leaves open what happened behind it."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT


def _entries(output: Mapping[str, Any], asked: int) -> list[Mapping[str, Any]]:
    """One entry per picture asked for, those with an address first; absent ones are empty."""
    results = output.get("results")
    listed = results if isinstance(results, list) else []
    entries: list[Mapping[str, Any]] = [entry for entry in listed if isinstance(entry, dict)]
    entries.sort(key=lambda entry: not _text(entry, "url"))
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
    return {"upstream_request_id": _text(answer.body, "request_id")}


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""
