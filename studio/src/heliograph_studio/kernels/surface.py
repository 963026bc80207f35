"""The look of whatever a ray has met."""

import math

from heliograph_studio.kernels import layout
from heliograph_studio.kernels.ground import ground_surface
from heliograph_studio.kernels.land import ground
from heliograph_studio.kernels.layout import (
    BAMBOO,
    BODY,
    BUILDING,
    FLOWER,
    GROUND,
    KELP,
    LAMP,
    LEAFY,
    NEON,
    PALM,
    PINE,
    PROP,
    PROP_COLOUR,
    PROP_HEIGHT,
    PROP_KIND,
    PROP_SEED,
    PROP_X,
    PROP_Y,
    PROP_Z,
    ROOM_BACK,
    ROOM_X,
    SNOW,
    SNOW_COLOUR,
    THING,
    THING_DUST,
    THING_GLOW,
    THING_KIND,
    THING_SHINE,
    THING_SLOT,
    WALL_COLOUR,
    WINDOWS,
)
from heliograph_studio.kernels.light import caustics, lit, specular
from heliograph_studio.kernels.march import (
    gather_near,
    normal,
    occlusion,
    prop_normal,
    shadow,
    thing_normal,
)
from heliograph_studio.kernels.noise import fract, fractal3, hash3, kernel, noise3, smooth
from heliograph_studio.kernels.sky import sky
from heliograph_studio.kernels.things import outline_sample, thing_colour, thing_distance, to_local


@kernel
def facade(world, row, x, y, z, nx, ny, nz):
    """Windows of a building: (is glass, glow r, g, b)."""
    if abs(ny) > 0.5:
        return 0.0, 0.0, 0.0, 0.0
    along = z - row[PROP_Z] if abs(nx) > abs(nz) else x - row[PROP_X]
    low, seed = y - row[PROP_Y], row[PROP_SEED]
    sign, sr, sg, sb = neon_sign(world, along, low, seed)
    if sign > 0.0:
        return 0.0, sr * sign, sg * sign, sb * sign
    pitch = 0.42 + 0.26 * fract(seed * 5.1)
    u, v = along / pitch, low / (pitch * 1.35)
    wide, high = 0.13 + 0.12 * fract(seed * 2.9), 0.14 + 0.14 * fract(seed * 9.7)
    inside = min(min(fract(u), 1.0 - fract(u)) - wide, min(fract(v), 1.0 - fract(v)) - high)
    if inside < 0.0:
        return 0.0, 0.0, 0.0, 0.0
    dice = hash3(math.floor(u) + 31.0, math.floor(v), seed * 91.0)
    storey = hash3(math.floor(v) + 5.0, 17.0, seed * 37.0)
    on = 1.0 if dice < world[WINDOWS] * (0.35 + 1.3 * storey) else 0.0
    hue = fract(dice * 57.0)
    power = on * (0.22 + 0.75 * fract(dice * 23.0) ** 2) * (0.75 + 0.25 * fract(v))
    return 1.0, power * 1.25, power * (0.72 + 0.2 * hue), power * (0.30 + 0.55 * hue * hue)


@kernel
def neon_sign(world, along, low, seed):
    """A glowing board on some houses: (how much, r, g, b)."""
    if world[NEON] <= 0.0 or low < 0.9 or low > 5.2:
        return 0.0, 0.0, 0.0, 0.0
    column = math.floor(along / 1.3)
    dice = hash3(column + 7.0, 3.0, seed * 53.0)
    u, v = along / 1.3 - column - 0.5, fract(low * 2.4)
    top, bottom = 2.0 + 3.2 * fract(dice * 7.0), 0.9 + 0.9 * fract(dice * 13.0)
    if dice > world[NEON] or low > top or low < bottom or abs(u) > 0.20:
        return 0.0, 0.0, 0.0, 0.0
    rim = abs(u) > 0.165 or low > top - 0.06 or low < bottom + 0.06
    stroke = (
        abs(u) < 0.12 and v > 0.25 and hash3(math.floor(u * 18.0), low * 10.0, dice * 99.0) > 0.45
    )
    power = 1.7 if rim else 1.35 if stroke else 0.10
    hue = math.floor(fract(dice * 31.0) * 4.0)
    if hue < 1.0:
        return power, 1.0, 0.08, 0.45
    if hue < 2.0:
        return power, 0.05, 0.75, 1.0
    if hue < 3.0:
        return power, 1.0, 0.42, 0.06
    return power, 0.45, 0.15, 1.0


