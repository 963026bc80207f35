"""The client for asyncio: the same methods and flows, awaited."""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from heliograph_client import _account, _follow, _reference, _submit, _tasks
from heliograph_client._answers import Batch, Model, Quote, Upload
from heliograph_client._api import Api
from heliograph_client._client import MAX_RETRIES, TIMEOUT_SECONDS, WAIT_SECONDS
from heliograph_client._image import RemoteImage, Result
from heliograph_client._options import BatchItem, QuoteOptions, Reference, TaskFilter, TaskOptions
from heliograph_client._submit import DEFAULT_MODEL
from heliograph_client._task import Task, TaskStatus


async def _sleep(seconds: float) -> None:
    # Late, as asyncio takes long to import, and who uses the other client may never need it.
    import asyncio

    await asyncio.sleep(seconds)


class AsyncImage(RemoteImage):
    """`Image`, with methods to await."""

    async def read(self) -> bytes:
        """As `Image.read`."""
        return await self._read()

    async def save(self, path: str | os.PathLike[str]) -> Path:
        """As `Image.save`."""
        return await self._save(path)


class AsyncClient:
    """`Client`, with methods to await; `events` and `list` are for `async for`."""

    def __init__(  # noqa: PLR0913 - two of them are for tests
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        max_retries: int = MAX_RETRIES,
        timeout_seconds: float = TIMEOUT_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = _sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        # Here, as it takes longer to import than all the rest of this package.
        from heliograph_client._http import AwaitingWire

        key = _account.find_key(api_key)
        self.base_url = _account.find_base_url(base_url)
        self._wire = AwaitingWire(self.base_url, key, timeout_seconds, sleep, now)
        self._api = Api(self._wire, max_retries)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """As `Client.close`."""
        await self._wire.close()

    async def generate(
        self,
        prompt: str,
        *,
        timeout_seconds: float | None = WAIT_SECONDS,
        **options: Unpack[TaskOptions],
    ) -> Result[AsyncImage]:
        """As `Client.generate`."""
        model = options.get("model", DEFAULT_MODEL)
        task_id = await self.submit(prompt, **options)
        return await self.wait(task_id, model=model, timeout_seconds=timeout_seconds)

    async def submit(self, prompt: str, **options: Unpack[TaskOptions]) -> str:
        """As `Client.submit`."""
        return await _submit.submit(self._api, prompt, **options)

    async def status(self, task_id: str, *, model: str = DEFAULT_MODEL) -> TaskStatus:
        """As `Client.status`."""
        return await _follow.status(self._api, task_id, model)

    async def wait(
        self,
        task_id: str,
        *,
        model: str = DEFAULT_MODEL,
        timeout_seconds: float | None = WAIT_SECONDS,
    ) -> Result[AsyncImage]:
        """As `Client.wait`."""
        ended = await _follow.wait(self._api, task_id, model, timeout_seconds)
        return Result(ended, tuple(AsyncImage(self._api, url) for url in ended.urls))

    def events(self, task_id: str, *, model: str = DEFAULT_MODEL) -> AsyncIterator[TaskStatus]:
        """As `Client.events`."""
        return _follow.events(self._api, task_id, model)

    async def task(self, task_id: str) -> Task:
        """As `Client.task`."""
        return await _tasks.task(self._api, task_id)

    def list(self, **wanted: Unpack[TaskFilter]) -> AsyncIterator[Task]:
        """As `Client.list`."""
        return _tasks.list_tasks(self._api, **wanted)

    async def cancel(self, task_id: str, *, model: str = DEFAULT_MODEL) -> TaskStatus:
        """As `Client.cancel`."""
        return await _tasks.cancel(self._api, task_id, model)

    async def delete(self, task_id: str) -> None:
        """As `Client.delete`."""
        await _tasks.delete(self._api, task_id)

    async def quote(self, prompt: str, **options: Unpack[QuoteOptions]) -> Quote:
        """As `Client.quote`."""
        return await _submit.quote(self._api, prompt, **options)

    async def batch(
        self,
        items: Sequence[BatchItem],
        *,
        model: str = DEFAULT_MODEL,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """As `Client.batch`."""
        return await _submit.batch(self._api, items, model, webhook_url, idempotency_key)

    async def batch_status(self, batch_id: str, *, model: str = DEFAULT_MODEL) -> Batch:
        """As `Client.batch_status`."""
        return await _submit.batch_status(self._api, batch_id, model)

    async def upload(self, image: Reference) -> Upload:
        """As `Client.upload`."""
        return await _reference.upload(self._api, image)

    async def balance(self) -> float:
        """As `Client.balance`."""
        return await _account.balance(self._api)

    async def models(self) -> tuple[Model, ...]:
        """As `Client.models`."""
        return await _account.models(self._api)
