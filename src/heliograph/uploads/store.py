"""Every statement on uploads."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from heliograph.base.database import Connection


@dataclass(frozen=True)
class Upload:
    """A row of `uploads`: a picture of `width` by `height` pixels at a storage path of its own."""

    upload_id: uuid.UUID
    account_id: str
    path: str
    width: int
    height: int
    size_bytes: int
    sha256: str
    created_at: datetime.datetime
    expires_at: datetime.datetime
    deleted_at: datetime.datetime | None = None


COLUMNS = ", ".join(Upload.__dataclass_fields__)


async def add_upload(connection: Connection, upload: Upload, *, most: int) -> bool:
    """Note an upload; False, and nothing is written, if the account keeps `most` already."""
    status = await connection.execute(
        f"""
        INSERT INTO uploads ({COLUMNS})
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
        WHERE $11 > (SELECT count(*) FROM uploads
          WHERE account_id = $2 AND deleted_at IS NULL AND expires_at > $9)
        """,
        *astuple(upload),
        most,
    )
    return bool(status == "INSERT 0 1")


async def expire_now(connection: Connection, upload_id: uuid.UUID, now: datetime.datetime) -> None:
    """End an upload's time: it counts for nothing any more, and its file goes with the next expiry."""
    await connection.execute(
        "UPDATE uploads SET expires_at = $2 WHERE upload_id = $1", upload_id, now
    )


async def read_upload(connection: Connection, path: str) -> Upload | None:
    """The upload that is kept at `path`, or None."""
    row = await connection.fetchrow(f"SELECT {COLUMNS} FROM uploads WHERE path = $1", path)
    return None if row is None else Upload(*row)


async def list_expired(
    connection: Connection, now: datetime.datetime, limit: int, besides: Sequence[uuid.UUID] = ()
) -> dict[uuid.UUID, str]:
    """The paths of uploads, `besides` these, that are past their time and not yet deleted."""
    rows = await connection.fetch(
        """
        SELECT upload_id, path FROM uploads
        WHERE expires_at <= $1 AND deleted_at IS NULL AND upload_id <> ALL($3)
        ORDER BY expires_at LIMIT $2
        """,
        now,
        limit,
        besides,
    )
    return {row["upload_id"]: row["path"] for row in rows}


async def mark_deleted(
    connection: Connection, upload_ids: Sequence[uuid.UUID], now: datetime.datetime
) -> None:
    """Note that the files are gone; their addresses answer 410 from now on."""
    await connection.execute(
        "UPDATE uploads SET deleted_at = $2 WHERE upload_id = ANY($1)", upload_ids, now
    )


async def forget_deleted(connection: Connection, before: datetime.datetime, limit: int) -> None:
    """Delete at most `limit` rows of uploads whose files went `before` that moment."""
    await connection.execute(
        """
        DELETE FROM uploads WHERE upload_id IN (
          SELECT upload_id FROM uploads WHERE deleted_at < $1
          ORDER BY deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        """,
        before,
        limit,
    )
