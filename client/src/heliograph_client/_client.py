"""The client for ordinary code: each method is one flow, run through."""

import os
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from heliograph_client import _account, _follow, _reference, _submit, _tasks
from heliograph_client._answers import Batch, Model, Quote, Upload
from heliograph_client._api import Api
from heliograph_client._image import RemoteImage, Result
from heliograph_client._options import BatchItem, QuoteOptions, Reference, TaskFilter, TaskOptions
from heliograph_client._submit import DEFAULT_MODEL
from heliograph_client._task import Task, TaskStatus

MAX_RETRIES = 2
TIMEOUT_SECONDS = 60.0

#: How long to wait for a task. The server's own limit for one is shorter.
WAIT_SECONDS = 900.0

Value = TypeVar("Value")


class Image(RemoteImage):
    """An image that was made; it is fetched when you read or save it, once."""

    def read(self) -> bytes:
        """The bytes of the file. Raises ApiError, 410 when the server has deleted it."""
        return _run(self._read())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file, and give its path.

        In a folder it gets its own name; a name without a suffix gets its own suffix.
        """
        return _run(self._save(path))


class Client:
    """A connection to one server with one API key. It may be shared by threads.

    `api_key` and `base_url` default to HELIOGRAPH_API_KEY and HELIOGRAPH_BASE_URL, the latter to
    this machine. A failed call is repeated at most `max_retries` times; one answer may take
    `timeout_seconds`. `sleep` and `now` are for tests. Every method raises ApiError when the server
    refuses, and NoAnswer when it cannot be reached.
    """

    def __init__(  # noqa: PLR0913 - two of them are for tests
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        max_retries: int = MAX_RETRIES,
        timeout_seconds: float = TIMEOUT_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        # Here, as it takes longer to import than all the rest of this package.
        from heliograph_client._http import BlockingWire

        key = _account.find_key(api_key)
        self.base_url = _account.find_base_url(base_url)
        self._wire = BlockingWire(self.base_url, key, timeout_seconds, sleep, now)
        self._api = Api(self._wire, max_retries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def generate(
        self,
        prompt: str,
        *,
        timeout_seconds: float | None = WAIT_SECONDS,
        **options: Unpack[TaskOptions],
    ) -> Result[Image]:
        """Submit a task and wait for its images. Options as for `submit`, errors as of `wait`."""
        model = options.get("model", DEFAULT_MODEL)
        task_id = self.submit(prompt, **options)
        return self.wait(task_id, model=model, timeout_seconds=timeout_seconds)

    def submit(self, prompt: str, **options: Unpack[TaskOptions]) -> str:
        """Submit a task, and give its id. The price is held until the task ends.

        `images`: up to three reference images (an address, a path, bytes, an open file or a Pillow
        image). `num_images`: 1 to 4 (4). `aspect_ratio`: such as `16:9` (`1:1`). `negative_prompt`: what
        not to draw. `callback_url`: where the result is posted. `retention_hours`: how long it is kept.
        `model` (`wan-2-5-image`). `idempotency_key`: a key of your own instead of a fresh one.
        Raises BadRequest, PaymentRequired, BadPicture, and others.
        """
        return _run(_submit.submit(self._api, prompt, **options))

    def status(self, task_id: str, *, model: str = DEFAULT_MODEL) -> TaskStatus:
        """Read the state of a task once."""
        return _run(_follow.status(self._api, task_id, model))

    def wait(
        self,
        task_id: str,
        *,
        model: str = DEFAULT_MODEL,
        timeout_seconds: float | None = WAIT_SECONDS,
    ) -> Result[Image]:
        """Wait for the images of a task, for ever when `timeout_seconds` is None.

        Raises TaskFailed when it ends without any, StillRunning when the time is over; both name it.
        """
        ended = _run(_follow.wait(self._api, task_id, model, timeout_seconds))
        return Result(ended, tuple(Image(self._api, url) for url in ended.urls))

    def events(self, task_id: str, *, model: str = DEFAULT_MODEL) -> Iterator[TaskStatus]:
        """Yield the status at every change, with the progress of each image, until the task has ended."""
        return _iterate(_follow.events(self._api, task_id, model))

    def task(self, task_id: str) -> Task:
        """Everything about a task: what was asked, what happened, what it cost."""
        return _run(_tasks.task(self._api, task_id))

    def list(self, **wanted: Unpack[TaskFilter]) -> Iterator[Task]:
        """Yield the account's tasks, the youngest first; fetched page by page as they are asked for.

        Only those that are `wanted`: by `state`, `mode`, `model`, `batch_id`, and by `created_after` and
        `created_before` in Unix milliseconds; at most `limit` of them.
        """
        return _iterate(_tasks.list_tasks(self._api, **wanted))

    def cancel(self, task_id: str, *, model: str = DEFAULT_MODEL) -> TaskStatus:
        """End a task; what was not made is paid back. Raises Conflict when it has ended by itself."""
        return _run(_tasks.cancel(self._api, task_id, model))

    def delete(self, task_id: str) -> None:
        """Delete the texts and files of a task that has ended. Raises Conflict for an open one."""
        _run(_tasks.delete(self._api, task_id))

    def quote(self, prompt: str, **options: Unpack[QuoteOptions]) -> Quote:
        """Check and price what `submit` would submit; nothing is submitted, no money moves."""
        return _run(_submit.quote(self._api, prompt, **options))

    def batch(
        self,
        items: Sequence[BatchItem],
        *,
        model: str = DEFAULT_MODEL,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Submit 1 to 50 tasks at once: all are accepted and paid for, or none."""
        return _run(_submit.batch(self._api, items, model, webhook_url, idempotency_key))

    def batch_status(self, batch_id: str, *, model: str = DEFAULT_MODEL) -> Batch:
        """Read the state of a batch and of each of its tasks."""
        return _run(_submit.batch_status(self._api, batch_id, model))

    def upload(self, image: Reference) -> Upload:
        """Put a picture on the server, to use it as a reference image more than once."""
        return _run(_reference.upload(self._api, image))

    def balance(self) -> float:
        """What is left to spend, in dollars."""
        return _run(_account.balance(self._api))

    def models(self) -> tuple[Model, ...]:
        """The models that can be asked, with modes, sizes, limits and prices."""
        return _run(_account.models(self._api))


def _run(flow: Coroutine[Any, Any, Value]) -> Value:
    """The result of a flow whose wire blocks: it never suspends, so one step takes it to its end."""
    try:
        flow.send(None)
    except StopIteration as end:
        result: Value = end.value
        return result
    raise AssertionError("a blocking wire does not suspend")


def _iterate(flow: AsyncGenerator[Value, None]) -> Iterator[Value]:
    """What a flow yields whose wire blocks. Its connection is closed when nobody wants more."""
    try:
        while True:
            yield _run(flow.__anext__())
    except StopAsyncIteration:
        return
    finally:
        _run(flow.aclose())
