"""Pictures in terminals: kitty's graphics protocol where it is spoken, coloured half-blocks elsewhere."""

import base64
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment

MOST_COLUMNS = 64

#: Lines that stay free, for the prompt and the path of the picture.
FREE_LINES = 4

#: What the protocol takes in one piece.
KITTY_CHUNK = 4096

UPPER_HALF = "▀"


def show(paths: Sequence[Path]) -> None:
    """Print the pictures. A terminal without colours shows none."""
    from rich.console import Console

    seen = sys.stdout.isatty()
    # Whoever asks for pictures in a pipe or a file will show them in a terminal later.
    console = Console() if seen else Console(force_terminal=True, color_system="truecolor")
    for path in paths:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        if speaks_kitty(os.environ):
            columns, _ = cells(picture.size, console.width, console.height)
            sys.stdout.write("".join(kitty_commands(picture, columns)) + "\n")
            sys.stdout.flush()
        elif console.color_system is not None:
            _print_half_blocks(picture, console)


def speaks_kitty(environment: Mapping[str, str]) -> bool:
    """Whether the terminal knows kitty's protocol; a multiplexer in between would swallow it."""
    terminal = environment.get("TERM", "")
    if "TMUX" in environment or terminal.startswith(("tmux", "screen")):
        return False
    return "KITTY_WINDOW_ID" in environment or "kitty" in terminal or "ghostty" in terminal


def cells(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Columns and lines for a picture of `size` in a terminal of `width` and `height`.

    A cell is about twice as high as it is wide.
    """
    most_columns, most_lines = min(width, MOST_COLUMNS), max(1, height - FREE_LINES)
    scale = min(most_columns / size[0], 2 * most_lines / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale / 2))


def kitty_commands(picture: Image.Image, columns: int) -> Iterator[str]:
    """The escape sequences that show `picture`, `columns` wide; the terminal answers nothing to them."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    control = f"a=T,f=100,q=2,c={columns},"
    for start in range(0, len(encoded), KITTY_CHUNK):
        more = int(start + KITTY_CHUNK < len(encoded))
        yield f"\x1b_G{control}m={more};{encoded[start : start + KITTY_CHUNK]}\x1b\\"
        control = ""


def half_blocks(picture: Image.Image, columns: int, lines: int) -> "Iterator[list[Segment]]":
    """Each line of the picture: two rows of pixels, the upper as foreground, the lower as background."""
    from rich.color import Color
    from rich.segment import Segment
    from rich.style import Style

    small = picture.resize((columns, 2 * lines), Image.Resampling.LANCZOS).convert("RGB")
    row = small.tobytes()
    pixels = [Color.from_rgb(*row[at : at + 3]) for at in range(0, len(row), 3)]
    for line in range(lines):
        upper, lower = (pixels[n * columns : (n + 1) * columns] for n in (2 * line, 2 * line + 1))
        yield [
            Segment(UPPER_HALF, Style.from_color(*pair)) for pair in zip(upper, lower, strict=True)
        ]


def _print_half_blocks(picture: Image.Image, console: "Console") -> None:
    from rich.segment import Segment, Segments

    columns, lines = cells(picture.size, console.width, console.height)
    for segments in half_blocks(picture, columns, lines):
        console.print(Segments([*segments, Segment.line()]), end="")
