"""Signed distances of simple shapes: negative inside, in metres."""

import math

from heliograph_studio.kernels.noise import kernel


@kernel
def ellipsoid(x, y, z, rx, ry, rz):
    """Around the origin; good near the surface."""
    x, y, z = x / rx, y / ry, z / rz
    reach = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / rx, y / ry, z / rz
    slope = math.sqrt(x * x + y * y + z * z)
    return reach * (reach - 1.0) / (slope + 1e-9)


@kernel
def limb(x, y, z, ax, ay, az, bx, by, bz, ra, rb):
    """A round limb from a to b whose radius goes from ra to rb."""
    bx, by, bz = bx - ax, by - ay, bz - az
    x, y, z = x - ax, y - ay, z - az
    along = (x * bx + y * by + z * bz) / (bx * bx + by * by + bz * bz + 1e-12)
    along = min(1.0, max(0.0, along))
    x, y, z = x - bx * along, y - by * along, z - bz * along
    return math.sqrt(x * x + y * y + z * z) - (ra + (rb - ra) * along)


@kernel
def box(x, y, z, hx, hy, hz):
    """Around the origin, with half sides."""
    x, y, z = abs(x) - hx, abs(y) - hy, abs(z) - hz
    ox, oy, oz = max(x, 0.0), max(y, 0.0), max(z, 0.0)
    return math.sqrt(ox * ox + oy * oy + oz * oz) + min(max(x, max(y, z)), 0.0)


@kernel
def blend(a, b, k):
    """Union of two shapes with a seam rounded over k."""
    h = max(k - abs(a - b), 0.0) / k
    return min(a, b) - h * h * k * 0.25
