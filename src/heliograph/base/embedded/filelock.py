"""Locks on files. The kernel gives them back when their holder dies, however it dies."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from heliograph.base.errors import OperatorError

LOOK_SECONDS = 0.01


class FileLock:
    """A lock on `path`, held by this object and by processes that inherit `number`, until closed."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def share(self) -> None:
        """Hold it together with others. Raises BlockingIOError when someone owns it alone."""
        fcntl.flock(self.number, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def try_own(self) -> bool:
        """Hold it alone, if nobody else holds it."""
        try:
            fcntl.flock(self.number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give_back(self) -> None:
        """Hold it no longer, not even in forked children."""
        fcntl.flock(self.number, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close this process's file; a process that inherited it goes on holding the lock."""
        os.close(self.number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def owned(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock on `path` alone. Raises OperatorError when it is not free within `seconds`."""
    with FileLock(path) as lock:
        if not any(lock.try_own() for _ in looks(seconds)):
            raise OperatorError(
                f"Another process has held {path} for {seconds:.0f} seconds. See which one "
                f"(fuser -v {path}) and end it."
            )
        yield


def looks(seconds: float) -> Iterator[None]:
    """Look once, and then again and again with short pauses, for so long."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        yield
