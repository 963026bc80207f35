"""Walking along rays: what is met, what shades, which way a surface faces."""

import math

from heliograph_studio.kernels import layout
from heliograph_studio.kernels.land import ground
from heliograph_studio.kernels.layout import (
    GROUND,
    HAS_GROUND,
    HIGHEST,
    MISS,
    PROP,
    PROP_HEIGHT,
    PROP_RADIUS,
    PROP_X,
    PROP_Y,
    PROP_Z,
    ROOM,
    ROOM_BACK,
    ROOM_TOP,
    ROOM_X,
    SUN,
    THING,
    THING_CENTRE,
    THING_FUR,
    THING_REACH,
    THING_X,
    THING_Y,
    THING_Z,
    WALL,
)
from heliograph_studio.kernels.noise import inlined, kernel
from heliograph_studio.kernels.props import prop_distance
from heliograph_studio.kernels.things import thing_distance

# In a list of candidates subjects are counted from here.
THINGS_FROM = 1000
SHADOW_REACH = 11.0


@kernel
def gather_ray(stage, ox, oy, oz, dx, dy, dz, margin, found):
    """List the props and subjects that a ray may pass within margin; gives their number."""
    count = 0
    flat = dx * dx + dz * dz + 1e-9
    for i in range(stage.props.shape[0]):
        row = stage.props[i]
        px, pz = row[PROP_X] - ox, row[PROP_Z] - oz
        along = (px * dx + pz * dz) / flat
        reach = row[PROP_RADIUS] + margin
        if along * math.sqrt(flat) > -reach:
            off_x, off_z = px - along * dx, pz - along * dz
            if off_x * off_x + off_z * off_z < reach * reach or flat < 1e-4:
                found[count] = i
                count += 1
    for i in range(stage.things.shape[0]):
        row = stage.things[i]
        px, py, pz = row[THING_X] - ox, row[THING_Y] + row[THING_CENTRE] - oy, row[THING_Z] - oz
        along = max(0.0, px * dx + py * dy + pz * dz)
        px, py, pz = px - along * dx, py - along * dy, pz - along * dz
        reach = row[THING_REACH] + margin
        if px * px + py * py + pz * pz < reach * reach:
            found[count] = THINGS_FROM + i
            count += 1
    return count


@kernel
def gather_near(stage, x, y, z, margin, found):
    """List what lies within margin of a point; gives the number."""
    count = 0
    for i in range(stage.props.shape[0]):
        row = stage.props[i]
        px, pz = row[PROP_X] - x, row[PROP_Z] - z
        reach = row[PROP_RADIUS] + margin
        if px * px + pz * pz < reach * reach:
            found[count] = i
            count += 1
    for i in range(stage.things.shape[0]):
        row = stage.things[i]
        px, py, pz = row[THING_X] - x, row[THING_Y] + row[THING_CENTRE] - y, row[THING_Z] - z
        reach = row[THING_REACH] + margin
        if px * px + py * py + pz * pz < reach * reach:
            found[count] = THINGS_FROM + i
            count += 1
    return count


@inlined
def nearest(stage, x, y, z, found, count):
    """Distance to the nearest thing at all, its kind and its row."""
    world = stage.world
    d, kind, index = 1e3, MISS, 0
    if world[HAS_GROUND] > 0.5:
        d = (y - ground(stage, x, z, 0)) * 0.70
        kind = GROUND
    if world[ROOM] > 0.5:
        walls = min(world[ROOM_X] - abs(x), min(z + world[ROOM_BACK], world[ROOM_TOP] - y))
        if walls < d:
            d, kind = walls, WALL
    for k in range(count):
        i = found[k]
        if i < THINGS_FROM:
            row = stage.props[i]
            # A prop whose cylinder is farther than what was found cannot be nearer.
            off_x, off_z, reach = x - row[PROP_X], z - row[PROP_Z], row[PROP_RADIUS] + d
            if off_x * off_x + off_z * off_z < reach * reach:
                other = prop_distance(row, x, y, z)
                if other < d:
                    d, kind, index = other, PROP, i
        else:
            other, _ = thing_distance(stage, i - THINGS_FROM, x, y, z)
            if other < d:
                d, kind, index = other, THING, i - THINGS_FROM
    return d, kind, index


@kernel
def ceiling(stage, found, count):
    """A height above which a rising ray meets nothing more."""
    top = stage.world[HIGHEST]
    for k in range(count):
        i = found[k]
        if i < THINGS_FROM:
            top = max(top, stage.props[i, PROP_Y] + 1.26 * stage.props[i, PROP_HEIGHT])
        else:
            row = stage.things[i - THINGS_FROM]
            top = max(top, row[THING_Y] + row[THING_CENTRE] + row[THING_REACH])
    return top


