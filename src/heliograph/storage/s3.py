"""Pictures as objects in a bucket that speaks S3."""

import contextlib
import datetime
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from obstore import delete_async, get_async, head_async, put_async, sign_async
from obstore import list as list_async
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from heliograph.base.errors import Busy, OperatorError
from heliograph.base.log import log
from heliograph.base.settings import leads_somewhere
from heliograph.storage.path import content_type, names_of

SIGNED_SECONDS = 600
"""The longest that a signed address may be good for."""

MULTIPART_BYTES = 16 * 1024 * 1024
"""What is larger is sent in parts, so that a broken connection costs one of them."""

PIECE_BYTES = 4 * 1024 * 1024
"""How much of a file is in memory for each who collects it; most pictures are smaller."""

_PART_BYTES = 8 * 1024 * 1024
_PARTS_AT_A_TIME = 4
_REQUEST_SECONDS = 30.0
_CONNECT_SECONDS = 5.0
_RETRIES = 3
_RETRY_SECONDS = 30.0
# Shorter than servers keep a connection that is not used: a write on one that they close is not repeated.
_IDLE_SECONDS = 10.0
_RETRY_AFTER_SECONDS = 30

# What went wrong, without the rest of the text: that may hold a key's name, or the address of a picture.
_CAUSES = tuple(map(re.compile, (r"<Code>(\w+)</Code>", r"\bkind: (\w+)", r"status code: (\d+)")))
_NO_BUCKET = "NoSuchBucket"

_ENDPOINTS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_UNUSABLE = (
    "HELIOGRAPH_STORAGE_URL names a bucket, but the AWS_… variables cannot be used."
    " docs/operating/storage.md lists them."
)


class S3Storage:
    """Objects under `prefix` of `bucket`, on the server and with the keys of the `AWS_…` variables.

    Any number of machines may share it. Opening asks the server nothing. `signed_urls` says that
    pictures may be collected from the bucket itself. Raises OperatorError for variables that cannot be.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        signed_urls: bool = False,
        request_seconds: float = _REQUEST_SECONDS,
    ) -> None:
        self.signed_urls = signed_urls
        # the library takes any word for an address, and breaks with the first picture
        if not all(leads_somewhere(os.environ.get(name) or "http://s3") for name in _ENDPOINTS):
            raise OperatorError(_UNUSABLE)
        try:
            self._store = S3Store(
                bucket,
                prefix=prefix or None,
                # not every server has the request that deletes many objects
                disable_bulk_delete=True,
                client_options={
                    # only where the operator's own address of the server says http://
                    "allow_http": True,
                    "timeout": datetime.timedelta(seconds=request_seconds),
                    "connect_timeout": datetime.timedelta(seconds=_CONNECT_SECONDS),
                    "pool_idle_timeout": datetime.timedelta(seconds=_IDLE_SECONDS),
                },
                retry_config={
                    "max_retries": _RETRIES,
                    "retry_timeout": datetime.timedelta(seconds=_RETRY_SECONDS),
                },
            )
        except BaseError:
            raise OperatorError(_UNUSABLE) from None

    async def write(self, path: str, data: bytes) -> None:
        """See Storage.write; ValueError for a path that is none, Busy for any trouble with the server.

        The server refuses to replace what is there. For what is sent in parts it is only asked before,
        so of two that write the same path at once the later one may win.
        """
        names_of(path)
        in_parts = len(data) > MULTIPART_BYTES
        with _trouble("write", path):
            if in_parts and await self._is_there(path):
                raise FileExistsError(path)
            await put_async(
                self._store,
                path,
                data,
                attributes={"Content-Type": content_type(path)},
                mode="overwrite" if in_parts else "create",
                use_multipart=in_parts,
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_A_TIME,
            )

    async def read(self, path: str) -> bytes | None:
        """See Storage.read; Busy for any trouble with the server."""
        return await self._read(path, None)

    async def read_part(self, path: str, start: int, end: int) -> bytes | None:
        """The bytes from `start` up to `end`, of a file that has them; else as read."""
        return await self._read(path, (start, end))

    async def delete(self, path: str) -> None:
        """See Storage.delete; ValueError for a path that is none, Busy for any trouble with the server."""
        names_of(path)
        with _trouble("delete", path), contextlib.suppress(FileNotFoundError):
            await delete_async(self._store, path)

    async def delete_folder(self, path: str) -> None:
        """See Storage.delete_folder; ValueError for a path that is none, Busy for any trouble."""
        names_of(path)
        with _trouble("list", path):
            found = [one["path"] async for some in list_async(self._store, path) for one in some]
        for one in found:
            await self.delete(one)

    def local_path(self, path: str) -> Path | None:  # noqa: ARG002 - part of the contract
        """See Storage.local_path: the file is elsewhere."""
        return None

    async def sign(self, path: str, seconds: int) -> str:
        """An address in the bucket itself, good for `seconds` but never for more than SIGNED_SECONDS.

        Raises ValueError for a path that is none, Busy if there are no keys to sign with.
        """
        names_of(path)
        life = datetime.timedelta(seconds=max(1, min(seconds, SIGNED_SECONDS)))
        with _trouble("sign", path):
            return await sign_async(self._store, "GET", path, life)

    async def _is_there(self, path: str) -> bool:
        with contextlib.suppress(FileNotFoundError):
            await head_async(self._store, path)
            return True
        return False

    async def _read(self, path: str, part: tuple[int, int] | None) -> bytes | None:
        try:
            names_of(path)
        except ValueError:
            return None
        with _trouble("read", path):
            try:
                found = await get_async(
                    self._store, path, options={"range": part} if part else None
                )
                return bytes(await found.bytes_async())
            except FileNotFoundError as error:
                if _NO_BUCKET in str(error):
                    raise
        return None


async def pieces(storage: S3Storage, path: str, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from `start` up to `end`, a piece at a time; FileNotFoundError if they are not there.

    Each piece is a request of its own, so that nobody holds one open by reading slowly.
    """
    for first in range(start, end, PIECE_BYTES):
        piece = await storage.read_part(path, first, min(first + PIECE_BYTES, end))
        if piece is None:
            raise FileNotFoundError(path)
        yield piece


@contextlib.contextmanager
def _trouble(doing: str, path: str) -> Iterator[None]:
    """Whatever the server, or the way to it, has against a request: the task rests, the client waits."""
    try:
        yield
    except AlreadyExistsError:
        raise FileExistsError(path) from None
    except FileExistsError:
        raise
    except (BaseError, OSError) as error:
        log.error("storage.trouble", doing=doing, cause=_cause(error))
        raise Busy(
            "The storage for pictures does not work at the moment. Try again later.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        ) from None


def _cause(error: Exception) -> str:
    text = str(error)
    found = (cause[1] for pattern in _CAUSES if (cause := pattern.search(text)))
    return next(found, type(error).__name__)
