"""What the first kilobytes of a picture say about it: a pure scanner of JPEG, PNG, BMP and WEBP.

It goes by the content, never by a name or a content type, and decodes nothing, so that a bad file is
refused before its download ends and long before a decoder sees it.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from heliograph.base.errors import PictureRefused
from heliograph.catalog.model import ReferenceLimits

# A progressive JPEG has about ten scans; each costs a pass over the whole picture, and 600 of them
# fit into 113 kB and keep a decoder busy for eleven seconds.
MAX_SCANS = 64
MAX_BLOCKS = 2000
# Two bytes less than the shortest header that is read in one go (WEBP).
SIGNATURE_BYTES = 12

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_FIRST_BLOCK = b"\0\0\0\x0dIHDR"
# The next JPEG marker, past fill bytes, stuffed zeros and restart markers, as libjpeg finds it.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd7])")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_START, _JPEG_END, _JPEG_SCAN = 0xD8, 0xD9, 0xDA
_PNG_ALPHA_COLOURS = frozenset({4, 6})
_WEBP_ALPHA, _WEBP_ANIMATION = 0x10, 0x02
_BMP_CORE_BYTES = 12
_BMP_HEADER_BYTES = range(12, 125)
_BMP_EMBEDDED = frozenset({4, 5})
_BMP_BITFIELDS = 3

_STRANGERS = (
    (b"GIF8", "a GIF"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"8BPS", "a Photoshop file"),
    (b"%PDF", "a PDF"),
    (b"\0\0\1\0", "an icon"),
    (b"\0\0\0\x0cjP", "a JPEG 2000"),
    (b"PK\3\4", "a ZIP archive"),
    (b"<", "a web page, SVG or other text"),
)


@dataclass(frozen=True)
class Header:
    """`format` is JPEG, PNG, BMP or WEBP; sides in pixels, as stored; `scans` counts for JPEG alone."""

    format: str
    width: int
    height: int
    alpha: bool = False
    frames: int = 1
    scans: int = 1


class _Short(Exception):
    """The bytes end before the header does."""


def scan(data: bytes) -> Header:
    """The header of a whole file. Raises PictureRefused if it is no picture or ends within its header."""
    header, complete = _read(data)
    if header is None or not complete:
        raise PictureRefused("The file ends within its header: it is cut short. Save it anew.")
    return header


def peek(data: bytes) -> Header | None:
    """What the beginning of a file shows so far, or None when it is too short to tell.

    More of the file may add alpha, frames and scans, and nothing else. Raises PictureRefused.
    """
    return _read(data)[0]


def judge(header: Header, limits: ReferenceLimits) -> None:
    """Raises PictureRefused, with the value, the limit and the fix, unless `header` is within `limits`.

    The sides are judged as stored, before an EXIF orientation turns the picture.
    """
    sides = f"{header.width}x{header.height} px"
    smallest, largest = limits.min_side_px, limits.max_side_px
    if header.format not in limits.formats:
        raise _wrong_format(f"a {header.format}", " or ".join(limits.formats))
    if not all(smallest <= side <= largest for side in (header.width, header.height)):
        raise PictureRefused(
            f"The picture is {sides}; each side must be {smallest}-{largest} px. Resize it."
        )
    if header.frames > 1:
        raise PictureRefused(
            f"The picture is an animation of {header.frames} frames; it must be a single one. "
            "Save one frame."
        )
    if header.alpha:
        raise PictureRefused(
            f"The {header.format} has transparency; it must have none. Flatten it onto a background."
        )
    if header.scans > MAX_SCANS:
        raise PictureRefused(
            f"The JPEG has {header.scans} scans or more; at most {MAX_SCANS} are decoded. Save it anew."
        )


def judge_size(size_bytes: int, limits: ReferenceLimits) -> None:
    """Raises PictureRefused if a file of `size_bytes` is over the limit, or empty."""
    if size_bytes > limits.max_bytes:
        raise PictureRefused(
            f"The file has {size_bytes} bytes; at most {limits.max_bytes} "
            f"({limits.max_bytes // 2**20} MB) are taken. Compress or resize it."
        )
    if size_bytes == 0:
        raise PictureRefused("The file is empty.")


def _read(data: bytes) -> tuple[Header | None, bool]:
    """What is known so far, and whether the header was read to its end."""
    if len(data) < SIGNATURE_BYTES:
        return None, False
    try:
        return _reader(data)(data)
    except _Short:
        return None, False


def _reader(data: bytes) -> Callable[[bytes], tuple[Header | None, bool]]:
    if data.startswith(b"\xff\xd8\xff"):
        return _read_jpeg
    if data.startswith(_PNG_SIGNATURE):
        return _read_png
    if data.startswith(b"BM"):
        return _read_bmp
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _read_webp
    raise _wrong_format(_name_stranger(data), "JPEG, PNG, BMP or WEBP")


def _name_stranger(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "an AVIF, HEIC or video"
    start = data.lstrip(b"\xef\xbb\xbf \r\n\t")
    return next((name for sign, name in _STRANGERS if start.startswith(sign)), "no known picture")


def _wrong_format(found: str, wanted: str) -> PictureRefused:
    return PictureRefused(
        f"The file is {found}; it must be {wanted}, whatever its name says. Convert it."
    )


def _take(data: bytes, layout: str, offset: int) -> tuple[int, ...]:
    if len(data) < offset + struct.calcsize(layout):
        raise _Short
    return struct.unpack_from(layout, data, offset)


def _damaged(format_name: str) -> PictureRefused:
    return PictureRefused(f"The {format_name}'s header is damaged. Save it anew.")


def _read_jpeg(data: bytes) -> tuple[Header | None, bool]:
    """Of a file of several pictures (MPO, as phones write it), the first is what counts."""
    width = height = scans = 0
    position = 2
    for _ in range(MAX_BLOCKS):
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            break
        marker = found[1][0]
        if marker == _JPEG_END:
            break
        if marker == _JPEG_START:
            raise _damaged("JPEG")
        if marker == _JPEG_SCAN:
            scans += 1
        if len(data) < found.end() + 7:
            break
        (length,) = _take(data, ">H", found.end())
        if marker in _JPEG_FRAMES and not width:
            height, width = _take(data, ">HH", found.end() + 3)
        position = found.end() + max(length, 2)
    else:
        raise _too_many_blocks("JPEG")
    if scans and not width:
        raise _damaged("JPEG")
    header = Header("JPEG", width, height, scans=max(scans, 1)) if width else None
    return header, scans > 0


def _too_many_blocks(format_name: str) -> PictureRefused:
    return PictureRefused(f"The {format_name} has more than {MAX_BLOCKS} blocks. Save it anew.")


def _read_png(data: bytes) -> tuple[Header | None, bool]:
    width, height, _, colour, *methods = _take(data, ">IIBBBB", 16)
    if data[8:16] != _PNG_FIRST_BLOCK or any(methods):
        raise _damaged("PNG")
    alpha, frames = colour in _PNG_ALPHA_COLOURS, 1
    position = 33
    for _ in range(MAX_BLOCKS):
        kind = data[position + 4 : position + 8]
        if kind == b"IDAT" or len(data) < position + 12:
            return Header("PNG", width, height, alpha=alpha, frames=frames), kind == b"IDAT"
        (length,) = _take(data, ">I", position)
        alpha = alpha or kind == b"tRNS"
        if kind == b"acTL":
            (frames,) = _take(data, ">I", position + 8)
        position += 12 + length
    raise _too_many_blocks("PNG")


def _read_bmp(data: bytes) -> tuple[Header, bool]:
    (header_bytes,) = _take(data, "<I", 14)
    if header_bytes not in _BMP_HEADER_BYTES:
        raise _wrong_format("no known picture", "JPEG, PNG, BMP or WEBP")
    if header_bytes == _BMP_CORE_BYTES:
        width, height = _take(data, "<HH", 18)
        return Header("BMP", width, height), True
    width, height, _, _, compression = _take(data, "<iiHHI", 18)
    if compression in _BMP_EMBEDDED:
        raise PictureRefused("The BMP holds a JPEG or PNG. Convert it to one of them.")
    alpha = False
    if compression == _BMP_BITFIELDS and header_bytes >= 56:  # noqa: PLR2004 - with an alpha mask
        (mask,) = _take(data, "<I", 66)
        alpha = mask != 0
    # A negative height means that the rows run from top to bottom.
    return Header("BMP", width, abs(height), alpha=alpha), True


def _read_webp(data: bytes) -> tuple[Header, bool]:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = _take(data, "<HH", 26)
        return Header("WEBP", width & 0x3FFF, height & 0x3FFF), True
    if kind == b"VP8L":
        (bits,) = _take(data, "<I", 21)
        alpha = bool(bits >> 28 & 1)
        return Header("WEBP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, alpha=alpha), True
    if len(data) >= 16 and kind != b"VP8X":  # noqa: PLR2004 - RIFF, size, WEBP, kind
        raise _damaged("WEBP")
    flags, width, height = _read_canvas(data)
    frames = 2 if flags & _WEBP_ANIMATION else 1
    return Header("WEBP", width, height, alpha=bool(flags & _WEBP_ALPHA), frames=frames), True


def _read_canvas(data: bytes) -> tuple[int, int, int]:
    """The flags and both sides of an extended WEBP; the sides are kept in 24 bits, less one."""
    flags, width_low, width_high, height_low, height_high = _take(data, "<B3xHBHB", 20)
    return flags, (width_high << 16 | width_low) + 1, (height_high << 16 | height_low) + 1
