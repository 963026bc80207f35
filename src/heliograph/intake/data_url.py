"""`data:image/…;base64,…` URLs: a picture written into the request itself. Pure."""

import base64
import binascii
import re

from heliograph.base.errors import PictureRefused
from heliograph.catalog.reference import DATA_URL_HEAD

_HEAD = re.compile(DATA_URL_HEAD)

#: So many characters at each end; a multiple of four, as base64 comes in fours.
_LOOKED_AT = 1024


def is_data_url(url: str) -> bool:
    """Whether `url` is meant to hold its picture itself."""
    return url[:5].lower() == "data:"


def check_data_url(url: str) -> None:
    """Raise PictureRefused when the beginning or the end of `url` shows that it holds no file.

    What is wrong in the middle, of millions of characters, is found when the picture is read.
    """
    text = _text_of(url)
    if not text:
        raise PictureRefused("The data URL is empty. Put the file into it, in base64.")
    last = max(0, len(text) - _LOOKED_AT) // 4 * 4
    for part in (text[:_LOOKED_AT], text[last:]):
        _decode(part)


def read_data_url(url: str, max_bytes: int) -> bytes:
    """The bytes written in `url`; the named image type is not relied on. Raises PictureRefused."""
    text = _text_of(url)
    if len(text) * 3 // 4 - 2 > max_bytes:
        raise PictureRefused(
            f"The data URL holds more than {max_bytes} bytes. Compress or resize the picture."
        )
    return _decode(text)


def _text_of(url: str) -> str:
    head = _HEAD.match(url)
    if head is None:
        raise PictureRefused(
            "A data URL must begin with data:image/png;base64, or another image type."
        )
    return url[head.end() :]


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PictureRefused("The data URL is not valid base64. Encode the file anew.") from None
