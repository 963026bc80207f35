"""Decoding one picture: the program of a sandboxed child process, and what it does.

Started by `decode.py` with as little around it as possible, so it imports Pillow and nothing else. It reads pictures from standard input and writes each, made uniform, to standard output.
"""

import io
import math
import os
import resource
import sys
import warnings
from contextlib import suppress

# Each is imported here, because the sandbox lets no file be opened later.
from PIL import (
    BmpImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from heliograph.intake.frame import ANSWER, JPEG, PNG, REFUSED, REQUEST

MEMORY_BYTES = 512 * 2**20
CPU_SECONDS = 5
# Smaller pictures are kept without loss; above, a photograph is kept as a JPEG of high quality.
MAX_LOSSLESS_PX = 1_000_000
JPEG_QUALITIES = (95, 90, 80, 65, 40, 20)
PNG_COMPRESSION = 3

_PLUGINS = (
    BmpImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_DAMAGED = "The picture cannot be decoded: it is damaged or cut short. Save it anew."


class NotTakenError(Exception):
    """Why a picture is not taken, in a sentence."""


def normalise(
    data: bytes, format_name: str, size: tuple[int, int], max_result_bytes: int
) -> tuple[int, bytes, tuple[int, int]]:
    """PNG or JPEG, its bytes, and (width, height): RGB, upright, sRGB, without alpha or metadata.

    `size` is what the scanner read: another one here means a file that says two things. A result over
    `max_result_bytes` is compressed harder, and left as it is if that does not help. Raises NotTakenError.
    """
    image = Image.open(io.BytesIO(data), formats=[format_name])
    if image.size != size:
        raise NotTakenError("The picture contradicts its own header. Save it anew.")
    image.load()
    # A WEBP's keeps two more pictures of the same size, for frames that do not come.
    vars(image).pop("_decoder", None)
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        raise NotTakenError(
            "The picture has transparency; it must have none. Flatten it onto a background."
        )
    _put_upright(image)
    plain = _to_rgb(image)
    kind, result = _encode(plain, lossy=format_name in {"JPEG", "WEBP"}, limit=max_result_bytes)
    return kind, result, plain.size


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow would clip 16 bits to 8, not scale them.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"RGB", "CMYK", "L"}:
        # A profile that cannot be used is dropped, as browsers do.
        with suppress(Exception):
            return _to_srgb(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
        return image
    converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    assert converted is not None
    return converted


def _put_upright(image: Image.Image) -> None:
    # Orientation is a wish; a picture whose metadata are damaged is taken as it lies. In its place,
    # because most need no turning, and a copy of the largest takes a fifth of MEMORY_BYTES.
    with suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)


def _encode(image: Image.Image, *, lossy: bool, limit: int) -> tuple[int, bytes]:
    image.info.clear()
    if not lossy or image.width * image.height <= MAX_LOSSLESS_PX:
        result = _save(image, "PNG", compress_level=PNG_COMPRESSION)
        if len(result) <= limit:
            return PNG, result
    for quality in JPEG_QUALITIES:
        result = _save(image, "JPEG", quality=quality, subsampling=0)
        if len(result) <= limit:
            break
    return JPEG, result


def _save(image: Image.Image, format_name: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def enter_sandbox() -> None:
    """Give up what decoding needs none of: memory, processes, files and the network."""
    # Pillow would import these at its first picture, when no file can be opened any more.
    Image.preinit()
    # No file descriptor beyond the three standard ones: no file, no socket can be opened any more.
    for limit, amount in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        # Not every system knows every limit; the parent's own time limit stands in any case.
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (amount, amount))
    warnings.simplefilter("ignore")


def _limit_cpu() -> None:
    """CPU_SECONDS from now on; the system ends a process that goes beyond."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used_seconds = math.ceil(usage.ru_utime + usage.ru_stime)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (used_seconds + CPU_SECONDS, hard))


def _answer(request: bytes, data: bytes) -> bytes:
    name, width, height, max_result_bytes, _ = REQUEST.unpack(request)
    _limit_cpu()
    try:
        kind, result, size = normalise(
            data, name.decode().strip(), (width, height), max_result_bytes
        )
    except NotTakenError as reason:
        return _refusal(str(reason))
    except MemoryError:
        return _refusal("The picture takes too much memory to decode. Save it anew.")
    except Exception:  # noqa: BLE001 - whatever a decoder raises, the picture is at fault
        return _refusal(_DAMAGED)
    return ANSWER.pack(kind, *size, len(result)) + result


def _refusal(sentence: str) -> bytes:
    text = sentence.encode()
    return ANSWER.pack(REFUSED, 0, 0, len(text)) + text


def serve() -> None:
    """Answer requests until standard input ends, which it also does when the parent dies."""
    enter_sandbox()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while request := source.read(REQUEST.size):
        data = source.read(REQUEST.unpack(request)[-1])
        sink.write(_answer(request, data))
        sink.flush()


if __name__ == "__main__":
    with suppress(BrokenPipeError, KeyboardInterrupt):
        serve()
    os._exit(0)
