"""Fetching the finished pictures from the signed URLs that DashScope gives for 24 hours."""

import io
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
import structlog
from PIL import Image
from yarl import URL

from heliograph.providers.provider import Made, Missing
from heliograph.providers.upstream import read_at_most

MAX_PICTURE_BYTES: Final = 50_000_000
MAX_PICTURE_PIXELS: Final = 20_000_000

# The hosts that DashScope documents for results: its own buckets in Alibaba's object storage.
_RESULT_HOST: Final = re.compile(r"dashscope-[a-z0-9-]+\.oss-[a-z0-9-]+\.aliyuncs\.com")
_CONTENT_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_TRANSIENT: Final = {408, 425, 429, *range(500, 600)}

_LOST: Final = Missing("InternalError", "The finished picture could not be fetched")

log = structlog.get_logger()


@dataclass(frozen=True)
class TryAgain:
    """The picture may still be fetched later; `missing` stands for it if time runs out."""

    missing: Missing = _LOST


class PictureFetcher:
    """Fetches result pictures. `base_url` names a host that may serve them as well (a gateway)."""

    def __init__(self, base_url: URL, *, timeout_seconds: float) -> None:
        self._own_host = (base_url.scheme, base_url.host, base_url.port)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def fetch(self, session: aiohttp.ClientSession, url: str) -> Made | Missing | TryAgain:
        """The picture behind `url`, at most 50 MB, its header read; nothing is logged of the query.

        The address is sent byte for byte, or its signature would no longer fit.
        """
        try:
            address = URL(url, encoded=True)
        except ValueError:
            return _refused("not a URL", None)
        if not self._allowed(address):
            return _refused("not a host of DashScope's results", address.host)
        try:
            return await self._get(session, address)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("provider.result_retry", host=address.host, error=type(error).__name__)
            return TryAgain()

    def _allowed(self, address: URL) -> bool:
        if (address.scheme, address.host, address.port) == self._own_host:
            return True
        return address.scheme == "https" and bool(_RESULT_HOST.fullmatch(address.host or ""))

    async def _get(self, session: aiohttp.ClientSession, address: URL) -> Made | Missing | TryAgain:
        async with session.get(address, allow_redirects=False, timeout=self._timeout) as answer:
            if answer.status in _TRANSIENT:
                log.warning("provider.result_retry", host=address.host, status=answer.status)
                return TryAgain()
            if answer.status != HTTPStatus.OK:
                return _refused(f"answered {answer.status}", address.host)
            data = await read_at_most(answer.content, MAX_PICTURE_BYTES)
        if data is None:
            return _refused(f"more than {MAX_PICTURE_BYTES} bytes", address.host)
        content_type = picture_type(data)
        if content_type is None:
            return _refused("not a picture", address.host)
        return Made(data, content_type)


def picture_type(data: bytes) -> str | None:
    """The content type that the header of `data` tells, or None for what is no sound picture."""
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_CONTENT_TYPES)) as picture:
            width, height = picture.size
            known = _CONTENT_TYPES[picture.format or ""]
    except (OSError, ValueError, SyntaxError, KeyError):
        return None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    return known if width * height <= MAX_PICTURE_PIXELS else None


def _refused(why: str, host: str | None) -> Missing:
    log.error("provider.result_refused", provider="dashscope", host=host, why=why)
    return _LOST
