"""What the service and the process of an engine say to each other: a length, then MessagePack."""

import asyncio
import struct
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

LENGTH: Final = struct.Struct(">I")
#: Three references of 10 MB fit many times; more is no message but noise on the pipe.
LARGEST_MESSAGE_BYTES: Final = 256 * 1024 * 1024


class Setup(Struct, frozen=True):
    """Which model an engine loads, and how; `steps` is None for the model's own number."""

    model: str
    device: str
    dtype: str
    cache_dir: str
    steps: int | None


class Order(Struct, frozen=True, tag=True):
    """One picture to paint; `references` are files of pictures."""

    number: int
    prompt: str
    negative_prompt: str | None
    width: int
    height: int
    seed: int
    references: tuple[bytes, ...]


class Cancel(Struct, frozen=True, tag=True):
    """Nobody wants the picture any more."""

    number: int


class Downloading(Struct, frozen=True, tag=True):
    """How much of the model is here; told at each tenth."""

    done_bytes: int
    total_bytes: int


class Ready(Struct, frozen=True, tag=True):
    """The model is loaded: what it is, where it runs and what it takes."""

    pipeline: str
    device: str
    fewest_references: int = 0
    most_references: int = 0
    negative_prompt: bool = True


class NotLoaded(Struct, frozen=True, tag=True):
    """The model cannot be used: why, and what the operator can do about it."""

    reason: str
    remedy: str


class Step(Struct, frozen=True, tag=True):
    """The share of a picture that is done, 0 to 1."""

    number: int
    share: float


class Painted(Struct, frozen=True, tag=True):
    """A picture in the size that was ordered."""

    number: int
    png: bytes


class NotPainted(Struct, frozen=True, tag=True):
    """A picture failed, and the engine goes on."""

    number: int
    reason: str
    out_of_memory: bool


class Stopped(Struct, frozen=True, tag=True):
    """A picture was cancelled, and nothing of it is kept."""

    number: int


ToEngine = Order | Cancel
FromEngine = Downloading | Ready | NotLoaded | Step | Painted | NotPainted | Stopped

_ENCODER: Final = msgspec.msgpack.Encoder()
_TO_ENGINE: Final = msgspec.msgpack.Decoder(ToEngine)
_FROM_ENGINE: Final = msgspec.msgpack.Decoder(FromEngine)


def encode(message: ToEngine | FromEngine) -> bytes:
    """`message` as it goes over a pipe."""
    text = _ENCODER.encode(message)
    return LENGTH.pack(len(text)) + text


def read(stream: BinaryIO) -> ToEngine:
    """The next message for an engine, from a blocking stream. Raises EOFError at its end."""
    length = _length(_exactly(stream, LENGTH.size))
    message: ToEngine = _TO_ENGINE.decode(_exactly(stream, length))
    return message


async def receive(stream: asyncio.StreamReader) -> FromEngine:
    """The next message of an engine. Raises EOFError at the end of `stream`."""
    length = _length(await stream.readexactly(LENGTH.size))
    message: FromEngine = _FROM_ENGINE.decode(await stream.readexactly(length))
    return message


def _length(prefix: bytes) -> int:
    (length,) = LENGTH.unpack(prefix)
    if length > LARGEST_MESSAGE_BYTES:
        raise EOFError("what comes over the pipe is no message")
    return int(length)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("the stream ended")
    return data
