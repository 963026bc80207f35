"""Pictures as characters of a terminal."""

import base64
import io

import pytest
from PIL import Image

from heliograph.cli.showing import cells, half_blocks, kitty_commands, speaks_kitty


@pytest.mark.parametrize(
    ("environment", "speaks"),
    [
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-ghostty"}, True),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, False),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/tmux"}, False),
        ({}, False),
    ],
)
def test_kittys_protocol_is_spoken_where_nothing_swallows_it(
    environment: dict[str, str], speaks: bool
):
    assert speaks_kitty(environment) is speaks


@pytest.mark.parametrize(
    ("size", "terminal", "fitting"),
    [
        ((1280, 1280), (200, 50), (64, 32)),
        ((1696, 960), (200, 50), (64, 18)),
        ((960, 1696), (200, 50), (52, 46)),
        ((1280, 1280), (20, 50), (20, 10)),
        ((5000, 10), (80, 24), (64, 1)),
        ((100, 100), (80, 1), (2, 1)),
    ],
)
def test_a_picture_fits_the_terminal_and_keeps_its_shape(
    size: tuple[int, int], terminal: tuple[int, int], fitting: tuple[int, int]
):
    assert cells(size, *terminal) == fitting


def test_a_half_block_has_the_colours_of_two_pixels():
    picture = Image.new("RGB", (2, 2))
    for place, colour in {(0, 0): "red", (1, 0): "lime", (0, 1): "blue", (1, 1): "white"}.items():
        picture.paste(colour, (*place, place[0] + 1, place[1] + 1))
    ((first, second),) = half_blocks(picture, columns=2, lines=1)
    assert (first.text, str(first.style)) == ("▀", "#ff0000 on #0000ff")
    assert (second.text, str(second.style)) == ("▀", "#00ff00 on #ffffff")


def test_kitty_gets_the_whole_picture_in_pieces_that_it_takes():
    picture = Image.effect_noise((200, 100), 60).convert("RGB")
    commands = list(kitty_commands(picture, columns=40))
    assert len(commands) > 2
    assert all(one.startswith("\x1b_G") and one.endswith("\x1b\\") for one in commands)
    controls, pieces = zip(*(one[3:-2].split(";") for one in commands), strict=True)
    assert controls[0] == "a=T,f=100,q=2,c=40,m=1"
    assert set(controls[1:-1]) == {"m=1"}
    assert controls[-1] == "m=0"
    assert max(map(len, pieces)) == 4096
    shown = Image.open(io.BytesIO(base64.b64decode("".join(pieces))))
    assert shown.tobytes() == picture.tobytes()
