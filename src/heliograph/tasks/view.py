"""The public face of a task: what status shows is, to the byte, what a webhook carries."""

import msgspec

from heliograph.base.clock import unix_ms
from heliograph.tasks.task import TaskStatus


class StatusData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """State and result of a task. Fields that do not apply are absent, never null."""

    task_id: str
    state: str
    result_json: str | None = None
    fail_code: str | None = None
    fail_msg: str | None = None
    create_time: int = 0
    complete_time: int | None = None
    cost_time: int | None = None


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
