"""Upright birds of round parts."""

import numpy as np

from heliograph_studio.builder import Body, Builder
from heliograph_studio.kernels.layout import EYE
from heliograph_studio.species import BIRDS, BLACK, Bird, Colour

DOWN = 0.035


def make_bird(
    slug: str, rng: np.random.Generator, turn: float = 0.0, tint: Colour | None = None
) -> Body:
    """A standing bird; `turn` is how far the head turns to its left, in radians."""
    bird = BIRDS[slug]
    build = Builder(turn, float(rng.uniform(-0.08, 0.08)))
    build.ball((0, 0.92, 0.0), (0.70, 0.86, 0.62), bird.back)
    build.ball(build.head((0, 1.88, 0.10)), (0.56, 0.54, 0.52), bird.back, seam=0.40)
    build.paint((0, 0.86, 0.52), (0.50, 0.74, 0.42), bird.belly, soft=0.06)
    lift = float(rng.uniform(0.0, 0.35))
    for side in (-1.0, 1.0):
        tip = (side * (0.92 + lift), 0.55 + 0.5 * lift, 0.12)
        build.limb((side * 0.58, 1.42, 0.02), tip, (0.20, 0.09), bird.back, seam=0.10)
        build.ball((side * 0.27, 0.09, 0.36), (0.22, 0.10, 0.32), bird.beak, seam=0.04)
    build.ball((0, 0.22, -0.62), (0.22, 0.14, 0.20), bird.back)
    _add_bird_face(build, bird)
    if tint is not None:
        build.recolour(tint)
    return build.finish(DOWN, 0.78)


def _add_bird_face(build: Builder, bird: Bird) -> None:
    for side in (-1.0, 1.0):
        build.paint(build.head((side * 0.23, 1.90, 0.50)), (0.27, 0.30, 0.30), bird.face, soft=0.05)
        eye = build.head((side * 0.24, 1.98, 0.545))
        if bird.iris is not None:
            build.ball(eye, (0.165, 0.165, 0.10), bird.iris, seam=0.01, soft=0.02)
            eye = build.head((side * 0.24, 1.98, 0.625))
        build.gleam(eye, (0.085, 0.090, 0.07), EYE)
        if bird.tufts:
            root, tip = build.head((side * 0.30, 2.26, 0.16)), build.head((side * 0.46, 2.58, 0.16))
            build.limb(root, tip, (0.14, 0.04), bird.back, seam=0.08)
            build.paint(build.head((side * 0.30, 2.22, 0.48)), (0.26, 0.06, 0.2), BLACK, soft=0.04)
    beak = build.head((0, 1.80, 0.56)), build.head((0, 1.70, 0.82))
    build.limb(*beak, (0.12, 0.035), bird.beak, seam=0.03)
