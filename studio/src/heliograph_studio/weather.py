"""Snow, rain, bubbles and sparks between the camera and what it sees."""

import cv2
import numpy as np

from heliograph_studio.pixels import Pixels
from heliograph_studio.scene import Scene

# layers: flakes per megapixel, radius and blur for a side of 1024, opacity, metres away
SNOW_LAYERS = ((520, 0.9, 0.8, 0.60, 14.0), (130, 2.0, 1.6, 0.60, 5.5), (26, 7.0, 5.0, 0.36, 1.5))
RAIN_LAYERS = ((900, 22, 1, 0.16, 12.0), (300, 46, 1, 0.22, 5.0), (50, 90, 2, 0.16, 1.5))


def add_weather(shown: Pixels, depth: Pixels, scene: Scene, rng: np.random.Generator) -> Pixels:
    """Lay what falls or floats over a picture; depth hides what is behind nearer things."""
    if scene.setting == "underwater":
        return add_bubbles(shown, depth, rng)
    if scene.setting in {"room", "space", "moon"}:
        return shown
    if scene.weather == "snowfall":
        return add_snow(shown, depth, rng)
    if scene.weather in {"rain", "storm"}:
        return add_rain(shown, depth, rng, heavy=scene.weather == "storm")
    if scene.moods & {"magic"}:
        return add_sparks(shown, rng)
    return shown


def add_snow(shown: Pixels, depth: Pixels, rng: np.random.Generator) -> Pixels:
    """Flakes in three depths."""
    height, width = shown.shape[:2]
    k = min(height, width) / 1024
    for count, radius, blur, opacity, metres in SNOW_LAYERS:
        layer = np.zeros((height, width), np.float32)
        for _ in range(int(count * height * width / 2**20)):
            size = radius * k * (0.6 + 0.8 * rng.random())
            _dot(layer, rng, size, 0.45 + 0.55 * rng.random())
        layer = cv2.GaussianBlur(layer, (0, 0), max(0.5, blur * k)) * opacity
        layer *= depth > metres
        shown = shown + (np.array([1.0, 0.985, 0.98], np.float32) - shown) * layer[..., None]
    return shown


def _dot(layer: Pixels, rng: np.random.Generator, size: float, value: float) -> None:
    """A small ellipse at a random place, exact to a sixteenth of a pixel."""
    height, width = layer.shape
    x, y = int(rng.random() * width * 16), int(rng.random() * height * 16)
    axes = (max(10, int(size * 16)), max(10, int(size * 19)))
    points = cv2.ellipse2Poly((0, 0), axes, 20, 0, 360, 30) + np.array([x, y])
    cv2.fillConvexPoly(layer, points.astype(np.int32), float(value), cv2.LINE_AA, 4)


def add_rain(shown: Pixels, depth: Pixels, rng: np.random.Generator, *, heavy: bool) -> Pixels:
    """Slanting streaks in three depths."""
    height, width = shown.shape[:2]
    k = min(height, width) / 1024
    slant = float(rng.uniform(-0.10, 0.10)) + (0.22 if heavy else 0.0)
    for count, length, thick, opacity, metres in RAIN_LAYERS:
        layer = np.zeros((height, width), np.float32)
        for _ in range(int(count * height * width / 2**20 * (1.6 if heavy else 1.0))):
            x, y = int(rng.random() * width), int(rng.random() * height)
            drop = length * k * (0.6 + 0.8 * rng.random())
            end = (int(x - slant * drop), int(y + drop))
            cv2.line(
                layer,
                (x, y),
                end,
                float(0.4 + 0.6 * rng.random()),
                max(1, round(thick * k)),
                cv2.LINE_AA,
            )
        layer = cv2.GaussianBlur(layer, (0, 0), 0.8) * opacity * (depth > metres)
        shown = shown + (np.array([0.86, 0.90, 0.95], np.float32) - shown) * layer[..., None]
    return shown


def add_bubbles(shown: Pixels, depth: Pixels, rng: np.random.Generator) -> Pixels:
    """Rings that rise, and drifting specks."""
    height, width = shown.shape[:2]
    k = min(height, width) / 1024
    layer = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(3, 6))):
        x, y = rng.random() * width, rng.random() * height
        for _ in range(int(rng.integers(4, 10))):
            radius = (2 + 9 * rng.random() ** 2) * k
            at = (int(x + rng.normal(0, 14 * k)), int(y))
            cv2.circle(layer, at, max(1, int(radius)), 0.55, max(1, int(k)), cv2.LINE_AA)
            cv2.circle(layer, (int(at[0] - radius * 0.35), int(at[1] - radius * 0.35)), max(1, int(radius * 0.22)), 0.8, -1, cv2.LINE_AA)  # fmt: skip
            y -= (18 + 40 * rng.random()) * k
    specks = np.zeros((height, width), np.float32)
    for _ in range(int(240 * height * width / 2**20)):
        _dot(specks, rng, 0.9 * k, 0.4 * rng.random())
    layer = np.maximum(
        cv2.GaussianBlur(layer, (0, 0), 0.7), cv2.GaussianBlur(specks, (0, 0), 0.9 * k)
    )
    layer *= depth > 2.0  # nothing right before the lens
    return shown + (np.array([0.80, 0.97, 1.0], np.float32) - shown) * layer[..., None]


def add_sparks(shown: Pixels, rng: np.random.Generator) -> Pixels:
    """Small warm lights in the air."""
    height, width = shown.shape[:2]
    k = min(height, width) / 1024
    layer = np.zeros((height, width), np.float32)
    for _ in range(int(70 * height * width / 2**20)):
        _dot(layer, rng, (1.2 + 2.2 * rng.random()) * k, 0.5 + 0.5 * rng.random())
    glow = cv2.GaussianBlur(layer, (0, 0), 1.2 * k) + 1.6 * cv2.GaussianBlur(layer, (0, 0), 7 * k)
    return shown + np.clip(glow, 0, 1)[..., None] * np.array([0.95, 0.78, 0.38], np.float32)


def add_fog(shown: Pixels, depth: Pixels, colour: Pixels) -> Pixels:
    """Haze that thickens with depth in 0..1."""
    share = (1 - np.exp(-2.2 * depth))[..., None] * 0.85
    return (shown * (1 - share) + colour * share).astype(np.float32)
