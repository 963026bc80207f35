"""What the ground is made of: colour and small bumps of each kind."""

import math

from heliograph_studio.kernels.layout import (
    BOARDS,
    BUMP,
    EARTH,
    GRASS,
    GROUND_A,
    GROUND_B,
    GROUND_KIND,
    PAVING,
    ROAD,
    SAND,
    SNOW,
    SNOW_COLOUR,
    SNOWFIELD,
    STONE,
)
from heliograph_studio.kernels.noise import fract, fractal2, hash3, kernel, noise2, smooth

# Each kind answers (share of colour B, brightness, bump along x, bump along z) at a place.


@kernel
def snowfield(x, z):
    a, b = noise2(x * 13, z * 13) - 0.5, noise2(x * 13 + 40, z * 13) - 0.5
    return 0.25 * noise2(x * 0.7, z * 0.7), 1.0, a, b


@kernel
def grass(x, z):
    blade = noise2(x * 34, z * 17) - 0.5
    patch = fractal2(x * 0.55, z * 0.55, 3)
    tone = 0.72 + 0.75 * noise2(x * 26 + 3, z * 11) * noise2(x * 7, z * 7)
    return smooth(0.25, 0.65, patch), tone, 2.4 * blade, 2.0 * (noise2(x * 30 + 9, z * 21) - 0.5)


@kernel
def sand(x, z):
    bend = 2.2 * fractal2(x * 0.5, z * 0.5, 3)
    ripple = math.sin((z + 0.25 * x) * 13.0 + bend * 6.0)
    grain = noise2(x * 60, z * 60) - 0.5
    share = 0.5 * fractal2(x * 0.9, z * 0.9, 3)
    return share, 0.96 + 0.1 * grain, 0.25 * grain, 0.55 * ripple + 0.3 * grain


@kernel
def stone(x, y, z):
    a = fractal2(x * 1.3 + y, z * 1.3 + y * 0.7, 5)
    share = smooth(0.3, 0.65, a)
    crack = smooth(0.05, 0.0, abs(noise2(x * 2.1 + 3.0 * a, z * 2.1 + y) - 0.5))
    # short ones, and none where something grows
    crack *= (1.0 - share) * smooth(0.5, 0.75, noise2(x * 3.3 + 40.0, z * 3.3 - y))
    bx, bz = noise2(x * 5 + y, z * 5) - 0.5, noise2(x * 5 + 17, z * 5 + y) - 0.5
    return share, 0.75 + 0.5 * a - 0.2 * crack, 2.2 * bx, 2.2 * bz


@kernel
def earth(x, z):
    leaf = noise2(x * 15, z * 15)
    moss = smooth(0.36, 0.55, fractal2(x * 0.8 + 5, z * 0.8, 4))
    tone = 0.55 + 0.8 * leaf * noise2(x * 37, z * 37) + 0.15 * moss
    return moss, tone, 2.6 * (leaf - 0.5), 2.6 * (noise2(x * 15 + 31, z * 15) - 0.5)


@kernel
def paving(x, z):
    row = math.floor(z * 1.1)
    u, v = fract(x * 1.1 + 0.5 * (row - 2.0 * math.floor(row * 0.5))), fract(z * 1.1)
    joint = smooth(0.035, 0.0, min(min(u, 1.0 - u), min(v, 1.0 - v)))
    slab = hash3(math.floor(x * 1.1 + 0.5 * row), 3, row)
    tone = 0.85 + 0.25 * fractal2(x * 6, z * 6, 3) - 0.5 * joint
    return (
        slab,
        tone,
        0.4 * (noise2(x * 20, z * 20) - 0.5),
        0.4 * (noise2(x * 20 + 9, z * 20) - 0.5),
    )


