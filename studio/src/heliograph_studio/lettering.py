"""Words in quotes painted over the picture like the title of a film."""

import functools
import io
import itertools
import lzma
from importlib import resources
from typing import cast

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from heliograph_studio.letters import is_ideograph
from heliograph_studio.pixels import Pixels

WIDEST_SHARE = 0.84
TALLEST_SHARE = 0.13
CENTRE_SHARE = 0.13


def add_lettering(shown: Pixels, text: str) -> Pixels:
    """The picture [h, w, 3] in 0..1 with the text near its upper edge, white with a soft shadow."""
    height, width = shown.shape[:2]
    mask = _mask(text, width * WIDEST_SHARE, height * TALLEST_SHARE)
    top = max(0, round(height * CENTRE_SHARE - mask.shape[0] / 2))
    left = (width - mask.shape[1]) // 2
    letters = np.zeros((height, width), np.float32)
    letters[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    soft = cv2.GaussianBlur(letters, (0, 0), max(1.0, height * 0.006))
    shown = shown * (1 - 0.55 * np.clip(soft * 1.3, 0, 1))[..., None]
    ink = np.array([0.985, 0.965, 0.92], np.float32)
    return (shown + (ink - shown) * letters[..., None]).astype(np.float32)


def _mask(text: str, width: float, height: float) -> Pixels:
    size = max(8, int(height))
    while True:
        runs = _runs(text, size)
        wide = sum(font.getlength(part) for part, font in runs)
        if wide <= width or size <= 8:
            break
        size = max(8, int(size * min(0.95, width / wide)))
    boxes = [font.getbbox(part, anchor="ls") for part, font in runs]
    top, low = min(box[1] for box in boxes), max(box[3] for box in boxes)
    sheet = Image.new("L", (int(min(wide, width)) + 2, int(low - top) + 2))
    draw, left = ImageDraw.Draw(sheet), 1.0
    for part, font in runs:
        draw.text((left, 1 - top), part, 255, font, anchor="ls")
        left += font.getlength(part)
    return np.asarray(sheet).astype(np.float32) / 255


def _runs(text: str, size: int) -> list[tuple[str, ImageFont.FreeTypeFont]]:
    """`text` in parts that have one typeface each."""
    fonts = {True: _ideographs(size), False: ImageFont.load_default(size)}
    groups = itertools.groupby(text, key=is_ideograph)
    return [("".join(part), cast("ImageFont.FreeTypeFont", fonts[kind])) for kind, part in groups]


def _ideographs(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(_typeface()), size)


@functools.cache
def _typeface() -> bytes:
    packed = resources.files("heliograph_studio") / "assets" / "ideographs.ttf.xz"
    return lzma.decompress(packed.read_bytes())
