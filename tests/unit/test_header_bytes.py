"""The header scanner byte by byte: files of a few dozen bytes, in which every field lies at its edge."""

import struct

import pytest

from heliograph.base.errors import PictureRefused
from heliograph.catalog.model import ReferenceLimits
from heliograph.intake.header import MAX_BLOCKS, Header, judge, judge_size, peek, scan
from support.pictures import png_block, segment, webp, webp_chunk

LIMITS = ReferenceLimits(("JPEG", "PNG", "BMP", "WEBP"), 384, 5000, 10 * 2**20, "")

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
SCAN = segment(0xDA, bytes(10))
PIXELS = png_block(b"IDAT", b"")
STRANGERS = {
    b"GIF89a": "a GIF",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"8BPS": "a Photoshop file",
    b"%PDF-1.7": "a PDF",
    b"\0\0\1\0": "an icon",
    b"\0\0\0\x0cjP": "a JPEG 2000",
    b"PK\3\4": "a ZIP archive",
    b"<svg>": "a web page, SVG or other text",
    b"\xef\xbb\xbf\r\n\t <svg>": "a web page, SVG or other text",
    b"....ftyp": "an AVIF, HEIC or video",
    b"RIFF....WAVE": "no known picture",
    b"RIFX....WEBP": "no known picture",
    b"\x89PNG\r\n\x1a\r": "no known picture",
}


def frame(width: int = 400, height: int = 300, marker: int = 0xC0) -> bytes:
    return segment(marker, struct.pack(">BHHB", 8, height, width, 0))


def png_file(*blocks: bytes, colour: int = 2, methods: bytes = b"\0\0\0") -> bytes:
    first = struct.pack(">IIBB", 400, 300, 8, colour) + methods
    return b"\x89PNG\r\n\x1a\n" + png_block(b"IHDR", first) + b"".join(blocks)


def bmp_file(size: int = 40, compression: int = 0, mask: int = 0, *, height: int = 300) -> bytes:
    """As long as its header says; `mask` stands where the mask of alpha would."""
    fields = struct.pack("<IiiHHI", size, 400, height, 1, 32, compression)
    return b"BM" + bytes(12) + (fields.ljust(52, b"\0") + struct.pack("<I", mask)).ljust(124, b"\0")


def refusal(data: bytes) -> str:
    with pytest.raises(PictureRefused) as raised:
        scan(data)
    return raised.value.message


@pytest.mark.parametrize("start", STRANGERS)
def test_what_is_no_picture_is_named(start: bytes):
    assert refusal(start.ljust(20, b".")) == (
        f"The file is {STRANGERS[start]}; it must be JPEG, PNG, BMP or WEBP, "
        "whatever its name says. Convert it."
    )


def test_twelve_bytes_are_enough_to_know_a_stranger():
    assert peek(b"GIF89a......"[:11]) is None
    with pytest.raises(PictureRefused, match="a GIF"):
        peek(b"GIF89a......")


@pytest.mark.parametrize("marker", sorted(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}))
def test_every_kind_of_jpeg_frame_has_the_size(marker: int):
    assert scan(SOI + frame(marker=marker) + SCAN + EOI) == Header("JPEG", 400, 300)


@pytest.mark.parametrize("marker", [0xC4, 0xC8, 0xCC, 0xE0, 0xFE])
def test_what_is_no_frame_has_no_size(marker: int):
    stray = frame(9, 9, marker)
    assert scan(SOI + stray + frame() + SCAN + EOI) == Header("JPEG", 400, 300)
    assert peek(SOI + stray) is None


def test_the_first_of_two_frames_counts():
    assert scan(SOI + frame() + frame(9, 9) + SCAN + EOI) == Header("JPEG", 400, 300)


def test_scans_are_counted_and_one_is_assumed():
    assert peek(SOI + frame() + segment(0xE0, bytes(9))) == Header("JPEG", 400, 300, scans=1)
    assert scan(SOI + frame() + SCAN * 3 + EOI) == Header("JPEG", 400, 300, scans=3)
    assert scan(SOI + frame() + SCAN + EOI + SCAN) == Header("JPEG", 400, 300, scans=1)


