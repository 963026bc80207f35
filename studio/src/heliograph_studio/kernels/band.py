"""One band of rows of the picture, and a second pass over its edges."""

import math

from heliograph_studio.kernels.fur import fur
from heliograph_studio.kernels.land import ground
from heliograph_studio.kernels.layout import (
    CAMERA_FOCAL,
    CAMERA_FORWARD,
    CAMERA_ORIGIN,
    CAMERA_RIGHT,
    CAMERA_UP,
    GROUND,
    KIND_BITS,
    MISS,
    SUN_LIGHT,
    THING,
    THING_FUR,
    WATER,
    WATER_COLOUR,
    WATER_LEVEL,
    WAVES,
    WET,
)
from heliograph_studio.kernels.light import hazed
from heliograph_studio.kernels.march import gather_ray, march
from heliograph_studio.kernels.noise import fract, fractal2, inlined, kernel, noise2, smooth
from heliograph_studio.kernels.sky import sky
from heliograph_studio.kernels.surface import look

SKY_DEPTH = 120.0
# Farther away haze hides what others shade.
SHADED_TO = 30.0


@kernel
def mirrored(stage, x, y, z, dx, dy, dz, lists):
    """Light that a mirror sends on: a short walk, with a plain look at what it meets."""
    count = gather_ray(stage, x, y, z, dx, dy, dz, 0.0, lists[1])
    kind, index, t = march(stage, x, y, z, dx, dy, dz, lists[1], count, 0.06, 56.0)
    if kind == MISS:
        return sky(stage, dx, dy, dz)
    x, y, z = x + dx * t, y + dy * t, z + dz * t
    r, g, b = look(stage, kind, index, x, y, z, t, dx, dy, dz, lists[2], 0.0)
    return hazed(stage.world, r, g, b, t, dx, dy, dz)


@kernel
def waves(world, x, z, t):
    """Slopes of the water's surface along x and z; calmer with distance."""
    k = world[WAVES] / (1.0 + 0.03 * t + 0.0025 * t * t)
    a = fractal2(x * 0.9, z * 2.1, 3) - fractal2(x * 0.9 + 0.15, z * 2.1, 3)
    b = fractal2(x * 1.1 + 9.0, z * 2.6, 3) - fractal2(x * 1.1 + 9.0, z * 2.6 + 0.15, 3)
    return a * 1.6 * k, b * 2.4 * k


@inlined
def water(stage, x, y, z, t, dx, dy, dz, under, lists):
    """Light from the water: mirrored sky, the bottom where it is shallow, foam at its rim."""
    world = stage.world
    sx, sz = waves(world, x, z, t)
    k = 1.0 / math.sqrt(1.0 + sx * sx + sz * sz)
    nx, ny, nz = -sx * k, k, -sz * k
    along = dx * nx + dy * ny + dz * nz
    rx, ry, rz = dx - 2.0 * along * nx, abs(dy - 2.0 * along * ny) + 0.005, dz - 2.0 * along * nz
    mr, mg, mb = mirrored(stage, x, y + 0.01, z, rx, ry, rz, lists)
    fresnel = 0.03 + 0.97 * (1.0 - min(1.0, abs(along))) ** 4
    deep = max(0.0, y - ground(stage, x, z, 0))
    murk = 1.0 - math.exp(-deep * 1.6)
    body = 0.55 + 0.25 * (sx + sz) * 3.0
    r = under[0] * (1.0 - murk) * 0.8 + world[WATER_COLOUR] * murk * body
    g = under[1] * (1.0 - murk) * 0.9 + world[WATER_COLOUR + 1] * murk * body
    b = under[2] * (1.0 - murk) + world[WATER_COLOUR + 2] * murk * body
    rim = smooth(0.10, 0.0, abs(deep - 0.05 - 0.05 * noise2(x * 2.0, z * 2.0)))
    foam = rim * smooth(0.35, 0.7, noise2(x * 9.0, z * 9.0) * 0.7 + 0.3 * rim)
    k = foam * 0.5
    r, g, b = r + (mr - r) * fresnel, g + (mg - g) * fresnel, b + (mb - b) * fresnel
    r, g, b = (
        r + k * world[SUN_LIGHT] * 0.6,
        g + k * world[SUN_LIGHT + 1] * 0.6,
        b + k * world[SUN_LIGHT + 2] * 0.6,
    )
    return hazed(world, r, g, b, t, dx, dy, dz)


@inlined
def solid(stage, kind, index, x, y, z, t, dx, dy, dz, lists):
    """Light from whatever was met, through the air."""
    if kind == MISS:
        return sky(stage, dx, dy, dz)
    world = stage.world
    r, g, b = look(stage, kind, index, x, y, z, t, dx, dy, dz, lists[1], SHADED_TO - t)
    if kind == GROUND and world[WET] > 0.0 and t < 30.0:
        puddle = world[WET] * smooth(0.30, 0.60, fractal2(x * 0.7, z * 0.7, 3))
        fresnel = puddle * (0.08 + 0.9 * (1.0 - min(1.0, abs(dy))) ** 3)
        bend = 0.05 * (noise2(x * 6.0, z * 6.0) - 0.5)
        mr, mg, mb = mirrored(stage, x, y + 0.02, z, dx + bend, abs(dy) + 0.01, dz, lists)
        r, g, b = r + (mr - r) * fresnel, g + (mg - g) * fresnel, b + (mb - b) * fresnel
    return hazed(world, r, g, b, t, dx, dy, dz)


