"""A few things that make a room a room, along its back wall."""

import numpy as np
from numpy.typing import NDArray

from heliograph_studio.kernels import layout

Colour = tuple[float, float, float]
WOOD: Colour = (0.24, 0.13, 0.065)
TABLE_WOOD: Colour = (0.34, 0.19, 0.095)
FABRICS: tuple[Colour, ...] = (
    (0.16, 0.24, 0.30),
    (0.36, 0.15, 0.11),
    (0.20, 0.26, 0.17),
    (0.40, 0.33, 0.22),
)
LEAVES: Colour = (0.08, 0.20, 0.04)


def furnish(rng: np.random.Generator) -> NDArray[np.float64]:
    """Rows of the props table: a sofa, a shelf, a plant; the generator swaps the sides."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    fabric = FABRICS[int(rng.integers(len(FABRICS)))]
    middle = side * float(rng.uniform(1.5, 2.1))
    rows = [
        _block(middle, 0.0, -2.75, (1.15, 0.46, 0.45), fabric),
        _block(middle, 0.40, -3.10, (1.15, 0.62, 0.16), fabric),
        _block(middle - 1.22, 0.0, -2.75, (0.14, 0.68, 0.48), fabric),
        _block(middle + 1.22, 0.0, -2.75, (0.14, 0.68, 0.48), fabric),
        _block(-side * 2.3, 0.0, -3.22, (0.75, 0.92, 0.24), WOOD),
        _block(-side * 2.75, 0.92, -3.22, (0.06, 0.34, 0.16), (0.42, 0.09, 0.07)),
        _block(-side * 2.58, 0.92, -3.22, (0.05, 0.30, 0.16), (0.07, 0.16, 0.30)),
        _block(-side * 2.43, 0.92, -3.22, (0.06, 0.37, 0.16), (0.45, 0.36, 0.16)),
        _block(-side * 3.75, 0.0, -2.95, (0.20, 0.42, 0.20), (0.45, 0.17, 0.08)),
        _plant(-side * 3.75, 0.25, -2.95),
    ]
    return np.array(rows, np.float64)


def lay_table(half_width: float, top: float) -> NDArray[np.float64]:
    """Rows of a wooden table around the origin whose upper side is `top` metres high."""
    wide, deep = half_width + 0.5, 0.75
    rows = [_block(0.0, top - 0.09, 0.0, (wide, 0.06, deep), TABLE_WOOD)]
    rows += [
        _block(x * (wide - 0.12), 0.0, z * (deep - 0.12), (0.05, top - 0.12, 0.05), TABLE_WOOD)
        for x in (-1, 1)
        for z in (-1, 1)
    ]
    return np.array(rows, np.float64)


def _block(
    x: float, y: float, z: float, sides: tuple[float, float, float], colour: Colour
) -> list[float]:
    wide, high, deep = sides
    row = [0.0] * layout.PROP_LENGTH
    row[layout.PROP_KIND] = layout.BOX
    row[layout.PROP_X], row[layout.PROP_Y], row[layout.PROP_Z] = x, y, z
    row[layout.PROP_HEIGHT], row[layout.PROP_WIDE], row[layout.PROP_DEEP] = high, wide, deep
    row[layout.PROP_RADIUS] = float(np.hypot(wide, deep)) + 0.06
    row[layout.PROP_SEED] = 1.0
    row[layout.PROP_COLOUR : layout.PROP_COLOUR + 3] = colour
    return row


def _plant(x: float, y: float, z: float) -> list[float]:
    row = _block(x, y, z, (0.5, 1.5, 0.5), LEAVES)
    row[layout.PROP_KIND] = layout.LEAFY
    row[layout.PROP_RADIUS] = 0.85
    return row