def test_a_jpeg_shows_its_size_with_the_byte_that_completes_it():
    whole = SOI + segment(0xE0, bytes(5)) + frame()
    assert len(frame()) == 10
    assert peek(whole[:-1]) == Header("JPEG", 400, 300)
    assert peek(whole[:-2]) is None


@pytest.mark.parametrize("length", range(1, 9))
def test_a_jpeg_that_ends_within_a_marker_is_known_so_far(length: int):
    assert peek(SOI + frame() + segment(0xE0, bytes(9))[:length]) == Header("JPEG", 400, 300)
    assert scan(SOI + frame() + SCAN + SCAN[:length]).scans == (1 if length == 1 else 2)


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_jpeg_block_is_at_least_as_long_as_its_length_field(length: int):
    short = struct.pack(">BBH", 0xFF, 0xE0, length)
    assert scan(SOI + short + frame() + SCAN + EOI) == Header("JPEG", 400, 300)


@pytest.mark.parametrize("data", [SOI + frame() + SOI + SCAN, SOI + SCAN + EOI])
def test_a_jpeg_in_disorder_is_damaged(data: bytes):
    assert refusal(data) == "The JPEG's header is damaged. Save it anew."


@pytest.mark.parametrize(
    "data", [b"\xff\xd8", SOI + frame() + segment(0xE0, bytes(9)), png_file(), b"BM" + bytes(12)]
)
def test_a_whole_file_has_a_whole_header(data: bytes):
    assert refusal(data) == "The file ends within its header: it is cut short. Save it anew."


def test_a_picture_has_at_most_two_thousand_blocks():
    assert MAX_BLOCKS == 2000
    note = segment(0xE0, bytes(5))
    assert scan(SOI + frame() + note * 1997 + SCAN + EOI).scans == 1
    assert refusal(SOI + frame() + note * 1998 + SCAN + EOI) == (
        "The JPEG has more than 2000 blocks. Save it anew."
    )
    text = png_block(b"tEXt", b"")
    assert scan(png_file(text * 1999, PIXELS)) == Header("PNG", 400, 300)
    assert refusal(png_file(text * 2000, PIXELS)) == (
        "The PNG has more than 2000 blocks. Save it anew."
    )


@pytest.mark.parametrize(
    ("colour", "alpha"), [(0, False), (2, False), (3, False), (4, True), (6, True)]
)
def test_the_colour_of_a_png_says_whether_it_has_alpha(colour: int, alpha: bool):
    assert scan(png_file(PIXELS, colour=colour)) == Header("PNG", 400, 300, alpha=alpha)


def test_blocks_before_the_pixels_add_alpha_and_frames():
    moving = png_block(b"acTL", struct.pack(">II", 7, 0))
    clear = png_block(b"tRNS", b"")
    whole = Header("PNG", 400, 300, alpha=True, frames=7)
    assert scan(png_file(moving, clear, png_block(b"tEXt", b"note"), PIXELS)) == whole
    assert scan(png_file(PIXELS, moving, clear)) == Header("PNG", 400, 300)


def test_a_png_shows_its_size_and_each_block_with_the_byte_that_completes_it():
    assert peek(png_file()[:28]) == Header("PNG", 400, 300)
    assert peek(png_file()[:27]) is None
    whole = png_file(png_block(b"tRNS", b""))
    assert peek(whole) == Header("PNG", 400, 300, alpha=True)
    assert peek(whole[:-1]) == Header("PNG", 400, 300)


@pytest.mark.parametrize("methods", [b"\1\0\0", b"\0\1\0"])
def test_a_png_of_unknown_methods_is_damaged(methods: bytes):
    assert refusal(png_file(PIXELS, methods=methods)) == (
        "The PNG's header is damaged. Save it anew."
    )
    assert scan(png_file(PIXELS, methods=b"\0\0\1")) == Header("PNG", 400, 300)


@pytest.mark.parametrize("at", range(8, 16))
def test_the_first_block_of_a_png_is_its_header(at: int):
    data = bytearray(png_file(PIXELS))
    data[at] ^= 1
    assert refusal(bytes(data)) == "The PNG's header is damaged. Save it anew."


