"""A task as data: its states, its row, and the limits of time that govern who may touch it."""

import datetime
import re
import uuid
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec

from heliograph.catalog.request import ImageRequest

TaskState: TypeAlias = Literal["pending", "processing", "success", "failed"]

#: How long a claim lasts without a sign of life; whoever works on a task renews it in time.
LEASE_SECONDS = 15
RENEW_SECONDS = 2

#: A task that is overdue by this much is nudged by the sweep, whatever became of its job.
GRACE_SECONDS = 4

#: A pending task waits for a free slot; only after this long does the sweep ask again.
PENDING_NUDGE_SECONDS = 60

TASK_ID = re.compile("[0-9a-f]{32}")

#: An engine of our own may start a task once and, after lost calls, twice more.
MOST_STARTS = 3


class Task(msgspec.Struct, frozen=True):
    """A row of `tasks`; the order of the fields is the order of the columns that are read."""

    task_id: uuid.UUID
    account_id: str
    model: str
    mode: str
    test: bool
    routing: str
    request: ImageRequest
    unit_price_micros: int
    callback_url: str | None
    state: TaskState
    claim_no: int
    provider: str | None
    provider_ref: str | None
    starts: int
    created_at: datetime.datetime
    deadline_at: datetime.datetime
    batch_id: uuid.UUID | None = None
    retention_hours: int | None = None
    traceparent: str | None = None

    @property
    def hex(self) -> str:
        """The public task id: 32 lower-case hex digits."""
        return self.task_id.hex

    @property
    def begun(self) -> bool:
        """Whether its claim, the first, has written down the call that it needs."""
        return self.claim_no == 1 and self.provider is not None

    @property
    def hold_micros(self) -> int:
        """What was precharged: every image asked for, at the price frozen on the task."""
        return 0 if self.test else self.request.num_images * self.unit_price_micros


class TaskStatus(msgspec.Struct, frozen=True):
    """What a status read needs of a task."""

    task_id: uuid.UUID
    account_id: str
    model: str
    mode: str
    state: TaskState
    images: list[dict[str, Any]] | None
    fail_code: str | None
    fail_message: str | None
    created_at: datetime.datetime
    completed_at: datetime.datetime | None
    progress: list[float] | None = None
    files_expire_at: datetime.datetime | None = None
    files_deleted_at: datetime.datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing about it will change any more."""
        return self.state in ("success", "failed")

    @property
    def paths(self) -> list[str]:
        """Storage paths of the images that were made, in order."""
        return [image["path"] for image in self.images or () if "path" in image]


class TaskDetail(TaskStatus, frozen=True):
    """Everything about a task that its owner or the operator may see."""

    test: bool = False
    num_images: int = 0
    unit_price_micros: int = 0
    provider: str | None = None
    warnings: list[str] | None = None
    scene: str | None = None
    request: dict[str, Any] = {}
    claimed_at: datetime.datetime | None = None
    deadline_at: datetime.datetime | None = None
    version: int = 0
    checks: int = 0
    checked_at: datetime.datetime | None = None
    stored_at: datetime.datetime | None = None
    data_deleted_at: datetime.datetime | None = None
    source: str | None = None
    batch_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Ending:
    """How a task ends: with images (some of them perhaps missing), or with a failure.

    `images` has one entry for each image that was asked for: a stored file (`path` and facts
    about it) or the reason why it is missing (`fail_code`, `fail_message`).
    """

    images: tuple[dict[str, Any], ...] = ()
    fail_code: str | None = None
    fail_message: str | None = None
    warnings: tuple[str, ...] = ()
    scene: str | None = None
    stored_at: datetime.datetime | None = None

    @property
    def made(self) -> int:
        """How many images exist as files; only these are charged."""
        return sum("path" in image for image in self.images)

    @property
    def state(self) -> TaskState:
        """`success` as soon as one image was made."""
        return "success" if self.made else "failed"


def failed(code: str, message: str) -> Ending:
    """The ending of a task of which nothing was made."""
    return Ending(fail_code=code, fail_message=message)


def task_id_at(unix_ms: int, randomness: bytes) -> uuid.UUID:
    """A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 of `randomness` (10 bytes).

    So ids sort by age.
    """
    random = int.from_bytes(randomness, "big")
    high, low = random >> 62 & 0xFFF, random & (1 << 62) - 1
    return uuid.UUID(int=unix_ms << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def read_task_id(text: str) -> uuid.UUID | None:
    """The id that `text` spells in the one public form (32 lower-case hex digits), else None."""
    return uuid.UUID(text) if TASK_ID.fullmatch(text) else None
