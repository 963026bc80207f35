"""The subjects: bodies sampled from a volume, and reliefs from an outline."""

import math

from heliograph_studio.kernels.layout import (
    BODY,
    EYE,
    SKIN,
    THING_CENTRE,
    THING_COS,
    THING_KIND,
    THING_REACH,
    THING_SCALE,
    THING_SIN,
    THING_SLOT,
    THING_X,
    THING_Y,
    THING_Z,
    VOLUME_HALF,
    VOLUME_LOW,
)
from heliograph_studio.kernels.noise import clamp, inlined, kernel
from heliograph_studio.kernels.shapes import ellipsoid


@kernel
def to_local(thing, x, y, z):
    """A point of the world in the thing's own frame and size."""
    x, y, z = x - thing[THING_X], y - thing[THING_Y], z - thing[THING_Z]
    c, s, k = thing[THING_COS], thing[THING_SIN], 1.0 / thing[THING_SCALE]
    return (x * c - z * s) * k, y * k, (x * s + z * c) * k


@inlined
def volume_sample(volume, x, y, z, channel):
    """One channel of a volume between its eight nearest cells."""
    n = volume.shape[0]
    scale = (n - 1) / (2.0 * VOLUME_HALF)
    x = clamp((x + VOLUME_HALF) * scale, 0.0, n - 1.001)
    y = clamp((y - VOLUME_LOW) * scale, 0.0, n - 1.001)
    z = clamp((z + VOLUME_HALF) * scale, 0.0, n - 1.001)
    i, j, k = int(x), int(y), int(z)
    u, v, w = x - i, y - j, z - k
    a = volume[k, j, i, channel] * (1.0 - u) + volume[k, j, i + 1, channel] * u
    b = volume[k, j + 1, i, channel] * (1.0 - u) + volume[k, j + 1, i + 1, channel] * u
    c = volume[k + 1, j, i, channel] * (1.0 - u) + volume[k + 1, j, i + 1, channel] * u
    d = volume[k + 1, j + 1, i, channel] * (1.0 - u) + volume[k + 1, j + 1, i + 1, channel] * u
    return (a * (1.0 - v) + b * v) * (1.0 - w) + (c * (1.0 - v) + d * v) * w


@inlined
def body_distance(stage, slot, x, y, z):
    """Distance to a body and which part of it is nearest."""
    half = VOLUME_HALF * 0.98
    middle = VOLUME_LOW + VOLUME_HALF
    ox = max(abs(x) - half, 0.0)
    oy = max(abs(y - middle) - half, 0.0)
    oz = max(abs(z) - half, 0.0)
    outside = ox * ox + oy * oy + oz * oz
    d = volume_sample(stage.volumes[slot], x, y, z, 0)
    if outside > 0.0:
        return math.sqrt(outside) + max(d, 0.02), SKIN
    part = SKIN
    if d < 0.25:
        for k in range(stage.gloss.shape[1]):
            eye = stage.gloss[slot, k]
            if eye[6] > 0.5:
                e = ellipsoid(x - eye[0], y - eye[1], z - eye[2], eye[3], eye[4], eye[5])
                if e < d:
                    d = e
                    part = EYE if eye[6] < 1.5 else 2
    return d, part


@kernel
def outline_sample(table, u, v, channel):
    """One channel of a table over the unit square, between its four nearest cells."""
    n = table.shape[0]
    x = clamp(u * n - 0.5, 0.0, n - 1.001)
    y = clamp(v * n - 0.5, 0.0, n - 1.001)
    i, j = int(x), int(y)
    a, b = x - i, y - j
    top = table[j, i, channel] * (1.0 - a) + table[j, i + 1, channel] * a
    low = table[j + 1, i, channel] * (1.0 - a) + table[j + 1, i + 1, channel] * a
    return top * (1.0 - b) + low * b


@inlined
def relief_distance(stage, slot, x, y, z):
    """Distance to a cushion over an outline that stands in the plane z = 0."""
    aside = max(abs(x) - 0.5, 0.0)
    beyond = max(abs(y - 0.5) - 0.5, 0.0)
    table = stage.outlines[slot]
    outside = outline_sample(table, x + 0.5, 1.0 - y, 0)
    if aside + beyond > 0.0:
        outside += math.sqrt(aside * aside + beyond * beyond)
    thick = outline_sample(table, x + 0.5, 1.0 - y, 1)
    deep = abs(z)
    if outside > 0.002:
        deep = max(deep - thick, 0.0)
        return math.sqrt(outside * outside + deep * deep) * 0.92
    return (deep - thick) * 0.60


@kernel
def thing_distance(stage, index, x, y, z):
    """Distance in metres to a subject and the part of it that is nearest."""
    thing = stage.things[index]
    cx, cy, cz = x - thing[THING_X], y - thing[THING_Y] - thing[THING_CENTRE], z - thing[THING_Z]
    away = math.sqrt(cx * cx + cy * cy + cz * cz) - thing[THING_REACH]
    if away > 0.4:
        return away, SKIN
    x, y, z = to_local(thing, x, y, z)
    scale = thing[THING_SCALE]
    slot = int(thing[THING_SLOT])
    if thing[THING_KIND] == BODY:
        d, part = body_distance(stage, slot, x, y, z)
        return d * scale, part
    return relief_distance(stage, slot, x, y, z) * scale, SKIN


@kernel
def thing_colour(stage, index, x, y, z):
    """Colour of a subject near a point of its surface, in linear light."""
    thing = stage.things[index]
    x, y, z = to_local(thing, x, y, z)
    slot = int(thing[THING_SLOT])
    if thing[THING_KIND] == BODY:
        volume = stage.volumes[slot]
        return (
            volume_sample(volume, x, y, z, 1),
            volume_sample(volume, x, y, z, 2),
            volume_sample(volume, x, y, z, 3),
        )
    paint = stage.paints[slot]
    u, v = x + 0.5, 1.0 - y
    return (
        outline_sample(paint, u, v, 0),
        outline_sample(paint, u, v, 1),
        outline_sample(paint, u, v, 2),
    )
