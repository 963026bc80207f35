"""Real renders, small."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from heliograph_studio import Order, StudioError, __version__
from heliograph_studio.settings import SETTINGS

SUBJECTS_OF_EVERY_KIND = [
    "a panda, a frog and a lion",
    "nine cats",
    "a tiny mouse next to a giant elephant",
    "sun and moon",
    "a rainbow",
    "a ship on the sea",
    "a red heart",
    "a flag of japan",
    "",
    "🐼🐼🐼",
    "\x00\ud800",
    "words that " * 200 + "🐉 at night",
    "龙" * 2000,
]


def sound(pixels, size=(96, 96)):
    """Of the right size, and neither black, white nor flat."""
    assert pixels.shape == (size[1], size[0], 3)
    return 4 < pixels.mean() < 251 and pixels.std() > 3


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_every_setting_renders(draw, setting):
    words = {"sky": "above the clouds", "mountain-lake": "a lake in the mountains"}
    words = words.get(setting, setting)
    pixels, warnings = draw(f"{words}, a dog", size=(64, 64))
    assert sound(pixels, (64, 64))
    assert warnings == ()


@pytest.mark.parametrize("prompt", SUBJECTS_OF_EVERY_KIND)
def test_every_kind_of_subject_renders(draw, prompt):
    pixels, _ = draw(prompt)
    assert sound(pixels)


STYLES = [
    "watercolor", "oil painting", "ink wash", "pencil sketch", "cartoon", "anime", "pixel art", "low poly",
    "paper cut", "pop art", "isometric", "black and white", "sepia",
]  # fmt: skip


@pytest.fixture(scope="module")
def plain(cache_dir):
    """A castle in no style."""
    from heliograph_studio.drawing import draw as draw_order

    picture = draw_order(Order("a castle on a hill", "", 96, 96, 1), lambda _: None)
    return np.asarray(Image.open(io.BytesIO(picture.png))).astype(int)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_changes_the_picture(draw, plain, style):
    styled, warnings = draw(f"a castle on a hill, {style}")
    assert sound(styled)
    assert warnings == ()
    assert np.abs(plain - styled).mean() > 4


@pytest.mark.parametrize(
    "effect",
    [
        "northern lights",
        "lightning",
        "rainbow",
        '"HELIOGRAPH"',
        "“你好，世界”",
        "“雪虎 Tiger”",
        "「東京のゆき」",
    ],
)
def test_what_shines_in_the_sky_and_lettering_change_the_picture(draw, effect):
    without, _ = draw("a tower in a meadow, night, storm")
    with_it, _ = draw(f"a tower in a meadow, night, storm, {effect}")
    assert np.abs(without.astype(int) - with_it).max() > 60


@pytest.mark.parametrize(
    "people", ["a robot and a wizard", "a girl and an old man", "a king and an astronaut"]
)
def test_people_are_drawn_whole_and_differ(cache_dir, people):
    from heliograph_studio.drawing import render

    _, film = render(Order(f"{people} in a meadow", "", 128, 128, 1), lambda _: None)
    seen = [int((film.subjects == number).sum()) for number in range(2)]
    assert min(seen) > 100


def test_the_renderer_knows_which_subject_each_pixel_shows(cache_dir):
    from heliograph_studio.drawing import render

    picture, film = render(Order("a bird on top of an elephant", "", 128, 128, 1), lambda _: None)
    bird, elephant = (np.argwhere(film.subjects == number) for number in range(2))
    assert bird[:, 0].mean() < elephant[:, 0].mean()
    assert picture.scene.startswith("bird on elephant, elephant; meadow")


def test_the_picture_has_exactly_the_asked_size(draw):
    for size in [(64, 200), (333, 65), (169, 96)]:
        pixels, _ = draw("a tree", size=size)
        assert pixels.shape == (size[1], size[0], 3)


def test_the_same_order_gives_the_same_bytes(draw):
    first, _ = draw("two foxes in the rain at night", seed=7)
    again, _ = draw("two foxes in the rain at night", seed=7)
    assert np.array_equal(first, again)


def test_seeds_differ_visibly(draw):
    one, _ = draw("a castle in a forest", seed=1)
    other, _ = draw("a castle in a forest", seed=2)
    assert np.abs(one.astype(int) - other).mean() > 8


def test_night_is_darker_than_day(draw):
    night, _ = draw("a house in a meadow at night")
    day, _ = draw("a house in a meadow at noon")
    assert night.mean() < 0.85 * day.mean()


def test_the_file_names_the_engine_and_what_was_asked(cache_dir):
    from heliograph_studio.drawing import draw as draw_order

    png = draw_order(Order("a 熊猫", "", 64, 64, 5), lambda _: None).png
    text = Image.open(io.BytesIO(png)).text
    assert text["engine"] == "studio"
    assert text["version"] == __version__
    assert (text["prompt"], text["seed"]) == ("a 熊猫", "5")


@pytest.mark.parametrize("size", [(63, 100), (100, 2049), (0, -1)])
def test_a_size_that_nobody_can_draw_is_refused(size):
    with pytest.raises(StudioError, match="must lie between 64 and 2048"):
        Order("x", "", *size, 1).check()


@settings(max_examples=8)
@given(prompt=st.text(max_size=2000), seed=st.integers(-(2**70), 2**70))
def test_any_text_and_seed_give_a_sound_picture(cache_dir, prompt, seed):
    from heliograph_studio.drawing import draw as draw_order

    png = draw_order(Order(prompt, "", 64, 64, seed), lambda _: None).png
    assert sound(np.asarray(Image.open(io.BytesIO(png))), (64, 64))


def test_progress_rises_and_whoever_hears_it_may_stop_the_drawing(cache_dir):
    from heliograph_studio.drawing import draw as draw_order

    heard = []
    draw_order(Order("a tree", "", 64, 64, 1), heard.append)
    assert heard == sorted(heard)
    assert 0 < heard[0] < heard[-1] <= 1
    with pytest.raises(KeyError, match="enough"):
        draw_order(
            Order("a tree", "", 64, 64, 1), lambda _: (_ for _ in ()).throw(KeyError("enough"))
        )
