"""Results: images that are fetched when they are asked for."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from heliograph_client._api import Api
from heliograph_client._envelope import file_refusal
from heliograph_client._task import TaskStatus
from heliograph_client._wire import Request


class RemoteImage:
    """An image on the server, at `url`; fetched once, and without the API key."""

    def __init__(self, api: Api, url: str) -> None:
        self.url = url
        self._api = api
        self._content: bytes | None = None

    @property
    def name(self) -> str:
        """The last part of the address, such as `1.png`."""
        return PurePosixPath(urlsplit(self.url).path).name

    async def _read(self) -> bytes:
        if self._content is None:
            answer = await self._api.send(Request("GET", self.url, keyed=False), file_refusal)
            self._content = answer.content
        return self._content

    async def _save(self, path: str | os.PathLike[str]) -> Path:
        target = self._target(Path(path))
        target.write_bytes(await self._read())
        return target

    def _target(self, path: Path) -> Path:
        if path.is_dir():
            return path / self.name
        return path if path.suffix else path.with_suffix(PurePosixPath(self.name).suffix)


Picture = TypeVar("Picture", bound=RemoteImage)


@dataclass(frozen=True)
class Result(Generic[Picture]):
    """A task that succeeded. With a partial success there are fewer images than were asked for."""

    status: TaskStatus
    images: tuple[Picture, ...]

    @property
    def task_id(self) -> str:
        """The task."""
        return self.status.task_id

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the images are; no key is needed there."""
        return self.status.urls
