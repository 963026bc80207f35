"""The sky in a direction: gradient, sun or moon, clouds, stars, nebula, planet."""

import math

from heliograph_studio.kernels.layout import (
    CLOUDS,
    DISC,
    HORIZON,
    MOON,
    NEBULA,
    PLANET,
    PLANET_COLOUR,
    SKY_SEED,
    STARS,
    SUN,
    SUN_DISC,
    SUN_LIGHT,
    ZENITH,
)
from heliograph_studio.kernels.noise import clamp, fractal2, fractal3, hash3, kernel, noise3, smooth


@kernel
def stars(world, dx, dy, dz):
    """Points of light on a fine lattice of directions."""
    light = 0.0
    for k in range(2):
        scale = 95.0 + 85.0 * k
        ix, iy, iz = math.floor(dx * scale), math.floor(dy * scale), math.floor(dz * scale)
        dice = hash3(ix + world[SKY_SEED], iy, iz + 7 * k)
        if dice > 0.984:
            cx = ix + 0.3 + 0.4 * hash3(ix, iy, iz + 11) - dx * scale
            cy = iy + 0.3 + 0.4 * hash3(ix, iy, iz + 12) - dy * scale
            cz = iz + 0.3 + 0.4 * hash3(ix, iy, iz + 13) - dz * scale
            near = cx * cx + cy * cy + cz * cz
            light += (dice - 0.984) * 62.0 * math.exp(-near * 9.0)
    return light


@kernel
def nebula(world, dx, dy, dz):
    """Coloured gas, dark between."""
    s = world[SKY_SEED] * 0.13
    bend = noise3(dx * 2.1 + s, dy * 2.1, dz * 2.1)
    a = fractal3(dx * 2.6 + bend, dy * 2.6 + s, dz * 2.6, 5)
    b = fractal3(dx * 3.4 - s, dy * 3.4 + bend, dz * 3.4 + 5.0, 4)
    glow = smooth(0.42, 0.85, a) * world[NEBULA]
    hue = smooth(0.30, 0.62, b)
    core = glow * glow * 1.4
    return (
        glow * (0.15 + 0.75 * hue) + core,
        glow * (0.16 + 0.14 * (1.0 - hue)) + core * 0.75,
        glow * (0.75 - 0.25 * hue) + core * 0.9,
    )


@kernel
def planet(world, dx, dy, dz):
    """A banded planet low in the sky: (covers, r, g, b)."""
    cx, cy, cz = 0.46, 0.30, -0.84
    radius = world[PLANET]
    along = dx * cx + dy * cy + dz * cz
    ox, oy = dx / max(along, 1e-3) - cx, dy / max(along, 1e-3) - cy
    away = math.sqrt(ox * ox + oy * oy) / radius
    if along <= 0.0 or away > 1.0:
        halo = math.exp(-max(0.0, away - 1.0) * 14.0) * 0.22 if along > 0.0 else 0.0
        return (
            0.0,
            halo * world[PLANET_COLOUR],
            halo * world[PLANET_COLOUR + 1],
            halo * world[PLANET_COLOUR + 2],
        )
    nx, ny = ox / radius, oy / radius
    nz = math.sqrt(max(0.0, 1.0 - away * away))
    bands = fractal2(nx * 1.2 + world[SKY_SEED], (ny + 0.25 * nx) * 7.0, 4)
    lit = smooth(-0.15, 0.7, nx * world[SUN] + ny * world[SUN + 1] + nz * 0.35)
    k = (0.35 + 0.95 * bands) * lit
    edge = smooth(1.0, 0.985, away)
    return (
        edge,
        k * world[PLANET_COLOUR],
        k * world[PLANET_COLOUR + 1],
        k * world[PLANET_COLOUR + 2],
    )


@kernel
def clouds(world, dx, dy, dz):
    """Cover of cloud and how thick it is, on a flat layer overhead."""
    high = max(dy, 0.0) + 0.10
    u = dx / high * 0.85 + world[SKY_SEED]
    v = dz / high * 0.85
    bend = fractal2(u * 0.6, v * 0.6 + 3.0, 3)
    c = fractal2(u + bend, v + bend * 0.7, 5)
    cover = world[CLOUDS]
    body = smooth(0.62 - 0.42 * cover, 0.86 - 0.36 * cover, c)
    return body * smooth(-0.02, 0.12, dy), smooth(0.50 - 0.3 * cover, 0.95 - 0.2 * cover, c)


@kernel
def sky(stage, dx, dy, dz):
    """Light from a direction, in linear r, g, b."""
    world = stage.world
    up = 1.0 - (1.0 - clamp(dy, 0.0, 1.0)) ** 2.6
    r = world[HORIZON] + (world[ZENITH] - world[HORIZON]) * up
    g = world[HORIZON + 1] + (world[ZENITH + 1] - world[HORIZON + 1]) * up
    b = world[HORIZON + 2] + (world[ZENITH + 2] - world[HORIZON + 2]) * up
    toward = max(0.0, dx * world[DISC] + dy * world[DISC + 1] + dz * world[DISC + 2])
    glow = 0.14 * toward**5 + 0.30 * toward**48
    disc = smooth(0.9990, 0.9994, toward) * world[SUN_DISC]
    if world[MOON] > 0.5:
        glow = 0.10 * toward**14 + 0.35 * toward**220
        disc = smooth(0.99835, 0.99865, toward) * world[SUN_DISC]
        disc *= 0.72 + 0.5 * noise3(dx * 60.0, dy * 60.0, dz * 60.0)
    covered = 0.0
    if world[STARS] > 0.0:
        light = stars(world, dx, dy, dz) * world[STARS]
        r, g, b = r + light, g + light, b + light * 1.08
    if world[NEBULA] > 0.0:
        nr, ng, nb = nebula(world, dx, dy, dz)
        r, g, b = r + nr, g + ng, b + nb
    if world[PLANET] > 0.0:
        covered, pr, pg, pb = planet(world, dx, dy, dz)
        r, g, b = r * (1.0 - covered) + pr, g * (1.0 - covered) + pg, b * (1.0 - covered) + pb
    if world[CLOUDS] > 0.0 and dy > -0.02:
        body, thick = clouds(world, dx, dy, dz)
        lit = 0.45 + 0.30 * toward + 0.85 * toward**6
        shade = 1.0 - 0.30 * thick
        k = body * 0.9
        bright = 0.34 - 0.24 * world[MOON]
        r = r * (1.0 - k) + k * (world[HORIZON] * 0.62 + world[SUN_LIGHT] * bright * lit) * shade
        g = (
            g * (1.0 - k)
            + k * (world[HORIZON + 1] * 0.62 + world[SUN_LIGHT + 1] * bright * lit) * shade
        )
        b = (
            b * (1.0 - k)
            + k * (world[HORIZON + 2] * 0.68 + world[SUN_LIGHT + 2] * bright * lit) * shade
        )
        covered = max(covered, k)
    k = glow + disc * (1.0 - covered)
    return r + k * world[SUN_LIGHT], g + k * world[SUN_LIGHT + 1], b + k * world[SUN_LIGHT + 2]
