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


def _cloudy(shape: tuple[int, ...], size: float, key: int) -> Pixels:
    """Soft noise around 0, about 1 strong, with bumps `size` pixels wide."""
    rng = np.random.default_rng(key)
    small = rng.standard_normal((int(shape[0] / size) + 3, int(shape[1] / size) + 3), np.float32)
    return cv2.resize(small, shape[1::-1], interpolation=cv2.INTER_CUBIC)


def _watercolour(shown: Pixels) -> Pixels:
    """Washes that end in darker rims, uneven pigment, and paper left white at the edges."""
    small = _reduced(shown).astype(np.float32) / 255
    unit = max(small.shape[:2]) / PAINT_SIDE_PX
    y, x = np.mgrid[0 : small.shape[0], 0 : small.shape[1]].astype(np.float32)
    wobble = 1.6 * unit
    moved = cv2.remap(
        small,
        x + wobble * _cloudy(small.shape, 26 * unit, 1),
        y + wobble * _cloudy(small.shape, 26 * unit, 2),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    flat = cv2.edgePreservingFilter(_as_bytes(moved), flags=1, sigma_s=30, sigma_r=0.32)
    wash = flat.astype(np.float32) / 255
    light = wash @ LUMA
    rim = cv2.GaussianBlur(light, (0, 0), 3.0 * unit) - light
    pigment = 0.030 * _cloudy(small.shape, 90 * unit, 3) + 0.016 * _cloudy(
        small.shape, 34 * unit, 4
    )
    vivid = light[..., None] + (wash - light[..., None]) * 1.25
    washed = 0.20 + 0.82 * vivid
    washed = washed * (1 - 1.6 * np.maximum(0, rim))[..., None] + pigment[..., None]
    far = np.maximum(abs(x / small.shape[1] * 2 - 1), abs(y / small.shape[0] * 2 - 1))
    blank = np.clip((far + 0.012 * _cloudy(small.shape, 70 * unit, 5) - 0.93) / 0.035, 0, 1)
    washed = washed + (np.array([0.97, 0.96, 0.93]) - washed) * blank[..., None]
    return _restored(_as_bytes(washed), shown) * _paper(shown.shape, 0.022)


def _oil(shown: Pixels) -> Pixels:
    """Each place takes the calmest of eight sectors around it; strokes follow the forms."""
    picture = _reduced(shown).astype(np.float32) / 255
    unit = max(picture.shape[:2]) / PAINT_SIDE_PX
    radius = max(3, round(8 * unit))
    light = picture @ LUMA
    total, weights = np.zeros_like(picture), np.zeros_like(light)
    for sector in _sectors(radius):
        mean = cv2.filter2D(light, -1, sector)
        spread = np.maximum(cv2.filter2D(light * light, -1, sector) - mean * mean, 0)
        weight = 1 / (1e-5 + spread) ** 2
        total += cv2.filter2D(picture, -1, sector) * weight[..., None]
        weights += weight
    painted = total / weights[..., None]
    strokes = _strokes(painted @ LUMA, unit)
    tone = (painted @ LUMA)[..., None]
    vivid = tone + (painted - tone) * 1.25 + 0.055 * strokes[..., None]
    return _restored(_as_bytes(vivid), shown) * _paper(shown.shape, 0.012)


def _sectors(radius: int) -> list[Pixels]:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    away, angle = np.hypot(x, y), np.arctan2(y, x)
    soft = np.exp(-((away / (0.6 * radius)) ** 2)) * (away <= radius)
    sectors = []
    for k in range(8):
        turn = np.abs((angle - k * np.pi / 4 + np.pi) % (2 * np.pi) - np.pi)
        kernel = soft * np.clip(1.2 - turn / (np.pi / 5), 0, 1)
        kernel[radius, radius] = soft[radius, radius]
        sectors.append((kernel / kernel.sum()).astype(np.float32))
    return sectors


def _strokes(light: Pixels, unit: float) -> Pixels:
    """Streaks of bristles along the lines of equal light, about 1 strong."""
    gx = cv2.Sobel(cv2.GaussianBlur(light, (0, 0), 2 * unit), cv2.CV_32F, 1, 0)
    gy = cv2.Sobel(cv2.GaussianBlur(light, (0, 0), 2 * unit), cv2.CV_32F, 0, 1)
    wide = 9 * unit
    wide = 9 * unit
    across = cv2.GaussianBlur(gx * gy, (0, 0), wide) * 2
    along = cv2.GaussianBlur(gx * gx - gy * gy, (0, 0), wide)
    angle = 0.5 * np.arctan2(across, along) + np.pi / 2 + 0.35 * _cloudy(light.shape, 60 * unit, 6)
    rough = np.random.default_rng(7).standard_normal(light.shape, np.float32)
    noise = cv2.GaussianBlur(rough, (0, 0), 0.9 * unit)
    step = np.round(angle / (np.pi / 12)).astype(int) % 12
    out: Pixels = np.zeros_like(light)
    reach = max(3, round(11 * unit))
    for k in range(12):
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        dx, dy = reach * np.cos(k * np.pi / 12), reach * np.sin(k * np.pi / 12)
        ends = [(round(reach + s * dx), round(reach + s * dy)) for s in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA)
        streaks = cv2.filter2D(noise, -1, kernel / kernel.sum())
        out[step == k] = streaks[step == k]
    return (out / max(1e-6, float(out.std()))).astype(np.float32)


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
    smooth = 0.22 * levels + 0.78 * flat.astype(np.float32) / 255
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
