"""Parts of a body gathered in a table, and made into a volume."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heliograph_studio.kernels.body import LIMB, PAINT_LIMB, PAINT_ROUND, ROUND, fill_volume
from heliograph_studio.species import Colour

CELLS = 90
# How tall a body is that stands or sits upright, in the units of its parts.
UPRIGHT_HEIGHT = 2.48
NECK_HEIGHT, NECK_DEPTH, SKULL_DEPTH = 1.62, 0.1, 0.16
Point = tuple[float, float, float]


class Body(NamedTuple):
    """A body ready for the stage: volume [z, y, x, 4], gloss [count, 7], depth of its fur."""

    volume: NDArray[np.float32]
    gloss: NDArray[np.float64]
    fur: float
    width: float  # as a share of its height
    height: float  # in the units of its parts


@dataclass
class Builder:
    """Rows of the parts table; the head may be turned and tilted about the neck.

    Later parts lie over earlier ones. Sizes in units of a body that is about 2.5 high.
    """

    turn: float
    tilt: float
    # How far the head is from where it is on an upright body: up and forward.
    rise: float = 0.0
    reach: float = 0.0
    # half breadth of the head and its half depth, which do not turn with the face
    skull: tuple[float, float] = (0.56, 0.56)
    rows: list[list[float]] = field(default_factory=list)
    shine: list[list[float]] = field(default_factory=list)

    def head(self, point: Point) -> Point:
        """A point of the straight head where the turned head has it."""
        x, y, z = point[0], point[1] - NECK_HEIGHT, point[2] - NECK_DEPTH
        c, s = math.cos(self.tilt), math.sin(self.tilt)
        x, y = x * c - y * s, x * s + y * c
        c, s = math.cos(self.turn), math.sin(self.turn)
        x, z = x * c + z * s, z * c - x * s
        return (x, y + NECK_HEIGHT + self.rise, z + NECK_DEPTH + self.reach)

    def face(self, point: Point) -> Point:
        """The same for what lies on the face: a turned face is as far out as the skull there."""
        x, y, z = point[0], point[1], point[2] - SKULL_DEPTH
        straight = math.atan2(x, z)
        out = self._skull_radius(straight + self.turn) / self._skull_radius(straight)
        return self.head((x * out, y, z * out + SKULL_DEPTH))

    def _skull_radius(self, angle: float) -> float:
        wide, deep = self.skull
        return 1 / math.hypot(math.sin(angle) / wide, math.cos(angle) / deep)

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

    def finish(
        self, fur: float, width: float = 0.86, *, height: float = UPRIGHT_HEIGHT, shrink: float = 1
    ) -> Body:
        """The body, with fur of this depth; `width` as a share of its height.

        `height` is that of the parts as they were added; `shrink` makes all of them smaller, so
        that a long body fits its volume.
        """
        parts, gleams = np.array(self.rows, np.float64), np.array(self.shine).reshape(-1, 7)
        parts[:, 1:10] *= shrink
        gleams[:, :6] *= shrink
        volume = np.zeros((CELLS, CELLS, CELLS, 4), np.float32)
        fill_volume(volume, parts)
        return Body(volume, gleams, fur * shrink, width, height * shrink)