@inlined
def trace(stage, ox, oy, oz, dx, dy, dz, lists):
    """Light along one ray, how far it went, and the kind of thing it met.

    A subject's row in the table stands in the bits above the kind.
    """
    count = gather_ray(stage, ox, oy, oz, dx, dy, dz, 0.05, lists[0])
    start, first_t, first_kind = 0.15, -1.0, MISS
    r, g, b, clear = 0.0, 0.0, 0.0, 1.0
    level = stage.world[WATER_LEVEL]
    wet_t = (level - oy) / dy if dy < -1e-4 and level > -50.0 else 1e9
    for _ in range(5):
        kind, index, t = march(stage, ox, oy, oz, dx, dy, dz, lists[0], count, start, 190.0)
        x, y, z = ox + dx * t, oy + dy * t, oz + dz * t
        if wet_t < t:
            under = (0.0, 0.0, 0.0)
            if kind == GROUND and t - wet_t < 6.0:
                under = look(stage, kind, index, x, y, z, t, dx, dy, dz, lists[1], 0.0)
            x, z = ox + dx * wet_t, oz + dz * wet_t
            sr, sg, sb = water(stage, x, level, z, wet_t, dx, dy, dz, under, lists)
            r, g, b = r + clear * sr, g + clear * sg, b + clear * sb
            return r, g, b, first_t if first_t > 0.0 else wet_t, WATER
        if kind == THING and stage.things[index, THING_FUR] > 0.0:
            fr, fg, fb, left, t, met = fur(stage, index, x, y, z, dx, dy, dz, t, lists[1])
            share = max(1e-6, 1.0 - left)
            fr, fg, fb = hazed(stage.world, fr / share, fg / share, fb / share, t, dx, dy, dz)
            share *= clear
            r, g, b = r + share * fr, g + share * fg, b + share * fb
            clear *= left
            if first_t < 0.0:
                first_t, first_kind = t, THING + (index << KIND_BITS)
            if clear < 0.02:
                return r, g, b, first_t, first_kind
            if not met:
                start = t + 0.01
                continue
            x, y, z = ox + dx * t, oy + dy * t, oz + dz * t
        sr, sg, sb = solid(stage, kind, index, x, y, z, t, dx, dy, dz, lists)
        far = SKY_DEPTH if kind == MISS else t
        if kind == THING:
            kind = THING + (index << KIND_BITS)
        return (
            r + clear * sr,
            g + clear * sg,
            b + clear * sb,
            first_t if first_t > 0.0 else far,
            first_kind if first_kind != MISS else kind,
        )
    sr, sg, sb = sky(stage, dx, dy, dz)
    return r + clear * sr, g + clear * sg, b + clear * sb, first_t, first_kind


@inlined
def pixel(stage, camera, u, v, lists):
    """Light, depth and kind for a place on the screen, in half short sides from its middle."""
    f = camera[CAMERA_FOCAL]
    dx = camera[CAMERA_FORWARD] * f + camera[CAMERA_RIGHT] * u + camera[CAMERA_UP] * v
    dy = camera[CAMERA_FORWARD + 1] * f + camera[CAMERA_RIGHT + 1] * u + camera[CAMERA_UP + 1] * v
    dz = camera[CAMERA_FORWARD + 2] * f + camera[CAMERA_RIGHT + 2] * u + camera[CAMERA_UP + 2] * v
    k = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
    ox, oy, oz = camera[CAMERA_ORIGIN], camera[CAMERA_ORIGIN + 1], camera[CAMERA_ORIGIN + 2]
    return trace(stage, ox, oy, oz, dx * k, dy * k, dz * k, lists)


@kernel
def render_band(stage, camera, first, last, edges, more, film, lists):
    """Fill rows first to last of the film: linear light, depth, what was met; one ray a pixel.

    With `more`, three more rays instead for each pixel marked in edges.
    """
    image, depth, met = film
    height, width = edges.shape
    short = 2.0 / min(height, width)
    for j in range(first, last):
        for i in range(width):
            if more and not edges[j, i]:
                continue
            r, g, b = image[j, i, 0], image[j, i, 1], image[j, i, 2]
            for k in range(3 if more else 1):
                a, c = (fract(0.12 + 0.62 * k), fract(0.30 + 0.38 * k)) if more else (0.5, 0.5)
                u, v = (i + a - 0.5 * width) * short, (0.5 * height - j - c) * short
                sr, sg, sb, t, kind = pixel(stage, camera, u, v, lists)
                if more:
                    # A single spark must not outweigh the three other rays.
                    r, g, b = r + min(sr, 2.5), g + min(sg, 2.5), b + min(sb, 2.5)
                else:
                    r, g, b, depth[j, i], met[j, i] = sr, sg, sb, t, kind
            share = 0.25 if more else 1.0
            image[j, i, 0], image[j, i, 1], image[j, i, 2] = r * share, g * share, b * share
