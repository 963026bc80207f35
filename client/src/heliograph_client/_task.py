"""A task as the server tells of it: its state, and its whole story."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliograph_client._reading import read

ENDS = ("success", "failed")


@dataclass(frozen=True, kw_only=True)
class TaskStatus:
    """State and result of a task; times are Unix milliseconds.

    `state` is `pending`, `processing`, `success` or `failed`. `urls` is empty until `success`.
    `progress` is the share done of each image (0 to 1) and `queue_position` is 1 for the task
    that is taken up next; both are there while the task is followed on a server that tells them.
    """

    task_id: str
    state: str
    create_time: int
    urls: tuple[str, ...] = ()
    fail_code: str | None = None
    fail_message: str | None = None
    complete_time: int | None = None
    progress: tuple[float, ...] = ()
    queue_position: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the state will not change any more."""
        return self.state in ENDS


@dataclass(frozen=True, kw_only=True)
class ImageOutcome:
    """What became of one image: where it is, or why it is missing."""

    url: str | None = None
    width: int | None = None
    height: int | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    fail_code: str | None = None
    fail_message: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaskEvent:
    """A line of a task's story: what happened, when, and at which provider."""

    event: str
    time: int
    provider: str | None = None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptLine:
    """One movement of money, in dollars: `hold`, `charge` or `release`."""

    kind: str
    amount: float
    time: int


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The money of a task, in dollars: held at first, charged for images, given back."""

    held: float
    charged: float
    refunded: float
    lines: tuple[ReceiptLine, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Task(TaskStatus):
    """All about a task: what was asked, who makes it, what came of it.

    `price` is in dollars for one image. `warnings` are sentences about what the engine could not
    honour, `scene` what it understood. `timeline` and `receipt` come with a single task, not in lists.
    """

    model: str
    mode: str
    num_images: int
    aspect_ratio: str
    test: bool = False
    price: float | None = None
    prompt: str | None = None
    negative_prompt: str | None = None
    image_urls: tuple[str, ...] = ()
    engine: str | None = None
    images: tuple[ImageOutcome, ...] = ()
    warnings: tuple[str, ...] = ()
    scene: str | None = None
    batch_id: str | None = None
    files_expire_time: int | None = None
    timeline: tuple[TaskEvent, ...] = ()
    receipt: Receipt | None = None


def read_status(data: Mapping[str, Any]) -> TaskStatus:
    """The status view of the API as a value."""
    return read(TaskStatus, plain(data))


def read_task(data: Mapping[str, Any]) -> Task:
    """The detail of the API as a value."""
    return read(Task, plain(data))


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with the JSON in `resultJson` unpacked, and its short names written out."""
    result = json.loads(data["resultJson"]) if data.get("resultJson") else {}
    images = [one | {"failMessage": one.get("failMsg")} for one in data.get("images") or ()]
    return {
        **data,
        "urls": result.get("resultUrls", ()),
        "failMessage": data.get("failMsg"),
        "images": images,
    }
