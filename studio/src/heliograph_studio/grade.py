"""From linear light to the finished picture: lens, film, weather in front, style."""

import cv2
import numpy as np
from numpy.typing import NDArray

from heliograph_studio.lettering import add_lettering
from heliograph_studio.letters import can_paint
from heliograph_studio.light_of_day import Light
from heliograph_studio.painting import Film
from heliograph_studio.pixels import Pixels
from heliograph_studio.scene import Scene
from heliograph_studio.sky_effects import add_sky_effects
from heliograph_studio.styles import apply_style
from heliograph_studio.weather import add_weather

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Average brightness that the exposure leans to, and how far it goes there.
MIDDLE_GRAY, NIGHT_GRAY = 0.21, 0.075
EXPOSURE_LEAN = 0.38
LETTERBOX_SHARE = 0.07
CALM_WATER = {"skyline", "lake", "mountain-lake"}
SKY_KIND, SUBJECT_KIND, WATER_KIND = 0, 3, 4


def develop(
    film: Film, scene: Scene, light: Light, size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The finished picture [height, width, 3] of `size` (width, height)."""
    image = np.minimum(film.image, 12.0)
    if scene.effects and scene.setting not in {"room", "underwater", "space", "moon"}:
        image = add_sky_effects(image, film, scene.effects, rng)
    if scene.setting in CALM_WATER:
        image = _calm_water(image, film)
    if "sharp" not in scene.effects and scene.setting not in {"space", "moon"}:
        image = _depth_of_field(image, film, strong="blur" in scene.effects, starry=light.stars > 0)
    if scene.setting == "underwater":
        image = _light_shafts(image, rng)
    image = _bloom(image, 0.55 if scene.moods & {"neon", "magic"} else 0.30)
    dim = light.moon or scene.setting in {"space", "moon"}
    exposure = light.exposure * (0.62 if scene.setting in {"space", "moon"} else 1.0)
    shown = _tone(image, exposure, NIGHT_GRAY if dim else MIDDLE_GRAY)
    shown = _enlarge(shown, size)
    depth = cv2.resize(film.depth, size, interpolation=cv2.INTER_LINEAR)
    shown = add_weather(shown, depth, scene, rng)
    shown = _colour_mood(shown, scene)
    if scene.lettering and can_paint(scene.lettering):
        shown = add_lettering(shown, scene.lettering)
    for style in scene.styles:
        shown = apply_style(shown, style)
    return _finish(shown, scene, rng)


def _depth_of_field(image: Pixels, film: Film, *, strong: bool, starry: bool) -> Pixels:
    """Blur what lies far behind the subjects, in two steps."""
    near = film.depth[film.kinds == SUBJECT_KIND]
    focus = float(np.median(near)) if near.size > 200 else 40.0  # too few to tell
    reach = 8.0 if strong else 22.0
    far = np.clip((film.depth - focus * 1.35 - 1.0) / reach, 0, 1)
    # Stars are points however far they are.
    far = np.where((film.kinds == SKY_KIND) & starry, 0.0, far)[..., None].astype(np.float32)
    width = min(image.shape[:2]) * (1.8 if strong else 1.0)
    soft = cv2.GaussianBlur(image, (0, 0), max(0.4, width * 0.0022))
    softer = cv2.GaussianBlur(image, (0, 0), max(0.6, width * 0.0050))
    blurred = np.where(
        far < 0.5,
        image * (1 - far * 2) + soft * far * 2,
        soft * (2 - 2 * far) + softer * (2 * far - 1),
    )
    return blurred.astype(np.float32)


def _calm_water(image: Pixels, film: Film) -> Pixels:
    """Far waves are finer than pixels: what they mirror runs together from top to bottom."""
    water = (film.kinds == WATER_KIND).astype(np.float32)
    if water.mean() < 0.02:  # too little to see
        return image
    side = min(image.shape[:2])
    tall, wide = max(0.6, 0.007 * side), max(0.4, 0.0016 * side)
    weight = cv2.GaussianBlur(water, (0, 0), wide, sigmaY=tall) + 1e-4
    wet = np.minimum(image, 3.0) * water[..., None]
    smooth = cv2.GaussianBlur(wet, (0, 0), wide, sigmaY=tall) / weight[..., None]
    share = (water * np.clip((film.depth - 4.0) / 10.0, 0.0, 0.9))[..., None]
    return (image * (1 - share) + smooth * share).astype(np.float32)


def _light_shafts(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Slanting rays from the surface of the water."""
    height, width = image.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / min(height, width)
    slant = x + 0.32 * y
    rays = np.zeros_like(x)
    for _ in range(7):
        centre, breadth = rng.uniform(0, slant.max()), rng.uniform(0.015, 0.07)
        rays += float(rng.uniform(0.3, 1.0)) * np.exp(
            -(((slant - centre) / (breadth * (1 + y))) ** 2)
        )
    rays *= np.exp(-y * 1.5) * 0.16
    return image + rays[..., None] * np.array([0.35, 0.95, 1.0], np.float32)


def _bloom(image: Pixels, strength: float) -> Pixels:
    side = min(image.shape[:2])
    bright = np.maximum(image - 0.95, 0)
    small = cv2.resize(bright, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    glow = cv2.GaussianBlur(small, (0, 0), side * 0.005) + 0.6 * cv2.GaussianBlur(
        small, (0, 0), side * 0.016
    )
    return image + strength * cv2.resize(glow, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _tone(image: Pixels, exposure: float, middle: float) -> Pixels:
    """Linear light to shown values 0..1 along a curve like film's."""
    average = float(np.exp(np.log(np.clip(image @ LUMA, 0.004, 4)).mean()))
    lean = float(np.clip((middle / average) ** EXPOSURE_LEAN, 0.55, 1.7))
    x = image * (exposure * lean)
    mapped = np.clip((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    return (mapped ** (1 / 2.2)).astype(np.float32)


def _enlarge(shown: Pixels, size: tuple[int, int]) -> Pixels:
    large = cv2.resize(shown, size, interpolation=cv2.INTER_CUBIC)
    factor = size[0] / shown.shape[1]
    fine = large - cv2.GaussianBlur(large, (0, 0), 0.9 * factor)
    return np.clip(large + 0.55 * np.clip(fine, -0.08, 0.08), 0, 1)


def _colour_mood(shown: Pixels, scene: Scene) -> Pixels:
    """Split tones, contrast and saturation by mood."""
    light = (shown @ LUMA)[..., None]
    cool, warm, contrast, colour = 0.5, 0.5, 1.03, 1.05
    if "cinematic" in scene.moods:
        cool, warm, contrast = 1.0, 1.0, 1.09
    if "warm" in scene.moods:
        warm, cool = 1.8, -0.5
    if "cold" in scene.moods:
        cool, warm = 1.8, -0.9
    if "happy" in scene.moods or "spring" in scene.moods:
        colour, contrast = 1.28, 1.04
    if "calm" in scene.moods:
        contrast, colour = 0.93, 0.95
    if "dark" in scene.moods:
        contrast, colour = 1.16, 0.78
    if "neon" in scene.moods:
        colour, contrast = 1.35, 1.10
    shown = light + (shown - light) * colour
    shown = shown + (1 - light) * cool * np.array([-0.018, 0.002, 0.026], np.float32)
    shown = shown + light * warm * np.array([0.018, 0.004, -0.020], np.float32)
    return ((shown - 0.5) * contrast + 0.495).astype(np.float32)


def _finish(shown: Pixels, scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    height, width = shown.shape[:2]
    if "no-vignette" not in scene.effects:
        y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
        x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
        strength = 0.60 if scene.moods & {"cinematic", "dark"} else 0.32
        shown = shown * (1 - strength * np.clip(np.hypot(x, y) - 0.34, 0, 1) ** 1.4)[..., None]
    if "no-grain" not in scene.effects:
        amount = 0.022 if "grain" in scene.effects else 0.0075
        grain = rng.standard_normal((height, width), np.float32)
        fine = 0.65 * grain + 0.6 * cv2.GaussianBlur(grain, (0, 0), 0.8)
        shown = shown + (amount * fine)[..., None]
    if "letterbox" in scene.effects:
        bar = int(height * LETTERBOX_SHARE)
        shown[:bar] = 0
        shown[height - bar :] = 0
    return (np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)
