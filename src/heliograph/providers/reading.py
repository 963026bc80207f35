"""Reading what an upstream answers, within a limit."""

from typing import Final

import aiohttp

_CHUNK_BYTES: Final = 256 * 1024


async def read_at_most(stream: aiohttp.StreamReader, limit_bytes: int) -> bytes | None:
    """The whole of `stream`, or None as soon as it turns out to be longer than `limit_bytes`."""
    data = bytearray()
    async for chunk in stream.iter_chunked(_CHUNK_BYTES):
        data += chunk
        if len(data) > limit_bytes:
            return None
    return bytes(data)