@kernel
def flower_look(row, high, away):
    """Green below, petals of the row's colour, a yellow heart."""
    if high < 0.70:
        return 0.060, 0.150, 0.030
    if away < 0.045 and high > 0.80:
        return 0.75, 0.42, 0.04
    k = 0.75 + 1.6 * away
    return row[PROP_COLOUR] * k, row[PROP_COLOUR + 1] * k, row[PROP_COLOUR + 2] * k


@kernel
def cane_tone(high, away, mottled):
    """How light bamboo is: darker at its knots, and in its leaves."""
    if high > 0.40 and away > 0.05:
        return 0.45 + 0.55 * mottled
    knot = fract(high / 0.085)
    return (0.8 + 0.4 * mottled) * (0.55 + 0.45 * smooth(0.0, 0.10, min(knot, 1.0 - knot)))


@kernel
def prop_look(world, row, x, y, z, nx, ny, nz):
    """Colour (r, g, b) and glow (r, g, b) of a prop."""
    kind = int(row[PROP_KIND])
    r, g, b = row[PROP_COLOUR], row[PROP_COLOUR + 1], row[PROP_COLOUR + 2]
    er, eg, eb = 0.0, 0.0, 0.0
    seed, low = row[PROP_SEED], y - row[PROP_Y]
    mottled = noise3(x * 5.0 + seed, y * 5.0, z * 5.0)
    away = math.sqrt((x - row[PROP_X]) ** 2 + (z - row[PROP_Z]) ** 2)
    if kind == BUILDING:
        glass, er, eg, eb = facade(world, row, x, y, z, nx, ny, nz)
        k = 0.9 + 0.2 * mottled - 0.72 * glass
        r, g, b = r * k, g * k, b * (k + 0.1 * glass)
    elif kind == LEAFY and low < 0.42 * row[PROP_HEIGHT] and away < 0.09 * row[PROP_HEIGHT]:
        r, g, b = 0.10 + 0.06 * mottled, 0.065 + 0.04 * mottled, 0.04
    elif (
        kind == PALM
        and low < 0.88 * row[PROP_HEIGHT]
        and ny < 0.8
        and away < 0.22 * row[PROP_HEIGHT]
    ):
        k = 0.7 + 0.5 * mottled
        r, g, b = 0.24 * k, 0.17 * k, 0.11 * k
    elif kind == FLOWER:
        r, g, b = flower_look(row, low / row[PROP_HEIGHT], away / row[PROP_HEIGHT])
    elif kind == LAMP:
        r, g, b = 0.03, 0.032, 0.036
        if low > 0.95 * row[PROP_HEIGHT] - 0.18:
            power = 0.25 + 2.6 * world[WINDOWS]
            r, g, b, er, eg, eb = 0.8, 0.75, 0.6, power, 0.74 * power, 0.40 * power
    elif kind == BAMBOO:
        k = cane_tone(low / row[PROP_HEIGHT], away / row[PROP_HEIGHT], mottled)
        r, g, b = r * k, g * k, b * k
    elif kind in (PINE, LEAFY, PALM, KELP):
        k = 0.55 + 0.9 * mottled * noise3(x * 17.0, y * 17.0, z * 17.0 + seed)
        r, g, b = r * k * (0.85 + 0.3 * fract(seed)), g * k, b * k
    else:
        k = 0.55 + 0.85 * fractal3(x * 2.2 + seed, y * 2.2, z * 2.2, 4)
        r, g, b = r * k, g * k, b * k
    if world[SNOW] > 0.0:
        rough = 0.5 * (noise3(x * 4.0, y * 4.0, z * 4.0) - 0.45)
        snow = smooth(0.05, 0.55, ny + rough) * world[SNOW]
        r += (world[SNOW_COLOUR] - r) * snow
        g += (world[SNOW_COLOUR + 1] - g) * snow
        b += (world[SNOW_COLOUR + 2] - b) * snow
    return r, g, b, er, eg, eb


