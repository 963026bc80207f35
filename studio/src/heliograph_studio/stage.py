"""A scene and a seed as the tables of the renderer."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from heliograph_studio import homes
from heliograph_studio.camera import ISOMETRIC_YAW, place_camera
from heliograph_studio.cast import TABLE_TOP_METRES, Cast, make_cast
from heliograph_studio.furniture import furnish, lay_table
from heliograph_studio.kernels import layout
from heliograph_studio.kernels.layout import Stage
from heliograph_studio.light_of_day import Light, light_of
from heliograph_studio.planting import plant
from heliograph_studio.scene import Scene
from heliograph_studio.settings import NO_AIR, WALLS, Setting, setting_of
from heliograph_studio.terrain import height_at, make_terrain

ROAD_HALF_WIDTH_METRES = 1.5
HIGH_PLACES = {"mountain", "mountain-lake"}
# How much higher the waves are in a storm, and that nothing but ripples move in fog.
SWELL = {"storm": 2.2, "rain": 1.3, "fog": 0.7}
SNOW_AT_NIGHT = 0.36
PLANETS = ((0.75, 0.36, 0.16), (0.22, 0.42, 0.75), (0.62, 0.52, 0.36), (0.45, 0.22, 0.62))


def build_stage(
    scene: Scene, width: int, height: int, seed: int
) -> tuple[Stage, NDArray[np.float64], Light]:
    """Tables, camera row and light of one picture of width by height."""
    rng = np.random.default_rng(seed & 0xFFFFFFFFFFFF)
    setting = setting_of(scene)
    light = light_of(scene, rng)
    floats = setting.floats and (not scene.subjects or any(map(_leaves_ground, scene.subjects)))
    stand, islet = _standing_place(scene)
    tables = make_terrain(setting.terrain, int(rng.integers(1, 1 << 30)), stand, islet)
    ground: Callable[[float, float], float] = partial(height_at, tables)
    yaw = float(rng.uniform(-0.17, 0.17)) * (0.5 if scene.setting == "room" else 1.0)
    if "isometric" in scene.styles:
        yaw = ISOMETRIC_YAW
    cast = make_cast(scene, ground, rng, floats=floats, camera_yaw=yaw)
    half = max(abs(cast.left), abs(cast.right))
    props = plant(
        setting.plantings, ground, rng, clear_half_width=half, water_level=setting.water_level
    )
    if scene.setting == "room":
        props = furnish(rng)
        if scene.table:
            props = np.concatenate([props, lay_table(half, TABLE_TOP_METRES)])
    camera = place_camera(scene, cast, (width, height), yaw, rng)
    props = _out_of_sight(props, camera)
    has_ground = setting.has_ground and not (scene.setting == "space" and floats)
    _keep_above(camera, ground, setting)
    world = _world(scene, setting, light, rng, has_ground=has_ground)
    highest = float(max(tables[0][..., 0].max(), tables[1][..., 0].max()))
    if "isometric" in scene.styles:
        # The lens looks from above the haze.
        world[layout.FOG_START] += float(np.linalg.norm(camera[:3]))
    world[layout.HIGHEST] = highest + 0.1
    stage = _join(world, tables, props if has_ground else props[:0], cast)
    return stage, camera, light


def _leaves_ground(subject: object) -> bool:
    slug = getattr(subject, "slug", "")
    return slug in homes.AIRBORNE or slug in homes.STARS or slug in homes.SEA


def _standing_place(scene: Scene) -> tuple[float | None, float]:
    """Radius of the calm place for the subjects, and the height of a sandbank in the sea."""
    if not scene.subjects:
        return None, 0.0
    dry = any(subject.slug not in homes.WATERBORNE | homes.AIRBORNE for subject in scene.subjects)
    many = 1.6 + 0.55 * sum(subject.count for subject in scene.subjects)
    return many + 0.8, 0.22 if scene.setting == "ocean" and dry else 0.0


def _keep_above(
    camera: NDArray[np.float64], ground: Callable[[float, float], float], setting: Setting
) -> None:
    x, y, z = camera[layout.CAMERA_ORIGIN : layout.CAMERA_ORIGIN + 3]
    floor = max(ground(x, z), setting.water_level) if setting.has_ground else -1e3
    camera[layout.CAMERA_ORIGIN + 1] = max(y, floor + 0.4)


def _out_of_sight(props: NDArray[np.float64], camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out what stands behind the camera or so close that it fills the picture."""
    if not len(props):
        return props
    ox, oz = camera[layout.CAMERA_ORIGIN], camera[layout.CAMERA_ORIGIN + 2]
    fx, fz = camera[layout.CAMERA_FORWARD], camera[layout.CAMERA_FORWARD + 2]
    ahead = (props[:, layout.PROP_X] - ox) * fx + (props[:, layout.PROP_Z] - oz) * fz
    table = props[:, layout.PROP_KIND] == layout.BOX  # it reaches under the camera
    kept: NDArray[np.float64] = props[table | (ahead > 0.8 + props[:, layout.PROP_RADIUS])]
    return kept


