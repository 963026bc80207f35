"""Generators of pictures that are to be taken, and of files that are not, each with its reason."""

import io
import os
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


def png(
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


def bmp(
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


def _cut(make: Make, share: float) -> Make:
    return lambda: (data := make())[: int(len(data) * share)]


def _spoilt(data: bytes, at: int, count: int = 4) -> bytes:
    return data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + count]) + data[at + count :]


def _small(format_name: str, width: int, height: int) -> Make:
    return lambda: encoded(photo(width, height), format_name)


def _animated(format_name: str) -> bytes:
    frames = [photo().rotate(angle) for angle in (0, 90)]
    return encoded(frames[0], format_name, save_all=True, append_images=frames[1:])


def _strangers() -> Mapping[str, tuple[str, Make]]:
    return {
        "nothing": ("is empty", lambda: b""),
        "one byte": ("cut short", lambda: b"\xff"),
        "text": ("no known picture", lambda: b"hello, this is no picture"),
        "a web page": ("a web page", lambda: b"\n <!doctype html><html>...</html>"),
        "svg": ("SVG", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        "zeros": ("no known picture", lambda: bytes(5000)),
        "random bytes": ("no known picture", lambda: b"\x07" + os.urandom(5000)),
        "gif": ("a GIF", lambda: encoded(photo(), "GIF")),
        "animated gif": ("a GIF", lambda: _animated("GIF")),
        "tiff": ("a TIFF", lambda: encoded(photo(), "TIFF")),
        "icon": ("an icon", lambda: encoded(photo(), "ICO")),
        "portable pixmap": ("no known picture", lambda: encoded(photo(), "PPM")),
        "targa": ("no known picture", lambda: encoded(photo(), "TGA")),
        "avif": ("an AVIF", lambda: b"\0\0\0\x20ftypavif" + bytes(100)),
        "heic": ("HEIC", lambda: b"\0\0\0\x18ftypheic" + bytes(100)),
        "jpeg 2000": ("a JPEG 2000", lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100)),
        "pdf": ("a PDF", lambda: b"%PDF-1.7\n" + bytes(100)),
        "photoshop": ("a Photoshop", lambda: b"8BPS\0\1" + bytes(100)),
        "zip": ("a ZIP", lambda: b"PK\x03\x04" + bytes(100)),
        "sound in RIFF": ("no known picture", lambda: b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)),
        "text that begins like a bmp": (
            "no known picture",
            lambda: b"BM is short for bitmap, as you know",
        ),
    }


def _out_of_limits() -> Mapping[str, tuple[str, Make]]:
    return {
        "jpeg too narrow": (
            "is 383x400 px; each side must be 384-5000 px",
            _small("JPEG", 383, 400),
        ),
        "jpeg too low": ("is 400x383 px", _small("JPEG", 400, 383)),
        "jpeg too wide": ("is 5001x384 px", _small("JPEG", 5001, 384)),
        "jpeg 300x900": ("is 300x900 px", _small("JPEG", 300, 900)),
        "jpeg turned, judged as stored": ("is 380x480 px", lambda: rotated(6, 380, 480)),
        "png too low": ("is 400x383 px", _small("PNG", 400, 383)),
        "png too high": ("is 384x5001 px", _small("PNG", 384, 5001)),
        "png of one pixel": ("is 1x1 px", _small("PNG", 1, 1)),
        "png of no width": ("is 0x400 px", lambda: png(width=0)),
        "png that claims to be huge": (
            "px; each side",
            lambda: png(width=100_000, height=100_000, pixels=b""),
        ),
        "bmp too small": ("is 20x20 px", _small("BMP", 20, 20)),
        "bmp of negative width": ("px; each side", lambda: bmp(width=-SIDE, pixels=bytes(10))),
        "webp too small": ("is 383x383 px", _small("WEBP", 383, 383)),
        "lossless webp too small": (
            "is 383x390 px",
            lambda: encoded(photo(383, 390), "WEBP", lossless=True),
        ),
        "webp too wide": ("is 16383x384 px", _small("WEBP", 16383, 384)),
        "jpeg without height": ("is 400x0 px", lambda: patched_jpeg(height=0)),
        "bmp over 10 MB": ("at most 10485760", lambda: bmp(width=3000, height=1200)),
        "jpeg scan bomb": ("at most 64", lambda: jpeg_of_scans(65)),
        "large jpeg scan bomb": ("at most 64", lambda: jpeg_of_scans(600, 4000)),
    }


