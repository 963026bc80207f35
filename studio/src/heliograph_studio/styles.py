"""Named styles of painting, as filters over a finished picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from heliograph_studio.graphic import anime, ink_wash, low_poly, paper_cut, pop_art
from heliograph_studio.pixels import Pixels

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SEPIA = np.array([1.07, 0.92, 0.70], np.float32)
# The painterly filters work on at most this many pixels along the longer side.
PAINT_SIDE_PX = 1024
PIXEL_BLOCKS = 128


def apply_style(shown: Pixels, style: str) -> Pixels:
    """The picture [h, w, 3] in 0..1 in a style of scene.py; unknown names change nothing."""
    filters = {
        "black-and-white": _black_and_white,
        "sepia": _sepia,
        "watercolor": _watercolour,
        "oil": _oil,
        "sketch": _sketch,
        "cartoon": _cartoon,
        "pixel": _pixel,
        "ink": ink_wash,
        "low-poly": low_poly,
        "paper-cut": paper_cut,
        "anime": anime,
        "pop-art": pop_art,
    }
    if style not in filters:
        return shown
    return np.clip(filters[style](np.clip(shown, 0, 1)), 0, 1).astype(np.float32)


def _black_and_white(shown: Pixels) -> Pixels:
    light = shown @ np.array([0.36, 0.50, 0.14], np.float32)
    curved = np.clip((light - 0.5) * 1.14 + 0.5, 0, 1)
    return np.repeat(curved[..., None], 3, axis=2)


def _sepia(shown: Pixels) -> Pixels:
    light = (shown @ LUMA)[..., None]
    faded = 0.06 + 0.88 * light
    return 0.18 * shown + 0.82 * faded * SEPIA


def _as_bytes(shown: Pixels) -> NDArray[np.uint8]:
    return (np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)


def _reduced(shown: Pixels) -> NDArray[np.uint8]:
    height, width = shown.shape[:2]
    scale = min(1.0, PAINT_SIDE_PX / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return _as_bytes(cv2.resize(shown, size, interpolation=cv2.INTER_AREA))


def _restored(picture: Pixels, like: Pixels) -> Pixels:
    large = cv2.resize(picture, like.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return large.astype(np.float32) / 255


def _paper(shape: tuple[int, ...], rough: float) -> Pixels:
    """The grain of a sheet, the same for every picture."""
    grain = np.random.default_rng(11).standard_normal(shape[:2], np.float32)
    sheet = cv2.GaussianBlur(grain, (0, 0), 1.1) + 1.5 * cv2.GaussianBlur(grain, (0, 0), 2.6)
    return (1 + rough * sheet)[..., None]


def _watercolour(shown: Pixels) -> Pixels:
    flat = _restored(cv2.stylization(_reduced(shown), sigma_s=60, sigma_r=0.42), shown)
    light = flat @ LUMA
    edge = cv2.GaussianBlur(light, (0, 0), 2.0) - cv2.GaussianBlur(light, (0, 0), 5.0)
    washed = 0.26 + 0.76 * flat + 0.42 * (flat - light[..., None])
    washed = washed - 0.45 * np.maximum(0, -edge)[..., None]
    return washed * _paper(shown.shape, 0.030)


def _oil(shown: Pixels) -> Pixels:
    """Kuwahara's filter: each place takes the calmest of its four neighbourhoods."""
    picture = _reduced(shown).astype(np.float32) / 255
    radius = 4
    size = (radius + 1, radius + 1)
    light = picture @ LUMA
    best = np.full(light.shape, np.inf, np.float32)
    out = picture.copy()
    for anchor in ((0, 0), (radius, 0), (0, radius), (radius, radius)):
        mean = cv2.blur(light, size, anchor=anchor)
        spread = cv2.blur(light * light, size, anchor=anchor) - mean * mean
        colour = cv2.blur(picture, size, anchor=anchor)
        better = spread < best
        best = np.where(better, spread, best)
        out[better] = colour[better]
    painted = _restored(_as_bytes(out), shown)
    tone = painted @ LUMA
    relief = cv2.Sobel(cv2.GaussianBlur(tone, (0, 0), 1.2), cv2.CV_32F, 1, 1, ksize=3)
    vivid = tone[..., None] + (painted - tone[..., None]) * 1.18
    return (vivid + 0.35 * relief[..., None]) * _paper(shown.shape, 0.022)


def _sketch(shown: Pixels) -> Pixels:
    light = _reduced(shown).astype(np.float32) @ LUMA / 255
    inverse = 1 - light
    dodge = light / np.maximum(0.02, 1 - cv2.GaussianBlur(inverse, (0, 0), 7.0))
    lines = np.clip(dodge, 0, 1) ** 2.2
    shade = 0.55 + 0.45 * np.clip(light * 1.5, 0, 1)
    drawn = cv2.resize(lines * shade, shown.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    sheet = drawn[..., None] * np.array([0.97, 0.96, 0.93], np.float32) + 0.02
    return sheet * _paper(shown.shape, 0.045)


def _cartoon(shown: Pixels) -> Pixels:
    flat = cv2.edgePreservingFilter(_reduced(shown), flags=1, sigma_s=24, sigma_r=0.38)
    levels = np.round(flat.astype(np.float32) / 255 * 9) / 9
    smooth = 0.55 * levels + 0.45 * flat.astype(np.float32) / 255
    light = cv2.GaussianBlur(smooth @ LUMA, (0, 0), 1.0)
    outline = cv2.GaussianBlur(light, (0, 0), 1.4) - light
    ink = np.clip(1 - 9.0 * np.maximum(0, outline - 0.012), 0.1, 1)[..., None]
    tone = (smooth @ LUMA)[..., None]
    return _restored(_as_bytes((tone + (smooth - tone) * 1.35) * ink), shown)


def _pixel(shown: Pixels) -> Pixels:
    height, width = shown.shape[:2]
    scale = PIXEL_BLOCKS / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    stepped = np.round(small * 11) / 11
    return cv2.resize(stepped.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
