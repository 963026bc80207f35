"""The shape of the land of each setting, as tables of heights and slopes."""

from collections.abc import Callable

import numpy as np

from heliograph_studio.kernels.layout import FAR_REACH, NEAR_REACH
from heliograph_studio.kernels.noise import fill_fractal
from heliograph_studio.pixels import Pixels

NEAR_CELLS = 360
FAR_CELLS = 460
Grid = Pixels


class Land:
    """A square piece of land to be shaped: coordinates, and noise over them."""

    def __init__(self, reach: float, cells: int, seed: int) -> None:
        side = np.linspace(-reach, reach, cells, dtype=np.float32)
        self.x, self.z = np.meshgrid(side, side)
        self.r = np.hypot(self.x, self.z)
        self._reach = reach
        self._cells = cells
        self._offset = float(seed % 997) * 1.37
        self.key = float(seed % 991)

    def noise(self, scale: float, octaves: int = 3, key: float = 0.0) -> Grid:
        """Fractal noise in 0..1 whose largest bumps are 1 / scale metres wide."""
        values = np.zeros((self._cells, self._cells), np.float32)
        step = 2 * self._reach / (self._cells - 1) * scale
        start = -self._reach * scale
        shift = self._offset + key * 13.7
        fill_fractal(values, start + shift, start - shift, step, octaves)
        return values


def _soft(low: float, high: float, x: Grid) -> Grid:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _drifts(land: Land) -> Grid:
    drifts = 0.55 * np.maximum(0, land.noise(0.16, 2, 1) - 0.42)
    small = 0.14 * land.noise(0.55, 3) + 0.035 * land.noise(2.6, 2, 2)
    hills = _soft(16, 60, land.r) * land.noise(0.045, 4, 3) * 16
    return small + drifts + hills


def _woods(land: Land) -> Grid:
    return 0.30 * land.noise(0.4, 4) + 0.9 * land.noise(0.09, 2, 1) + 0.03 * land.noise(5.0, 2, 2)


def _shore(land: Land) -> Grid:
    edge = land.z + 2.4 * (land.noise(0.13, 3) - 0.45) + 4.2
    # Beyond the rim the bottom falls away; islands stay out.
    beach = np.where(edge > 0, 0.42 * (1 - np.exp(-edge * 0.16)), edge * 0.13)
    return np.maximum(beach, -4) + 0.05 * land.noise(0.9, 3, 1) - 0.02


def _deep(land: Land) -> Grid:
    return -3.0 + 0.8 * land.noise(0.2, 3)


def _tarn(land: Land) -> Grid:
    edge = land.z + 1.6 * (land.noise(0.16, 3) - 0.45) + 3.0
    bank = np.where(edge > 0, 0.30 * (1 - np.exp(-edge * 0.5)), edge * 0.22)
    far = _soft(-21, -50, land.z + 5 * land.noise(0.08, 2, 6)) * (
        0.8 + 13 * land.noise(0.045, 4, 2)
    )
    return np.maximum(bank, -2.5) + 0.05 * land.noise(0.9, 3, 1) + far * 1.5


def _quay(land: Land) -> Grid:
    edge = _soft(-2.3, -2.1, land.z) + _soft(-23.0, -23.6, land.z)
    return -2.0 + 2.35 * edge


def _dunes(land: Land) -> Grid:
    bend = land.x * 0.5 + land.z + 9 * land.noise(0.06, 3)
    ridge = 1 - np.abs(((bend / 13) % 1.0) - 0.5) * 2
    big = ridge**1.6 * (0.25 + 3.4 * _soft(5, 30, land.r)) * (0.5 + land.noise(0.05, 2, 2))
    return big * _soft(1.0, 9.0, land.r) + 0.10 * land.noise(0.5, 3, 1)


def _crags(land: Land) -> Grid:
    """Ridges in 0..1 with gullies beside them, of peaks that differ in height; one is the main."""
    fine = land.noise(0.16, 5, 7)
    broad = 0.30 + 0.70 * np.clip((land.noise(0.040, 2, 2) - 0.30) / 0.40, 0, 1)
    across = 14.0 * np.sin(land.key)
    main = np.exp(-(((land.x - across) / 12) ** 2) - ((land.z + 40) / 14) ** 2)
    second = np.exp(-(((land.x + 0.8 * across + 9) / 9) ** 2) - ((land.z + 34) / 11) ** 2)
    tall = np.maximum(broad * 0.75, np.maximum(main, 0.7 * second))
    ridge = 1 - np.abs(2 * land.noise(0.055, 3, 8) - 0.96 + 0.5 * (land.noise(0.09, 3, 5) - 0.5))
    return tall * (0.45 + 0.55 * np.clip(ridge, 0, 1) ** 2) + 0.16 * (fine - 0.5)


