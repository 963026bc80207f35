"""Trees, rocks, buildings: one distance each, placed by a row of the props table."""

import math

from heliograph_studio.kernels.layout import (
    BAMBOO,
    BOX,
    BUILDING,
    CACTUS,
    KELP,
    LAMP,
    LEAFY,
    PALM,
    PINE,
    PROP_DEEP,
    PROP_HEIGHT,
    PROP_KIND,
    PROP_RADIUS,
    PROP_SEED,
    PROP_WIDE,
    PROP_X,
    PROP_Y,
    PROP_Z,
    ROCK,
)
from heliograph_studio.kernels.noise import clamp, fract, kernel, noise3
from heliograph_studio.kernels.shapes import blend, box, ellipsoid, limb

PINE_LAYERS = 9.0


@kernel
def pine(x, y, z, height, seed):
    """Tiers of drooping branches; two neighbouring cones are enough at any height."""
    r = math.sqrt(x * x + z * z)
    angle = math.atan2(z, x)
    trunk = max(r - 0.035 * height * (1.0 - y / height), y - height)
    ragged = (
        0.035
        * height
        * (noise3(x * 7.0 / height * 3.0 + seed, y * 2.2, z * 7.0 / height * 3.0) - 0.5)
    )
    tier = (height - y) / height * PINE_LAYERS
    nearest = trunk
    for step in range(3):
        k = clamp(math.floor(tier) - 1.0 + step, 0.0, PINE_LAYERS - 2.0)
        top = height * (1.0 - k / PINE_LAYERS)
        span = height / PINE_LAYERS * (1.55 + 0.05 * k)
        wave = math.sin(angle * (5.0 + k) + seed * 3.0 + k * 2.1) * 0.5 + 0.5
        reach = height * (0.055 + 0.030 * k) * (0.74 + 0.30 * wave)
        along = (top - y) / span
        shell = (r - reach * along**1.25) * 0.62
        hem = (top - span) - y - 0.10 * span * wave + 0.35 * (reach - r) * 0.6
        nearest = min(nearest, max(shell, hem) + ragged)
    return nearest * 0.72


@kernel
def leafy(x, y, z, height, seed):
    """A round tree: a trunk and three lumpy crowns."""
    trunk = limb(
        x, y, z, 0.0, 0.0, 0.0, 0.05 * height, 0.62 * height, 0.0, 0.055 * height, 0.03 * height
    )
    crown = ellipsoid(x, y - 0.70 * height, z, 0.30 * height, 0.26 * height, 0.30 * height)
    ax = 0.20 * height * math.cos(seed)
    az = 0.20 * height * math.sin(seed)
    other = ellipsoid(
        x - ax, y - 0.58 * height, z - az, 0.22 * height, 0.18 * height, 0.22 * height
    )
    third = ellipsoid(
        x + ax, y - 0.60 * height, z + az, 0.21 * height, 0.17 * height, 0.21 * height
    )
    crown = blend(crown, min(other, third), 0.12 * height)
    if crown < 0.35 * height:
        scale = 9.0 / height
        lumps = noise3(x * scale + seed, y * scale, z * scale)
        leaves = noise3(x * scale * 4.0, y * scale * 4.0 + seed, z * scale * 4.0)
        crown += height * (0.10 * (0.5 - lumps) + 0.035 * (0.5 - leaves))
    return min(trunk, crown * 0.7)


@kernel
def rock(x, y, z, height, seed, wide):
    d = ellipsoid(x, y - 0.25 * height, z, wide, 0.75 * height, wide * 0.85)
    if d < 0.5:
        scale = 1.6 / wide
        d += 0.38 * wide * (0.5 - noise3(x * scale + seed, y * scale, z * scale))
        d += 0.12 * wide * (0.5 - noise3(x * scale * 3.1, y * scale * 3.1 + seed, z * scale * 3.1))
    return d * 0.75


@kernel
def building(x, y, z, height, seed, wide, deep):
    """A block with a set-back upper part and a mast on some."""
    d = box(x, y - 0.35 * height, z, wide, 0.35 * height, deep)
    step = 0.70 + 0.18 * fract(seed * 7.3)
    d = min(d, box(x, y - 0.5 * height, z, wide * step, 0.5 * height, deep * step))
    if fract(seed * 3.7) > 0.6:
        d = min(d, box(x, y - 0.55 * height, z, 0.05, 0.62 * height, 0.05))
    return d


