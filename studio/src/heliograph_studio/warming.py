"""Kernels compiled ahead: by drawing one small picture, with a second process to help."""

import numpy as np

from heliograph_studio.drawing import draw
from heliograph_studio.kernels.fur import fur
from heliograph_studio.kernels.ground import ground_surface
from heliograph_studio.kernels.layout import GROUND
from heliograph_studio.kernels.sky import sky
from heliograph_studio.kernels.surface import look, prop_look, wall_look
from heliograph_studio.order import Order
from heliograph_studio.painting import MOST_CANDIDATES
from heliograph_studio.scene import read_scene
from heliograph_studio.stage import build_stage

PROMPT = "a panda and a horse in the snow"


def warm() -> None:
    """Compile or load every kernel by drawing one very small picture."""
    draw(Order(PROMPT, "", 64, 64, 1), lambda _: None)


def help_warming() -> None:
    """Compile from the other end what `warm` comes to last; the cache on disk brings both together."""
    stage, _, _ = build_stage(read_scene(PROMPT), 64, 64, 1)
    world, found = stage.world, np.zeros(MOST_CANDIDATES, np.int64)
    sky(stage, 0.0, 0.6, -0.8)
    ground_surface(world, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 5.0)
    prop_look(world, stage.props[0], 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    wall_look(world, 0.0, 0.0, 0.0)
    fur(stage, 0, 0.0, 1.0, 0.5, 0.0, 0.0, -1.0, 5.0, found)
    look(stage, GROUND, 0, 0.0, 0.0, 0.0, 5.0, 0.0, -0.6, -0.8, found, 1.0)
