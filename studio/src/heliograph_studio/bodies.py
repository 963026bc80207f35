"""Animals whose drawing is only a face: a sitting body of round parts, one for all of them."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heliograph_studio.kernels.body import LIMB, PAINT_LIMB, PAINT_ROUND, ROUND, fill_volume
from heliograph_studio.kernels.layout import EYE, NOSE
from heliograph_studio.species import BLACK, SPECIES, Colour, Species

CELLS = 90
Point = tuple[float, float, float]

MOUTH: Colour = (0.045, 0.030, 0.028)


class Body(NamedTuple):
    """A body ready for the stage: volume [z, y, x, 4], gloss [count, 7], depth of its fur."""

    volume: NDArray[np.float32]
    gloss: NDArray[np.float64]
    fur: float
    width: float  # as a share of its height


@dataclass
class Builder:
    """Rows of the parts table; the head may be turned and tilted about the neck.

    Later parts lie over earlier ones. Sizes in units of a body that is about 2.5 high.
    """

    turn: float
    tilt: float
    rows: list[list[float]] = field(default_factory=list)
    shine: list[list[float]] = field(default_factory=list)

    def head(self, point: Point) -> Point:
        """A point of the straight head where the turned head has it."""
        x, y, z = point[0], point[1] - 1.62, point[2] - 0.1
        c, s = math.cos(self.tilt), math.sin(self.tilt)
        x, y = x * c - y * s, x * s + y * c
        c, s = math.cos(self.turn), math.sin(self.turn)
        return (x * c + z * s, y + 1.62, z * c - x * s + 0.1)

    def ball(  # noqa: PLR0913 - a ball is that many numbers
        self,
        at: Point,
        radii: Point,
        colour: Colour,
        *,
        seam: float = 0.12,
        soft: float = 0.05,
        tilt: float = 0.0,
    ) -> None:
        """A round part."""
        self.rows.append([ROUND, *at, *radii, 0, 0, seam, *colour, soft, tilt])

    def paint(
        self, at: Point, radii: Point, colour: Colour, *, soft: float = 0.05, tilt: float = 0.0
    ) -> None:
        """Colour on what lies inside a round shape."""
        self.rows.append([PAINT_ROUND, *at, *radii, 0, 0, 0, *colour, soft, tilt])

    def limb(
        self, a: Point, b: Point, radii: tuple[float, float], colour: Colour, *, seam: float = 0.10
    ) -> None:
        """A limb from a to b."""
        self.rows.append([LIMB, *a, *b, *radii, seam, *colour, 0.05, 0])

    def stroke(self, a: Point, b: Point, radius: float, colour: Colour) -> None:
        """Colour along a line."""
        self.rows.append([PAINT_LIMB, *a, *b, radius, radius, 0, *colour, 0.04, 0])

    def gleam(self, at: Point, radii: Point, part: int) -> None:
        """An eye or a nose."""
        self.shine.append([*at, *radii, part])

    def recolour(self, tint: Colour) -> None:
        """Every part takes the hue; how light it was stays."""
        for row in self.rows:
            light = max(*row[10:13], 0.03) ** 0.6
            row[10:13] = [min(1.0, light * share * 1.1) for share in tint]

    def finish(self, fur: float, width: float = 0.86) -> Body:
        """The body, with fur of this depth; `width` as a share of its height."""
        volume = np.zeros((CELLS, CELLS, CELLS, 4), np.float32)
        fill_volume(volume, np.array(self.rows, np.float64))
        return Body(volume, np.array(self.shine, np.float64).reshape(-1, 7), fur, width)


def make_body(
    slug: str, rng: np.random.Generator, turn: float = 0.0, tint: Colour | None = None
) -> Body:
    """The body of one animal; the generator decides its pose, tint recolours its coat.

    `turn` is how far the head turns to its left, in radians.
    """
    species = SPECIES[slug]
    build = Builder(turn, float(rng.uniform(-0.10, 0.10)))
    lift = float(rng.choice((0.0, 0.0, 0.25, 0.55)))
    _add_torso(build, species)
    _add_limbs(build, species, lift)
    _add_tail(build, species)
    _add_head(build, species)
    _add_marks(build, species)
    _add_face(build, species)
    if tint is not None:
        build.recolour(tint)
    return build.finish(species.fur)


def _add_torso(build: Builder, species: Species) -> None:
    build.ball((0, 0.70, -0.04), (0.80, 0.84, 0.70), species.coat)
    build.ball((0, 1.28, 0.02), (0.60, 0.50, 0.52), species.coat, seam=0.35)
    build.paint((0, 0.72, 0.62), (0.52, 0.66, 0.42), species.belly, soft=0.10)


def _add_limbs(build: Builder, species: Species, lift: float) -> None:
    for side in (-1.0, 1.0):
        up = lift if side > 0 else 0.0
        hand = (side * (0.66 + 0.22 * up), 0.62 + 0.85 * up, 0.62 + 0.10 * up)
        build.limb((side * 0.55, 1.30, 0.06), hand, (0.255, 0.215), species.limbs, seam=0.14)
        build.ball(hand, (0.235, 0.22, 0.235), species.limbs, seam=0.12)
        build.limb(
            (side * 0.50, 0.30, 0.18),
            (side * 0.64, 0.24, 0.86),
            (0.36, 0.27),
            species.limbs,
            seam=0.12,
        )
        build.ball(
            (side * 0.68, 0.32, 1.02),
            (0.24, 0.32, 0.17),
            species.limbs,
            seam=0.10,
            tilt=-0.15 * side,
        )
        pad = _pad_colour(species)
        build.paint((side * 0.69, 0.27, 1.21), (0.13, 0.12, 0.09), pad, soft=0.05)
        for toe in (-0.12, 0.0, 0.12):
            build.paint(
                (side * 0.69 + toe, 0.49 - 1.6 * toe * toe, 1.15),
                (0.048, 0.052, 0.09),
                pad,
                soft=0.03,
            )


def _pad_colour(species: Species) -> Colour:
    red, green, blue = (
        0.10 * muzzle + 0.55 * limb + 0.015
        for muzzle, limb in zip(species.muzzle, species.limbs, strict=True)
    )
    return red, green, blue


def _add_tail(build: Builder, species: Species) -> None:
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


def _add_head(build: Builder, species: Species) -> None:
    wide = species.head_width
    build.ball(
        build.head((0, 1.86, 0.16)), (wide, 0.56, 0.56), species.face, seam=0.18, tilt=build.tilt
    )
    for side in (-1.0, 1.0):
        build.ball(
            build.head((side * 0.34, 1.70, 0.27)), (0.31, 0.27, 0.30), species.face, seam=0.22
        )
    long = species.muzzle_length
    center = build.head((0, 1.71, 0.50 + 0.55 * long))
    build.ball(
        center,
        (species.muzzle_width, 0.175, 0.12 + 0.6 * long),
        species.muzzle,
        seam=0.14,
        soft=0.07,
    )
    _add_ears(build, species)


def _add_ears(build: Builder, species: Species) -> None:
    size = species.ear_size
    for side in (-1.0, 1.0):
        match species.ear_shape:
            case "eyes":
                at = build.head((side * 0.36, 2.30, 0.28))
                build.ball(at, (0.22, 0.22, 0.22), species.face, seam=0.12)
            case "pointed":
                top = build.head((side * 0.48, 2.30 + 1.15 * size, 0.06))
                thick = (0.52 * size, 0.12 * size)
                build.limb(
                    build.head((side * 0.36, 2.18, 0.10)), top, thick, species.ears, seam=0.06
                )
                inner = build.head((side * 0.42, 2.28, 0.26))
                build.paint(inner, (0.10, 0.17, 0.10), species.muzzle)
            case "long":
                top = build.head((side * 0.46, 2.80, -0.04))
                build.limb(
                    build.head((side * 0.22, 2.24, 0.10)),
                    top,
                    (0.13, 0.09),
                    species.ears,
                    seam=0.06,
                )
                build.paint(
                    build.head((side * 0.35, 2.54, 0.13)), (0.06, 0.24, 0.12), (0.70, 0.42, 0.40)
                )
            case "floppy":
                root, tip = (
                    build.head((side * 0.50, 2.16, 0.12)),
                    build.head((side * 0.74, 1.62, 0.26)),
                )
                build.limb(root, tip, (0.13, 0.21), species.ears, seam=0.05)
            case _:
                large = size >= 0.3 or "low-ears" in species.marks
                high, apart = (2.10, 0.68) if large else (2.34, 0.47)
                if "low-ears" in species.marks:
                    high = 1.92
                at = build.head((side * apart, high, 0.10))
                build.ball(at, (size, size, 0.60 * size), species.ears, seam=0.05)


def _add_marks(build: Builder, species: Species) -> None:
    marks = species.marks
    if "band" in marks:
        build.paint((0, 1.27, 0.04), (0.95, 0.185, 0.80), species.limbs, soft=0.06)
    if "mane" in marks:
        dark = (0.21, 0.080, 0.022)
        for k in range(16):
            angle = 2 * math.pi * k / 16
            at = (0.66 * math.cos(angle), 1.84 + 0.62 * math.sin(angle), 0.02 + 0.05 * (k % 2))
            build.ball(build.head(at), (0.27, 0.27, 0.26), dark, seam=0.14)
        build.ball((0, 1.32, 0.36), (0.46, 0.40, 0.30), dark, seam=0.16)
    if "snout" in marks:
        tip = 0.62 + 1.15 * species.muzzle_length
        build.ball(build.head((0, 1.74, tip)), (0.20, 0.165, 0.09), species.nose, seam=0.04)
        for side in (-1.0, 1.0):
            build.paint(
                build.head((side * 0.075, 1.75, tip + 0.08)),
                (0.035, 0.055, 0.08),
                (0.22, 0.06, 0.06),
            )
    if "cap" in marks:
        build.paint(build.head((0, 2.34, 0.10)), (0.80, 0.30, 0.70), species.coat)
        build.paint(build.head((0, 1.90, -0.30)), (0.80, 0.60, 0.52), species.coat)
    if "stripes" in marks:
        _add_stripes(build, species.stripe)
    for side in (-1.0, 1.0):
        _add_paired_marks(build, species, side)


def _add_paired_marks(build: Builder, species: Species, side: float) -> None:
    marks = species.marks
    if "bright-eyes" in marks:
        at = build.head((side * 0.245, 1.925, 0.64))
        build.ball(at, (0.115, 0.115, 0.075), (0.55, 0.55, 0.05), seam=0.01)
    if "patches" in marks:
        build.paint(
            build.head((side * 0.275, 1.90, 0.60)),
            (0.145, 0.205, 0.26),
            BLACK,
            soft=0.035,
            tilt=-0.55 * side,
        )
    if "brows" in marks:
        build.paint(
            build.head((side * 0.30, 2.16, 0.55)),
            (0.24, 0.07, 0.3),
            (0.75, 0.74, 0.72),
            soft=0.03,
        )
    if "cheeks" in marks:
        build.paint(
            build.head((side * 0.40, 1.63, 0.42)), (0.30, 0.20, 0.34), species.muzzle, soft=0.06
        )
    if "ear-tips" in marks:
        build.paint(build.head((side * 0.49, 2.60, 0.06)), (0.14, 0.14, 0.16), BLACK, soft=0.05)
    if "ear-tufts" in marks:
        build.paint(
            build.head((side * 0.64, 2.12, 0.30)),
            (0.22, 0.20, 0.18),
            (0.78, 0.76, 0.75),
            soft=0.07,
        )


def _add_stripes(build: Builder, colour: Colour) -> None:
    """Across brow, cheeks, flanks and limbs."""
    for at in (-0.15, 0.0, 0.15):
        root, tip = build.head((at, 2.46, 0.22)), build.head((at * 0.75, 2.20, 0.62))
        build.stroke(root, tip, 0.042, colour)
    for side in (-1.0, 1.0):
        for high in (1.62, 1.80):
            outer, inner = (
                build.head((side * 0.76, high, 0.12)),
                build.head((side * 0.52, high + 0.03, 0.56)),
            )
            build.stroke(outer, inner, 0.042, colour)
        for high in (0.55, 0.82, 1.09):
            build.stroke(
                (side * 0.86, high, -0.30), (side * 0.70, high - 0.06, 0.40), 0.055, colour
            )
        for along in (0.30, 0.55, 0.80):
            x, y, z = side * (0.56 + 0.12 * along), 1.30 - 0.68 * along, 0.06 + 0.56 * along
            build.stroke(
                (x - 0.05 * side, y + 0.20, z + 0.12), (x + 0.24 * side, y, z), 0.045, colour
            )
            build.stroke(
                (side * 0.36, 0.52, along), (side * 0.92, 0.40, along - 0.08), 0.045, colour
            )


def _add_face(build: Builder, species: Species) -> None:
    eye = species.eye_size
    tip = 0.62 + 1.15 * species.muzzle_length
    for side in (-1.0, 1.0):
        if species.ear_shape == "eyes":
            build.gleam(build.head((side * 0.37, 2.32, 0.44)), (0.115, 0.125, 0.09), EYE)
        else:
            build.gleam(
                build.head((side * 0.245, 1.925, 0.655)),
                (0.066 * eye, 0.072 * eye, 0.062 * eye),
                EYE,
            )
        wide = 0.30 if "wide-mouth" in species.marks else 0.10
        corner = build.head((side * wide, 1.615, tip - 0.05 - 0.9 * wide))
        build.stroke(build.head((0, 1.60, tip)), corner, 0.020, MOUTH)
    if species.nose_size > 0:
        k = species.nose_size
        high = min(1.3, k)
        build.gleam(
            build.head((0, 1.775, tip + 0.02)),
            (0.105 * min(k, 1.25), 0.068 * k, 0.075 * high),
            NOSE,
        )
        build.stroke(build.head((0, 1.74, tip)), build.head((0, 1.60, tip)), 0.018, MOUTH)
