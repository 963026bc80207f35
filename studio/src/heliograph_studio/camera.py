"""Where the picture is taken from."""

import math

import numpy as np
from numpy.typing import NDArray

from heliograph_studio import homes
from heliograph_studio.cast import Cast
from heliograph_studio.kernels import layout
from heliograph_studio.placing import MOST_IN_A_ROW
from heliograph_studio.scene import Scene

FOCAL = 2.05
# From far above and aside, through a long lens: lines stay nearly parallel.
ISOMETRIC_YAW = 0.62
ISOMETRIC_FROM = np.array([0.505, 0.50, 0.708])
ISOMETRIC_REACH = 3.0
SHARE_OF_HEIGHT = {"close": 0.82, "wide": 0.30}
# Where nobody stands the picture is taken from the edge of the water.
SHORE_METRES = {"skyline": -0.4, "lake": 0.6, "mountain-lake": 0.6, "beach": 0.6}
SHARE_OF_WIDTH = {"close": 0.95, "wide": 0.45}


def place_camera(
    scene: Scene, cast: Cast, size: tuple[int, int], yaw: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The camera row: it shows every subject, somewhat off the middle, seen from `yaw` aside."""
    width, height = size
    short = min(width, height)
    half_width, half_height = width / short, height / short
    least = 0.7 if scene.table else 1.2
    tall = max(least, cast.top - min(cast.low, 1e3)) if cast.things else 2.2
    low = cast.low if cast.low < 1e3 else 0.0  # nobody stands anywhere
    wide = max(0.8, cast.right - cast.left) if cast.things else 2.4
    stacked = any(
        subject.relation in {"on", "above"} or subject.slug in homes.AIRBORNE
        for subject in scene.subjects
    )
    share_high = SHARE_OF_HEIGHT.get(scene.shot or "", 0.80 if stacked else 0.64)
    share_wide = SHARE_OF_WIDTH.get(scene.shot or "", 0.90)
    by_height = FOCAL * tall / (2 * share_high * min(half_height, 1.25))
    by_width = FOCAL * wide / (2 * share_wide * half_width)
    distance = max(by_height, by_width, 1.5 if scene.table else 2.6) + 0.4 + 0.16 * tall
    distance *= float(rng.uniform(0.94, 1.14))
    rise = (
        float(rng.uniform(-0.05, 0.16))
        + 0.02 * max(0, min(6, len(cast.things) - 2))
        + (0.12 if len(cast.things) > MOST_IN_A_ROW else 0.0)
        + {"high": 0.62, "low": -0.06}.get(scene.shot or "", 0.0)
    )
    if scene.setting == "room":
        distance = min(distance, 8.2)
    middle = (cast.left + cast.right) / 2
    aside = (
        float(rng.uniform(-0.24, 0.24))
        * distance
        / FOCAL
        * half_width
        * (0.5 if wide > tall else 1)
    )
    depth = max(cast.depths) if cast.depths else 0.0
    if not cast.things and scene.setting in SHORE_METRES:
        depth = SHORE_METRES[scene.setting] - distance
    target = np.array([middle + aside, low + tall * 0.56 + 0.05 * distance, depth])
    origin = np.array([
        middle + aside * 0.6 + distance * math.sin(yaw),
        max(low + 0.42, low + tall * 0.46 + distance * rise),
        depth + distance * math.cos(yaw),
    ])  # fmt: skip
    if "isometric" in scene.styles:
        return _row(
            target + ISOMETRIC_REACH * distance * ISOMETRIC_FROM, target, FOCAL * ISOMETRIC_REACH
        )
    if scene.setting == "sky":
        origin[1], target[1] = low + 0.4 * tall, low + 0.55 * tall
    return _row(origin, target, FOCAL)


def _row(
    origin: NDArray[np.float64], target: NDArray[np.float64], focal: float
) -> NDArray[np.float64]:
    forward = (target - origin) / np.linalg.norm(target - origin)
    right = np.cross(forward, np.array([0.0, 1.0, 0.0]))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    row = np.zeros(layout.CAMERA_LENGTH)
    row[layout.CAMERA_ORIGIN : layout.CAMERA_ORIGIN + 3] = origin
    row[layout.CAMERA_FORWARD : layout.CAMERA_FORWARD + 3] = forward
    row[layout.CAMERA_RIGHT : layout.CAMERA_RIGHT + 3] = right
    row[layout.CAMERA_UP : layout.CAMERA_UP + 3] = up
    row[layout.CAMERA_FOCAL] = focal
    return row
