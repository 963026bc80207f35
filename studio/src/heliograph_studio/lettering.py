"""Words in quotes painted over the picture like the title of a film."""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

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
        font = ImageFont.load_default(size)
        left, top, right, low = font.getbbox(text)
        if right - left <= width or size <= 8:
            break
        size = max(8, int(size * min(0.95, width / (right - left))))
    sheet = Image.new("L", (int(min(right - left, width)) + 2, int(low - top) + 2))
    ImageDraw.Draw(sheet).text((1 - left, 1 - top), text, 255, font)
    return np.asarray(sheet).astype(np.float32) / 255
