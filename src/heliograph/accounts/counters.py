"""What each key has sent in this minute and the last, in memory that the processes of a service share."""

import fcntl
import mmap
import struct
import time
import zlib
from pathlib import Path
from typing import NamedTuple

WINDOW_SECONDS = 60

ID_BYTES = 8

#: A place: the id of a key, a minute since 1970, and what was counted in it and in the one before.
PLACE = struct.Struct(f"<{ID_BYTES}sIII")
PLACES_PER_BUCKET = 16
BUCKETS = 4096
BUCKET_BYTES = PLACES_PER_BUCKET * PLACE.size
MEMORY_BYTES = BUCKETS * BUCKET_BYTES


class Window(NamedTuple):
    """What is counted for a key: this minute, and the last one, which fades meanwhile.

    `previous_left` is how many seconds the last minute still counts; `current_left` the same for
    this minute: what is left of it, and the 60 seconds over which it will fade.
    """

    previous: int
    previous_left: float
    current: int
    current_left: float

    @property
    def used(self) -> float:
        """How many requests count now."""
        return self.previous * self.previous_left / WINDOW_SECONDS + self.current


class Counters:
    """A table of 65,536 keys, each in one of the places of its bucket.

    `file` is one that every process of the service opens; without it the table is this process's own.
    """

    # A file lock, because the system takes it from a process that is killed: a lock in memory
    # would stay with the dead, and all others would wait for it for ever.
    def __init__(self, file: Path | None = None) -> None:
        self._file = None if file is None else file.open("r+b")
        self._table = mmap.mmap(-1 if self._file is None else self._file.fileno(), MEMORY_BYTES)

    def count(self, key_id: str, limit: int, cost: int) -> tuple[bool, Window]:
        """Count `cost` for a key, whose id has ID_BYTES at most, unless its sliding minute would pass `limit`.

        Gives whether it was counted, and what is counted now.
        """
        name = key_id.encode().ljust(ID_BYTES, b"\0")
        assert len(name) == ID_BYTES, "a longer id would never be found again"
        bucket = zlib.crc32(name) % BUCKETS
        if self._file is None:
            return self._count(bucket, name, limit, cost)
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, bucket)
        try:
            return self._count(bucket, name, limit, cost)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, bucket)

    def _count(self, bucket: int, name: bytes, limit: int, cost: int) -> tuple[bool, Window]:
        # asked under the lock, so that no process comes in with a minute that is over
        minute, seconds = divmod(time.time(), WINDOW_SECONDS)
        place, current, previous = self._find(bucket, name, int(minute))
        left = WINDOW_SECONDS - seconds
        previous_left = left if previous else 0
        window = Window(previous, previous_left, current, left + WINDOW_SECONDS)
        if int(window.used) + cost > limit:
            return False, window
        PLACE.pack_into(self._table, place, name, int(minute), current + cost, previous)
        return True, Window(previous, previous_left, current + cost, left + WINDOW_SECONDS)

    def close(self) -> None:
        """Let go of the table."""
        self._table.close()
        if self._file is not None:
            self._file.close()

    def _find(self, bucket: int, name: bytes, minute: int) -> tuple[int, int, int]:
        """Where a key's place is or may be made, and its counts in `minute` and the one before."""
        start = bucket * BUCKET_BYTES
        found = self._table.find(name, start, start + BUCKET_BYTES)
        # else the bytes are the id's by chance, or there is none
        place = found if (found - start) % PLACE.size == 0 else self._search(start, name, minute)
        owner, then, current, previous = PLACE.unpack_from(self._table, place)
        if owner == name and then == minute:
            return place, current, previous
        return place, 0, current if owner == name and then == minute - 1 else 0

    def _search(self, start: int, name: bytes, minute: int) -> int:
        """The place of a key in the bucket at `start`, or the one that was silent for longest."""
        longest, free = -1, start
        places = PLACE.iter_unpack(self._table[start : start + BUCKET_BYTES])
        for number, (owner, then, _, _) in enumerate(places):
            place = start + number * PLACE.size
            if owner == name:
                return place
            # a minute to come is left from a clock that was set back, and is the first to go
            silent = (minute - then) % 2**32
            if silent > longest:
                longest, free = silent, place
        return free


def make_shared(file: Path) -> Path:
    """Make the empty table that several processes open, and give its path."""
    file.touch(mode=0o600)
    with file.open("r+b") as table:
        table.truncate(MEMORY_BYTES)
    return file
