"""Generators of pictures: by Pillow, by hand, and by damage."""

import io
import random
import struct
import zlib
from collections.abc import Callable, Mapping

from PIL import Image, ImageCms

SIDE = 400
ORIENTATION = 0x0112

Make = Callable[[], bytes]


def photo(width: int = SIDE, height: int = SIDE, mode: str = "RGB") -> Image.Image:
    """Something smooth with four distinct quarters, so that turning it shows."""
    corners = Image.frombytes(
        "RGB", (2, 2), bytes((250, 20, 20, 20, 250, 20, 20, 20, 250, 240, 240, 240))
    )
    return corners.resize((width, height), Image.Resampling.NEAREST).convert(mode)


def noise(width: int = SIDE, height: int = SIDE) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def encoded(image: Image.Image, format_name: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def png_block(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(  # noqa: PLR0913 - each field of the header may be wrong
    *,
    width: int = SIDE,
    height: int = SIDE,
    depth: int = 8,
    colour: int = 2,
    before: bytes = b"",
    pixels: bytes | None = None,
    interlaced: bool = False,
) -> bytes:
    """A PNG written by hand: black unless `pixels` (with filter bytes) is given."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    if pixels is None:
        row = 1 + (width * samples * depth + 7) // 8
        pixels = bytes(row * height)
    first = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_block(b"IHDR", first)
        + before
        + png_block(b"IDAT", zlib.compress(pixels))
        + png_block(b"IEND", b"")
    )


def interlaced_png() -> bytes:
    passes = (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    )
    pixels = b""
    for left, top, across, down in passes:
        columns, rows = -(-(SIDE - left) // across), -(-(SIDE - top) // down)
        pixels += bytes(1 + columns * 3) * rows
    return png(pixels=pixels, interlaced=True)


def bmp(  # noqa: PLR0913 - each field of the header may be wrong
    *,
    bits: int = 24,
    header: bytes | None = None,
    compression: int = 0,
    height: int = SIDE,
    masks: bytes = b"",
    width: int = SIDE,
    pixels: bytes | None = None,
) -> bytes:
    """A BMP written by hand, all grey."""
    row_bytes = (width * bits + 31) // 32 * 4
    body = b"\x80" * (row_bytes * abs(height)) if pixels is None else pixels
    if header is None:
        size = 40 + len(masks)
        header = (
            struct.pack(
                "<IiiHHIIiiII", size, width, height, 1, bits, compression, len(body), 0, 0, 0, 0
            )
            + masks
        )
    offset = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + header + body


def rotated(orientation: int, width: int = 480, height: int = SIDE) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(photo(width, height), "JPEG", exif=exif)


def swapped_profile() -> bytes:
    """A colour profile in which red means blue: whoever applies it turns blue into red."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    return swapped.replace("sRGB".encode("utf-16-be"), "none".encode("utf-16-be"))


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(jpeg: bytes, segments: bytes) -> bytes:
    return jpeg[:2] + segments + jpeg[2:]


def jpeg_of_scans(count: int, side: int = SIDE) -> bytes:
    """A progressive JPEG that repeats its last scan until there are `count` of them."""
    jpeg = encoded(photo(side, side), "JPEG", progressive=True)
    starts = [at for at in range(len(jpeg)) if jpeg[at : at + 2] == b"\xff\xda"]
    last = jpeg[starts[-1] : -2]
    return jpeg[:-2] + last * (count - len(starts)) + b"\xff\xd9"


def patched_jpeg(*, width: int | None = None, height: int | None = None, **changes: int) -> bytes:
    """A baseline JPEG whose frame header lies; `marker` and `precision` may be changed too."""
    jpeg = bytearray(encoded(photo(), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 1] = changes.get("marker", 0xC0)
    jpeg[at + 4] = changes.get("precision", 8)
    struct.pack_into(
        ">HH", jpeg, at + 5, SIDE if height is None else height, SIDE if width is None else width
    )
    return bytes(jpeg)


def webp_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def webp(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def extended_webp(width: int, height: int, flags: int = 0) -> bytes:
    frame = encoded(photo(), "WEBP")[12:]
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(webp_chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sides), frame)


def mpo() -> bytes:
    return encoded(photo(), "MPO", save_all=True, append_images=[photo(SIDE // 4, SIDE // 4)])


def good_pictures() -> Mapping[str, Make]:
    """Pictures that must be taken, by name."""
    jpeg = encoded(photo(), "JPEG")
    return {
        "jpeg": lambda: jpeg,
        "jpeg progressive": lambda: encoded(photo(), "JPEG", progressive=True),
        "jpeg grey": lambda: encoded(photo(mode="L"), "JPEG"),
        "jpeg cmyk": lambda: encoded(photo(mode="CMYK"), "JPEG"),
        "jpeg full colour": lambda: encoded(photo(), "JPEG", subsampling=0, quality=100),
        "jpeg with restarts": lambda: encoded(photo(), "JPEG", restart_marker_blocks=4),
        "jpeg turned once": lambda: rotated(6),
        "jpeg turned twice": lambda: rotated(3),
        "jpeg with bad exif": lambda: with_segments(
            jpeg, segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")
        ),
        "jpeg with a profile": lambda: encoded(photo(), "JPEG", icc_profile=swapped_profile()),
        "jpeg with a bad profile": lambda: encoded(photo(), "JPEG", icc_profile=b"no profile" * 50),
        "jpeg with a script": lambda: with_segments(
            jpeg, segment(0xFE, b"<script>alert(1)</script>")
        ),
        "jpeg with markers in a block": lambda: with_segments(
            jpeg, segment(0xE5, b"\xff\xda" * 200)
        ),
        "jpeg with a film behind": lambda: jpeg + b"\xff\xda" * 200,
        "jpeg with a zip behind": lambda: jpeg + b"PK\x03\x04" + bytes(100),
        "jpeg of 64 scans": lambda: jpeg_of_scans(64),
        "jpeg with fill bytes": lambda: jpeg[:2] + b"\xff\xff\xff" + jpeg[2:],
        "jpeg of two pictures": mpo,
        "jpeg of the smallest sides": lambda: encoded(photo(384, 384), "JPEG"),
        "jpeg of the longest side": lambda: encoded(photo(5000, 384), "JPEG"),
        "png": lambda: encoded(photo(), "PNG"),
        "png palette": lambda: encoded(photo(mode="P"), "PNG"),
        "png grey": lambda: encoded(photo(mode="L"), "PNG"),
        "png black and white": lambda: encoded(photo(mode="1"), "PNG"),
        "png 16-bit grey": lambda: encoded(Image.new("I;16", (SIDE, SIDE), 0x8000), "PNG"),
        "png 16-bit colour": lambda: png(depth=16),
        "png interlaced": interlaced_png,
        "png with text": lambda: png(
            before=png_block(b"tEXt", b"Comment\0<?php system($_GET[0]); ?>")
        ),
        "png without an end": lambda: encoded(photo(), "PNG")[:-12],
        "png of the longest sides": lambda: png(width=5000, height=5000),
        "bmp": lambda: encoded(photo(), "BMP"),
        "bmp palette": lambda: encoded(photo(mode="P"), "BMP"),
        "bmp black and white": lambda: encoded(photo(mode="1"), "BMP"),
        "bmp from the top": lambda: bmp(height=-SIDE),
        "bmp 32 bits": lambda: bmp(bits=32),
        "bmp of OS/2": lambda: bmp(header=struct.pack("<IHHHH", 12, SIDE, SIDE, 1, 24)),
        "webp": lambda: encoded(photo(), "WEBP"),
        "webp lossless": lambda: encoded(photo(), "WEBP", lossless=True),
        "webp with a profile": lambda: encoded(photo(), "WEBP", icc_profile=swapped_profile()),
    }