@kernel
def wall_look(world, x, y, z):
    """Colour and glow of a room's walls: plaster, a skirting board, a window on the left."""
    k = 0.97 + 0.06 * noise3(x * 3.0, y * 3.0, z * 3.0)
    r, g, b = world[WALL_COLOUR] * k, world[WALL_COLOUR + 1] * k, world[WALL_COLOUR + 2] * k
    if y < 0.22:
        r, g, b = 0.62, 0.58, 0.52
        if y > 0.19:
            r, g, b = 0.3, 0.27, 0.24
    if x < -world[ROOM_X] + 0.02 and 0.9 < y < 3.5 and -2.3 < z < 2.2:
        bars = min(
            min(abs(y - 2.2), abs(z + 0.05)), min(min(y - 0.9, 3.5 - y), min(z + 2.3, 2.2 - z))
        )
        if bars > 0.05:
            return 0.0, 0.0, 0.0, 1.0
        r, g, b = 0.75, 0.74, 0.72
    if z < -world[ROOM_BACK] + 0.02:
        px, py = abs(x - 2.4) - 0.62, abs(y - 2.35) - 0.80
        edge = max(px, py)
        if edge < 0.0:
            r, g, b = 0.10, 0.065, 0.04
            if edge < -0.07:
                r, g, b = 0.85, 0.83, 0.78
            if edge < -0.2:
                k = fractal3(x * 2.0, y * 2.6, 4.0, 4)
                r, g, b = 0.15 + 0.6 * k, 0.30 + 0.2 * k, 0.55 - 0.35 * k
    return r, g, b, 0.0


@kernel
def eye_look(world, thing, part, x, y, z, nx, ny, nz, dx, dy, dz, light_r, light_g, light_b):
    """Wet dark eyes with one clear light in them; a matter nose."""
    fresnel = 0.03 + 0.35 * (1.0 + dx * nx + dy * ny + dz * nz) ** 4
    if part == layout.NOSE:
        shine = 0.10 * specular(world, nx, ny, nz, dx, dy, dz, 14.0)
        k = 0.020 + fresnel * 0.10 + shine
        return light_r * k, light_g * k, light_b * k
    ax, ay, az = nx + 0.38, ny - 0.46, nz - 0.80
    catch = smooth(0.075, 0.045, ax * ax + ay * ay + az * az)
    k = 0.012 + fresnel * 0.22
    return (
        light_r * k + 1.15 * catch,
        light_g * k * 0.8 + 1.12 * catch,
        light_b * k * 0.7 + 1.08 * catch,
    )


