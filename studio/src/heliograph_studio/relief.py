"""A flat drawing as a cushion: how thick it is where, its colours, its fine slopes."""

from typing import NamedTuple

import cv2
import numpy as np

from heliograph_studio import homes
from heliograph_studio.illustration import rasterise
from heliograph_studio.pixels import Pixels

PAINT_PX = 512
OUTLINE_PX = 256
# How far the middle of a broad drawing stands out, as a share of its side.
THICKEST = 0.115
MARGIN = 0.06
# Of the largest part of a drawing; smaller ones are left out.
CRUMB_SHARE = 0.035
# Of its square; a vehicle with less is gray, and takes a colour as a whole.
LEAST_VIVID_SHARE = 0.10


class Relief(NamedTuple):
    """Tables for the stage, and where the drawing stands in its square (shares of the side)."""

    outline: Pixels  # [OUTLINE_PX, OUTLINE_PX, 2]
    paint: Pixels  # [PAINT_PX, PAINT_PX, 5]
    bottom: float
    height: float
    width: float
    middle: float
    crest: Pixels  # height of the upper rim at each column of the drawing, as a share of its own


def make_relief(slug: str, *, mirrored: bool, tint: tuple[float, float, float] | None) -> Relief:
    """The relief of a subject's drawing; `mirrored` swaps left and right."""
    flat = _without_crumbs(_with_margin(rasterise(slug, PAINT_PX)))
    if mirrored:
        flat = np.ascontiguousarray(flat[:, ::-1])
    colour = _filled_out(flat[..., :3], flat[..., 3]) ** 2.2
    if tint is not None:
        colour = _tinted(colour, tint, gray_too=slug not in homes.WHEELED)
    rows = np.flatnonzero(flat[..., 3].max(axis=1) > 0.5)  # half covered
    columns = np.flatnonzero(flat[..., 3].max(axis=0) > 0.5)
    top, low = (rows[0], rows[-1]) if rows.size else (0, PAINT_PX - 1)
    left, right = (columns[0], columns[-1]) if columns.size else (0, PAINT_PX - 1)
    return Relief(
        _outline(flat[..., 3]),
        _paint(colour, flat[..., :3], flat[..., 3]),
        bottom=1 - (low + 1) / PAINT_PX,
        height=max(0.1, (low - top) / PAINT_PX),
        width=max(0.1, (right - left) / PAINT_PX),
        middle=(left + right) / 2 / PAINT_PX - 0.5,
        crest=_crest(flat[top : low + 1, left : right + 1, 3]),
    )


def _crest(alpha: Pixels) -> Pixels:
    solid = alpha > 0.5
    first = np.where(solid.any(axis=0), solid.argmax(axis=0), len(alpha))
    return 1 - first / max(1, len(alpha))


def _with_margin(flat: Pixels) -> Pixels:
    edge = int(PAINT_PX * MARGIN)
    inner = cv2.resize(
        flat, (PAINT_PX - 2 * edge, PAINT_PX - 2 * edge), interpolation=cv2.INTER_AREA
    )
    out = np.zeros_like(flat)
    out[edge:-edge, edge:-edge] = inner
    return out


def _without_crumbs(flat: Pixels) -> Pixels:
    """Small loose parts, sparkles and drops, would hang in the air."""
    solid = (flat[..., 3] > 0.3).astype(np.uint8)
    _, labels, figures, _ = cv2.connectedComponentsWithStats(solid)
    areas = figures[:, cv2.CC_STAT_AREA]
    crumb = areas < CRUMB_SHARE * max(areas[1:], default=0)
    crumb[0] = False
    flat[crumb[labels]] = 0
    return flat


def _filled_out(colour: Pixels, alpha: Pixels) -> Pixels:
    """Carry the colour of the rim outward, so that hair beyond the outline has it too."""
    solid = (alpha > 0.9).astype(np.uint8)
    if not solid.any():
        return colour
    _, labels = cv2.distanceTransformWithLabels(
        1 - solid, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    source = np.zeros(labels.max() + 1, np.int64)
    source[labels[solid > 0]] = np.flatnonzero(solid)
    filled: Pixels = colour.reshape(-1, 3)[source[labels]]
    return filled


def _tinted(colour: Pixels, tint: tuple[float, float, float], *, gray_too: bool) -> Pixels:
    """Recolour all but near-black lines and near-white lights; tyres and chrome on request."""
    light = colour @ np.array([0.3, 0.6, 0.1], np.float32)
    middle = np.clip((light - 0.01) / 0.05, 0, 1) * np.clip((0.95 - light) / 0.25, 0, 1)
    if not gray_too:
        vivid = np.clip((np.ptp(colour, axis=2) - 0.12) / 0.12, 0, 1)
        if vivid.mean() > LEAST_VIVID_SHARE:
            middle *= vivid
    tone = (0.22 + 1.08 * np.clip(light, 0, 1) ** 0.5)[..., None]
    painted = np.clip(tone * np.array(tint, np.float32), 0, 1)
    share = (0.92 * middle)[..., None]
    return (colour * (1 - share) + painted * share).astype(np.float32)


def _outline(alpha: Pixels) -> Pixels:
    inside = (alpha > 0.5).astype(np.uint8)
    deep = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / PAINT_PX
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / PAINT_PX
    radius = max(0.01, min(float(deep.max()), 0.20))
    t = np.clip(deep / radius, 0, 1)
    dome: Pixels = np.sqrt(np.clip(1 - (1 - t) ** 2, 0, 1)) * min(THICKEST, 0.8 * radius)
    dome = cv2.GaussianBlur(dome.astype(np.float32), (0, 0), PAINT_PX * 0.010) * inside
    both = np.dstack([away, dome]).astype(np.float32)
    small: Pixels = cv2.resize(both, (OUTLINE_PX, OUTLINE_PX), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small)


def _paint(colour: Pixels, flat: Pixels, alpha: Pixels) -> Pixels:
    """Colour, and slopes of a fine relief in which lighter lies higher."""
    light = (flat @ np.array([0.3, 0.6, 0.1], np.float32)) * (alpha > 0.5)
    fine = cv2.GaussianBlur(light.astype(np.float32), (0, 0), PAINT_PX * 0.004)
    gx = cv2.Sobel(fine, cv2.CV_32F, 1, 0, ksize=3)
    gy = -cv2.Sobel(fine, cv2.CV_32F, 0, 1, ksize=3)
    rim = cv2.erode((alpha > 0.9).astype(np.uint8), np.ones((7, 7), np.uint8))
    slopes = np.dstack([gx, gy]) * 0.55 * rim[..., None]
    return np.ascontiguousarray(np.dstack([colour, slopes]).astype(np.float32))
