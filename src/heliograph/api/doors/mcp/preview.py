"""Pictures for the eyes of a model: small ones, for an answer must fit through every client."""

import io

from PIL import Image

#: Some clients take no more than 1 MB in an answer, and base64 makes a third more of it.
MOST_BYTES = 700_000

SIDES_PX = (1024, 768, 512, 256)
QUALITY = 85

PNG = b"\x89PNG\r\n\x1a\n"


def preview(data: bytes, most_bytes: int) -> tuple[bytes, str]:
    """The picture in `data` in at most `most_bytes`, and its media type.

    A PNG that is small enough stays as it is; anything else becomes a JPEG of 1024 px or less.
    """
    if len(data) <= most_bytes and data.startswith(PNG):
        return data, "image/png"
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    for side_px in SIDES_PX:
        picture.thumbnail((side_px, side_px))
        encoded = _jpeg(picture)
        if len(encoded) <= most_bytes:
            break
    return encoded, "image/jpeg"


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
