"""One order drawn, from words to PNG. Runs in a child process."""

from collections.abc import Callable

import cv2
import numpy as np

from heliograph_studio.describe import describe
from heliograph_studio.grade import develop
from heliograph_studio.order import Order, Picture
from heliograph_studio.painting import Film, paint
from heliograph_studio.png import encode_png
from heliograph_studio.scene import read_scene
from heliograph_studio.stage import build_stage

Report = Callable[[float], None]

# The renderer works on fewer pixels than the picture has; grain and edges come after.
RENDER_PIXELS = 760_000
RENDER_SCALE_MOST = 0.80


def draw(order: Order, report: Report) -> Picture:
    """Draw one order. `report` may raise to stop between bands."""
    cv2.setNumThreads(1)
    if order.references:
        from heliograph_studio.retouch import restyle

        return restyle(order, report)
    return render(order, report)[0]


def render(order: Order, report: Report) -> tuple[Picture, Film]:
    """Draw a prompt; also what the renderer saw, before lens and style."""
    scene = read_scene(order.prompt, order.negative_prompt)
    scale = min(RENDER_SCALE_MOST, (RENDER_PIXELS / (order.width * order.height)) ** 0.5)
    width, height = round(order.width * scale), round(order.height * scale)
    stage, camera, light = build_stage(scene, width, height, order.seed)
    report(0.04)
    film = paint(stage, camera, width, height, lambda share: report(0.04 + 0.84 * share))
    rng = np.random.default_rng(order.seed & 0xFFFFFFFFFFFF)
    picture = develop(film, scene, light, (order.width, order.height), rng)
    report(0.96)
    return Picture(encode_png(picture, order), scene.warnings, describe(scene)), film
