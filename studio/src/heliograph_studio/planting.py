"""Trees, rocks and buildings around the place where the subjects stand."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from heliograph_studio.kernels import layout
from heliograph_studio.settings import Planting

RADIUS = {
    layout.PINE: 0.42,
    layout.LEAFY: 0.52,
    layout.CACTUS: 0.38,
    layout.KELP: 0.16,
    layout.PALM: 0.66,
    layout.BAMBOO: 0.17,
    layout.FLOWER: 0.30,
    layout.LAMP: 0.04,
}


def plant(
    plantings: tuple[Planting, ...],
    height_at: Callable[[float, float], float],
    rng: np.random.Generator,
    *,
    clear_half_width: float,
    water_level: float,
) -> NDArray[np.float64]:
    """Rows of the props table. No prop hides the lane between camera and subjects."""
    rows = [
        row
        for planting in plantings
        for row in _grove(planting, height_at, rng, clear_half_width, water_level)
    ]
    return np.array(rows, np.float64).reshape(-1, layout.PROP_LENGTH)


def _grove(
    planting: Planting,
    height_at: Callable[[float, float], float],
    rng: np.random.Generator,
    clear: float,
    water_level: float,
) -> list[list[float]]:
    rows: list[list[float]] = []
    for _ in range(planting.count * 4):
        if len(rows) >= planting.count:
            break
        # Even in depth as the eye counts it: more near, fewer far.
        depth = planting.nearest * (planting.farthest / planting.nearest) ** rng.random()
        x = float(rng.uniform(-1, 1)) * planting.spread * (3.0 + 0.75 * depth)
        z = 1.5 - depth
        lane = clear + planting.aside * (0.4 if z > 0 else 0.25)
        if abs(x) < lane + planting.aside * max(0.0, 1.0 + z / 14.0) * 0.75:
            continue
        ground = height_at(x, z)
        if ground < water_level + 0.05 and water_level > -50:  # -99 means no water
            continue
        rows.append(_row(planting, x, ground - 0.04, z, rng))
    return rows


def _row(planting: Planting, x: float, y: float, z: float, rng: np.random.Generator) -> list[float]:
    row = [0.0] * layout.PROP_LENGTH
    height = float(rng.uniform(planting.low, planting.high))
    wide = planting.wide * float(rng.uniform(0.7, 1.4))
    deep = planting.wide * float(rng.uniform(0.7, 1.4))
    row[layout.PROP_KIND] = planting.kind
    row[layout.PROP_X], row[layout.PROP_Y], row[layout.PROP_Z] = x, y, z
    row[layout.PROP_HEIGHT] = height
    row[layout.PROP_SEED] = float(rng.uniform(0, 9))
    row[layout.PROP_WIDE], row[layout.PROP_DEEP] = wide, deep
    if planting.kind in RADIUS:
        row[layout.PROP_RADIUS] = RADIUS[planting.kind] * height + 0.1
    else:
        row[layout.PROP_RADIUS] = math.hypot(wide, deep) * 1.12 + 0.05
    tone = float(rng.uniform(0.75, 1.25))
    for k in range(3):
        row[layout.PROP_COLOUR + k] = planting.colour[k] * tone * float(rng.uniform(0.92, 1.08))
    return row