@kernel
def elbow(x, y, z, reach, low, bend, tip, thick):
    """An arm that goes out from low to bend and then up to the tip."""
    out = limb(x, y, z, 0.0, low, 0.0, reach, bend, 0.0, thick, thick)
    up = limb(x, y, z, reach, bend, 0.0, reach * 1.05, tip, 0.0, thick, thick * 0.9)
    return min(out, up)


@kernel
def cactus(x, y, z, height, seed):
    """A ribbed column with two arms; heights below are shares of its own."""
    x, y, z = x / height, y / height, z / height
    ribs = 0.012 * math.sin(math.atan2(z, x) * 12.0)
    trunk = limb(x, y, z, 0.0, 0.0, 0.0, 0.0, 0.92, 0.0, 0.085, 0.075)
    c, s = math.cos(seed), math.sin(seed)
    u, w = x * c + z * s, z * c - x * s
    right = elbow(u, y, w, 0.24, 0.42, 0.46, 0.74, 0.05)
    left = elbow(u, y, w, -0.20, 0.30, 0.34, 0.56, 0.045)
    return (blend(trunk, min(right, left), 0.06) + ribs) * 0.8 * height


@kernel
def kelp(x, y, z, height, seed):
    """A ribbon that sways as it rises."""
    sway = 0.22 * math.sin(y * 1.7 + seed) * y / height
    drift = 0.16 * math.sin(y * 1.3 + seed * 2.0) * y / height
    x, z = x - sway, z - drift
    twist = y * 0.9 + seed
    c, s = math.cos(twist), math.sin(twist)
    u, w = x * c + z * s, z * c - x * s
    wide = 0.13 * (0.35 + 0.65 * abs(math.sin(y * 3.2 + seed)))
    return box(u, y - 0.5 * height, w, wide, 0.5 * height, 0.012) * 0.6


@kernel
def palm(x, y, z, height, seed):
    """A leaning trunk and eight hanging leaves, folded into one by angle."""
    lean = 0.16 * height
    bend = lean * (y / height) * (y / height)
    c, s = math.cos(seed), math.sin(seed)
    tx, tz = x - bend * c, z - bend * s
    rings = 0.006 * height * math.sin(y * 42.0 / height)
    r = math.sqrt(tx * tx + tz * tz)
    trunk = max(r - 0.030 * height - rings, max(y - 0.93 * height, -y))
    x, y, z = x - lean * c, y - 0.93 * height, z - lean * s
    r = math.sqrt(x * x + z * z)
    sector = 2.0 * math.pi / 8.0
    angle = math.atan2(z, x) + seed
    k = math.floor(angle / sector + 0.5)
    angle -= k * sector
    side = r * math.sin(angle)
    out = r * math.cos(angle)
    long = height * (0.40 + 0.08 * math.sin(k * 2.3 + seed))
    droop = (
        0.10 * height
        - 0.30 * height * ((out - 0.12 * height) / long) ** 2 * 1.3
        + 0.03 * height * math.sin(k * 4.1)
    )
    wide = (
        0.075
        * height
        * max(0.0, 1.0 - (out / long) ** 2)
        * (0.55 + 0.45 * math.sin(out * 60.0 / height))
    )
    fall = y - droop + abs(side) * 0.55
    leaf = max(max(abs(side) - wide, abs(fall) - 0.010 * height), out - long) * 0.5
    nuts = math.sqrt(x * x + (y + 0.02 * height) ** 2 + z * z) - 0.055 * height
    return min(trunk * 0.9, min(leaf, nuts))


@kernel
def flower(x, y, z, height, seed):
    """A stem with two leaves under a blossom of six petals; heights are shares of its own."""
    x, y, z = x / height, y / height, z / height
    sway = 0.10 * math.sin(seed) * y
    x -= sway
    stem = limb(x, y, z, 0.0, 0.0, 0.0, 0.0, 0.80, 0.0, 0.022, 0.018)
    leaf = ellipsoid(abs(x) - 0.12, y - 0.24 - 0.5 * abs(x), z, 0.13, 0.030, 0.055)
    y, z = y - 0.84, z - 0.05
    # The blossom looks a little toward the camera.
    y, z = 0.82 * y + 0.57 * z, 0.82 * z - 0.57 * y
    angle = math.atan2(z, x)
    petals = 0.145 + 0.055 * math.cos(angle * 6.0 + seed)
    away = math.sqrt(x * x + z * z)
    bloom = max(away - petals, abs(y - 0.45 * away * away - 0.02) - 0.022) * 0.6
    heart = ellipsoid(x, y - 0.03, z, 0.06, 0.045, 0.06)
    return min(min(stem, leaf * 0.7), min(bloom, heart)) * height


