"""Frames between the studio and its children: two lengths, a JSON header, bytes."""

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

LENGTHS = struct.Struct(">II")
LARGEST_BODY_BYTES = 256 * 1024 * 1024


def encode_frame(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """One frame as bytes."""
    text = json.dumps(header).encode()
    return LENGTHS.pack(len(text), len(body)) + text + body


def _lengths(prefix: bytes) -> tuple[int, int]:
    header_bytes, body_bytes = LENGTHS.unpack(prefix)
    if header_bytes + body_bytes > LARGEST_BODY_BYTES:
        raise EOFError("a frame is larger than any picture can be")
    return header_bytes, body_bytes


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """The next frame of a blocking stream; raises EOFError at its end."""
    header_bytes, body_bytes = _lengths(_exactly(stream, LENGTHS.size))
    header = json.loads(_exactly(stream, header_bytes))
    return header, _exactly(stream, body_bytes)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("the stream ended inside a frame")
    return data


async def receive_frame(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """The next frame of an asyncio stream; raises EOFError at its end."""
    header_bytes, body_bytes = _lengths(await stream.readexactly(LENGTHS.size))
    header = json.loads(await stream.readexactly(header_bytes))
    return header, await stream.readexactly(body_bytes)


def split_body(body: bytes, sizes: list[int]) -> tuple[bytes, ...]:
    """The parts of a body whose sizes the header names."""
    parts, start = [], 0
    for size in sizes:
        parts.append(body[start : start + size])
        start += size
    return tuple(parts)
