"""The contract of everything that makes pictures.

A provider is started once per task. It answers with the pictures at once, or with a reference
that `check` is asked about later, so that no worker slot is held while someone else works.
Outcomes are values, to be matched exhaustively; an exception from a provider is a defect of ours.

A failure's code is one of the documented failCodes, or `InternalError` when the provider itself
failed; its message is a sentence for the customer and never names the operator's account.
"""

import datetime
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from heliograph.catalog.reference import Reference
from heliograph.catalog.request import ImageRequest

FAIL_CODES: Final = (
    "PromptInvalid",
    "MissingParameter",
    "BadRequest",
    "SensitiveContentDetected",
    "ProhibitedContentDetected",
    "RateLimitExceeded",
    "Timeout",
    "Cancelled",
    "InternalError",
)


@dataclass(frozen=True)
class ImageJob:
    """What a provider is asked to make: `request.num_images` pictures of `width` by `height`.

    `seed` belongs to the first picture; picture k uses `seed + k` where the engine allows it.
    `found`: its ref comes from `find`, so that `check` must make sure that the pictures are its own.
    """

    task_id: str
    request: ImageRequest
    references: tuple[Reference, ...]
    seed: int
    found: bool = False


@dataclass(frozen=True)
class Made:
    """One finished picture, as the bytes of a file."""

    data: bytes
    content_type: str = "image/png"


@dataclass(frozen=True)
class Missing:
    """One picture that was asked for and not made, and why. It is not charged."""

    code: str
    message: str


Images = tuple[Made | Missing, ...]
"""One entry per picture asked for, with at least one `Made` among them."""


@dataclass(frozen=True)
class Started:
    """The provider has taken the job; `ref` is its name for it, kept across restarts."""

    ref: str
    check_after_seconds: float


@dataclass(frozen=True)
class Running:
    """Not done yet. `progress` is the share done, 0 to 1, where the provider tells."""

    check_after_seconds: float
    progress: float | None = None


@dataclass(frozen=True)
class Finished:
    """Done. `warnings` are sentences for the customer about what could not be honoured.

    `scene` is what the engine understood and drew, where it can tell.
    """

    images: Images
    warnings: tuple[str, ...] = ()
    scene: str | None = None


@dataclass(frozen=True)
class Failed:
    """Ended without any picture, and nothing is owed for it."""

    code: str
    message: str


@dataclass(frozen=True)
class Refused:
    """Not taken, through no fault of the request, and nothing is owed: another provider may take it.

    `retry_after_seconds` is when this one may be asked again, None if not for this job. `code` and
    `message` end the task when nobody takes it.
    """

    code: str
    message: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class Unknown:
    """Nobody knows whether the call was accepted: it must not be made again."""

    message: str


Report = Callable[[tuple[float, ...]], None]
"""Takes the share done, 0 to 1, of each picture asked for."""


Outcome = Started | Running | Finished | Failed | Refused | Unknown


@dataclass(frozen=True)
class Limits:
    """What a provider's account or engine takes, over all our processes; None is without limit."""

    starts_per_second: float | None = None
    tasks_in_flight: int | None = None
    checks_per_second: float | None = None


@dataclass(frozen=True)
class Finding:
    """What a probe of a provider found: a sentence, and what the operator should do if not `ok`."""

    ok: bool
    found: str
    remedy: str | None = None


BOTH_MODES: Final = frozenset({"text-to-image", "image-to-image"})

Alarm = Callable[[str, str, str], Awaitable[None]]
"""Tells the operator: name of the provider, code of the fault, and what to do about it."""


class Provider(Protocol):
    """Makes the pictures of one job. Cancelling a call's coroutine cancels the work."""

    @property
    def name(self) -> str:
        """The name in `HELIOGRAPH_PROVIDERS` and on the task row."""

    @property
    def queue(self) -> Literal["run", "render"]:
        """`render` when `start` answers with the pictures and so needs a slot of the engine."""

    @property
    def reruns(self) -> bool:
        """True for an engine of the operator's own, where a lost call may be run again."""

    @property
    def modes(self) -> frozenset[str]:
        """The modes that it can serve: `text-to-image`, `image-to-image`."""

    @property
    def limits(self) -> Limits:
        """What all processes together may ask of it; the spine keeps it."""

    @property
    def slots(self) -> int:
        """How many jobs one process should have in `start` at a time, for the `render` queue."""

    @property
    def cost_micros(self) -> int:
        """What one picture costs the operator by default, in micro-dollars; 0 for own engines."""

    async def start(self, job: ImageJob, report: Report) -> Outcome:
        """Hand `job` over; never `Running`. Called at most once per attempt."""

    async def check(self, job: ImageJob, ref: str) -> Outcome:
        """Ask after the job that `start` named `ref`; harmless to repeat. Never `Started`."""

    async def cancel(self, job: ImageJob, ref: str) -> None:
        """Say that nobody wants the job `ref` any more, as far as the provider listens to that."""

    async def find(self, job: ImageJob, started_at: datetime.datetime) -> Sequence[str]:
        """The refs that a job whose `start` gave no answer may have got; empty if none can be told."""

    async def probe(self) -> Sequence[Finding]:
        """Try, without making a picture, whether it would take a job: for `heliograph doctor`."""

    async def close(self) -> None:
        """Give back connections and processes."""
