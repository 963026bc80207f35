"""How an animal holds its body: sitting, upright on two feet, or on all fours."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from heliograph_studio.builder import UPRIGHT_HEIGHT, Builder
from heliograph_studio.species import Colour, Species

MANE: Colour = (0.17, 0.062, 0.018)
# What the arms of an upright body do: how far the right and the left one are lifted.
ARMS = ((0.0, 0.0), (0.0, 0.55), (0.55, 0.0), (0.0, 1.0), (1.0, 0.0), (0.3, 0.3), (0.75, 0.75))


@dataclass(frozen=True)
class Pose:
    """One way to stand; sizes in the units of a body's parts, the head from where it sits."""

    add: Callable[[Builder, Species, np.random.Generator], None]
    rise: float = 0.0
    reach: float = 0.0
    height: float = UPRIGHT_HEIGHT
    width: float = 0.86
    shrink: float = 1.0
    # least and most that the body turns aside from the camera, in radians
    aside: tuple[float, float] = (0.0, 0.5)


def choose_pose(species: Species, rng: np.random.Generator) -> str:
    """The name of a pose that suits the animal."""
    return str(rng.choice(species.poses))


def _add_sitting(build: Builder, species: Species, rng: np.random.Generator) -> None:
    build.ball((0, 0.70, -0.04), (0.80, 0.84, 0.70), species.coat)
    build.ball((0, 1.28, 0.02), (0.60, 0.50, 0.52), species.coat, seam=0.35)
    build.paint((0, 0.72, 0.62), (0.52, 0.66, 0.42), species.belly, soft=0.10)
    _add_arms(build, species, rng)
    apart = float(rng.uniform(-0.06, 0.10))
    for side in (-1.0, 1.0):
        foot = (side * (0.68 + apart), 0.32, 1.02)
        build.limb(
            (side * 0.50, 0.30, 0.18),
            (side * (0.64 + apart), 0.24, 0.86),
            (0.36, 0.27),
            species.limbs,
            seam=0.12,
        )
        build.ball(foot, (0.24, 0.32, 0.17), species.limbs, seam=0.10, tilt=-0.15 * side)
        _add_sole(build, species, foot[0] + 0.01 * side)
    _add_low_tail(build, species)
    _add_chest(build, species)
    if "stripes" in species.marks:
        _add_sitting_stripes(build, species.stripe)


def _add_arms(build: Builder, species: Species, rng: np.random.Generator) -> None:
    lifts = ARMS[int(rng.integers(len(ARMS)))]
    for side, up in zip((-1.0, 1.0), lifts, strict=True):
        hand = (side * (0.66 + 0.40 * up), 0.62 + 0.95 * up, 0.62 + 0.06 * up)
        build.limb((side * 0.55, 1.30, 0.06), hand, (0.255, 0.215), species.limbs, seam=0.14)
        build.ball(hand, (0.235, 0.22, 0.235), species.limbs, seam=0.12)


def _add_sole(build: Builder, species: Species, across: float) -> None:
    pad = _pad_colour(species)
    build.paint((across, 0.27, 1.21), (0.13, 0.12, 0.09), pad, soft=0.05)
    for toe in (-0.12, 0.0, 0.12):
        at = (across + toe, 0.49 - 1.6 * toe * toe, 1.15)
        build.paint(at, (0.048, 0.052, 0.09), pad, soft=0.03)


def _pad_colour(species: Species) -> Colour:
    red, green, blue = (
        0.10 * muzzle + 0.55 * limb + 0.015
        for muzzle, limb in zip(species.muzzle, species.limbs, strict=True)
    )
    return red, green, blue


def _add_low_tail(build: Builder, species: Species) -> None:
    """A tail that lies on the ground beside the body."""
    tip = species.tail_tip or species.coat
    if species.tail == "stub":
        build.ball((0, 0.42, -0.74), (0.18, 0.17, 0.17), species.coat)
    elif species.tail == "brush":
        build.limb((0.30, 0.25, -0.50), (1.02, 0.34, 0.02), (0.15, 0.26), species.coat)
        build.limb((1.02, 0.34, 0.02), (1.14, 0.52, 0.34), (0.26, 0.12), species.coat)
        build.paint((1.14, 0.55, 0.34), (0.26, 0.28, 0.30), tip, soft=0.08)
    elif species.tail == "plume":
        build.limb((0.35, 0.25, -0.55), (0.98, 0.80, -0.45), (0.16, 0.26), species.coat)
        build.limb((0.98, 0.80, -0.45), (1.02, 1.55, -0.45), (0.27, 0.27), species.coat)
        build.limb((1.02, 1.55, -0.45), (1.20, 1.90, -0.40), (0.27, 0.12), tip)
    elif species.tail == "long":
        build.limb((0.30, 0.20, -0.55), (1.05, 0.14, -0.10), (0.11, 0.11), species.coat)
        build.limb((1.05, 0.14, -0.10), (1.16, 0.16, 0.45), (0.11, 0.09), species.coat)
        build.paint((1.17, 0.16, 0.48), (0.20, 0.20, 0.20), tip, soft=0.05)
    elif species.tail == "tuft":
        build.limb((0.30, 0.20, -0.55), (1.05, 0.16, 0.05), (0.085, 0.075), species.coat)
        build.ball((1.13, 0.18, 0.20), (0.14, 0.14, 0.22), tip)


def _add_chest(build: Builder, species: Species) -> None:
    if "band" in species.marks:
        build.paint((0, 1.27, 0.04), (0.95, 0.185, 0.80), species.limbs, soft=0.06)
    if "mane" in species.marks:
        build.ball((0, 1.30, 0.34), (0.50, 0.44, 0.34), MANE, seam=0.16)


