"""Pictures as files in a folder of this machine."""

import asyncio
import contextlib
import errno
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from heliograph.base.batch import Batch
from heliograph.base.errors import Busy, OperatorError
from heliograph.base.log import log
from heliograph.storage.arrivals import Arrival, make_folder, sync_folders, take_in
from heliograph.storage.path import names_of

# Half-written files live here, on the same file system and out of reach of any path.
_INCOMING = ".incoming"
_LEFTOVER_SECONDS = 3600
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_RETRY_AFTER_SECONDS = 30
NO_ROOM = "There is no room left for pictures on the server. Try again later."
OUT_OF_ORDER = "The storage for pictures does not work at the moment. Try again later."
_THREADS = 4
_MOST_TOGETHER = 16


class DiskStorage:
    """Files under `root`, which is made if need be. Any number of processes may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        incoming = self._root / _INCOMING
        self._incoming = str(incoming)
        # fsync may take long; these threads keep it from holding up the event loop or name look-ups.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
        # One of them writes at a time: two would hold up each other, and the event loop, more than
        # they would get done.
        self._writes = Batch(self._write_together, _MOST_TOGETHER, patient=True)
        try:
            sync_folders(make_folder(str(incoming)))
            _must_be_ours(self._root, incoming)
        except OSError as error:
            raise OperatorError(
                f"The folder for pictures, {root}, cannot be used: {error.strerror}. "
                "Make it writable, or set HELIOGRAPH_DATA_DIR or HELIOGRAPH_STORAGE_URL."
            ) from error
        self._remove_leftovers()

    async def write(self, path: str, data: bytes) -> None:
        """See Storage.write; ValueError for a path that is none."""
        error = await self._writes(Arrival(self._place(path), data))
        if error is None:
            return
        if isinstance(error, FileExistsError):
            raise error
        full = error.errno in _NO_ROOM
        if not full:
            log.error("storage.trouble", doing="write", cause=str(error))
        raise Busy(NO_ROOM if full else OUT_OF_ORDER, _RETRY_AFTER_SECONDS) from error

    async def read(self, path: str) -> bytes | None:
        """See Storage.read."""
        place = self.local_path(path)
        if place is None:
            return None
        with contextlib.suppress(FileNotFoundError):
            return await asyncio.get_running_loop().run_in_executor(self._threads, place.read_bytes)
        return None

    async def delete(self, path: str) -> None:
        """See Storage.delete; ValueError for a path that is none."""
        await self._in_thread(lambda: self._delete(Path(self._place(path))))

    async def delete_folder(self, path: str) -> None:
        """See Storage.delete_folder; ValueError for a path that is none."""
        await self._in_thread(lambda: self._delete_folder(Path(self._place(path))))

    def local_path(self, path: str) -> Path | None:
        """See Storage.local_path."""
        try:
            place = Path(self._place(path))
        except ValueError:
            return None
        return place if place.is_file() else None

    async def _write_together(self, arrivals: list[Arrival]) -> list[OSError | None]:
        await self._in_thread(lambda: take_in(arrivals, self._incoming))
        return [arrival.error for arrival in arrivals]

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _place(self, path: str) -> str:
        _, *below = itertools.accumulate(names_of(path), os.path.join, initial=str(self._root))
        # The names cannot climb; a link that somebody put under the root could.
        if any(map(os.path.islink, below)) and not Path(below[-1]).resolve().is_relative_to(
            self._root.resolve()
        ):
            raise ValueError(f"a path that leaves the storage: {path!r}")
        return below[-1]

    def _delete(self, place: Path) -> None:
        place.unlink(missing_ok=True)
        self._remove_if_empty(place.parents)

    def _delete_folder(self, place: Path) -> None:
        # who writes there meanwhile gets a folder of the same name
        shutil.rmtree(place, onerror=_raise_unless_gone)
        self._remove_if_empty(place.parents)

    def _remove_if_empty(self, folders: Iterable[Path]) -> None:
        for folder in folders:
            if folder == self._root:
                break
            try:
                folder.rmdir()
            except OSError:
                break

    def _remove_leftovers(self) -> None:
        """Remove what processes that were killed had begun to write."""
        oldest_seconds = time.time() - _LEFTOVER_SECONDS
        for leftover in (self._root / _INCOMING).iterdir():
            with suppress(FileNotFoundError):
                if leftover.stat().st_mtime < oldest_seconds:
                    leftover.unlink()


def _must_be_ours(*folders: Path) -> None:
    """Raise PermissionError when this process may not write in one: another user has made it."""
    for folder in folders:
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def _raise_unless_gone(_: object, __: object, error: tuple[Any, BaseException, Any]) -> None:
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]