@kernel
def boards(x, z):
    plank = math.floor(x * 2.6)
    joint = smooth(0.03, 0.0, min(fract(x * 2.6), 1.0 - fract(x * 2.6)))
    grain = fractal2(x * 22.0 + 3.0 * plank, z * 1.4 + plank * 7.0, 4)
    share = hash3(plank, 1, 2) * 0.6 + 0.5 * grain
    return share, 0.78 + 0.45 * grain - 0.5 * joint, 0.3 * (grain - 0.5), 0.0


@kernel
def moon_dust(x, z):
    a, b = noise2(x * 9, z * 9) - 0.5, noise2(x * 9 + 13, z * 9) - 0.5
    return fractal2(x * 2.2, z * 2.2, 5), 0.8 + 0.4 * noise2(x * 18, z * 18), 1.6 * a, 1.6 * b


@kernel
def pattern(kind, x, y, z):
    if kind == SNOWFIELD:
        return snowfield(x, z)
    if kind == GRASS:
        return grass(x, z)
    if kind == SAND:
        return sand(x, z)
    if kind == STONE:
        return stone(x, y, z)
    if kind == EARTH:
        return earth(x, z)
    if kind == PAVING:
        return paving(x, z)
    if kind == BOARDS:
        return boards(x, z)
    return moon_dust(x, z)


@kernel
def road(world, x, z):
    """(share of tar, share of its white lines) of a road that goes from left to right."""
    away = abs(z + 0.3 + 0.25 * math.sin(x * 0.09))
    tarred = smooth(world[ROAD] + 0.05, world[ROAD] - 0.05, away)
    dashes = smooth(0.06, 0.04, away) * smooth(0.02, 0.06, fract(x * 0.45) - 0.4)
    edges = smooth(0.05, 0.03, abs(away - world[ROAD] + 0.16))
    return tarred, max(dashes, edges) * 0.8


@kernel
def ground_surface(world, x, y, z, nx, ny, nz, t):
    """Colour (r, g, b), bumpy normal (x, y, z) and sparkle of the ground at a point."""
    kind = int(world[GROUND_KIND])
    share, tone, bx, bz = pattern(kind, x, y, z)
    fine = world[BUMP] / (1.0 + 0.04 * t * t)
    mx, my, mz = nx + bx * fine, ny, nz + bz * fine
    k = 1.0 / math.sqrt(mx * mx + my * my + mz * mz)
    r = (world[GROUND_A] + (world[GROUND_B] - world[GROUND_A]) * share) * tone
    g = (world[GROUND_A + 1] + (world[GROUND_B + 1] - world[GROUND_A + 1]) * share) * tone
    b = (world[GROUND_A + 2] + (world[GROUND_B + 2] - world[GROUND_A + 2]) * share) * tone
    if world[ROAD] > 0.0:
        tarred, line = road(world, x, z)
        dark = (0.045 + 0.030 * noise2(x * 40.0, z * 40.0)) * (1.0 - line) + 0.62 * line
        r, g, b = r + (dark - r) * tarred, g + (dark - g) * tarred, b + (dark * 1.05 - b) * tarred
    snow = 0.0
    if world[SNOW] > 0.0 and kind != SNOWFIELD:
        rough = 0.45 * (fractal2(x * 1.1, z * 1.1, 4) - 0.45)
        # Where it does not lie everywhere it begins at a height.
        low = (1.0 - world[SNOW]) * 1.3 * smooth(9.0, 2.5, y)
        snow = smooth(0.60, 0.78, ny + rough - low)
        r += (world[SNOW_COLOUR] - r) * snow
        g += (world[SNOW_COLOUR + 1] - g) * snow
        b += (world[SNOW_COLOUR + 2] - b) * snow
    sparkle = 0.0
    if kind in (SNOWFIELD, SAND) and t < 8.0:
        sparkle = smooth(0.9965, 0.9990, hash3(math.floor(x * 95), 1, math.floor(z * 95)))
        sparkle *= 1.0 if kind == SNOWFIELD else 0.25
    return r, g, b, mx * k, my * k, mz * k, sparkle
