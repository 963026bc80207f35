"""A body from a table of round parts, written into a volume of distances and colours."""

import math

from heliograph_studio.kernels.layout import VOLUME_HALF, VOLUME_LOW
from heliograph_studio.kernels.noise import clamp, kernel, smooth
from heliograph_studio.kernels.shapes import blend, ellipsoid, limb

# parts: kind, a (3), b or radii (3), two radii of a limb, seam, colour (3), softness, tilt
ROUND, LIMB, PAINT_ROUND, PAINT_LIMB = 0, 1, 2, 3
PART_LENGTH = 15


@kernel
def part_distance(part, x, y, z):
    if part[0] == LIMB or part[0] == PAINT_LIMB:
        return limb(x, y, z, part[1], part[2], part[3], part[4], part[5], part[6], part[7], part[8])
    x, y, z = x - part[1], y - part[2], z - part[3]
    c, s = math.cos(part[14]), math.sin(part[14])
    return ellipsoid(x * c + y * s, y * c - x * s, z, part[4], part[5], part[6])


@kernel
def fill_volume(volume, parts):
    """Fill volume [z, y, x, 4] with distance and colour of the union of all parts.

    Later parts lie over earlier ones: a shape brings its colour where it is the nearest, a
    paint part only recolours what it covers.
    """
    n = volume.shape[0]
    step = 2.0 * VOLUME_HALF / (n - 1)
    for k in range(n):
        for j in range(n):
            for i in range(n):
                x, y, z = i * step - VOLUME_HALF, j * step + VOLUME_LOW, k * step - VOLUME_HALF
                d, r, g, b = 10.0, 0.5, 0.5, 0.5
                for row in range(parts.shape[0]):
                    part = parts[row]
                    e = part_distance(part, x, y, z)
                    soft = part[13]
                    if part[0] >= PAINT_ROUND:
                        share = smooth(soft, -soft, e)
                    else:
                        share = clamp(0.5 + 0.5 * (d - e) / soft, 0.0, 1.0)
                        d = blend(d, e, part[9])
                    r += (part[10] - r) * share
                    g += (part[11] - g) * share
                    b += (part[12] - b) * share
                volume[k, j, i, 0] = d
                volume[k, j, i, 1] = r
                volume[k, j, i, 2] = g
                volume[k, j, i, 3] = b
