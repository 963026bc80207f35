"""Files that are no pictures to be taken, each with its reason."""

import os
import struct
import zlib
from collections.abc import Mapping

from support.pictures import (
    SIDE,
    Make,
    bmp,
    encoded,
    extended_webp,
    jpeg_of_scans,
    noise,
    patched_jpeg,
    photo,
    png,
    png_block,
    rotated,
    webp,
    webp_chunk,
    with_segments,
)


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