def _peaks(land: Land) -> Grid:
    rough = 0.25 * land.noise(0.5, 5) + 0.06 * land.noise(3.0, 3, 4)
    walls = _soft(14, 50, land.r) * _soft(6, -14, land.z) * np.maximum(0.06, _crags(land)) * 27
    return rough + walls + 1.2 * _soft(6, 25, land.r) * land.noise(0.10, 4, 1)


def _fjord(land: Land) -> Grid:
    edge = land.z + 1.6 * (land.noise(0.16, 3) - 0.45) + 3.0
    bank = np.where(edge > 0, 0.30 * (1 - np.exp(-edge * 0.5)), edge * 0.22)
    far = _soft(-17, -50, land.z + 5 * land.noise(0.08, 2, 6)) * (
        1.0 + 24 * np.maximum(0, _crags(land))
    )
    return np.maximum(bank, -2.5) + 0.05 * land.noise(0.9, 3, 1) + far * 1.3


def _flat(land: Land) -> Grid:
    return 0.012 * land.noise(0.6, 3)


def _level(land: Land) -> Grid:
    return np.zeros_like(land.x)


def _craters(land: Land) -> Grid:
    dents = np.abs(land.noise(0.35, 2, 1) - 0.40)
    return (
        0.35 * land.noise(0.3, 5)
        - 0.5 * np.maximum(0, 0.14 - dents) * _soft(1.5, 5, land.r) * 4
        + _soft(14, 60, land.r) * land.noise(0.07, 4, 3) * 7
    )


def _seabed(land: Land) -> Grid:
    return 0.55 * land.noise(0.28, 4) + _soft(6, 16, land.r) * land.noise(0.12, 3, 1) * 3.0


def _hills(land: Land) -> Grid:
    far = _soft(10, 60, land.r) * land.noise(0.040, 3, 2) * 15
    return 0.22 * land.noise(0.35, 3) + 0.6 * land.noise(0.10, 2, 1) + far


def _cloud_sea(land: Land) -> Grid:
    puffs = np.sqrt(np.abs(land.noise(0.16, 5) - 0.42) + 0.02) * 3.2
    return -3.6 + puffs + 2.2 * land.noise(0.05, 2, 1)


SHAPES: dict[str, Callable[[Land], Grid]] = {
    "drifts": _drifts, "woods": _woods, "shore": _shore, "deep": _deep, "tarn": _tarn, "quay": _quay, "dunes": _dunes, "peaks": _peaks, "fjord": _fjord,
    "flat": _flat, "level": _level, "craters": _craters, "seabed": _seabed, "hills": _hills, "cloud-sea": _cloud_sea,
}  # fmt: skip


def make_terrain(shape: str, seed: int, stand: float | None, islet: float) -> tuple[Grid, Grid]:
    """Near and far table [n, n, 3] of height and slopes.

    `stand` is the radius of a calm place at the origin where subjects stand, None for none;
    `islet` is the height of a sandbank there, above water level 0, 0 for none.
    """
    tables = []
    base = None
    for reach, cells in ((NEAR_REACH, NEAR_CELLS), (FAR_REACH, FAR_CELLS)):
        land = Land(reach, cells, seed)
        height = SHAPES[shape](land)
        if base is None:
            base = float(height[cells // 2, cells // 2])
        if stand is not None:
            calm = np.exp(-((land.r / stand) ** 4))
            height = height * (1 - calm) + (base + 0.25 * (height - base)) * calm
        if islet > 0:
            bank = islet * (1.6 - (land.r / (stand or 2.0)) ** 2 * 0.8) + 0.10 * land.noise(
                0.8, 3, 5
            )
            height = np.maximum(height, np.minimum(bank, islet))
        tables.append(_with_slopes(height, 2 * reach / (cells - 1)))
    return tables[0], tables[1]


def _with_slopes(height: Grid, step: float) -> Grid:
    along_z, along_x = np.gradient(height, step)
    return np.ascontiguousarray(np.dstack([height, along_x, along_z]).astype(np.float32))


def height_at(tables: tuple[Grid, Grid], x: float, z: float) -> float:
    """The height of the ground at a place."""
    near = max(abs(x), abs(z)) < NEAR_REACH
    table, reach = (tables[0], NEAR_REACH) if near else (tables[1], FAR_REACH)
    n = table.shape[0]
    column = int(np.clip(round((x + reach) / (2 * reach) * (n - 1)), 0, n - 1))
    row = int(np.clip(round((z + reach) / (2 * reach) * (n - 1)), 0, n - 1))
    return float(table[row, column, 0])
