"""The pictures of the DashScope emulator, good and bad ones."""

import io
import struct
import zlib
from collections.abc import AsyncIterator

from PIL import Image


def signed_query(expires: int) -> str:
    """As OSS writes it: escapes that a careless client would undo."""
    return f"Expires={expires}&OSSAccessKeyId=LTAI5t&Signature=a%2Fb%2Bc%3D"


def png(size: tuple[int, int], words: str) -> bytes:
    """A real PNG of this size, of one colour that depends on `words`."""
    picture = Image.new("RGB", size, f"#{zlib.crc32(words.encode()) & 0xFFFFFF:06x}")
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def bomb() -> bytes:
    """The header of a picture of 60000 x 60000 px."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


async def endless() -> AsyncIterator[bytes]:
    for _ in range(60):
        yield bytes(1_000_000)
