"""Who stands where: the subjects of a scene as rows of the stage's tables."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from heliograph_studio import homes, lexicon
from heliograph_studio.birds import make_bird
from heliograph_studio.bodies import make_body
from heliograph_studio.builder import UPRIGHT_HEIGHT, Body
from heliograph_studio.figures import FIGURES, make_figure
from heliograph_studio.kernels import layout
from heliograph_studio.light_of_day import COLOURS
from heliograph_studio.placing import Player, Spot, find_places
from heliograph_studio.poses import POSES, choose_pose
from heliograph_studio.relief import Relief, make_relief
from heliograph_studio.scene import Scene
from heliograph_studio.species import BIRDS, SPECIES

# Of several animals of one kind so many have a body of their own; the others look like these.
DIFFERENT_BODIES = 2
MOST_HEAD_TURN = 0.75
SIZE_FACTORS = {"tiny": 0.45, "small": 0.7, "large": 1.35, "giant": 1.9}
WIDEST_TO_HEIGHT = 1.75
TABLE_FACTOR = 0.5
TABLE_TOP_METRES = 0.86
# How far out the boats are where the picture is taken from the shore.
OFFSHORE_METRES = {"beach": 8.5, "lake": 6.0, "mountain-lake": 6.0, "skyline": 8.0}
BOTTOM_DWELLERS = {"coral", "oyster", "crab", "lobster", "spiral-shell"}
SHINY = {"Travel & Places": 0.55, "Food & Drink": 0.45, "Objects": 0.40, "Activities": 0.40}
GLOWING = {"sun": 2.2, "full-moon": 1.1, "crescent-moon": 1.1, "star": 0.8, "glowing-star": 0.9, "fire": 0.9,
           "rainbow": 0.5, "high-voltage": 0.8, "sun-with-face": 1.6, "comet": 0.9, "shooting-star": 0.9, "candle": 0.3}  # fmt: skip
HEAVENLY = {
    "sun",
    "full-moon",
    "crescent-moon",
    "sun-with-face",
    "rainbow",
    "ringed-planet",
    "full-moon-face",
    "new-moon-face",
}
STRAIGHT_CATEGORIES = {"Symbols", "Flags", "Smileys & Emotion"}


@dataclass
class Cast:
    """Tables of the subjects and the room they take, for the camera."""

    things: list[list[float]] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)
    reliefs: list[Relief] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    low: float = 1e9
    depths: list[float] = field(default_factory=list)

    def volumes(self) -> NDArray[np.float32]:
        """Distances and colours of every body, [slot, z, y, x, 4]."""
        if not self.bodies:
            return np.zeros((1, 2, 2, 2, 4), np.float32)
        return np.stack([body.volume for body in self.bodies])

    def gloss(self) -> NDArray[np.float64]:
        """Eyes and noses of every body."""
        most = max([len(body.gloss) for body in self.bodies], default=1)
        table = np.zeros((max(1, len(self.bodies)), max(1, most), layout.GLOSS_LENGTH))
        for slot, body in enumerate(self.bodies):
            table[slot, : len(body.gloss)] = body.gloss
        return table

    def outlines(self) -> NDArray[np.float32]:
        """Thickness of every relief."""
        if not self.reliefs:
            return np.zeros((1, 2, 2, 2), np.float32)
        return np.stack([relief.outline for relief in self.reliefs])

    def paints(self) -> NDArray[np.float32]:
        """Colours of every relief."""
        if not self.reliefs:
            return np.zeros((1, 2, 2, 5), np.float32)
        return np.stack([relief.paint for relief in self.reliefs])

    def rows(self) -> NDArray[np.float64]:
        """The subjects themselves."""
        return np.array(self.things, np.float64).reshape(-1, layout.THING_LENGTH)


def make_cast(
    scene: Scene,
    height_at: Callable[[float, float], float],
    rng: np.random.Generator,
    *,
    floats: bool,
    camera_yaw: float,
) -> Cast:
    """Place every subject; `height_at` gives the ground, `floats` lets them leave it.

    `camera_yaw` is from where the camera looks, so that faces may turn to it.
    """
    cast = Cast()
    players = [
        player
        for number in range(len(scene.subjects))
        for player in _players(cast, number, scene, rng, camera_yaw)
    ]
    standing = [p for p in players if p.subject.slug not in HEAVENLY] or players
    spots = [
        _afloat(*pair, scene)
        for pair in zip(standing, find_places(standing, rng, camera_yaw), strict=True)
    ]
    feet = [
        _base(player, spot, scene, height_at, rng, floats=floats)
        for player, spot in zip(standing, spots, strict=True)
    ]
    for index, (player, spot) in enumerate(zip(standing, spots, strict=True)):
        _stand(cast, player, (spot.x, _carried(index, spots, feet), spot.z), scene, rng)
    for order, player in enumerate(p for p in players if p not in standing):
        _hang(cast, player, order, rng)
    return cast


def _carried(index: int, spots: list[Spot], feet: list[float]) -> float:
    """The height of the feet of a player, who may stand on another."""
    lift = 0.0
    while (carrier := spots[index].carrier) is not None:
        lift += spots[index].lift
        index = carrier
    return feet[index] + lift


def _afloat(player: Player, spot: Spot, scene: Scene) -> Spot:
    """Boats go out onto the water of a shore."""
    if player.subject.slug in homes.WATERBORNE and scene.setting in OFFSHORE_METRES:
        return replace(spot, z=spot.z - OFFSHORE_METRES[scene.setting])
    return spot


def _players(
    cast: Cast, number: int, scene: Scene, rng: np.random.Generator, camera_yaw: float
) -> list[Player]:
    subject = scene.subjects[number]
    factor = SIZE_FACTORS.get(subject.size or "", 1.0) * (TABLE_FACTOR if scene.table else 1.0)
    height = homes.height_of(subject.slug) * factor
    tint = COLOURS[subject.colour] if subject.colour else None
    shaped = any(subject.slug in members for members in (SPECIES, BIRDS, FIGURES))
    if not shaped:
        return _reliefs(cast, number, scene, (height, tint, camera_yaw), rng)
    if subject.colour in {"white", "black"} and subject.slug == "panda":
        tint = None  # it has its own of both
    carried = any(other.to == number and other.relation == "on" for other in scene.subjects)
    pose = "sit" if carried or subject.relation == "on" else None
    different = min(subject.count, DIFFERENT_BODIES)
    made = [_body_player(cast, number, scene, (height, tint, pose), rng) for _ in range(different)]
    players = []
    for k in range(subject.count):
        like = made[k % different]
        size = float(rng.uniform(0.90, 1.04)) if k else 1.0
        yaw = camera_yaw + like.yaw + (float(rng.uniform(-0.25, 0.25)) if k >= different else 0.0)
        players.append(replace(like, height=like.height * size, width=like.width * size, yaw=yaw))
    return players


def _body_player(
    cast: Cast,
    number: int,
    scene: Scene,
    wanted: tuple[float, tuple[float, float, float] | None, str | None],
    rng: np.random.Generator,
) -> Player:
    """A body of its own for a subject, turned aside while its face looks at the camera."""
    subject, (height, tint, pose) = scene.subjects[number], wanted
    chosen = pose or (choose_pose(SPECIES[subject.slug], rng) if subject.slug in SPECIES else "sit")
    least, most = POSES[chosen].aside
    aside = float(rng.uniform(least, most)) * (1.0 if rng.random() < 0.5 else -1.0)
    turn = float(np.clip(-0.85 * aside, -MOST_HEAD_TURN, MOST_HEAD_TURN))
    if subject.slug in SPECIES:
        body = make_body(subject.slug, rng, turn, tint, chosen)
    else:
        maker = make_bird if subject.slug in BIRDS else make_figure
        body = maker(subject.slug, rng, turn, tint)
    cast.bodies.append(body)
    tall = height * 1.10 * body.height / UPRIGHT_HEIGHT
    slot = len(cast.bodies) - 1
    return Player(subject, number, tall, tall * body.width, slot, "body", body.fur, aside)


def _reliefs(
    cast: Cast,
    number: int,
    scene: Scene,
    wanted: tuple[float, tuple[float, float, float] | None, float],
    rng: np.random.Generator,
) -> list[Player]:
    """A flat drawing with depth, as often as the subject is there."""
    subject, (height, tint, camera_yaw) = scene.subjects[number], wanted
    category = lexicon.subjects()[subject.slug].category
    may_turn = category == "Animals & Nature" or subject.slug in homes.ALIKE_MIRRORED
    relief = make_relief(subject.slug, mirrored=bool(rng.random() < 0.5) and may_turn, tint=tint)
    cast.reliefs.append(relief)
    fur = homes.fur_of(subject.slug)
    tall = min(height, height * WIDEST_TO_HEIGHT * relief.height / relief.width)
    wide = tall * relief.width / relief.height
    slot = len(cast.reliefs) - 1
    first = Player(subject, number, tall, wide, slot, "relief", fur, camera_yaw, relief.crest)
    sizes = [1.0, *(float(rng.uniform(0.84, 1.06)) for _ in range(subject.count - 1))]
    return [replace(first, height=tall * size, width=wide * size) for size in sizes]


def _base(  # noqa: PLR0913 - a height depends on all of them
    player: Player,
    spot: Spot,
    scene: Scene,
    height_at: Callable[[float, float], float],
    rng: np.random.Generator,
    *,
    floats: bool,
) -> float:
    """The height of the feet."""
    ground = height_at(spot.x, spot.z)
    slug = player.subject.slug
    if scene.table:
        return TABLE_TOP_METRES
    if scene.setting == "sky" or (scene.setting == "space" and floats):
        return 0.9 + float(rng.uniform(-0.3, 0.5))
    if scene.setting == "underwater" and slug in homes.SEA - BOTTOM_DWELLERS:
        return max(ground, 0) + 0.9 + float(rng.uniform(-0.2, 0.8))
    if slug in homes.WATERBORNE and scene.setting in {"ocean", *OFFSHORE_METRES}:
        return max(ground, 0.0) - 0.06 * player.height
    if (slug in homes.AIRBORNE or player.subject.aloft) and scene.setting != "room":
        return max(ground, 0) + 1.1 + float(rng.uniform(0.0, 0.9))
    hard = scene.setting in {"room", "city", "skyline"} or scene.road
    sunk = 0.05 if slug in homes.BUILDINGS else 0.025
    return ground - (0.004 if hard else sunk * player.height + 0.02)


def _stand(
    cast: Cast,
    player: Player,
    at: tuple[float, float, float],
    scene: Scene,
    rng: np.random.Generator,
) -> None:
    x, y, z = at
    slug = player.subject.slug
    category = lexicon.subjects()[slug].category
    dust = 0.75 if scene.snow_covered and scene.setting != "room" else 0.0
    row = [0.0] * layout.THING_LENGTH
    if player.kind == "body":
        scale = player.height / cast.bodies[player.slot].height
        yaw = player.yaw
        row[layout.THING_KIND] = layout.BODY
        reach, centre = 1.72 * scale, 1.28 * scale
    else:
        relief = cast.reliefs[player.slot]
        yaw = _relief_yaw(cast, player, category, rng)
        scale = player.height / relief.height
        y -= relief.bottom * scale
        x -= relief.middle * scale * math.cos(yaw)
        row[layout.THING_KIND] = layout.RELIEF
        reach, centre = 0.62 * scale, 0.5 * scale
    row[layout.THING_CENTRE] = centre
    row[layout.THING_SLOT] = player.slot
    row[layout.THING_X], row[layout.THING_Y], row[layout.THING_Z] = x, y, z
    row[layout.THING_SCALE] = scale
    row[layout.THING_COS], row[layout.THING_SIN] = math.cos(yaw), math.sin(yaw)
    row[layout.THING_FUR] = player.fur * scale
    row[layout.THING_REACH] = reach + player.fur * scale
    row[layout.THING_DUST] = dust
    row[layout.THING_SHINE] = _shine(slug, category)
    row[layout.THING_GLOW] = GLOWING.get(slug, 0.0)
    cast.things.append(row)
    cast.left = min(cast.left, at[0] - player.width / 2)
    cast.right = max(cast.right, at[0] + player.width / 2)
    cast.low = min(cast.low, at[1])
    cast.top = max(cast.top, at[1] + player.height)
    cast.depths.append(z)


def _shine(slug: str, category: str) -> float:
    if slug in homes.BUILDINGS:
        return 0.10
    return 0.5 if slug == "frog" else SHINY.get(category, 0.22)


def _relief_yaw(cast: Cast, player: Player, category: str, rng: np.random.Generator) -> float:
    widest = 0.12 if category in STRAIGHT_CATEGORIES or player.subject.relation == "on" else 0.34
    yaw = player.yaw + float(rng.uniform(-widest, widest))
    if cast.things and rng.random() < 0.4 and category == "Animals & Nature":
        yaw += math.pi  # seen from behind a relief is its own mirror image
    return yaw


def _hang(cast: Cast, player: Player, order: int, rng: np.random.Generator) -> None:
    """Sun, moon, rainbow: far behind and high."""
    relief = cast.reliefs[player.slot]
    scale = 7.0 / relief.height
    side = 1.0 if rng.random() < 0.5 else -1.0
    row = [0.0] * layout.THING_LENGTH
    row[layout.THING_KIND], row[layout.THING_SLOT] = layout.RELIEF, player.slot
    row[layout.THING_X] = side * (7.6 + 6.0 * order) - relief.middle * scale
    row[layout.THING_Y], row[layout.THING_Z] = 6.2, -30.0
    row[layout.THING_SCALE], row[layout.THING_COS] = scale, 1.0
    row[layout.THING_REACH], row[layout.THING_CENTRE] = 0.75 * scale, 0.5 * scale
    row[layout.THING_GLOW] = GLOWING.get(player.subject.slug, 0.4)
    cast.things.append(row)
