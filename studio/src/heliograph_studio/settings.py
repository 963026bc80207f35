"""What each setting is made of: ground, water, plants and blocks."""

from dataclasses import dataclass, replace

from heliograph_studio.kernels import layout
from heliograph_studio.scene import Scene

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Planting:
    """Some props of one kind: how many, how tall, where, and their colour."""

    kind: int
    count: int
    low: float
    high: float
    colour: Colour
    nearest: float = 3.4
    farthest: float = 26.0
    spread: float = 1.25
    wide: float = 0.0
    aside: float = 1.9


@dataclass(frozen=True)
class Setting:
    """One place. `terrain` names a shape of the land in terrain.py."""

    terrain: str
    ground: int
    ground_a: Colour
    ground_b: Colour
    plantings: tuple[Planting, ...] = ()
    bump: float = 0.2
    fog_density: float = 0.022
    fog_start: float = 6.0
    water_level: float = -99.0
    water: Colour = (0.02, 0.10, 0.14)
    waves: float = 1.0
    bounce: Colour = (0.10, 0.10, 0.10)
    has_ground: bool = True
    floats: bool = False


PINE_GREEN = (0.045, 0.085, 0.050)
LEAF_GREEN = (0.095, 0.190, 0.035)
BLOSSOMS = (
    (0.72, 0.06, 0.07),
    (0.80, 0.52, 0.04),
    (0.70, 0.22, 0.42),
    (0.34, 0.10, 0.55),
    (0.80, 0.78, 0.72),
)
ROCK_GRAY = (0.25, 0.24, 0.23)