@kernel
def march(stage, ox, oy, oz, dx, dy, dz, found, count, start, steps):
    """Go along a ray until it meets something: (kind, row, distance).

    A furry subject counts as met where its fur begins. `steps` is no whole number because numba
    compiles anew for every whole constant.
    """
    t = start
    highest = ceiling(stage, found, count)
    room = stage.world[ROOM] > 0.5
    for _ in range(int(steps)):
        x, y, z = ox + dx * t, oy + dy * t, oz + dz * t
        d, kind, index = nearest(stage, x, y, z, found, count)
        if kind == THING:
            d -= stage.things[index, THING_FUR]
        if d < 0.0009 * t:
            return kind, index, t
        t += max(d * 0.92, 0.0006 * t)
        if t > layout.FAR_PLANE or (dy > 0.0 and y > highest and not room):
            return MISS, 0, layout.FAR_PLANE
    return kind if d < 0.02 * t else MISS, index, t


@kernel
def normal(stage, x, y, z, found, count, e):
    """Which way the surface faces here, from four distances on a tetrahedron."""
    nx, ny, nz = 0.0, 0.0, 0.0
    for corner in range(4):
        sx = 1.0 if corner in (0, 3) else -1.0
        sy = 1.0 if corner > 1 else -1.0
        sz = 1.0 if corner in (1, 3) else -1.0
        d, _, _ = nearest(stage, x + sx * e, y + sy * e, z + sz * e, found, count)
        nx, ny, nz = nx + sx * d, ny + sy * d, nz + sz * d
    k = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-18)
    return nx * k, ny * k, nz * k


@kernel
def prop_normal(row, x, y, z, e):
    """The same for one prop alone."""
    a = prop_distance(row, x + e, y - e, z - e)
    b = prop_distance(row, x - e, y - e, z + e)
    c = prop_distance(row, x - e, y + e, z - e)
    d = prop_distance(row, x + e, y + e, z + e)
    nx, ny, nz = a - b - c + d, -a - b + c + d, -a + b - c + d
    k = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-18)
    return nx * k, ny * k, nz * k


@kernel
def thing_normal(stage, index, x, y, z, e):
    """The same for one subject alone."""
    a, _ = thing_distance(stage, index, x + e, y - e, z - e)
    b, _ = thing_distance(stage, index, x - e, y - e, z + e)
    c, _ = thing_distance(stage, index, x - e, y + e, z - e)
    d, _ = thing_distance(stage, index, x + e, y + e, z + e)
    nx, ny, nz = a - b - c + d, -a - b + c + d, -a + b - c + d
    k = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-18)
    return nx * k, ny * k, nz * k


@kernel
def window_light(stage, x, y, z):
    """Sun through the window of the left wall of a room: 1 in its light, 0 beside it."""
    world = stage.world
    t = (world[ROOM_X] + x) / max(1e-3, -world[SUN])
    wy, wz = y + world[SUN + 1] * t, z + world[SUN + 2] * t
    inside = min(min(wy - 0.9, 3.5 - wy), min(wz + 2.3, 2.2 - wz))
    bars = min(abs(wy - 2.2), abs(wz + 0.05)) - 0.05
    soft = min(inside, bars) / (0.02 + 0.02 * t)
    return min(1.0, max(0.0, soft + 0.5))


@kernel
def shadow(stage, x, y, z, found):
    """How much of the sun arrives: 1 all, 0 none."""
    world = stage.world
    lx, ly, lz = world[SUN], world[SUN + 1], world[SUN + 2]
    light = 1.0
    if world[ROOM] > 0.5:
        light = window_light(stage, x, y, z)
        if light < 0.01:
            return 0.0
    count = gather_ray(stage, x, y, z, lx, ly, lz, 0.35, found)
    t = 0.05
    for _ in range(30):
        px, py, pz = x + lx * t, y + ly * t, z + lz * t
        d = 1e3
        if world[HAS_GROUND] > 0.5:
            d = (py - ground(stage, px, pz, 0)) * 0.8
        for k in range(count):
            i = found[k]
            if i < THINGS_FROM:
                row = stage.props[i]
                off_x, off_z, reach = px - row[PROP_X], pz - row[PROP_Z], row[PROP_RADIUS] + d
                if off_x * off_x + off_z * off_z < reach * reach:
                    d = min(d, prop_distance(row, px, py, pz))
            else:
                other, _ = thing_distance(stage, i - THINGS_FROM, px, py, pz)
                d = min(d, other)
        light = min(light, 8.0 * d / t + 0.02)
        if light < 0.01:
            return 0.0
        t += min(0.7, max(0.05, d))
        if t > SHADOW_REACH:
            break
    return light * light * (3.0 - 2.0 * light)


@kernel
def occlusion(stage, x, y, z, nx, ny, nz, found, count):
    """Ambient light that arrives: free space along the normal."""
    missing, weight = 0.0, 1.0
    for i in range(4):
        h = 0.03 + 0.15 * i
        d, _, _ = nearest(stage, x + nx * h, y + ny * h, z + nz * h, found, count)
        missing += max(0.0, h - d) * weight
        weight *= 0.72
    return min(1.0, max(0.14, 1.0 - 1.15 * missing))
