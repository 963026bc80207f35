"""Noise on whole-number lattices, from a hash: the same on every machine."""

import math

from numba import njit

# Without Python's errors for a division by zero the code is smaller, and quicker to compile.
kernel = njit(cache=True, fastmath=True, nogil=True, error_model="numpy", _nrt=False)
# For what is called from the innermost loops: handing the stage over costs more than the work.
inlined = njit(
    cache=True, fastmath=True, nogil=True, error_model="numpy", inline="always", _nrt=False
)


@kernel
def fract(x):
    return x - math.floor(x)


@kernel
def clamp(x, low, high):
    return min(high, max(low, x))


@kernel
def smooth(low, high, x):
    """0 below low, 1 above high, a soft ramp between."""
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


@kernel
def mixed(n):
    n = ((n ^ (n >> 13)) * 1103515245) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) * (1.0 / 65535.0)


@kernel
def hash3(x, y, z):
    """A number in 0..1 for a lattice point."""
    return mixed((int(x) * 374761393 + int(y) * 668265263 + int(z) * 1274126177) & 0xFFFFFFFF)


@kernel
def noise3(x, y, z):
    """Smooth noise in 0..1, about one bump a unit."""
    fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = x - fx, y - fy, z - fz
    u = u * u * (3.0 - 2.0 * u)
    v = v * v * (3.0 - 2.0 * v)
    w = w * w * (3.0 - 2.0 * w)
    x0 = int(fx) * 374761393
    y0 = int(fy) * 668265263
    z0 = int(fz) * 1274126177
    x1, y1, z1 = x0 + 374761393, y0 + 668265263, z0 + 1274126177
    a = mixed((x0 + y0 + z0) & 0xFFFFFFFF)
    b = mixed((x1 + y0 + z0) & 0xFFFFFFFF)
    c = mixed((x0 + y1 + z0) & 0xFFFFFFFF)
    d = mixed((x1 + y1 + z0) & 0xFFFFFFFF)
    e = mixed((x0 + y0 + z1) & 0xFFFFFFFF)
    f = mixed((x1 + y0 + z1) & 0xFFFFFFFF)
    g = mixed((x0 + y1 + z1) & 0xFFFFFFFF)
    h = mixed((x1 + y1 + z1) & 0xFFFFFFFF)
    low = (a + (b - a) * u) * (1.0 - v) + (c + (d - c) * u) * v
    high = (e + (f - e) * u) * (1.0 - v) + (g + (h - g) * u) * v
    return low + (high - low) * w


@kernel
def noise2(x, y):
    """The same in a plane, at half the cost."""
    fx, fy = math.floor(x), math.floor(y)
    u, v = x - fx, y - fy
    u = u * u * (3.0 - 2.0 * u)
    v = v * v * (3.0 - 2.0 * v)
    x0 = int(fx) * 374761393
    y0 = int(fy) * 668265263
    x1, y1 = x0 + 374761393, y0 + 668265263
    a = mixed((x0 + y0) & 0xFFFFFFFF)
    b = mixed((x1 + y0) & 0xFFFFFFFF)
    c = mixed((x0 + y1) & 0xFFFFFFFF)
    d = mixed((x1 + y1) & 0xFFFFFFFF)
    return (a + (b - a) * u) * (1.0 - v) + (c + (d - c) * u) * v


@kernel
def fractal2(x, y, octaves):
    """Noise of several scales in a plane, in 0..1."""
    total, weight = 0.0, 0.5
    for _ in range(octaves):
        total += weight * noise2(x, y)
        x, y = x * 2.03 + 1.7, y * 2.01 + 9.2
        weight *= 0.5
    return total


@kernel
def fractal3(x, y, z, octaves):
    """Noise of several scales in space, in 0..1."""
    total, weight = 0.0, 0.5
    for _ in range(octaves):
        total += weight * noise3(x, y, z)
        x, y, z = x * 2.03 + 1.7, y * 2.01 + 9.2, z * 2.02 + 3.1
        weight *= 0.5
    return total


@kernel
def fill_fractal(values, x0, y0, step, octaves):
    """Fill a table with fractal2 over a regular grid: rows along y, columns along x."""
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            values[row, column] = fractal2(x0 + column * step, y0 + row * step, octaves)
