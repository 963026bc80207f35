"""What a path within the storage looks like, and what its suffix says."""

import re
from pathlib import PurePosixPath

CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}

_MAX_CHARACTERS = 512
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


def names_of(path: str) -> list[str]:
    """The names that `path` is made of. Raises ValueError for a path that is none."""
    names = path.split("/")
    if len(path) > _MAX_CHARACTERS or not all(map(_NAME.fullmatch, names)):
        raise ValueError(f"no path within the storage: {path[:_MAX_CHARACTERS]!r}")
    return names


def content_type(path: str) -> str:
    """What the file at `path` is, for an HTTP header."""
    return CONTENT_TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")
