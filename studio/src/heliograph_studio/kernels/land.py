"""The ground: heights and slopes read from two tables."""

from heliograph_studio.kernels.layout import FAR_REACH, NEAR_REACH
from heliograph_studio.kernels.noise import inlined


@inlined
def table_sample(table, x, z, reach, channel):
    n = table.shape[0]
    scale = (n - 1) / (2.0 * reach)
    x = min(n - 1.001, max(0.0, (x + reach) * scale))
    z = min(n - 1.001, max(0.0, (z + reach) * scale))
    i, j = int(x), int(z)
    u, v = x - i, z - j
    a = table[j, i, channel] * (1.0 - u) + table[j, i + 1, channel] * u
    b = table[j + 1, i, channel] * (1.0 - u) + table[j + 1, i + 1, channel] * u
    return a * (1.0 - v) + b * v


@inlined
def ground(stage, x, z, channel):
    """Height of the ground at a place (channel 0) or its slope along x (1) or z (2)."""
    if abs(x) < NEAR_REACH and abs(z) < NEAR_REACH:
        return table_sample(stage.near, x, z, NEAR_REACH, channel)
    return table_sample(stage.far, x, z, FAR_REACH, channel)
