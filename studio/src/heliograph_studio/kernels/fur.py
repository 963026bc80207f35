"""Fur: a shell around a body, walked through in short steps."""

from heliograph_studio.kernels import layout
from heliograph_studio.kernels.layout import (
    SNOW_COLOUR,
    SUN,
    SUN_LIGHT,
    THING_DUST,
    THING_FUR,
    THING_SCALE,
)
from heliograph_studio.kernels.light import lit
from heliograph_studio.kernels.march import gather_near, occlusion, shadow, thing_normal
from heliograph_studio.kernels.noise import kernel, noise3, smooth
from heliograph_studio.kernels.things import thing_colour, thing_distance, to_local

STEPS = 34


@kernel
def strand(x, y, z, depth):
    """How much hair there is at a point of the shell; depth is 0 at the skin, 1 at the tips."""
    hair = 0.62 * noise3(x * 62, y * 38, z * 62) + 0.38 * noise3(x * 118 + 5, y * 74, z * 118)
    clump = noise3(x * 10, y * 7, z * 10)
    density = hair + 0.30 * (clump - 0.5) - (0.26 + 0.50 * depth)
    return min(1.0, max(0.0, density * 5.5)), clump


@kernel
def hair_light(stage, index, x, y, z, n, d, light, sun, depth, dust):
    """Colour of the hair at one step."""
    world = stage.world
    nx, ny, nz = n
    dx, dy, dz = d
    r, g, b = thing_colour(stage, index, x, y, z)
    r += (world[SNOW_COLOUR] - r) * dust
    g += (world[SNOW_COLOUR + 1] - g) * dust
    b += (world[SNOW_COLOUR + 2] - b) * dust
    root = 0.52 + 0.48 * depth
    edge = max(0.0, 1.0 - abs(nx * dx + ny * dy + nz * dz))
    through = max(0.0, dx * world[SUN] + dy * world[SUN + 1] + dz * world[SUN + 2]) ** 3
    rim = edge * edge * edge * (0.16 + 1.3 * through * sun) * depth * (0.25 + 0.55 * g)
    return (
        r * light[0] * root + rim * world[SUN_LIGHT] * 0.55,
        g * light[1] * root + rim * world[SUN_LIGHT + 1] * 0.55,
        b * light[2] * root + rim * world[SUN_LIGHT + 2] * 0.55,
    )


@kernel
def fur(stage, index, x, y, z, dx, dy, dz, t, found):
    """Walk through the fur of a subject from where it begins.

    Gives the light gathered (r, g, b), the share that still shines through, the distance
    reached, and whether skin or an eye was met.
    """
    world, thing = stage.world, stage.things[index]
    deep, scale = thing[THING_FUR], thing[THING_SCALE]
    nx, ny, nz = thing_normal(stage, index, x, y, z, 0.012 * scale)
    sun = shadow(stage, x + nx * 0.05, y + ny * 0.05, z + nz * 0.05, found)
    count = gather_near(stage, x, y, z, 0.6, found)
    free = occlusion(stage, x, y, z, nx, ny, nz, found, count)
    light = lit(world, nx, ny, nz, 0.35, sun, free)
    r, g, b, clear = 0.0, 0.0, 0.0, 1.0
    step = deep * 0.12
    for _ in range(STEPS):
        d, part = thing_distance(stage, index, x, y, z)
        if part != layout.SKIN and d < 0.003:
            return r, g, b, clear, t, True
        # Beyond the tips by more than a march can miss, else it would come straight back.
        if d > deep + 0.0016 * t:
            return r, g, b, clear, t, False
        depth = min(1.0, max(0.0, d / deep))
        # The tips hang down, and hair is looked up where it is rooted.
        px, py, pz = x - nx * d, y - ny * d + 0.5 * deep * depth * depth, z - nz * d
        lx, ly, lz = to_local(thing, px, py, pz)
        lx, ly, lz = lx * scale, ly * scale, lz * scale
        alpha, clump = strand(lx, ly, lz, depth)
        if part != layout.SKIN:
            alpha = 0.0
        elif d <= 0.002:
            alpha = 1.0
        if alpha > 0.0:
            dust = smooth(0.50, 1.0, ny) * smooth(0.55, 0.75, noise3(lx * 21, ly * 21, lz * 21))
            dust *= thing[THING_DUST] * smooth(0.25, 0.9, depth)
            jitter = 0.35 * deep * (clump - 0.5)
            hr, hg, hb = hair_light(
                stage,
                index,
                px + jitter,
                py + jitter,
                pz,
                (nx, ny, nz),
                (dx, dy, dz),
                light,
                sun,
                depth,
                dust,
            )
            r, g, b = r + clear * alpha * hr, g + clear * alpha * hg, b + clear * alpha * hb
            clear *= 1.0 - alpha
            if clear < 0.02:
                return r, g, b, 0.0, t, False
        x, y, z, t = x + dx * step, y + dy * step, z + dz * step, t + step
    return r, g, b, clear, t, False
