"""Files that arrive in a folder together: whole, then on the disk, and only then under their names.

One step for all of them before the next: what the sync of one has brought to the disk the sync of the
next finds there. Few calls to the system: after each of them the thread has to wait for the others.

Names are strings here: `pathlib` adds each part of a name to the interpreter's table of all names, which is
then made anew, 4 MB of it, every few hundred thousand pictures.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

# A folder may be removed, being empty, between its making and the file's arrival.
_ATTEMPTS = 5


@dataclass
class Arrival:
    """A file on its way to `place`; `error` is what has kept it from there."""

    place: str
    data: bytes
    error: OSError | None = None
    half: str = field(init=False)
    descriptor: int | None = None
    changed: list[str] = field(default_factory=list)


def take_in(arrivals: Sequence[Arrival], incoming: str) -> None:
    """Put all of `arrivals` in their places, by way of the folder `incoming` on the same file system.

    Each that is without an error afterwards is there still after a power cut.
    """
    for arrival in arrivals:
        arrival.half = os.path.join(incoming, secrets.token_hex(16))
    try:
        for step in (_write, _sync, _publish):
            for arrival in arrivals:
                _attempt(step, arrival)
        _sync_names(arrivals)
    finally:
        for arrival in arrivals:
            _leave(arrival)


def make_folder(folder: str) -> list[str]:
    """Make `folder` and those above it that are missing; the folders that this has changed."""
    changed: list[str] = []
    above = os.path.dirname(folder)
    try:
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)
            changed.append(above)
    except FileNotFoundError:
        if os.path.isdir(above):  # one in which none can be made, such as those of the kernel
            raise
        changed = make_folder(above) + make_folder(folder)
    return changed


def sync_folders(folders: Iterable[str]) -> None:
    """The names in `folders` are on the disk from here on."""
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _attempt(step: Callable[[Arrival], None], arrival: Arrival) -> None:
    if arrival.error is None:
        try:
            step(arrival)
        except OSError as error:
            arrival.error = error
            _leave(arrival)  # at once: what is half there takes the room of the next


def _write(arrival: Arrival) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    arrival.descriptor = os.open(arrival.half, flags, 0o600)
    left = memoryview(arrival.data)
    while left:
        left = left[os.write(arrival.descriptor, left) :]


def _sync(arrival: Arrival) -> None:
    assert arrival.descriptor is not None
    os.fsync(arrival.descriptor)


def _publish(arrival: Arrival) -> None:
    """A link, unlike a rename, never replaces a file that is there."""
    folder = os.path.dirname(arrival.place)
    arrival.changed.append(folder)
    for attempt in range(1, _ATTEMPTS + 1):
        arrival.changed += make_folder(folder)
        try:
            os.link(arrival.half, arrival.place)
        except FileNotFoundError:
            if attempt == _ATTEMPTS:
                raise
        else:
            break


def _leave(arrival: Arrival) -> None:
    """Whatever goes wrong now changes nothing: the file is in its place, or never will be."""
    descriptor, arrival.descriptor = arrival.descriptor, None
    with suppress(OSError):
        if descriptor is not None:
            os.close(descriptor)
    with suppress(OSError):
        os.unlink(arrival.half)


def _sync_names(arrivals: Sequence[Arrival]) -> None:
    arrived = [arrival for arrival in arrivals if arrival.error is None]
    for folder in dict.fromkeys(one for arrival in arrived for one in arrival.changed):
        try:
            sync_folders([folder])
        except OSError as error:
            for arrival in arrived:
                if folder in arrival.changed:
                    arrival.error = error
                    with suppress(OSError):
                        os.unlink(arrival.place)
