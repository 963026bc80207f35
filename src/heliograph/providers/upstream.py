"""What all upstreams have in common: an address of the operator's, and answers of limited size."""

from typing import Final

import aiohttp
from yarl import URL

from heliograph.base.errors import OperatorError

_CHUNK_BYTES: Final = 256 * 1024


async def read_at_most(stream: aiohttp.StreamReader, limit_bytes: int) -> bytes | None:
    """The whole of `stream`, or None as soon as it turns out to be longer than `limit_bytes`."""
    data = bytearray()
    async for chunk in stream.iter_chunked(_CHUNK_BYTES):
        data += chunk
        if len(data) > limit_bytes:
            return None
    return bytes(data)


def checked_address(address: str, setting: str, example: str) -> URL:
    """`address` as a URL without a slash at its end.

    Raises OperatorError, naming the `setting`, for what is no http(s) address, or has a user or query.
    """
    try:
        url = URL(address.rstrip("/"))
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.user:
        raise OperatorError(
            f"{setting} must look like {example}, without a user, a password or a query."
        )
    return url
