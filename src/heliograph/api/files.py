"""Results and uploads, served to whoever has the address: no key, but a path that nobody can guess."""

import contextlib
import datetime
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from heliograph.api.wire import RangeNotSatisfiable
from heliograph.base.database import borrow
from heliograph.base.errors import Gone, NotFound
from heliograph.base.log import log
from heliograph.runtime import Runtime
from heliograph.storage.path import content_type
from heliograph.storage.s3 import S3Storage, pieces
from heliograph.tasks.observe.store import read_statuses
from heliograph.tasks.task import read_task_id
from heliograph.uploads.store import read_upload

MAX_AGE_SECONDS = 24 * 60 * 60
"""How long a copy may be kept elsewhere; never past the file's own end."""

# A picture opened in a browser is a document: it must not run anything, nor be taken for a page.
SAFE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "cross-origin",
    "accept-ranges": "bytes",
}

ONE_RANGE = re.compile(r"\s*bytes=(\d{1,18})?-(\d{1,18})?\s*")


@dataclass(frozen=True)
class StoredFile:
    """What the database says of a file that was given out."""

    path: str
    size_bytes: int
    sha256: str
    expires_at: datetime.datetime | None
    deleted: bool


class FileRoutes:
    """GET /files/…: the results of tasks, and uploads."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def file(self, request: Request) -> Response:
        """A stored picture, or the asked part of it.

        Raises NotFound for a path that was never given out, Gone after the retention time,
        RangeNotSatisfiable for a part behind the end.
        """
        asked = request.path_params["path"]
        find = self._upload if asked.startswith("uploads/") else self._result
        file = None if "\0" in asked else await find(asked)  # the database knows no NUL
        if file is None:
            raise NotFound("There is no such file")
        age_seconds = self._remaining_seconds(file)
        storage = self._runtime.storage
        if isinstance(storage, S3Storage):
            return await _from_bucket(request, storage, file, age_seconds)
        path, facts = await self._open(file.path)
        return _answer(request, path, facts, _headers(file, age_seconds))

    async def _upload(self, path: str) -> StoredFile | None:
        async with borrow(self._runtime.pool) as connection:
            upload = await read_upload(connection, path)
        if upload is None:
            return None
        deleted = upload.deleted_at is not None
        return StoredFile(path, upload.size_bytes, upload.sha256, upload.expires_at, deleted)

    async def _result(self, path: str) -> StoredFile | None:
        task_id = read_task_id(path.partition("/")[0])
        if task_id is None:
            return None
        async with borrow(self._runtime.pool) as connection:
            task = (await read_statuses(connection, [task_id])).get(task_id)
        stored = f"results/{path}"
        images = (task.images if task else None) or ()
        for image in images:
            if task is not None and image.get("path") == stored:
                deleted = task.files_deleted_at is not None
                return StoredFile(
                    stored, image["size_bytes"], image["sha256"], task.files_expire_at, deleted
                )
        return None

    def _remaining_seconds(self, file: StoredFile) -> int:
        now = self._runtime.clock.now()
        end = file.expires_at or now + datetime.timedelta(seconds=MAX_AGE_SECONDS)
        if file.deleted or end <= now:
            raise Gone(
                "The file has been deleted: its retention time is over, or the task's data was deleted"
            )
        return min(MAX_AGE_SECONDS, int((end - now).total_seconds()))

    async def _open(self, stored: str) -> tuple[Path, os.stat_result]:
        opened = await anyio.to_thread.run_sync(self._locate, stored)
        if opened is None:
            log.error("a result file is missing", path=stored)
            raise NotFound("There is no such file")
        return opened

    def _locate(self, stored: str) -> tuple[Path, os.stat_result] | None:
        path = self._runtime.storage.local_path(stored)
        with contextlib.suppress(OSError):
            return None if path is None else (path, path.stat())
        return None


def _headers(file: StoredFile, age_seconds: int) -> dict[str, str]:
    return {
        **SAFE,
        # The bytes never change under one address, and their hash is known.
        "etag": f'"{file.sha256}"',
        "cache-control": f"public, max-age={age_seconds}, immutable",
    }


def _answer(
    request: Request, path: Path, facts: os.stat_result, headers: dict[str, str]
) -> Response:
    if _is_known(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    if not _is_range_usable(request, headers["etag"], facts.st_size):
        _drop_range(request)
    media_type = content_type(path.name)
    return FileResponse(path, headers=headers, media_type=media_type, stat_result=facts)


async def _from_bucket(
    request: Request, storage: S3Storage, file: StoredFile, age_seconds: int
) -> Response:
    headers = _headers(file, age_seconds)
    if _is_known(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    # a signed address answers nothing but GET
    if storage.signed_urls and request.method == "GET":
        address = await storage.sign(file.path, age_seconds)
        return RedirectResponse(address, 307, {"cache-control": "no-store"})
    start, end, status = 0, file.size_bytes, 200
    if _is_range_usable(request, headers["etag"], file.size_bytes):
        start, end = _part(request, file.size_bytes)
        status = 206
        headers["content-range"] = f"bytes {start}-{end - 1}/{file.size_bytes}"
    headers |= {"content-type": content_type(file.path), "content-length": str(end - start)}
    if request.method == "HEAD":
        return Response(headers=headers, status_code=status)
    rest = pieces(storage, file.path, start, end)
    try:
        # fetched before the answer begins, as long as it can still be a 404 or 503
        first = await anext(rest)
    except FileNotFoundError:
        log.error("a result file is missing", path=file.path)
        raise NotFound("There is no such file") from None
    return StreamingResponse(_joined(first, rest), status, headers)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _part(request: Request, size_bytes: int) -> tuple[int, int]:
    """Where the asked part begins and ends; the request was found usable."""
    match = ONE_RANGE.fullmatch(request.headers["range"])
    assert match is not None, "only a request with one range is usable"
    first, last = match.groups(default="")
    if not first:
        return size_bytes - min(int(last), size_bytes), size_bytes
    return int(first), min(int(last) + 1, size_bytes) if last else size_bytes


def _is_known(sent: str, etag: str) -> bool:
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in sent.split(","))


def _is_range_usable(request: Request, etag: str, size_bytes: int) -> bool:
    """Whether the request names exactly one range, which lies in the file.

    A list of ranges, in which an attacker may name the same bytes a thousand times, and whatever is
    malformed, count for nothing, as RFC 9110 §14.2 allows: the answer is the whole file.
    """
    match = ONE_RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or request.headers.get("if-range", etag) != etag:
        return False
    first, last = match.groups(default="")
    if not first + last or (first and last and int(first) > int(last)):
        return False
    start = int(first) if first else size_bytes - min(int(last), size_bytes)
    if start >= size_bytes:
        raise RangeNotSatisfiable(
            f"The file has {size_bytes} bytes", headers={"Content-Range": f"bytes */{size_bytes}"}
        )
    return True


def _drop_range(request: Request) -> None:
    headers = request.scope["headers"]
    request.scope["headers"] = [pair for pair in headers if pair[0] != b"range"]
