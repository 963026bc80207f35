"""Styles of ink, paper and print: ink wash, low polygons, cut paper, anime, pop art."""

import cv2
import numpy as np
from numpy.typing import NDArray

from heliograph_studio.pixels import Pixels

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
WORK_SIDE_PX = 900
POLYGON_POINTS = 2600
PAPER_COLOURS = 13
POP_COLOURS = ((0.07, 0.05, 0.22), (0.85, 0.08, 0.33), (0.98, 0.62, 0.06), (0.99, 0.93, 0.55))
RICE_PAPER = np.array([0.955, 0.935, 0.885], np.float32)


def _reduced(shown: Pixels) -> Pixels:
    height, width = shown.shape[:2]
    scale = min(1.0, WORK_SIDE_PX / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return cv2.resize(shown, size, interpolation=cv2.INTER_AREA)


def _restored(picture: Pixels, like: Pixels, how: int = cv2.INTER_CUBIC) -> Pixels:
    return cv2.resize(picture.astype(np.float32), like.shape[1::-1], interpolation=how)


def _as_bytes(shown: Pixels) -> NDArray[np.uint8]:
    return (np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)


def ink_wash(shown: Pixels) -> Pixels:
    """Black ink on rice paper: wet tones, a dry brush at edges, empty paper at the rim."""
    small = _reduced(shown)
    smooth = cv2.bilateralFilter(small, 0, 0.14, 7)
    light = smooth @ LUMA
    low, high = np.quantile(light, (0.01, 0.82))
    tone = np.clip((light - low) / max(0.05, high - low), 0, 1)
    wet = cv2.GaussianBlur(tone, (0, 0), 2.0)
    washed = 0.06 + 0.94 * np.clip(0.45 * tone + 0.55 * wet, 0, 1) ** 1.15
    lines = np.clip(
        1 - 7 * np.maximum(0, cv2.GaussianBlur(light, (0, 0), 2.2) - light - 0.012), 0, 1
    )
    bleed = np.random.default_rng(5).standard_normal(tone.shape, np.float32)
    cloudy = cv2.GaussianBlur(bleed, (0, 0), 14) * 14
    ink = np.clip(washed + 0.035 * cloudy, 0, 1) * (0.25 + 0.75 * lines)
    y, x = np.mgrid[-1 : 1 : tone.shape[0] * 1j, -1 : 1 : tone.shape[1] * 1j].astype(np.float32)
    rim = np.clip((np.maximum(abs(x), abs(y)) + 0.05 * cloudy - 0.80) / 0.18, 0, 1)
    ink = ink + (1 - ink) * rim
    colour = smooth - light[..., None]
    sheet = RICE_PAPER * (0.06 + 0.94 * ink)[..., None] + 0.30 * colour * (1 - rim)[..., None]
    return _restored(sheet, shown)


def low_poly(shown: Pixels) -> Pixels:
    """Flat triangles, smaller where there is more to see."""
    small = _reduced(shown)
    height, width = small.shape[:2]
    light = small @ LUMA
    edges = cv2.magnitude(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))
    weight = (cv2.GaussianBlur(edges, (0, 0), 1.5) + 0.02).ravel().astype(np.float64)
    rng = np.random.default_rng(3)
    chosen = rng.choice(
        weight.size, min(POLYGON_POINTS, weight.size // 16), replace=False, p=weight / weight.sum()
    )
    points = np.stack([chosen % width, chosen // width], axis=1).astype(np.float32)
    net = cv2.Subdiv2D((-2, -2, width + 4, height + 4))
    rim = [(k / 8 * width, edge) for k in range(9) for edge in (-1, height)]
    rim += [(edge, k / 8 * height) for k in range(1, 8) for edge in (-1, width)]
    net.insert([(float(x), float(y)) for x, y in [*rim, *points]])
    out = small.copy()
    for triangle in np.asarray(net.getTriangleList()).reshape(-1, 3, 2):
        middle = triangle.mean(axis=0)
        row, column = int(np.clip(middle[1], 0, height - 1)), int(np.clip(middle[0], 0, width - 1))
        near = small[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].reshape(-1, 3)
        cv2.fillConvexPoly(
            out, np.round(triangle).astype(np.int32), [float(v) for v in near.mean(axis=0)]
        )
    tone = (out @ LUMA)[..., None]
    return _restored(tone + (out - tone) * 1.15, shown)


def _few_colours(small: Pixels, count: int) -> tuple[Pixels, Pixels]:
    """Which of `count` colours each place takes, and the colours from dark to light."""
    cv2.setRNGSeed(1)
    cloud = np.ascontiguousarray(small.reshape(-1, 3)[::7]).astype(np.float32)
    rule = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.002)
    count = min(count, len(cloud))
    labels = np.zeros((len(cloud), 1), np.int32)
    _, _, found = cv2.kmeans(cloud, count, labels, rule, 1, cv2.KMEANS_PP_CENTERS)
    colours = np.asarray(found)[np.argsort(np.asarray(found) @ LUMA)]
    nearest = np.argmin([((small - colour) ** 2).sum(axis=2) for colour in colours], axis=0)
    return cv2.medianBlur(nearest.astype(np.uint8), 5), colours


def _shifted(layer: Pixels, pixels: int) -> Pixels:
    """The layer moved right and down; what comes in repeats its rim."""
    grown = cv2.copyMakeBorder(layer, pixels, 0, pixels, 0, cv2.BORDER_REPLICATE)
    return grown[:-pixels, :-pixels]


def paper_cut(shown: Pixels) -> Pixels:
    """Layers of coloured paper that cast small shadows on each other."""
    flat = cv2.pyrMeanShiftFiltering(_as_bytes(_reduced(shown)), 14, 26)
    small = cv2.bilateralFilter(flat.astype(np.float32) / 255, 0, 0.10, 3)
    labels, colours = _few_colours(small, PAPER_COLOURS)
    vivid = (
        colours.mean(axis=1, keepdims=True) + (colours - colours.mean(axis=1, keepdims=True)) * 1.4
    )
    out = np.clip(vivid, 0, 1)[labels].astype(np.float32)
    shift = max(2, small.shape[0] // 150)
    for layer in range(len(colours) - 1):
        above = (labels <= layer).astype(np.float32)
        cast = cv2.GaussianBlur(_shifted(above, shift), (0, 0), shift * 0.8)
        out *= (1 - 0.42 * cast * (1 - above))[..., None]
        edge = np.clip(above - _shifted(above, 1), 0, 1)
        out += 0.10 * edge[..., None]
    grain = np.random.default_rng(2).standard_normal(labels.shape, np.float32)
    return _restored(out * (1 + 0.02 * grain)[..., None], shown)


def anime(shown: Pixels) -> Pixels:
    """Flat shades in three steps, thin lines, clear bright colours."""
    small = _reduced(shown)
    flat = small
    for _ in range(3):
        flat = cv2.bilateralFilter(flat, 0, 0.09, 5)
    tone = (flat @ LUMA)[..., None]
    stepped = np.floor(tone * 6) / 6 + np.clip(((tone * 6) % 1 - 0.35) / 0.3, 0, 1) / 6
    shaded = flat * (0.35 + 0.65 * stepped / np.maximum(tone, 0.02))
    vivid = (shaded @ LUMA)[..., None] + (shaded - (shaded @ LUMA)[..., None]) * 1.45
    soft = cv2.GaussianBlur(tone[..., 0], (0, 0), 0.8)
    lines = np.clip(
        1 - 12 * np.maximum(0, cv2.GaussianBlur(soft, (0, 0), 1.6) - soft - 0.010), 0.15, 1
    )
    bright = np.clip(vivid * 1.12 + 0.03, 0, 1)
    glow = cv2.GaussianBlur(np.clip(bright - 0.72, 0, 1), (0, 0), 12)
    return _restored((bright + 0.5 * glow) * lines[..., None], shown)


def pop_art(shown: Pixels) -> Pixels:
    """Four loud colours, dots of print in the middle ones."""
    small = cv2.bilateralFilter(_reduced(shown), 0, 0.15, 5)
    light = small @ LUMA
    limits = np.quantile(light, (0.18, 0.48, 0.78))
    level = np.digitize(cv2.GaussianBlur(light, (0, 0), 1.2), limits)
    colours = np.array(POP_COLOURS, np.float32)
    out = colours[level]
    y, x = np.mgrid[0 : light.shape[0], 0 : light.shape[1]].astype(np.float32)
    pitch = max(5.0, light.shape[0] / 90)
    u, v = (x + y) / 1.414 / pitch, (x - y) / 1.414 / pitch
    away = np.hypot(u - np.round(u), v - np.round(v))
    dots = np.clip((0.30 - away) * pitch, 0, 1)[..., None]
    hue = small / np.maximum(small.max(axis=2, keepdims=True), 0.05)
    out = np.where((level == 2)[..., None], out * (1 - dots) + colours[1] * dots, out)
    out = np.where((level == 3)[..., None], 0.45 * out + 0.55 * np.clip(hue, 0, 1), out)
    lines = cv2.GaussianBlur(light, (0, 0), 1.8) - light
    return _restored(out * np.clip(1 - 9 * np.maximum(0, lines - 0.02), 0, 1)[..., None], shown)
