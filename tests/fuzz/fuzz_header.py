"""Coverage-guided fuzzing of the header scanner: any bytes are read or refused, soon, and consistently.

`make prove-fuzz` runs it; options are those of libFuzzer. A crash is written to a file that, given as the
only argument, replays it.
"""

import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.more_pictures import more_bad_pictures, more_good_pictures

with atheris.instrument_imports(include=["heliograph.intake.header"]):
    from heliograph.intake.header import Header, judge, peek, scan

from heliograph.base.errors import PictureRefused
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE

SEED_BYTES = 2048
#: Short ones: it is the first bytes that are read.
WORDS = (
    *(b"\xff\xd8\xff", b"\xff\xda", b"\xff\xc0", b"\xff\xc2", b"\xff\xd9", b"\x89PNG\r\n\x1a\n"),
    *(
        b"IHDR",
        b"IDAT",
        b"acTL",
        b"tRNS",
        b"RIFF",
        b"WEBP",
        b"VP8 ",
        b"VP8L",
        b"VP8X",
        b"ANIM",
        b"BM",
    ),
)


def try_one(data: bytes) -> None:
    """Fails on anything but a header or a refusal, and on a beginning that says another size."""
    whole = read(data)
    for share in (1, 2, 3):
        begun = peeked(data[: len(data) * share // 4])
        if whole is not None and begun is not None:
            assert (begun.format, begun.width, begun.height) == (
                whole.format,
                whole.width,
                whole.height,
            )
            assert begun.scans <= whole.scans
            assert begun.alpha <= whole.alpha


def read(data: bytes) -> Header | None:
    try:
        header = scan(data)
    except PictureRefused:
        return None
    assert header.width >= 0 or header.format == "BMP"
    assert header.height >= 0
    with suppress(PictureRefused):
        judge(header, WAN_2_5_IMAGE.references)
    return header


def peeked(data: bytes) -> Header | None:
    try:
        return peek(data)
    except PictureRefused:
        return None


def write_seeds(folder: Path) -> None:
    """The beginnings of all kinds of good and bad pictures."""
    makers = [*more_good_pictures().values(), *(make for _, make in more_bad_pictures().values())]
    for number, make in enumerate(makers):
        (folder / str(number)).write_bytes(make()[:SEED_BYTES])
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in WORDS]
    (folder.parent / "words.txt").write_text("".join(lines))


def main() -> int:
    """With options alone, fuzz from seeds in a child, for libFuzzer never returns; else replay."""
    if any(argument.startswith("-dict") for argument in sys.argv) or replays():
        atheris.Setup(sys.argv, try_one)
        atheris.Fuzz()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        write_seeds(corpus)
        own = [f"-dict={folder}/words.txt", "-timeout=1", "-max_len=8192", str(corpus)]
        command = [sys.executable, __file__, *sys.argv[1:], *own]
        return subprocess.run(command, check=False).returncode


def replays() -> bool:
    return any(not argument.startswith("-") for argument in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
