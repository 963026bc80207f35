"""The public face of a task: what status shows is, to the byte, what a webhook carries."""

from collections.abc import Mapping
from typing import Any

import msgspec

from heliograph.base.clock import unix_ms
from heliograph.ledger.money import dollars
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


class TaskData(StatusData, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """Everything about a task: what was asked, by whom it is made, how far it is, what came of it.

    `progress` has the share done (0 to 1) of each image while the task is processed; `engine` is
    the provider that makes the pictures; `price` is in dollars for one image; `warnings` are
    sentences about what the engine could not honour, such as words it does not know.
    """

    model: str
    mode: str
    test: bool
    prompt: str
    aspect_ratio: str
    num_images: int
    price: float
    engine: str | None = None
    progress: list[float] | None = None
    images: list[ImageData] | None = None
    warnings: list[str] | None = None
    files_expire_time: int | None = None


class StatusEnvelope(msgspec.Struct, frozen=True):
    """The documented answer of `statusTask`: code 200 for a failed task too."""

    code: int
    message: str
    data: StatusData


ENCODER = msgspec.json.Encoder()


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


def task_data(task: TaskDetail, public_url: str) -> TaskData:
    """The full public detail of `task`."""
    expire = unix_ms(task.files_expire_at) if task.files_expire_at else None
    return TaskData(
        **msgspec.structs.asdict(status_data(task, public_url)),
        model=task.model,
        mode=task.mode,
        test=task.test,
        prompt=task.request["prompt"],
        aspect_ratio=task.request["aspect_ratio"],
        num_images=task.num_images,
        price=dollars(0 if task.test else task.unit_price_micros),
        engine=task.provider,
        progress=task.progress,
        images=[_image(image, public_url) for image in task.images or ()] or None,
        warnings=task.warnings or None,
        files_expire_time=expire,
    )


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