def _add_sitting_stripes(build: Builder, colour: Colour) -> None:
    for side in (-1.0, 1.0):
        for high in (0.55, 0.82, 1.09):
            build.stroke(
                (side * 0.86, high, -0.30), (side * 0.70, high - 0.06, 0.40), 0.070, colour
            )
        for along in (0.30, 0.55, 0.80):
            x, y, z = side * (0.56 + 0.12 * along), 1.30 - 0.68 * along, 0.06 + 0.56 * along
            build.stroke(
                (x - 0.05 * side, y + 0.20, z + 0.12), (x + 0.24 * side, y, z), 0.055, colour
            )
            build.stroke(
                (side * 0.36, 0.52, along), (side * 0.92, 0.40, along - 0.08), 0.055, colour
            )


def _add_upright(build: Builder, species: Species, rng: np.random.Generator) -> None:
    build.ball((0, 0.86, -0.04), (0.66, 0.64, 0.56), species.coat)
    build.ball((0, 1.28, 0.02), (0.58, 0.50, 0.50), species.coat, seam=0.32)
    build.paint((0, 0.86, 0.52), (0.44, 0.52, 0.36), species.belly, soft=0.10)
    _add_arms(build, species, rng)
    step = float(rng.choice((-0.22, 0.0, 0.22)))
    for side in (-1.0, 1.0):
        z = side * step
        build.limb(
            (side * 0.32, 0.66, 0), (side * 0.36, 0.20, z), (0.32, 0.25), species.limbs, seam=0.14
        )
        build.ball((side * 0.37, 0.13, z + 0.16), (0.25, 0.15, 0.33), species.limbs, seam=0.08)
    _add_low_tail(build, species)
    _add_chest(build, species)
    if "stripes" in species.marks:
        _add_sitting_stripes(build, species.stripe)


def _add_walking(build: Builder, species: Species, rng: np.random.Generator) -> None:
    build.ball((0, 1.00, -0.66), (0.54, 0.56, 0.58), species.coat)
    build.ball((0, 0.98, -0.12), (0.52, 0.52, 0.74), species.coat, seam=0.25)
    build.ball((0, 1.06, 0.38), (0.52, 0.55, 0.50), species.coat, seam=0.25)
    build.limb((0, 1.22, 0.45), build.head((0, 1.72, 0.02)), (0.42, 0.40), species.coat, seam=0.2)
    build.paint((0, 0.52, -0.10), (0.40, 0.24, 0.80), species.belly, soft=0.10)
    step = float(rng.choice((-0.26, -0.12, 0.12, 0.26)))
    for side in (-1.0, 1.0):
        for along, swing in ((0.50, side * step), (-0.74, -side * step)):
            paw = (side * 0.36, 0.16, along + swing)
            build.limb((side * 0.30, 0.92, along), paw, (0.27, 0.20), species.limbs, seam=0.16)
            build.ball((paw[0], 0.13, paw[2] + 0.10), (0.23, 0.14, 0.28), species.limbs, seam=0.08)
    _add_high_tail(build, species)
    if "band" in species.marks:
        build.paint((0, 1.06, 0.40), (0.85, 0.85, 0.30), species.limbs, soft=0.06)
    if "mane" in species.marks:
        build.ball((0, 1.10, 0.72), (0.50, 0.52, 0.34), MANE, seam=0.16)
    if "stripes" in species.marks:
        _add_walking_stripes(build, species.stripe)


def _add_high_tail(build: Builder, species: Species) -> None:
    """A tail that hangs or rises behind a body on all fours."""
    tip = species.tail_tip or species.coat
    root = (0.0, 1.28, -1.08)
    if species.tail == "stub":
        build.ball((0, 1.22, -1.18), (0.17, 0.17, 0.17), species.coat)
    elif species.tail in {"brush", "plume"}:
        build.limb(root, (0.12, 1.16, -1.42), (0.14, 0.24), species.coat)
        build.limb((0.12, 1.16, -1.42), (0.30, 0.92, -1.62), (0.24, 0.12), tip)
    elif species.tail == "long":
        build.limb(root, (0.10, 1.50, -1.42), (0.11, 0.10), species.coat)
        build.limb((0.10, 1.50, -1.42), (0.22, 2.00, -1.46), (0.10, 0.09), species.coat)
        build.paint((0.22, 2.00, -1.46), (0.2, 0.2, 0.2), tip, soft=0.05)
    elif species.tail == "tuft":
        build.limb(root, (0.16, 0.80, -1.46), (0.085, 0.075), species.coat)
        build.ball((0.18, 0.66, -1.48), (0.13, 0.22, 0.13), tip)


def _add_walking_stripes(build: Builder, colour: Colour) -> None:
    for side in (-1.0, 1.0):
        for along in (-0.95, -0.66, -0.37, -0.08, 0.21):
            build.stroke(
                (side * 0.62, 0.74, along + 0.06), (side * 0.30, 1.55, along), 0.070, colour
            )
        for along in (0.50, -0.74):
            for high in (0.36, 0.56):
                build.stroke(
                    (side * 0.62, high, along),
                    (side * 0.36, high + 0.02, along + 0.3),
                    0.055,
                    colour,
                )


POSES = {
    "sit": Pose(_add_sitting),
    "stand": Pose(_add_upright, width=0.70),
    "walk": Pose(_add_walking, -0.16, 0.60, UPRIGHT_HEIGHT - 0.16, 1.25, 0.86, (0.6, 1.05)),
}
