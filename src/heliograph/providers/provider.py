"""The contract of everything that makes pictures.

A provider is started once per task. It answers with the pictures at once, or with a reference
that `check` is asked about later, so that no worker slot is held while someone else works.
Outcomes are values, to be matched exhaustively; an exception from a provider is a defect of ours.

A failure's code is one of the documented failCodes, or `InternalError` when the provider itself
failed; its message is a sentence for the customer and never names the operator's account.
"""

from collections.abc import Callable
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
    """

    task_id: str
    request: ImageRequest
    references: tuple[Reference, ...]
    seed: int


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
    """Done. `warnings` are sentences for the customer about what could not be honoured."""

    images: Images
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failed:
    """Ended without any picture, and nothing is owed for it."""

    code: str
    message: str


@dataclass(frozen=True)
class Unknown:
    """Nobody knows whether the call was accepted: it must not be made again."""

    message: str


Report = Callable[[tuple[float, ...]], None]
"""Takes the share done, 0 to 1, of each picture asked for."""


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

    async def start(self, job: ImageJob, report: Report) -> Started | Finished | Failed | Unknown:
        """Hand `job` over. Called at most once per attempt."""

    async def check(self, job: ImageJob, ref: str) -> Running | Finished | Failed | Unknown:
        """Ask after the job that `start` named `ref`; harmless to repeat."""

    async def close(self) -> None:
        """Give back connections and processes."""
