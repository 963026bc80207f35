"""`data:image/…;base64,…` URLs: a picture written into the request itself. Pure."""

import base64
import binascii
import re

from heliograph.base.errors import PictureRefused

_HEAD = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,", re.IGNORECASE)


def is_data_url(url: str) -> bool:
    """Whether `url` is meant to hold its picture itself."""
    return url[:5].lower() == "data:"


def read_data_url(url: str, max_bytes: int) -> bytes:
    """The bytes written in `url`; the named image type is not relied on. Raises PictureRefused."""
    head = _HEAD.match(url)
    if head is None:
        raise PictureRefused(
            "A data URL must begin with data:image/png;base64, or another image type."
        )
    text = url[head.end() :]
    if len(text) * 3 // 4 - 2 > max_bytes:
        raise PictureRefused(
            f"The data URL holds more than {max_bytes} bytes. Compress or resize the picture."
        )
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PictureRefused("The data URL is not valid base64. Encode the file anew.") from None
