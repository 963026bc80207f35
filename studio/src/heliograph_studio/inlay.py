"""Subjects of the lexicon set into a given picture."""

import cv2
import numpy as np

from heliograph_studio.kernels import layout
from heliograph_studio.painting import paint
from heliograph_studio.pixels import Pixels
from heliograph_studio.scene import Scene
from heliograph_studio.stage import build_stage

RENDER_SIDE_PX = 640
SHARE_OF_SIDE = 0.46


def inlay(picture: Pixels, scene: Scene, seed: int) -> Pixels:
    """The picture with the scene's subjects standing in its lower part, lit from one side."""
    stage, camera, light = build_stage(scene, RENDER_SIDE_PX, RENDER_SIDE_PX, seed)
    stage.world[layout.HAS_GROUND] = stage.world[layout.ROOM] = 0.0
    stage.world[layout.WATER_LEVEL] = -99.0
    stage.world[layout.FOG_DENSITY] = stage.world[layout.CLOUDS] = 0.0
    # What shows between the hairs at the rim must be neither bright nor black.
    stage.world[layout.ZENITH : layout.HORIZON + 3] = 0.12
    alone = stage._replace(props=stage.props[:0])
    film = paint(alone, camera, RENDER_SIDE_PX, RENDER_SIDE_PX, lambda _: None)
    solid = (film.kinds == layout.THING).astype(np.float32)
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not rows.size:
        return picture
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    colour = np.clip(film.image[part] * light.exposure, 0, 1) ** (1 / 2.2)
    return _laid(picture, colour.astype(np.float32), solid[part], seed)


def _laid(picture: Pixels, colour: Pixels, solid: Pixels, seed: int) -> Pixels:
    height, width = picture.shape[:2]
    scale = SHARE_OF_SIDE * min(height / colour.shape[0], width / colour.shape[1])
    size = (max(2, round(colour.shape[1] * scale)), max(2, round(colour.shape[0] * scale)))
    colour = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
    solid = cv2.GaussianBlur(cv2.resize(solid, size, interpolation=cv2.INTER_AREA), (0, 0), 0.8)
    # The rim of the cut-out has the empty sky in it: take a little off.
    solid = np.clip(solid * 1.6 - 0.6, 0, 1)
    share = float(np.random.default_rng(seed & 0xFFFFFFFFFFFF).choice((0.06, 0.94)))
    left = int((width - size[0]) * share)
    top = int(height * 0.93) - size[1]
    level = float(np.clip(picture.mean() / 0.45, 0.55, 1.15))
    out = _with_shadow(picture, left + size[0] / 2, top + size[1], size)
    part = (slice(top, top + size[1]), slice(left, left + size[0]))
    alpha = solid[..., None]
    out[part] = out[part] * (1 - alpha) + np.clip(colour * level, 0, 1) * alpha
    return out


def _with_shadow(picture: Pixels, x: float, y: float, size: tuple[int, int]) -> Pixels:
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    reach = ((columns - x) / (size[0] * 0.55)) ** 2 + ((rows - y + 2) / (size[1] * 0.07)) ** 2
    dark = 0.55 * np.exp(-reach * 1.2)[..., None]
    return (picture * (1 - dark)).astype(np.float32)
