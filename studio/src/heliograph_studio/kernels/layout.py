"""Where a number stands in the tables that feed the kernels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Stage(NamedTuple):
    """All tables of one picture; distances in metres, colours in linear light."""

    world: NDArray[np.float64]  # [WORLD_LENGTH], see the indices below
    near: Array  # [n, n, 3] height and its two slopes, within NEAR_REACH of the origin
    far: Array  # [n, n, 3] the same, coarser, within FAR_REACH
    props: NDArray[np.float64]  # [count, PROP_LENGTH] trees, rocks, buildings ...
    things: NDArray[np.float64]  # [count, THING_LENGTH] the subjects
    volumes: Array  # [slot, z, y, x, 4] distance and colour of a body
    gloss: NDArray[np.float64]  # [slot, count, GLOSS_LENGTH] eyes and noses of a body
    outlines: Array  # [slot, y, x, 2] distance outside and half thickness of a relief
    paints: Array  # [slot, y, x, 5] colour and the slopes of fine detail of a relief


NEAR_REACH = 8.0
FAR_REACH = 72.0
FAR_PLANE = 95.0

# What a ray can meet.
MISS, GROUND, PROP, THING, WATER, WALL = 0, 1, 2, 3, 4, 5
# In a table of what each ray met a subject's row stands above these bits.
KIND_BITS = 3

# world: three numbers each for directions and colours
SUN, SUN_LIGHT, ZENITH, HORIZON, FOG, SKY_LIGHT = 0, 3, 6, 9, 12, 15
GROUND_A, GROUND_B, WATER_COLOUR, WALL_COLOUR, SNOW_COLOUR, BOUNCE = 18, 21, 24, 27, 30, 33
FOG_DENSITY, FOG_START, CLOUDS, STARS, NEBULA, MOON = 36, 37, 38, 39, 40, 41
GROUND_KIND, WATER_LEVEL, SNOW, WET, CAUSTICS, HAS_GROUND = 42, 43, 44, 45, 46, 47
ROOM, ROOM_X, ROOM_BACK, ROOM_TOP, WINDOWS, SKY_SEED = 48, 49, 50, 51, 52, 53
HIGHEST, SUN_DISC, PLANET, WAVES, BUMP = 54, 55, 56, 57, 58
PLANET_COLOUR = 59
# where the sun or moon is seen; the light may come from more to the side, as on a film set
DISC = 62
# half the breadth of a road from left to right, 0 for none; share of coloured signs in a city
ROAD, NEON = 65, 66
WORLD_LENGTH = 67

# kinds of ground
SNOWFIELD, GRASS, SAND, STONE, EARTH, PAVING, BOARDS, MOON_DUST = 0, 1, 2, 3, 4, 5, 6, 7

# props: kind, place, height, seed, radius of the bounding cylinder, two sizes, colour
PROP_KIND, PROP_X, PROP_Y, PROP_Z, PROP_HEIGHT, PROP_SEED, PROP_RADIUS = 0, 1, 2, 3, 4, 5, 6
PROP_WIDE, PROP_DEEP, PROP_COLOUR = 7, 8, 9
PROP_LENGTH = 12
PINE, LEAFY, ROCK, BUILDING, CACTUS, KELP, PALM, BOX, FLOWER, LAMP, BAMBOO = range(11)

# things: the subjects
THING_KIND, THING_SLOT, THING_X, THING_Y, THING_Z, THING_SCALE, THING_COS, THING_SIN = range(8)
THING_FUR, THING_REACH, THING_CENTRE, THING_DUST, THING_SHINE, THING_GLOW, THING_SEED = range(8, 15)
THING_LENGTH = 16
BODY, RELIEF = 1, 2

# volumes: a cube around a body whose feet are at height 0
VOLUME_HALF = 1.55
VOLUME_LOW = -0.15

GLOSS_LENGTH = 7  # centre, radii, part
SKIN, EYE, NOSE = 0, 1, 2

# camera: origin, forward, right, up, focal length in units of the shorter half side
CAMERA_ORIGIN, CAMERA_FORWARD, CAMERA_RIGHT, CAMERA_UP, CAMERA_FOCAL = 0, 3, 6, 9, 12
CAMERA_LENGTH = 13
