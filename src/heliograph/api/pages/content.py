"""What a page is made of and loads, ready to be answered: its type, its bytes, and the same bytes packed."""

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

from starlette.requests import Request
from starlette.responses import Response

CONTENT_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}
COMPRESSED = ("css", "js", "json", "svg")

_IMPORT = re.compile(rb'^(?:import|export) (?:[^"\n]+ from )?"(\.[^"]+)";', re.MULTILINE)


@dataclass(frozen=True)
class Content:
    """What an address answers with: plain, and compressed where that helps."""

    content_type: str
    body: bytes
    compressed: bytes | None

    def answer(self, request: Request, headers: dict[str, str]) -> Response:
        """The response to `request`, compressed when its sender can read that."""
        if self.compressed and "gzip" in request.headers.get("accept-encoding", ""):
            packed = headers | {"content-encoding": "gzip"}
            return Response(self.compressed, headers=packed, media_type=self.content_type)
        return Response(self.body, headers=headers, media_type=self.content_type)


def read_assets(folder: Traversable, prefix: str = "") -> dict[str, Content]:
    """All parts in `folder` that a page may load, by their path in it, with `prefix` before it."""
    found: dict[str, Content] = {}
    for entry in folder.iterdir():
        name = prefix + entry.name
        suffix = name.rpartition(".")[2]
        if entry.is_dir():
            found |= read_assets(entry, f"{name}/")
        elif suffix in CONTENT_TYPES:
            found[name] = make_content(suffix, entry.read_bytes())
    return found


def make_content(suffix: str, body: bytes) -> Content:
    """`body` as it is answered, of the type that `suffix` names."""
    packs = suffix in (*COMPRESSED, "html")
    # without a time in it, so that every process of the service serves the same bytes
    compressed = gzip.compress(body, mtime=0) if packs else None
    return Content(CONTENT_TYPES.get(suffix, "text/html"), body, compressed)


def version_of(assets: dict[str, Content]) -> str:
    """A name that changes with any of `assets`."""
    digest = hashlib.blake2b(digest_size=6)
    for name in sorted(assets):
        digest.update(name.encode() + b"\0" + assets[name].body)
    return digest.hexdigest()


def imported(assets: dict[str, Content], first: str) -> set[str]:
    """The names of all modules that `first` needs, itself included. Raises KeyError for one that is not there."""
    found: set[str] = set()
    waiting = [first]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name, assets[name].body))
    return found


def _imports(name: str, source: bytes) -> Iterator[str]:
    for address in _IMPORT.findall(source):
        yield normpath(join(dirname(name), address.decode()))
