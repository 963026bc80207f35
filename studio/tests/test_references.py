"""Pictures made from pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from heliograph_studio import StudioError
from heliograph_studio.roles import mentioned, read_roles


def picture(colour=(200, 120, 40), size=(200, 200), kind="PNG", mode="RGB", **options):
    """A gradient with a dark square, encoded."""
    x = np.linspace(0.4, 1, size[0])[None, :, None]
    pixels = np.broadcast_to(x * np.array(colour), (size[1], size[0], 3)).astype(np.uint8).copy()
    pixels[size[1] // 3 : size[1] // 2, size[0] // 3 : size[0] // 2] = 20
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "L"),
        ("PNG", "P"),
        ("PNG", "RGBA"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGB"),
        ("BMP", "1"),
    ],
)
def test_references_of_odd_kinds_are_read(draw, kind, mode):
    pixels, _ = draw("make it warm", references=[picture(kind=kind, mode=mode)])
    assert pixels.shape == (96, 96, 3)


@pytest.mark.parametrize("data", [b"", b"no picture", picture()[:60]])
def test_what_is_no_picture_is_named(draw, data):
    with pytest.raises(StudioError, match="image 2 cannot be read"):
        draw("x", references=[picture(), data])


@pytest.mark.parametrize("size", [(384, 96), (64, 600), (500, 500), (1, 1)])
def test_every_shape_is_brought_to_the_asked_size(draw, size):
    pixels, _ = draw("black and white", size=(128, 72), references=[picture(size=size)])
    assert pixels.shape == (72, 128, 3)


def test_a_second_picture_gives_its_style_and_a_third_its_colours(draw):
    content, style = picture((200, 180, 160)), picture((60, 90, 200))
    plain, _ = draw("keep it sharp", references=[content])
    styled, _ = draw("merge", references=[content, style])
    coloured, _ = draw("merge", references=[content, content, picture((30, 160, 60))])
    assert np.abs(styled.astype(int) - plain).mean() > 3
    assert coloured[..., 1].mean() > coloured[..., 0].mean()


def test_words_change_the_light_and_the_weather(draw):
    plain, _ = draw("nothing at all", references=[picture()])
    night, _ = draw("make it night", references=[picture()])
    gray, _ = draw("black and white", references=[picture()])
    assert night.mean() < 0.8 * plain.mean()
    assert np.ptp(gray.astype(int), axis=2).max() <= 2


def test_a_subject_can_be_set_into_a_picture(draw):
    plain, _ = draw("nothing at all", references=[picture()])
    added, _ = draw("add a panda", references=[picture()])
    assert np.abs(added.astype(int) - plain).mean() > 4


def test_what_cannot_be_done_is_said(draw):
    _, warnings = draw("make her smile and remove the hat", references=[picture()])
    assert any("would need to understand the picture" in sentence for sentence in warnings)
    _, warnings = draw("blorb", references=[picture()])
    assert any("returned as it was" in sentence for sentence in warnings)


def test_the_same_references_give_the_same_bytes(draw):
    references = [picture(), picture((10, 80, 90))]
    one, _ = draw("merge", references=references, seed=4)
    two, _ = draw("merge", references=references, seed=4)
    assert np.array_equal(one, two)


def test_roles_come_from_the_prompt_in_both_languages():
    english = read_roles("apply the style of image 1 to image 2, colours of image 3", 3)
    chinese = read_roles("把图1的风格应用到图2，使用图3的色调", 3)
    for roles in (english, chinese):
        assert (roles.content, roles.style, roles.colour) == (2, 1, 3)


def test_without_words_the_first_is_content_the_second_style_the_third_colour():
    roles = read_roles("merge them", 3)
    assert (roles.content, roles.style, roles.colour) == (1, 2, 3)


def test_a_picture_that_is_not_there_is_named():
    assert read_roles("style of image 3", 2).warnings[0] == "there is no image 3"


def test_mentions_are_found_in_order():
    assert mentioned("the third picture, then image 1 and 第二张图") == [3, 1, 2]
