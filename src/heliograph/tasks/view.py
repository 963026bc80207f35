"""The public face of a task: what status shows is, to the byte, what a webhook carries."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from heliograph.base.clock import unix_ms
from heliograph.ledger.money import dollars
from heliograph.tasks.observe.story import Event, Receipt
from heliograph.tasks.task import TaskDetail, TaskState, TaskStatus


class StatusData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """State and result of a task. Fields that do not apply are absent, never null."""

    task_id: str
    state: TaskState
    result_json: str | None = None
    fail_code: str | None = None
    fail_msg: str | None = None
    create_time: int
    complete_time: int | None = None
    cost_time: int | None = None


class ImageData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One image that was asked for: where it is, or why it is missing."""

    url: str | None = None
    width: int | None = None
    height: int | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    fail_code: str | None = None
    fail_msg: str | None = None


class WebhookAttempt(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One POST to the receiver: when (Unix ms), what it answered, or why there was no answer."""

    time: int
    status: int | None = None
    latency_ms: int | None = None
    error: str | None = None


class WebhookData(msgspec.Struct, frozen=True, rename="camel"):
    """The notice of a task's end: `pending`, `delivered` or `dead`, with every attempt."""

    id: str
    state: str
    url: str
    attempts: list[WebhookAttempt]


class ProgressData(StatusData, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """What an event says: the status, the share done of each image (0 to 1), the place in the queue."""

    progress: list[float] | None = None
    queue_position: int | None = None


class TaskData(StatusData, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """Everything about a task: what was asked, by whom it is made, how far it is, what came of it.

    `progress` has the share done (0 to 1) of each image while the task is processed; `engine` is
    the provider that makes the pictures; `price` is in dollars for one image; `warnings` are
    sentences about what the engine could not honour, such as words it does not know, and `scene` what
    it understood, where it can tell.
    `queuePosition` is 1 for the task that is taken up next. `timeline`, `receipt` and `webhook` come
    with a single task, not in lists. The texts are absent once the task's data is deleted.
    """

    model: str
    mode: str
    test: bool
    prompt: str | None = None
    negative_prompt: str | None = None
    image_urls: list[str] | None = None
    aspect_ratio: str
    num_images: int
    price: float
    engine: str | None = None
    progress: list[float] | None = None
    images: list[ImageData] | None = None
    warnings: list[str] | None = None
    scene: str | None = None
    files_expire_time: int | None = None
    data_deleted_time: int | None = None
    source: str | None = None
    batch_id: str | None = None
    queue_position: int | None = None
    timeline: list[Event] | None = None
    receipt: Receipt | None = None
    webhook: WebhookData | None = None


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What a single task's detail says beyond its row."""

    queue_position: int | None = None
    timeline: list[Event] | None = None
    receipt: Receipt | None = None
    webhook: WebhookData | None = None


class StatusEnvelope(msgspec.Struct, frozen=True):
    """The documented answer of `statusTask`: code 200 for a failed task too."""

    code: int
    message: str
    data: StatusData


ENCODER = msgspec.json.Encoder()

LONGEST_SHOWN_URL = 2048


def status_data(task: TaskStatus, public_url: str) -> StatusData:
    """What a client is told of `task`; result URLs start with `public_url`.

    `costTime` is `completeTime - createTime` in milliseconds, on success only.
    """
    created = unix_ms(task.created_at)
    completed = unix_ms(task.completed_at) if task.completed_at else None
    success = task.state == "success"
    return StatusData(
        task_id=task.task_id.hex,
        state=task.state,
        result_json=result_json(task.paths, public_url) if success else None,
        fail_code=task.fail_code,
        fail_msg=task.fail_message,
        create_time=created,
        complete_time=completed,
        cost_time=completed - created if completed is not None and success else None,
    )


def progress_data(task: TaskDetail, public_url: str, queue_position: int | None) -> ProgressData:
    """What one event of a task's stream says."""
    return ProgressData(
        **msgspec.structs.asdict(status_data(task, public_url)),
        progress=_rounded(task.progress),
        queue_position=queue_position,
    )


def task_data(task: TaskDetail, public_url: str, story: Story | None = None) -> TaskData:
    """The full public detail of `task`, with what was read besides its row."""
    story = story or Story()
    request = task.request
    return TaskData(
        **msgspec.structs.asdict(status_data(task, public_url)),
        model=task.model,
        mode=task.mode,
        test=task.test,
        prompt=request.get("prompt"),
        negative_prompt=request.get("negative_prompt"),
        image_urls=[_shown(url) for url in request.get("image_urls", ())] or None,
        aspect_ratio=request["aspect_ratio"],
        num_images=task.num_images,
        price=dollars(0 if task.test else task.unit_price_micros),
        engine=task.provider,
        progress=_rounded(task.progress),
        images=[_image(image, public_url) for image in task.images or ()] or None,
        warnings=task.warnings or None,
        scene=task.scene,
        files_expire_time=_time(task.files_expire_at) if task.paths else None,
        data_deleted_time=_time(task.data_deleted_at),
        source=task.source,
        batch_id=task.batch_id.hex if task.batch_id else None,
        queue_position=story.queue_position,
        timeline=story.timeline,
        receipt=story.receipt,
        webhook=story.webhook,
    )


def _time(moment: datetime.datetime | None) -> int | None:
    return unix_ms(moment) if moment else None


def _rounded(progress: Sequence[float] | None) -> list[float] | None:
    return None if progress is None else [round(share, 3) for share in progress]


def _shown(image_url: str) -> str:
    """A data URL may be megabytes long; its type is enough."""
    return image_url if len(image_url) <= LONGEST_SHOWN_URL else image_url[:64] + "…"


def _image(image: Mapping[str, Any], public_url: str) -> ImageData:
    if "path" not in image:
        return ImageData(fail_code=image["fail_code"], fail_msg=image["fail_message"])
    return ImageData(
        url=file_url(image["path"], public_url),
        width=image["width"],
        height=image["height"],
        size_bytes=image["size_bytes"],
        sha256=image["sha256"],
    )


def result_json(paths: list[str], public_url: str) -> str:
    """The documented JSON string `{"resultUrls": [...]}` for stored `paths`."""
    urls = [file_url(path, public_url) for path in paths]
    return ENCODER.encode({"resultUrls": urls}).decode()


def file_url(path: str, public_url: str) -> str:
    """Where the stored file `path` (`results/…`) is served without authentication."""
    return f"{public_url}/files/{path.removeprefix('results/')}"


def status_body(task: TaskStatus, public_url: str) -> bytes:
    """The whole JSON body that statusTask answers and a webhook posts."""
    return ENCODER.encode(StatusEnvelope(200, "success", status_data(task, public_url)))
