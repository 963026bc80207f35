"""Reference images: addresses go as they are, pictures of this machine are sent to the server."""

import base64
import io
import os
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from heliograph_client._answers import Upload
from heliograph_client._api import Api
from heliograph_client._options import Reference
from heliograph_client._reading import read
from heliograph_client._wire import Request
from heliograph_client.errors import ApiError, BadPicture

#: The documented limit for one reference image.
MAX_BYTES = 10 * 1024 * 1024

FIRST_BYTES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"BM": "image/bmp",
}
SCHEMES = ("http://", "https://", "data:")

#: How a server says that it takes no uploads.
NO_UPLOADS = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)


@dataclass(frozen=True)
class Picture:
    """The bytes of a picture, and their kind (`image/png`)."""

    content: bytes
    media_type: str

    def data_url(self) -> str:
        """The picture as an address that holds it."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.content).decode()}"


async def image_url(api: Api, reference: Reference) -> str:
    """The address under which the server finds `reference`; uploads it, if need be and can be.

    A server without uploads, as the hosted API is, gets the picture itself as a `data:` address.
    Raises BadPicture.
    """
    if isinstance(reference, str) and reference.startswith(SCHEMES):
        return reference
    picture = read_picture(reference)
    if api.takes_uploads:
        try:
            return (await _send(api, picture)).url
        except ApiError as error:
            if error.status not in NO_UPLOADS:
                raise
            api.takes_uploads = False
    return picture.data_url()


async def upload(api: Api, reference: Reference) -> Upload:
    """Put a picture on the server. Raises BadPicture."""
    return await _send(api, read_picture(reference))


async def _send(api: Api, picture: Picture) -> Upload:
    request = Request(
        "POST",
        "/api/v1/files",
        headers={"Content-Type": picture.media_type},
        content=picture.content,
    )
    return await api.get(partial(read, Upload), request)


def read_picture(reference: Reference) -> Picture:
    """The picture that `reference` is or names. Raises BadPicture when it is none, or too large."""
    name, content = _content(reference)
    if len(content) > MAX_BYTES:
        raise BadPicture(
            f"{name} is too large: at most {MAX_BYTES >> 20} MiB are taken. Make it smaller."
        )
    media_type = _media_type(content)
    if media_type is None:
        raise BadPicture(
            f"{name} cannot be read as a picture: it is no JPEG, PNG, BMP or WEBP file."
        )
    return Picture(content, media_type)


def _content(reference: Reference) -> tuple[str, bytes]:
    """What to call it in a sentence, and its bytes, or at least as many as are too many."""
    if isinstance(reference, bytes | bytearray | memoryview):
        return "The reference image", bytes(reference)
    if isinstance(reference, str | os.PathLike):
        return _read_file(Path(reference))
    if hasattr(reference, "convert"):
        return "The reference image", _encoded(reference)
    content = reference.read(MAX_BYTES + 1)
    if not isinstance(content, bytes):
        raise BadPicture("The reference image must be opened as bytes: open(path, 'rb').")
    return str(getattr(reference, "name", "The reference image")), content


def _read_file(path: Path) -> tuple[str, bytes]:
    try:
        with path.open("rb") as file:
            return str(path), file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadPicture(f"{path} cannot be read as a picture: {error.strerror}.") from None


def _encoded(image: Any) -> bytes:
    """A Pillow image as a JPEG of high quality. What is transparent becomes white: alpha is not taken."""
    # Whoever has such an image has Pillow.
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        image = Image.new("RGB", layers.size, "white")
        image.paste(layers, mask=layers.getchannel("A"))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def _media_type(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in FIRST_BYTES.items() if content.startswith(start)), None)
