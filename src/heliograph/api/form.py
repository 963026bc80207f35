"""Forms with files in them."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from heliograph.api.body import check_coding, read_body
from heliograph.base.errors import BadRequest

MULTIPART = "multipart/form-data"

#: What the wrapping of a form may add to the files themselves.
FORM_BYTES = 64 * 1024

MOST_FIELDS = 40


def media_type_of(request: Request) -> str:
    """The content type of `request` in lower case, without parameters; empty when there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


@contextlib.asynccontextmanager
async def read_form(
    request: Request, most_bytes: int, most_files: int, file_field: str
) -> AsyncIterator[FormData]:
    """The form in the body, its files open for the length of the block.

    `most_bytes` is for the files together. Raises BadRequest that names `file_field` for a form that
    cannot be read, and as read_body does.
    """
    check_coding(request)
    body = await read_body(request, most_bytes + FORM_BYTES)

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    parser = MultiPartParser(request.headers, whole(), max_files=most_files, max_fields=MOST_FIELDS)
    # it is in memory already: a copy on disk would save nothing, and fail where there is no room
    parser.spool_max_size = len(body) + 1
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise BadRequest(f"The form cannot be read: {error}", file_field) from None
    try:
        yield form
    finally:
        await form.close()
