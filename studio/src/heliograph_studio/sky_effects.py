"""What shows in the open sky behind everything: lightning, northern lights, a rainbow."""

import cv2
import numpy as np

from heliograph_studio.painting import Film
from heliograph_studio.pixels import Pixels

SKY_KIND = 0
RAINBOW = (
    (0.9, 0.10, 0.08),
    (0.9, 0.42, 0.05),
    (0.85, 0.80, 0.10),
    (0.15, 0.70, 0.20),
    (0.12, 0.35, 0.90),
    (0.35, 0.12, 0.70),
)


def add_sky_effects(
    image: Pixels, film: Film, effects: frozenset[str], rng: np.random.Generator
) -> Pixels:
    """The picture in linear light with the effects that the words ask for."""
    height, width = film.kinds.shape
    sky = (film.kinds == SKY_KIND).astype(np.float32)
    if "aurora" in effects:
        image = image + _aurora(height, width, rng) * sky[..., None]
    if "rainbow" in effects:
        image = image + _rainbow(height, width, rng) * cv2.GaussianBlur(sky, (0, 0), 1.0)[..., None]
    if "lightning" in effects:
        image = image + _lightning(height, width, rng) * sky[..., None]
    return image


def _aurora(height: int, width: int, rng: np.random.Generator) -> Pixels:
    """Curtains of light that hang from above, green below and violet at the top."""
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    out = np.zeros((height, width, 3), np.float32)
    for _ in range(3):
        phase, bend = rng.uniform(0, 6.3), rng.uniform(1.5, 4.0)
        hem = 0.36 + 0.11 * np.sin(bend * x * 3 + phase) + 0.04 * np.sin(11 * x + 2 * phase)
        above = hem - y
        folds = 0.55 + 0.45 * np.sin(60 * x + 9 * np.sin(5 * x + phase))
        light = (
            np.where(above > 0, np.exp(-above * 6.5), np.exp(above * 60))
            * folds
            * rng.uniform(0.25, 0.5)
        )
        high = np.clip(above * 4.5, 0, 1)[..., None]
        hue = (1 - high) * np.array([0.08, 1.0, 0.42]) + high * np.array([0.50, 0.12, 0.80])
        out += light[..., None] * hue
    return cv2.GaussianBlur(out.astype(np.float32), (0, 0), max(0.6, width * 0.004))


def _rainbow(height: int, width: int, rng: np.random.Generator) -> Pixels:
    short = min(height, width)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot(x - width * rng.uniform(0.35, 0.65), y - height * 0.78) / short
    out = np.zeros((height, width, 3), np.float32)
    for place, colour in enumerate(RAINBOW):
        band = np.exp(-(((away - (0.62 - 0.019 * place)) / 0.013) ** 2))
        out += band[..., None] * np.array(colour, np.float32) * 0.40
    return out


def _lightning(height: int, width: int, rng: np.random.Generator) -> Pixels:
    bolt = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        x, y = rng.uniform(0.2, 0.8) * width, 0.0
        while y < 0.62 * height:
            ahead = (x + rng.normal(0, 0.035) * width, y + rng.uniform(0.02, 0.06) * height)
            cv2.line(
                bolt,
                (int(x), int(y)),
                (int(ahead[0]), int(ahead[1])),
                1.0,
                max(1, width // 320),
                cv2.LINE_AA,
            )
            if rng.random() < 0.3:
                end = (int(ahead[0] + rng.normal(0, 0.10) * width), int(ahead[1] + 0.09 * height))
                cv2.line(bolt, (int(ahead[0]), int(ahead[1])), end, 0.6, 1, cv2.LINE_AA)
            x, y = ahead
    glow = (
        5 * bolt
        + 3 * cv2.GaussianBlur(bolt, (0, 0), width * 0.01)
        + 5 * cv2.GaussianBlur(bolt, (0, 0), width * 0.06)
    )
    return glow[..., None] * np.array([0.75, 0.82, 1.0], np.float32)