def _not_plain() -> Mapping[str, tuple[str, Make]]:
    transparent = photo().convert("RGBA")
    transparent.putalpha(128)
    mask = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    return {
        "png rgba": ("transparency", lambda: encoded(transparent, "PNG")),
        "png opaque rgba": ("transparency", lambda: encoded(photo(mode="RGBA"), "PNG")),
        "png grey and alpha": ("transparency", lambda: encoded(transparent.convert("LA"), "PNG")),
        "png 16-bit rgba": ("transparency", lambda: png(depth=16, colour=6)),
        "png palette tRNS": (
            "transparency",
            lambda: encoded(photo(mode="P"), "PNG", transparency=0),
        ),
        "png grey tRNS": ("transparency", lambda: encoded(photo(mode="L"), "PNG", transparency=0)),
        "png colour tRNS": (
            "transparency",
            lambda: encoded(photo(), "PNG", transparency=(0, 0, 0)),
        ),
        "webp alpha": ("transparency", lambda: encoded(transparent, "WEBP")),
        "webp lossless alpha": (
            "transparency",
            lambda: encoded(transparent, "WEBP", lossless=True),
        ),
        "bmp alpha mask": ("transparency", lambda: bmp(bits=32, compression=3, masks=mask)),
        "animated png": ("2 frames", lambda: _animated("PNG")),
        "animated webp": ("animation", lambda: _animated("WEBP")),
        "bmp around a jpeg": (
            "holds a JPEG",
            lambda: bmp(compression=4, pixels=encoded(photo(), "JPEG")),
        ),
        "bmp around a png": ("holds a JPEG or PNG", lambda: bmp(compression=5, pixels=png())),
    }


def _damaged() -> Mapping[str, tuple[str, Make]]:
    jpeg, picture = encoded(noise(), "JPEG"), encoded(noise(), "PNG")
    first_data = picture.index(b"IDAT")
    return {
        "jpeg of its first bytes": ("cut short", lambda: jpeg[:20]),
        "jpeg without a scan": ("cut short", lambda: jpeg[: jpeg.index(b"\xff\xda")]),
        "half a jpeg": ("cannot be decoded", _cut(lambda: jpeg, 0.5)),
        "half a progressive jpeg": (
            "cannot be decoded",
            _cut(lambda: encoded(noise(), "JPEG", progressive=True), 0.5),
        ),
        "most of a jpeg": ("cannot be decoded", _cut(lambda: jpeg, 0.95)),
        "jpeg without its tables": (
            "cannot be decoded",
            lambda: jpeg.replace(b"\xff\xdb", b"\xff\xfe"),
        ),
        "jpeg that starts twice": ("header is damaged", lambda: jpeg[:2] + jpeg),
        "jpeg that is all markers": ("blocks", lambda: with_segments(jpeg, b"\xff\xfe\0\2" * 3000)),
        "jpeg without a frame": (
            "header is damaged",
            lambda: jpeg.replace(b"\xff\xc0", b"\xff\xfe"),
        ),
        "jpeg of 12 bits": ("cannot be decoded", lambda: patched_jpeg(precision=12)),
        "jpeg of a strange kind": ("cannot be decoded", lambda: patched_jpeg(marker=0xC5)),
        "png signature alone": ("cut short", lambda: picture[:12]),
        "png header alone": ("cut short", lambda: picture[:33]),
        "half a png": ("cannot be decoded", _cut(lambda: picture, 0.5)),
        "png with a bad checksum": ("cannot be decoded", lambda: _spoilt(picture, 29)),
        "png with spoilt data": (
            "cannot be decoded",
            lambda: _spoilt(picture, first_data + 5000, 64),
        ),
        "png larger than its data": (
            "cannot be decoded",
            lambda: png(height=4000, pixels=bytes(100)),
        ),
        "png that is no deflate": (
            "cannot be decoded",
            lambda: picture[:33] + png_block(b"IDAT", b"not deflated") + png_block(b"IEND", b""),
        ),
        "png of an unknown colour": ("cannot be decoded", lambda: _spoilt(png(), 25, 1)),
        "png that begins elsewhere": (
            "header is damaged",
            lambda: picture[:8] + png_block(b"CgBI", b"\0" * 4) + picture[8:],
        ),
        "png that is all blocks": (
            "blocks",
            lambda: png(before=png_block(b"tEXt", b"a\0b") * 3000),
        ),
        "png text bomb": (
            "cannot be decoded",
            lambda: png(before=png_block(b"zTXt", b"a\0\0" + zlib.compress(bytes(200 * 2**20)))),
        ),
        "half a bmp": ("cannot be decoded", _cut(bmp, 0.5)),
        "bmp header alone": ("cut short", lambda: bmp()[:16]),
        "bmp of strange depth": ("cannot be decoded", lambda: bmp(bits=7)),
        "bmp of strange compression": ("cannot be decoded", lambda: bmp(compression=9)),
        "webp header alone": ("cut short", lambda: encoded(noise(), "WEBP")[:20]),
        "half a webp": ("cannot be decoded", _cut(lambda: encoded(noise(), "WEBP"), 0.5)),
        "half a lossless webp": (
            "cannot be decoded",
            _cut(lambda: encoded(noise(), "WEBP", lossless=True), 0.5),
        ),
        "webp of an unknown kind": (
            "header is damaged",
            lambda: webp(webp_chunk(b"VP9 ", bytes(50))),
        ),
        "webp of two sizes": ("cannot be decoded|contradicts", lambda: extended_webp(4000, 4000)),
        "webp with spoilt data": (
            "cannot be decoded",
            lambda: _spoilt(encoded(noise(), "WEBP", lossless=True), 40, 400),
        ),
    }


def bad_pictures() -> Mapping[str, tuple[str, Make]]:
    """Files that must be refused: (what the reason says, the file), by name."""
    return {**_strangers(), **_out_of_limits(), **_not_plain(), **_damaged()}
