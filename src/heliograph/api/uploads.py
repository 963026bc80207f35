"""Giving us a picture: POST /api/v1/files."""

import msgspec
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.auth import Gate
from heliograph.api.body import check_coding, read_body, room_for
from heliograph.api.form import FORM_BYTES, MULTIPART, media_type_of, read_form
from heliograph.api.wire import success
from heliograph.base.clock import unix_ms
from heliograph.base.errors import BadRequest, UnsupportedMediaType
from heliograph.runtime import Runtime
from heliograph.tasks.view import file_url
from heliograph.uploads.upload import keep_upload


class UploadedFile(msgspec.Struct, frozen=True, rename="camel"):
    """A picture that is kept: use `url` in `image_urls` until `expiresTime` (Unix ms). Sides in pixels."""

    url: str
    width: int
    height: int
    size_bytes: int
    expires_time: int


class UploadRoutes:
    """POST /api/v1/files."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def upload(self, request: Request) -> Response:
        """Keep the picture in the body: a form with a field `file`, or the bytes themselves.

        Raises BadRequest for a picture that could not be a reference image either, TooLarge,
        UnsupportedMediaType, TooManyRequests when the account keeps too many.
        """
        key = await self._gate.admit(request)
        limits = next(iter(self._runtime.models.values())).references
        async with room_for(request, limits.max_bytes + FORM_BYTES):
            data = await _read_file(request, limits.max_bytes)
            kept = await keep_upload(self._runtime, key.account_id, data, limits)
        return success(
            UploadedFile(
                url=file_url(kept.path, self._runtime.settings.public_url),
                width=kept.width,
                height=kept.height,
                size_bytes=kept.size_bytes,
                expires_time=unix_ms(kept.expires_at),
            )
        )


async def _read_file(request: Request, most_bytes: int) -> bytes:
    check_coding(request)
    media_type = media_type_of(request)
    if media_type == MULTIPART:
        return await _file_of_form(request, most_bytes)
    if media_type.startswith("image/") or media_type == "application/octet-stream":
        return await read_body(request, most_bytes)
    raise UnsupportedMediaType(
        f"Send the picture as {MULTIPART} in a field named file, or as the body itself with"
        f" Content-Type: image/png, image/jpeg, image/webp or image/bmp,"
        f" not {media_type[:100] or 'without a type'}"
    )


async def _file_of_form(request: Request, most_bytes: int) -> bytes:
    async with read_form(request, most_bytes, most_files=2, file_field="file") as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise BadRequest("The form has no file in a field named file. Add one.", "file")
        return await file.read()