SETTINGS = {
    "snow": Setting("drifts", layout.SNOWFIELD, (0.84, 0.87, 0.92), (0.78, 0.83, 0.92), (
        Planting(layout.PINE, 26, 3.2, 6.8, PINE_GREEN, nearest=3.6, farthest=30.0),
        Planting(layout.ROCK, 4, 0.3, 0.8, ROCK_GRAY, wide=0.7, nearest=2.5, farthest=12),
    ), bump=0.22, fog_density=0.050, fog_start=5.0, bounce=(0.17, 0.18, 0.20)),
    "forest": Setting("woods", layout.EARTH, (0.085, 0.060, 0.034), (0.075, 0.115, 0.028), (
        Planting(layout.LEAFY, 20, 4.0, 7.5, LEAF_GREEN, nearest=4.2, farthest=26, spread=1.1, aside=1.3),
        Planting(layout.PINE, 34, 4.5, 10.0, (0.040, 0.085, 0.036), nearest=5.0, farthest=34, spread=1.1, aside=0.9),
        Planting(layout.ROCK, 6, 0.3, 0.7, (0.17, 0.19, 0.13), wide=0.6, nearest=1.0, farthest=10),
    ), bump=0.35, fog_density=0.040, fog_start=6.0, bounce=(0.05, 0.07, 0.03)),
    "bamboo": Setting("woods", layout.EARTH, (0.100, 0.080, 0.040), (0.085, 0.120, 0.030), (
        Planting(layout.BAMBOO, 44, 5.5, 8.5, (0.150, 0.240, 0.045), nearest=3.6, farthest=22, spread=1.0, aside=0.7),
        Planting(layout.BAMBOO, 26, 5.0, 8.0, (0.210, 0.260, 0.070), nearest=6.0, farthest=26, spread=1.0, aside=0.5),
        Planting(layout.ROCK, 5, 0.3, 0.7, (0.17, 0.19, 0.13), wide=0.6, nearest=1.0, farthest=10),
    ), bump=0.35, fog_density=0.045, fog_start=5.0, bounce=(0.06, 0.09, 0.03)),
    "beach": Setting("shore", layout.SAND, (0.70, 0.54, 0.36), (0.62, 0.46, 0.29), (
        Planting(layout.PALM, 7, 4.2, 6.4, (0.085, 0.21, 0.035), nearest=2.2, farthest=7.0, aside=3.0, spread=0.95),
        Planting(layout.ROCK, 7, 0.3, 0.9, (0.23, 0.20, 0.17), wide=0.8, nearest=3.0, farthest=13.0, aside=2.6),
    ), bump=0.20, fog_density=0.010, fog_start=14.0, water_level=0.0, water=(0.015, 0.19, 0.22), bounce=(0.17, 0.13, 0.09)),
    "ocean": Setting("deep", layout.SAND, (0.60, 0.48, 0.33), (0.50, 0.40, 0.28), (), bump=0.2, fog_density=0.011,
        fog_start=14.0, water_level=0.0, water=(0.010, 0.085, 0.125), waves=1.7, bounce=(0.06, 0.10, 0.13)),
    "desert": Setting("dunes", layout.SAND, (0.74, 0.47, 0.22), (0.64, 0.36, 0.15), (
        Planting(layout.CACTUS, 8, 1.4, 3.2, (0.10, 0.20, 0.065), nearest=3.2, farthest=18, aside=2.4),
        Planting(layout.ROCK, 8, 0.4, 1.3, (0.42, 0.24, 0.13), wide=0.9, nearest=3.5, farthest=24),
    ), bump=0.30, fog_density=0.014, fog_start=10.0, bounce=(0.18, 0.11, 0.06)),
    "mountain": Setting("peaks", layout.STONE, (0.20, 0.19, 0.185), (0.125, 0.150, 0.055), (
        Planting(layout.PINE, 20, 2.2, 4.6, PINE_GREEN, nearest=5.0, farthest=26, aside=2.6),
        Planting(layout.ROCK, 9, 0.4, 1.4, ROCK_GRAY, wide=1.0, nearest=2.4, farthest=16, aside=2.0),
    ), bump=0.30, fog_density=0.014, fog_start=9.0, bounce=(0.09, 0.09, 0.08)),
    "city": Setting("flat", layout.PAVING, (0.20, 0.20, 0.21), (0.27, 0.26, 0.25), (
        Planting(layout.BUILDING, 36, 6.0, 19.0, (0.27, 0.26, 0.27), nearest=11.0, farthest=52, wide=2.4, aside=4.8, spread=1.15),
        Planting(layout.LAMP, 6, 3.1, 3.1, (0.03, 0.03, 0.03), nearest=2.0, farthest=13, aside=2.8, spread=0.8),
        Planting(layout.LEAFY, 4, 2.8, 3.8, LEAF_GREEN, nearest=2.0, farthest=10, aside=3.3, spread=0.9),
    ), bump=0.12, fog_density=0.020, fog_start=9.0, bounce=(0.09, 0.09, 0.10)),
    "space": Setting("craters", layout.MOON_DUST, (0.22, 0.21, 0.21), (0.34, 0.33, 0.32), (
        Planting(layout.ROCK, 12, 0.2, 0.9, (0.26, 0.25, 0.25), wide=0.8, nearest=2.0, farthest=20),
    ), bump=0.40, fog_density=0.0, bounce=(0.05, 0.05, 0.06), floats=True),
    "underwater": Setting("seabed", layout.SAND, (0.46, 0.46, 0.36), (0.34, 0.38, 0.30), (
        Planting(layout.KELP, 34, 2.0, 5.2, (0.085, 0.21, 0.045), nearest=1.6, farthest=14, aside=1.5),
        Planting(layout.ROCK, 12, 0.4, 1.5, (0.44, 0.20, 0.22), wide=0.7, nearest=1.5, farthest=12),
        Planting(layout.CACTUS, 10, 0.5, 1.2, (0.62, 0.20, 0.12), nearest=1.2, farthest=9, aside=1.4),
    ), bump=0.25, fog_density=0.075, fog_start=3.4, bounce=(0.06, 0.14, 0.16), floats=True),
    "meadow": Setting("hills", layout.GRASS, (0.115, 0.225, 0.030), (0.205, 0.265, 0.050), (
        Planting(layout.LEAFY, 11, 3.4, 5.6, LEAF_GREEN, nearest=6.0, farthest=34, aside=2.4),
        Planting(layout.ROCK, 3, 0.2, 0.5, ROCK_GRAY, wide=0.5, nearest=1.5, farthest=8),
    ), bump=0.45, fog_density=0.013, fog_start=9.0, bounce=(0.07, 0.10, 0.03)),
    "garden": Setting("hills", layout.GRASS, (0.115, 0.225, 0.030), (0.205, 0.265, 0.050), (
        *(Planting(layout.FLOWER, 24, 0.45, 0.95, colour, nearest=0.9, farthest=12, aside=0.9, spread=0.8) for colour in BLOSSOMS),
        Planting(layout.LEAFY, 7, 3.0, 4.4, (0.66, 0.27, 0.38), nearest=6.0, farthest=20, aside=2.4),
        Planting(layout.LEAFY, 8, 3.2, 5.0, LEAF_GREEN, nearest=9.0, farthest=30, aside=2.4),
        Planting(layout.LEAFY, 14, 0.8, 1.3, (0.075, 0.150, 0.030), nearest=5.0, farthest=14, aside=2.2),
    ), bump=0.45, fog_density=0.016, fog_start=8.0, bounce=(0.07, 0.10, 0.03)),
    "lake": Setting("tarn", layout.GRASS, (0.105, 0.185, 0.035), (0.165, 0.205, 0.055), (
        Planting(layout.PINE, 30, 3.0, 7.5, PINE_GREEN, nearest=24.0, farthest=46, spread=1.3, aside=0.2),
        Planting(layout.LEAFY, 4, 3.0, 4.6, LEAF_GREEN, nearest=2.0, farthest=4.5, aside=4.0, spread=1.5),
        Planting(layout.ROCK, 9, 0.2, 0.6, ROCK_GRAY, wide=0.6, nearest=2.2, farthest=6, aside=1.6),
    ), bump=0.35, fog_density=0.024, fog_start=9.0, water_level=0.0, water=(0.012, 0.075, 0.080), waves=0.30, bounce=(0.06, 0.08, 0.05)),
    "skyline": Setting("quay", layout.PAVING, (0.20, 0.20, 0.21), (0.27, 0.26, 0.25), (
        Planting(layout.BUILDING, 60, 3.5, 13.5, (0.20, 0.20, 0.22), nearest=27.0, farthest=54, wide=2.1, aside=0.0, spread=1.0),
        Planting(layout.LAMP, 4, 2.6, 2.6, (0.03, 0.03, 0.03), nearest=2.4, farthest=3.2, aside=2.6, spread=1.5),
    ), bump=0.12, fog_density=0.012, fog_start=16.0, water_level=0.0, water=(0.008, 0.045, 0.075), waves=0.55, bounce=(0.08, 0.08, 0.09)),
    "room": Setting("level", layout.BOARDS, (0.30, 0.155, 0.070), (0.42, 0.245, 0.125), (), bump=0.12, fog_density=0.0,
        bounce=(0.24, 0.19, 0.14)),
    "sky": Setting("cloud-sea", layout.SNOWFIELD, (0.92, 0.91, 0.93), (0.86, 0.86, 0.92), (), bump=0.0, fog_density=0.020,
        fog_start=8.0, bounce=(0.28, 0.28, 0.30), floats=True),
}  # fmt: skip
SETTINGS["mountain-lake"] = replace(
    SETTINGS["lake"], terrain="fjord", ground=layout.STONE, ground_a=(0.19, 0.185, 0.18), ground_b=(0.110, 0.150, 0.045), fog_density=0.005, fog_start=18.0
)  # fmt: skip
SETTINGS["moon"] = replace(SETTINGS["space"], floats=False)
NO_AIR = {"space", "moon"}

WALLS: tuple[Colour, ...] = (
    (0.56, 0.52, 0.44),
    (0.38, 0.47, 0.46),
    (0.58, 0.44, 0.36),
    (0.44, 0.46, 0.54),
    (0.60, 0.55, 0.38),
)


def setting_of(scene: Scene) -> Setting:
    """The place of a scene, in the season that its words ask for."""
    setting = SETTINGS[scene.setting]
    if "spring" in scene.moods:
        return replace(
            setting, plantings=tuple(_recoloured(p, (0.62, 0.26, 0.36)) for p in setting.plantings)
        )
    if "warm" in scene.moods:
        return replace(
            setting, plantings=tuple(_recoloured(p, (0.46, 0.17, 0.025)) for p in setting.plantings)
        )
    return setting


def _recoloured(planting: Planting, colour: Colour) -> Planting:
    return replace(planting, colour=colour) if planting.kind == layout.LEAFY else planting
