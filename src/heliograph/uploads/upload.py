"""Keep a picture that a customer gives us, and delete it when its time is over."""

import asyncio
import datetime
import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence

from heliograph.base.database import borrow
from heliograph.base.errors import BadRequest, PictureRefused, TooManyRequests
from heliograph.catalog.model import ReferenceLimits
from heliograph.catalog.reference import Reference
from heliograph.runtime import Runtime
from heliograph.storage.expiry import delete_expired
from heliograph.uploads import store
from heliograph.uploads.store import Upload

#: How many uploads an account may keep at a time.
MOST_KEPT = 1_000
MOST_FORGOTTEN = 500
RETRY_SECONDS = 60

#: The address of a deleted upload answers 410 for so long, and then 404.
REMEMBERED = datetime.timedelta(days=90)

SUFFIXES = {"image/png": "png", "image/jpeg": "jpg"}


async def keep_upload(
    runtime: Runtime, account_id: str, data: bytes, limits: ReferenceLimits
) -> Upload:
    """Check the picture in `data` as a reference image, and keep it, upright and without metadata.

    Raises BadRequest with what is wrong with it, TooManyRequests when the account keeps too many,
    Busy when storage or the database cannot take it.
    """
    try:
        picture = await runtime.intake.check(data, limits, account_id)
    except PictureRefused as refused:
        raise BadRequest(f"file: {refused.message}", "file") from refused
    upload = _upload(runtime, account_id, picture, await asyncio.to_thread(_sha256, picture.data))
    # the row comes first: a file that no row names would never be deleted
    async with borrow(runtime.pool) as connection:
        if not await store.add_upload(connection, upload, most=MOST_KEPT):
            raise TooManyRequests(
                f"The account keeps {MOST_KEPT} uploads, its limit. Wait until some have expired.",
                RETRY_SECONDS,
            )
    try:
        await runtime.storage.write(upload.path, picture.data)
    except Exception:
        # whatever of it is there goes with the next expiry, and it counts for nothing meanwhile
        async with borrow(runtime.pool) as connection:
            await store.expire_now(connection, upload.upload_id, upload.created_at)
        raise
    return upload


async def forget_uploads(runtime: Runtime, uploads: Sequence[Upload]) -> None:
    """Let `uploads` that nobody needs count for nothing any more; their files go with the next expiry."""
    async with borrow(runtime.pool) as connection:
        for upload in uploads:
            await store.expire_now(connection, upload.upload_id, upload.created_at)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _upload(runtime: Runtime, account_id: str, picture: Reference, sha256: str) -> Upload:
    now = runtime.clock.now()
    keep = datetime.timedelta(hours=runtime.settings.result_retention_hours)
    # the path is the only key to the file, so it must not be guessable
    name = f"{secrets.token_hex(16)}.{SUFFIXES[picture.content_type]}"
    return Upload(
        upload_id=uuid.uuid4(),
        account_id=account_id,
        path=f"uploads/{name}",
        width=picture.width,
        height=picture.height,
        size_bytes=len(picture.data),
        sha256=sha256,
        created_at=now,
        expires_at=now + keep,
    )


async def expire_uploads(runtime: Runtime) -> int:
    """Delete uploads whose time is over, up to a limit; gives how many."""
    now = runtime.clock.now()

    async def read(most: int, besides: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        return await store.list_expired(runtime.pool, now, most, besides)

    async def mark(upload_ids: Sequence[uuid.UUID]) -> None:
        await store.mark_deleted(runtime.pool, upload_ids, now)

    deleted = await delete_expired(read, runtime.storage.delete, mark)
    await store.forget_deleted(runtime.pool, now - REMEMBERED, MOST_FORGOTTEN)
    return deleted