@kernel
def thing_surface(stage, index, x, y, z, dx, dy, dz, found):
    """Light from a subject without fur, or from what lies under the fur."""
    world, thing = stage.world, stage.things[index]
    nx, ny, nz = thing_normal(stage, index, x, y, z, 0.004)
    _, part = thing_distance(stage, index, x, y, z)
    r, g, b = thing_colour(stage, index, x, y, z)
    lx, ly, lz = to_local(thing, x, y, z)
    if thing[THING_KIND] != BODY:
        paint = stage.paints[int(thing[THING_SLOT])]
        gx = outline_sample(paint, lx + 0.5, 1.0 - ly, 3)
        gy = outline_sample(paint, lx + 0.5, 1.0 - ly, 4)
        nx, ny = nx - gx, ny - gy
        k = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * k, ny * k, nz * k
    grain = 0.90 + 0.20 * fractal3(lx * 34.0, ly * 34.0, lz * 34.0, 3)
    r, g, b = r * grain, g * grain, b * grain
    sun = shadow(stage, x + nx * 0.02, y + ny * 0.02, z + nz * 0.02, found)
    count = gather_near(stage, x, y, z, 0.6, found)
    free = occlusion(stage, x, y, z, nx, ny, nz, found, count)
    light_r, light_g, light_b = lit(world, nx, ny, nz, 0.25, sun, free)
    k = 1.0 + 0.8 * caustics(world, x, z + 0.4 * y) * max(0.0, ny + 0.3)
    light_r, light_g, light_b = light_r * k, light_g * k, light_b * k
    if part != layout.SKIN:
        return eye_look(
            world, thing, part, x, y, z, nx, ny, nz, dx, dy, dz, light_r, light_g, light_b
        )
    dust = (
        smooth(0.45, 0.85, ny + 0.5 * (noise3(x * 9.0, y * 9.0, z * 9.0) - 0.5)) * thing[THING_DUST]
    )
    r += (world[SNOW_COLOUR] - r) * dust
    g += (world[SNOW_COLOUR + 1] - g) * dust
    b += (world[SNOW_COLOUR + 2] - b) * dust
    edge = max(0.0, 1.0 + dx * nx + dy * ny + dz * nz)
    shine = thing[THING_SHINE] * (
        specular(world, nx, ny, nz, dx, dy, dz, 32.0) * sun * 0.5 + 0.25 * edge**3 * free
    )
    glow = thing[THING_GLOW]
    return (
        r * (light_r + glow) + shine * world[layout.SUN_LIGHT] * 0.5,
        g * (light_g + glow) + shine * world[layout.SUN_LIGHT + 1] * 0.5,
        b * (light_b + glow) + shine * world[layout.SUN_LIGHT + 2] * 0.5,
    )


@kernel
def look(stage, kind, index, x, y, z, t, dx, dy, dz, found, shaded):
    """Light from a solid point toward the eye, haze not counted; above 0 shaded by others."""
    world, full = stage.world, shaded > 0.0
    if kind == THING:
        return thing_surface(stage, index, x, y, z, dx, dy, dz, found)
    count = gather_near(stage, x, y, z, 0.6, found)
    if kind == GROUND:
        sx, sz = ground(stage, x, z, 1), ground(stage, x, z, 2)
        k = 1.0 / math.sqrt(1.0 + sx * sx + sz * sz)
        nx, ny, nz = -sx * k, k, -sz * k
    elif kind == PROP:
        nx, ny, nz = prop_normal(stage.props[index], x, y, z, 0.0016 * max(1.0, t * 0.4))
    else:
        nx, ny, nz = normal(stage, x, y, z, found, count, 0.002)
    free = occlusion(stage, x, y, z, nx, ny, nz, found, count) if full else 0.8
    er, eg, eb, sparkle = 0.0, 0.0, 0.0, 0.0
    if kind == GROUND:
        r, g, b, nx, ny, nz, sparkle = ground_surface(world, x, y, z, nx, ny, nz, t)
    elif kind == PROP:
        r, g, b, er, eg, eb = prop_look(world, stage.props[index], x, y, z, nx, ny, nz)
    else:
        r, g, b, glass = wall_look(world, x, y, z)
        if glass > 0.5:
            r, g, b = sky(stage, -0.9, 0.12 + 0.1 * (y - 1.5), 0.3 * z)
            return r * 2.6, g * 2.6, b * 2.6
    sun = shadow(stage, x + nx * 0.03, y + ny * 0.03, z + nz * 0.03, found) if full else 0.7
    light_r, light_g, light_b = lit(world, nx, ny, nz, 0.0, sun, free)
    k = 1.0 + 2.2 * caustics(world, x, z) * max(0.0, ny)
    sparkle *= sun
    return (
        r * light_r * k + er + sparkle * world[layout.SUN_LIGHT],
        g * light_g * k + eg + sparkle * world[layout.SUN_LIGHT + 1],
        b * light_b * k + eb + sparkle * world[layout.SUN_LIGHT + 2],
    )