def _world(
    scene: Scene, setting: Setting, light: Light, rng: np.random.Generator, *, has_ground: bool
) -> NDArray[np.float64]:
    world = np.zeros(layout.WORLD_LENGTH)

    def put(at: int, *numbers: float) -> None:
        world[at : at + len(numbers)] = numbers

    put(layout.SUN, *light.sun_direction)
    shown = scene.effects & {"moon", "sun"}
    put(
        layout.DISC,
        *(
            _unit(0.16 * _sign(light.disc_direction[0]), 0.27, -0.95)
            if shown
            else light.disc_direction
        ),
    )
    put(layout.SUN_LIGHT, *light.sun)
    put(layout.ZENITH, *light.zenith)
    put(layout.HORIZON, *light.horizon)
    put(layout.FOG, *light.fog)
    put(layout.SKY_LIGHT, *light.sky)
    put(layout.GROUND_A, *setting.ground_a)
    put(layout.GROUND_B, *setting.ground_b)
    put(layout.WATER_COLOUR, *(np.array(setting.water) * (light.sky[2] / 0.68)))
    dim = light.sun[1] / 2.0
    put(layout.BOUNCE, *(np.array(setting.bounce) * dim))
    put(layout.SNOW_COLOUR, 0.82, 0.85, 0.90)
    put(layout.WALL_COLOUR, *WALLS[int(rng.integers(len(WALLS)))])
    put(
        layout.FOG_DENSITY,
        setting.fog_density * light.fog_factor,
        setting.fog_start / max(1.0, light.fog_factor**0.5),
    )
    put(layout.CLOUDS, light.clouds, light.stars, 0.0, float(light.moon))
    put(layout.GROUND_KIND, setting.ground, setting.water_level)
    put(layout.SNOW, _snow(scene), light.wet if scene.setting == "city" else 0.0)
    put(layout.HAS_GROUND, float(has_ground))
    put(layout.WINDOWS, light.windows, float(rng.uniform(0, 90)))
    put(layout.SUN_DISC, light.disc)
    put(layout.WAVES, setting.waves * SWELL.get(scene.weather, 1.0), setting.bump)
    put(layout.ROAD, ROAD_HALF_WIDTH_METRES if scene.road else 0.0)
    put(layout.NEON, 0.42 if "neon" in scene.moods else 0.10 if scene.time == "night" else 0.0)
    if light.moon and scene.snow_covered:
        # Snow sends back nearly all of the light: at full strength a night would look like noon.
        world[layout.SUN_LIGHT : layout.SUN_LIGHT + 3] *= SNOW_AT_NIGHT
        world[layout.SKY_LIGHT : layout.SKY_LIGHT + 3] *= SNOW_AT_NIGHT
    _adapt(world, scene, light, rng)
    return world


def _snow(scene: Scene) -> float:
    if scene.setting in {"room", "underwater", "sky", "desert", *NO_AIR}:
        return 0.0
    return 1.0 if scene.snow_covered else 0.35 if scene.setting in HIGH_PLACES else 0.0


def _adapt(
    world: NDArray[np.float64], scene: Scene, light: Light, rng: np.random.Generator
) -> None:
    """What the settings with a sky of their own change."""
    bright = 0.35 if light.moon else 1.0
    named = any(subject.slug == "ringed-planet" for subject in scene.subjects)
    if scene.setting in NO_AIR:
        world[layout.ZENITH : layout.HORIZON + 3] = (0.004, 0.004, 0.010, 0.010, 0.008, 0.020)
        world[layout.SKY_LIGHT : layout.SKY_LIGHT + 3] = (0.10, 0.10, 0.16)
        world[layout.SUN_LIGHT : layout.SUN_LIGHT + 3] = (2.4, 2.2, 1.95)
        world[layout.CLOUDS : layout.CLOUDS + 4] = (0.0, 1.5, float(rng.uniform(0.45, 0.85)), 0.0)
        world[layout.PLANET] = (
            float(rng.uniform(0.16, 0.34)) if rng.random() < 0.75 and not named else 0.0
        )
        hue = PLANETS[int(rng.integers(len(PLANETS)))]
        world[layout.PLANET_COLOUR : layout.PLANET_COLOUR + 3] = hue
        world[layout.FOG_DENSITY] = 0.0
    elif scene.setting == "underwater":
        deep, shallow = np.array([0.004, 0.050, 0.115]), np.array([0.020, 0.235, 0.360])
        world[layout.ZENITH : layout.ZENITH + 3] = shallow * 1.9 * bright
        world[layout.HORIZON : layout.HORIZON + 3] = (0.4 * deep + 0.6 * shallow) * bright
        world[layout.FOG : layout.FOG + 3] = (0.4 * deep + 0.6 * shallow) * bright
        world[layout.SUN_LIGHT : layout.SUN_LIGHT + 3] *= (0.50, 0.80, 0.85)
        world[layout.SKY_LIGHT : layout.SKY_LIGHT + 3] = np.array([0.16, 0.42, 0.52]) * bright
        world[layout.CLOUDS : layout.CLOUDS + 3] = 0.0
        world[layout.CAUSTICS], world[layout.SUN_DISC] = 0.9, 0.0
    elif scene.setting == "room":
        world[layout.ROOM], world[layout.ROOM_X] = 1.0, 4.6
        world[layout.ROOM_BACK], world[layout.ROOM_TOP] = 3.6, 5.6
        world[layout.SKY_LIGHT : layout.SKY_LIGHT + 3] *= 0.75
        world[layout.SUN : layout.SUN + 3] = _unit(-0.80, 0.46, 0.16)
        world[layout.CLOUDS] = 0.2


def _sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    k = (x * x + y * y + z * z) ** -0.5
    return (x * k, y * k, z * k)


def _join(
    world: NDArray[np.float64],
    tables: tuple[NDArray[np.float32], NDArray[np.float32]],
    props: NDArray[np.float64],
    cast: Cast,
) -> Stage:
    return Stage(
        world,
        tables[0],
        tables[1],
        np.ascontiguousarray(props),
        cast.rows(),
        cast.volumes(),
        cast.gloss(),
        cast.outlines(),
        cast.paints(),
    )