@kernel
def lamp(x, y, z, height):
    """A street lamp: a post and a round light."""
    post = limb(x, y, z, 0.0, 0.0, 0.0, 0.0, 0.9 * height, 0.0, 0.06, 0.035)
    foot = limb(x, y, z, 0.0, 0.0, 0.0, 0.0, 0.12 * height, 0.0, 0.10, 0.08)
    bulb = math.sqrt(x * x + (y - 0.95 * height) ** 2 + z * z) - 0.17
    return min(min(post, foot), bulb)


@kernel
def bamboo(x, y, z, height, seed):
    """Three bending canes with knots, and tufts of narrow leaves in the upper half."""
    nearest = 1e3
    for k in range(3):
        turn = seed * 2.3 + 2.1 * k
        c, s = math.cos(turn), math.sin(turn)
        tall = height * (1.0 - 0.13 * k)
        bend = (0.10 + 0.05 * k + 0.20 * (y / tall) * (y / tall)) * 0.10 * height
        ux, uz = x - c * bend, z - s * bend
        r = math.sqrt(ux * ux + uz * uz)
        knot = fract(y / (0.085 * height) + 0.3 * k)
        thick = 0.0125 * height * (1.0 - 0.4 * y / tall) + 0.0035 * height * max(
            0.0, 1.0 - 9.0 * min(knot, 1.0 - knot)
        )
        nearest = min(nearest, max(r - thick, y - tall))
        if y > 0.40 * height:
            # Sprays of leaves: flat blades around the cane, one ring for each second knot.
            ring = fract(y / (0.15 * height) + 0.37 * k + seed)
            fall = (ring - 0.5) * 0.15 * height + 0.55 * r
            blade = math.sin(math.atan2(uz, ux) * 7.0 + 4.0 * math.floor(y / (0.15 * height)) + k)
            reach = 0.135 * height * (0.75 + 0.25 * blade)
            leaf = max(abs(fall - 0.03 * height) - 0.010 * height, r - reach)
            leaf = max(leaf, -(blade + 0.25) * 0.30 * r)
            leaf = max(leaf, y - tall)
            nearest = min(nearest, leaf * 0.55)
    return nearest * 0.8


@kernel
def plant(kind, x, y, z, height, seed):
    if kind == PINE:
        return pine(x, y, z, height, seed)
    if kind == LEAFY:
        return leafy(x, y, z, height, seed)
    if kind == CACTUS:
        return cactus(x, y, z, height, seed)
    if kind == KELP:
        return kelp(x, y, z, height, seed)
    if kind == PALM:
        return palm(x, y, z, height, seed)
    if kind == BAMBOO:
        return bamboo(x, y, z, height, seed)
    return flower(x, y, z, height, seed)


@kernel
def prop_distance(row, x, y, z):
    """Distance to the prop of one row of the table."""
    x, y, z = x - row[PROP_X], y - row[PROP_Y], z - row[PROP_Z]
    height, seed = row[PROP_HEIGHT], row[PROP_SEED]
    outside = math.sqrt(x * x + z * z) - row[PROP_RADIUS]
    above = y - height * 1.25
    if outside > 0.5 or above > 0.5:
        return max(outside, above)
    kind = int(row[PROP_KIND])
    if kind == BUILDING:
        return building(x, y, z, height, seed, row[PROP_WIDE], row[PROP_DEEP])
    if kind == LAMP:
        return lamp(x, y, z, height)
    if kind == BOX:
        return box(x, y - 0.5 * height, z, row[PROP_WIDE], 0.5 * height, row[PROP_DEEP]) - 0.03
    if kind == ROCK:
        return rock(x, y, z, height, seed, row[PROP_WIDE])
    return plant(kind, x, y, z, height, seed)
