"""What a place for pictures can do. Files are written once and never changed."""

from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """Paths are relative, with `/` between names of letters, digits, `.`, `_` and `-`."""

    async def write(self, path: str, data: bytes) -> None:
        """Keep `data` at `path`, whole or not at all, still there after a power cut.

        Raises FileExistsError, and changes nothing, if there is a file; Busy if there is no room.
        """

    async def read(self, path: str) -> bytes | None:
        """The bytes of the file at `path`; None if it is absent, or if that is no proper path."""

    async def delete(self, path: str) -> None:
        """Remove the file at `path` and folders that this leaves empty; absent is fine."""

    async def delete_folder(self, path: str) -> None:
        """Remove every file whose path begins with `path` and a `/`; none is fine."""

    def local_path(self, path: str) -> Path | None:
        """Where this machine can open the file; None if it is absent, elsewhere, or no proper path."""
