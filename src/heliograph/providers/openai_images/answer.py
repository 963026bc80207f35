"""The picture in an engine's answer, and what all answers together make of a job."""

import base64
import binascii
import io
from collections.abc import Iterable
from typing import Final

import msgspec
from PIL import Image

from heliograph.providers.openai_images.trouble import Kind, Trouble
from heliograph.providers.provider import Failed, Finished, Made, Refused, Unknown

RETRY_SECONDS: Final = 10.0
_CONTENT_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


class _Picture(msgspec.Struct):
    b64_json: str | None = None
    url: str | None = None


class _Pictures(msgspec.Struct):
    data: list[_Picture] = []


def picture_in(body: bytes) -> bytes | str:
    """The file in an answer of 200, or the address where it lies. Raises ValueError for neither."""
    try:
        answer = msgspec.json.decode(body, type=_Pictures)
    except msgspec.DecodeError:
        raise ValueError("the answer has no list of pictures") from None
    first = next((one for one in answer.data if one.b64_json or one.url), None)
    if first is None:
        raise ValueError("the answer has no picture")
    if not first.b64_json:
        return first.url or ""
    try:
        return base64.b64decode(first.b64_json, validate=True)
    except binascii.Error:
        raise ValueError("the picture is not in base64") from None


def made_of(body: bytes, size: tuple[int, int]) -> Made | str:
    """The checked picture in an answer of 200, or the address where it lies. Raises ValueError."""
    found = picture_in(body)
    return found if isinstance(found, str) else checked_picture(found, size)


def checked_picture(data: bytes, size: tuple[int, int]) -> Made:
    """The picture in `data`. Raises ValueError when it is none, is damaged, or has another size."""
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_CONTENT_TYPES)) as picture:
            found, content_type = picture.size, _CONTENT_TYPES[picture.format or ""]
            if found == size:
                picture.verify()
    except (OSError, SyntaxError, KeyError):
        raise ValueError("not a sound picture") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError("a picture of too many pixels") from None
    if found != size:
        raise ValueError(f"a picture of {found[0]}x{found[1]} instead of {size[0]}x{size[1]}")
    return Made(data, content_type)


def outcome_of(
    pictures: Iterable[Made | Trouble], *, paid: bool, warnings: tuple[str, ...] = ()
) -> Finished | Failed | Refused | Unknown:
    """What became of the job whose pictures these are."""
    listed = tuple(pictures)
    troubles = [one for one in listed if isinstance(one, Trouble)]
    if len(troubles) < len(listed):
        images = tuple(one.missing if isinstance(one, Trouble) else one for one in listed)
        return Finished(images, warnings)
    final = {Kind.REQUEST, Kind.UNUSABLE} if paid else {Kind.REQUEST}
    for one in troubles:
        if one.kind in final:
            return Failed(one.missing.code, one.missing.message)
    if any(one.kind is Kind.LOST for one in troubles):
        return Unknown(next(one.words for one in troubles if one.kind is Kind.LOST))
    return _refused(troubles)


def _refused(troubles: list[Trouble]) -> Refused:
    passing = [one for one in troubles if one.kind not in {Kind.OPERATOR, Kind.UNUSABLE}]
    told = (passing or troubles)[0].missing
    waits = [RETRY_SECONDS, *(one.wait_seconds or 0 for one in passing)]
    return Refused(told.code, told.message, max(waits) if passing else None)
