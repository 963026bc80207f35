"""The header scanner on its own: whole files, beginnings, and bytes of any kind."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from heliograph.base.errors import PictureRefused
from heliograph.catalog.model import ReferenceLimits
from heliograph.intake.header import MAX_SCANS, Header, judge, judge_size, peek, scan
from support.bad_pictures import bad_pictures
from support.pictures import good_pictures, jpeg_of_scans

GOOD = good_pictures()
LIMITS = ReferenceLimits(("JPEG", "PNG", "BMP", "WEBP"), 384, 5000, 10 * 2**20, "")
SIZES = {
    "jpeg turned once": (480, 400),
    "jpeg turned twice": (480, 400),
    "jpeg of the smallest sides": (384, 384),
    "jpeg of the longest side": (5000, 384),
    "png of the longest sides": (5000, 5000),
}
STARTS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
    b"BM",
    b"RIFF....WEBPVP8 ",
    b"RIFF....WEBPVP8X",
    b"",
)


@pytest.mark.parametrize("name", GOOD)
def test_format_and_size_are_read_from_the_content(name: str):
    header = scan(GOOD[name]())
    assert header.format == name.partition(" ")[0].upper()
    assert (header.width, header.height) == SIZES.get(name, (400, 400))
    assert (header.alpha, header.frames) == (False, 1)
    judge(header, LIMITS)


@pytest.mark.parametrize("name", GOOD)
def test_a_beginning_never_says_what_the_whole_does_not(name: str):
    data = GOOD[name]()
    whole = scan(data)
    for length in {*range(80), *(len(data) * share // 20 for share in range(21))}:
        header = peek(data[:length])
        if header is not None:
            assert (header.format, header.width, header.height) == (
                whole.format,
                whole.width,
                whole.height,
            )
            assert header.scans <= whole.scans


@pytest.mark.parametrize("name", [name for name in GOOD if name != "jpeg with markers in a block"])
def test_the_first_kilobyte_shows_the_size(name: str):
    assert peek(GOOD[name]()[:1024]) is not None


def test_scans_are_counted_where_they_are_and_nowhere_else():
    assert scan(jpeg_of_scans(64)).scans == 64
    assert scan(jpeg_of_scans(65)).scans == 65
    assert scan(GOOD["jpeg with markers in a block"]()).scans == 1
    assert scan(GOOD["jpeg with a film behind"]()).scans == 1


def test_a_scan_bomb_shows_before_its_end():
    bomb = jpeg_of_scans(600)
    header = peek(bomb[: len(bomb) // 2])
    assert header is not None
    with pytest.raises(PictureRefused, match="scans"):
        judge(header, LIMITS)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (
            Header("JPEG", 300, 900),
            "The picture is 300x900 px; each side must be 384-5000 px. Resize it.",
        ),
        (
            Header("PNG", 400, 400, alpha=True),
            "The PNG has transparency; it must have none. Flatten it onto a background.",
        ),
        (
            Header("WEBP", 400, 400, frames=2),
            "The picture is an animation of 2 frames; it must be a single one. Save one frame.",
        ),
        (
            Header("JPEG", 400, 400, scans=MAX_SCANS + 1),
            "The JPEG has 65 scans or more; at most 64 are decoded. Save it anew.",
        ),
    ],
)
def test_a_refusal_names_the_value_the_limit_and_the_fix(header: Header, sentence: str):
    with pytest.raises(PictureRefused) as raised:
        judge(header, LIMITS)
    assert raised.value.message == sentence


def test_a_format_that_the_model_does_not_take_is_refused():
    with pytest.raises(PictureRefused, match=r"is a BMP; it must be JPEG or PNG"):
        judge(Header("BMP", 400, 400), ReferenceLimits(("JPEG", "PNG"), 384, 5000, 1000, ""))


def test_the_limits_themselves_are_allowed():
    judge(Header("JPEG", 384, 5000, scans=MAX_SCANS), LIMITS)
    judge_size(LIMITS.max_bytes, LIMITS)
    with pytest.raises(PictureRefused, match=r"10485761 bytes; at most 10485760 \(10 MB\)"):
        judge_size(LIMITS.max_bytes + 1, LIMITS)


@pytest.mark.parametrize("name", bad_pictures())
def test_no_file_makes_the_scanner_fail_otherwise_than_by_refusal(name: str):
    data = bad_pictures()[name][1]()
    for length in (0, 11, 12, 30, len(data) // 2, len(data)):
        with suppress(PictureRefused):
            scan(data[:length])


@given(start=some.sampled_from(STARTS), rest=some.binary(max_size=200))
def test_any_bytes_are_read_or_refused(start: bytes, rest: bytes):
    for read in (scan, peek):
        try:
            header = read(start + rest)
        except PictureRefused:
            continue
        assert header is None or header.width >= 0 or header.format == "BMP"