@pytest.mark.parametrize(("size", "taken"), [(11, False), (13, True), (124, True), (125, False)])
def test_a_bmp_has_a_header_of_a_known_length(size: int, taken: bool):
    if taken:
        assert scan(bmp_file(size)) == Header("BMP", 400, 300)
    else:
        assert "is no known picture; it must be JPEG, PNG" in refusal(bmp_file(size))


def test_a_bmp_shows_its_size_with_the_byte_that_completes_it():
    oldest = b"BM" + bytes(12) + struct.pack("<IHH", 12, 400, 300)
    assert scan(oldest) == Header("BMP", 400, 300)
    assert peek(oldest[:-1]) is None
    assert scan(bmp_file()[:34]) == Header("BMP", 400, 300)
    assert peek(bmp_file()[:33]) is None
    assert scan(bmp_file(height=-300)) == Header("BMP", 400, 300)


@pytest.mark.parametrize(
    ("size", "compression", "mask", "alpha"),
    [
        (56, 3, 1, True),
        (56, 3, 0x80000000, True),
        (56, 3, 0, False),
        (57, 3, 1, True),
        (55, 3, 1, False),
        (56, 0, 1, False),
    ],
)
def test_a_bmp_has_alpha_when_it_has_a_mask_for_it(
    size: int, compression: int, mask: int, alpha: bool
):
    assert scan(bmp_file(size, compression, mask)) == Header("BMP", 400, 300, alpha=alpha)


@pytest.mark.parametrize("compression", [4, 5])
def test_a_bmp_around_another_picture_is_refused(compression: int):
    assert refusal(bmp_file(compression=compression)) == (
        "The BMP holds a JPEG or PNG. Convert it to one of them."
    )
    assert scan(bmp_file(compression=6)) == Header("BMP", 400, 300)


def test_a_plain_webp_keeps_its_sides_in_fourteen_bits():
    start = bytes(6)
    data = webp(webp_chunk(b"VP8 ", start + struct.pack("<HH", 400 | 0x4000, 300 | 0x8000)))
    assert scan(data) == Header("WEBP", 400, 300)
    assert peek(data[:29]) is None
    widest = webp(webp_chunk(b"VP8 ", start + struct.pack("<HH", 0x3FFF, 0x3FFF)))
    assert scan(widest) == Header("WEBP", 0x3FFF, 0x3FFF)


@pytest.mark.parametrize("alpha", [False, True])
def test_a_lossless_webp_packs_sides_and_alpha_into_four_bytes(alpha: bool):
    for width, height in ((400, 300), (0x4000, 0x4000), (1, 1)):
        bits = width - 1 | height - 1 << 14 | alpha << 28 | 1 << 29
        data = webp(webp_chunk(b"VP8L", b"\x2f" + struct.pack("<I", bits)))
        assert scan(data[:25]) == Header("WEBP", width, height, alpha=alpha)
    assert peek(data[:24]) is None


@pytest.mark.parametrize(
    ("flags", "alpha", "frames"),
    [(0x10, True, 1), (0x02, False, 2), (0x12, True, 2), (0x00, False, 1), (0xED, False, 1)],
)
def test_an_extended_webp_says_what_it_has(flags: int, alpha: bool, frames: int):
    for width, height in ((400, 300), (1 << 24, 1 << 24), (65536, 65537)):
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        data = webp(webp_chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sides))
        assert scan(data) == Header("WEBP", width, height, alpha=alpha, frames=frames)
        assert peek(data[:-1]) is None


def test_a_webp_of_another_kind_is_damaged_as_soon_as_it_shows():
    data = webp(webp_chunk(b"VP9 ", bytes(20)))
    assert peek(data[:15]) is None
    with pytest.raises(PictureRefused, match="The WEBP's header is damaged"):
        peek(data[:16])


@pytest.mark.parametrize(("width", "height"), [(383, 400), (400, 383), (5001, 400), (400, 5001)])
def test_each_side_is_judged(width: int, height: int):
    with pytest.raises(PictureRefused, match=f"is {width}x{height} px"):
        judge(Header("JPEG", width, height), LIMITS)


def test_an_empty_file_is_refused_and_one_byte_is_not():
    judge_size(1, LIMITS)
    with pytest.raises(PictureRefused, match="The file is empty"):
        judge_size(0, LIMITS)
