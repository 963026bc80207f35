"""Light on surfaces: sun, sky, bounce, haze."""

import math

from heliograph_studio.kernels.layout import (
    BOUNCE,
    CAUSTICS,
    DISC,
    FOG,
    FOG_DENSITY,
    FOG_START,
    SKY_LIGHT,
    SUN,
    SUN_LIGHT,
)
from heliograph_studio.kernels.noise import kernel, noise3


@kernel
def lit(world, nx, ny, nz, wrap, sun, open_sky):
    """Light that arrives on a surface, by colour; wrap softens the edge of the shade."""
    toward = nx * world[SUN] + ny * world[SUN + 1] + nz * world[SUN + 2]
    direct = max(0.0, (toward + wrap) / (1.0 + wrap)) * sun
    above = (0.5 + 0.5 * ny) * open_sky
    below = (0.62 - 0.38 * ny) * open_sky
    return (
        world[SUN_LIGHT] * direct + world[SKY_LIGHT] * above + world[BOUNCE] * below,
        world[SUN_LIGHT + 1] * direct + world[SKY_LIGHT + 1] * above + world[BOUNCE + 1] * below,
        world[SUN_LIGHT + 2] * direct + world[SKY_LIGHT + 2] * above + world[BOUNCE + 2] * below,
    )


@kernel
def caustics(world, x, z):
    """Dancing light under water: 0 none, about 1 on a bright line."""
    if world[CAUSTICS] <= 0.0:
        return 0.0
    a = abs(noise3(x * 1.5, 0.0, z * 1.5) - 0.5)
    b = abs(noise3(x * 2.3 + 7.0, 3.0, z * 2.3) - 0.5)
    line = max(0.0, 1.0 - 9.0 * min(a, b) - 2.0 * max(a, b))
    return world[CAUSTICS] * line


@kernel
def hazed(world, r, g, b, t, dx, dy, dz):
    """Light that has come through t metres of air (or water)."""
    fog = 1.0 - math.exp(-max(0.0, t - world[FOG_START]) * world[FOG_DENSITY])
    toward = max(0.0, dx * world[DISC] + dy * world[DISC + 1] + dz * world[DISC + 2]) ** 6
    k = 0.22 * toward
    return (
        r * (1.0 - fog) + (world[FOG] + k * world[SUN_LIGHT]) * fog,
        g * (1.0 - fog) + (world[FOG + 1] + k * world[SUN_LIGHT + 1]) * fog,
        b * (1.0 - fog) + (world[FOG + 2] + k * world[SUN_LIGHT + 2]) * fog,
    )


@kernel
def specular(world, nx, ny, nz, dx, dy, dz, power):
    """Mirror light of the sun: 1 straight in the mirror direction."""
    along = 2.0 * (dx * nx + dy * ny + dz * nz)
    rx, ry, rz = dx - along * nx, dy - along * ny, dz - along * nz
    return max(0.0, rx * world[SUN] + ry * world[SUN + 1] + rz * world[SUN + 2]) ** power
