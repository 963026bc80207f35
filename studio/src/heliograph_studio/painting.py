"""A stage to a picture in linear light, band by band."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from heliograph_studio.kernels.band import render_band
from heliograph_studio.kernels.layout import KIND_BITS, THING, Stage

BAND_ROWS = 32
MOST_CANDIDATES = 256
REFINE_FROM = 0.86
# Pixels that differ this much from a neighbour get more rays.
EDGE_CONTRAST = 0.16
EDGE_SHARE_MOST = 0.12

Report = Callable[[float], None]


class Film(NamedTuple):
    """What the renderer saw: linear light [h, w, 3], metres [h, w], what was met [h, w]."""

    image: NDArray[np.float32]
    depth: NDArray[np.float32]
    met: NDArray[np.uint8]

    @property
    def kinds(self) -> NDArray[np.integer]:
        """The kind of thing that each pixel shows."""
        return self.met & ((1 << KIND_BITS) - 1)

    @property
    def subjects(self) -> NDArray[np.int16]:
        """The row of the subject that each pixel shows, -1 for none."""
        return np.where(self.kinds == THING, (self.met >> KIND_BITS).astype(np.int16), np.int16(-1))


def paint(
    stage: Stage, camera: NDArray[np.float64], width: int, height: int, report: Report
) -> Film:
    """Render; `report` hears of progress 0..1 between bands and may raise to stop."""
    film = Film(
        np.zeros((height, width, 3), np.float32),
        np.zeros((height, width), np.float32),
        np.zeros((height, width), np.uint8),
    )
    lists = np.zeros((3, MOST_CANDIDATES), np.int64)
    tables = (film.image, film.depth, film.met)
    edges = np.zeros((height, width), np.bool_)
    for first in range(0, height, BAND_ROWS):
        last = min(height, first + BAND_ROWS)
        render_band(stage, camera, first, last, edges, False, tables, lists)
        report(REFINE_FROM * last / height)
    edges = _edges(film)
    for first in range(0, height, BAND_ROWS):
        last = min(height, first + BAND_ROWS)
        render_band(stage, camera, first, last, edges, True, tables, lists)
        report(REFINE_FROM + (1 - REFINE_FROM) * last / height)
    return film


def _edges(film: Film) -> NDArray[np.bool_]:
    """The pixels with the strongest steps of light, at most a set share of all."""
    shown = np.clip(film.image, 0, 1.2).max(axis=2) ** (1 / 2.2)
    shape = np.ones((3, 3), np.uint8)
    contrast = cv2.dilate(shown, shape) - cv2.erode(shown, shape)
    limit = max(EDGE_CONTRAST, float(np.quantile(contrast[::2, ::2], 1 - EDGE_SHARE_MOST)))
    edges: NDArray[np.bool_] = contrast > limit
    return edges
