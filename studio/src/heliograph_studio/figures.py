"""People as simple figures of round parts."""

from dataclasses import dataclass

import numpy as np

from heliograph_studio.builder import Body, Builder
from heliograph_studio.kernels.layout import EYE
from heliograph_studio.species import BLACK, Colour

SKINS: tuple[Colour, ...] = (
    (0.72, 0.43, 0.29),
    (0.60, 0.34, 0.21),
    (0.36, 0.18, 0.10),
    (0.80, 0.52, 0.38),
)
HAIRS: tuple[Colour, ...] = (
    (0.045, 0.028, 0.020),
    (0.13, 0.060, 0.026),
    (0.030, 0.028, 0.030),
    (0.42, 0.24, 0.08),
)
WHITE: Colour = (0.84, 0.84, 0.82)
GRAY: Colour = (0.34, 0.35, 0.37)
GOLD: Colour = (0.78, 0.47, 0.10)
NAVY: Colour = (0.030, 0.055, 0.15)
RED: Colour = (0.60, 0.035, 0.03)
GREEN: Colour = (0.06, 0.26, 0.08)
PURPLE: Colour = (0.18, 0.05, 0.36)
BLUE: Colour = (0.06, 0.20, 0.50)
WIDTH_TO_HEIGHT = 0.46
# How far one foot is before the other, and how far both are apart.
STANCES = ((0.0, 0.0), (0.0, 0.08), (0.16, 0.0), (-0.16, 0.0), (0.24, 0.02), (-0.24, 0.02))
# Elbow and hand of an arm on the right: hanging, waving, on the hip, stretched, held out.
ARMS = (
    ((0.45, 1.22, 0.0), (0.47, 0.95, 0.12)),
    ((0.43, 1.24, -0.06), (0.44, 0.96, 0.02)),
    ((0.60, 1.44, 0.0), (0.70, 1.92, 0.10)),
    ((0.62, 1.28, -0.08), (0.36, 1.04, 0.16)),
    ((0.58, 1.40, 0.05), (0.84, 1.30, 0.16)),
    ((0.42, 1.22, 0.10), (0.40, 1.22, 0.45)),
)
# Rings of a skirt from its hem up: height, half breadth, half thickness.
SKIRT = (
    (0.56, 0.43, 0.09),
    (0.68, 0.40, 0.15),
    (0.82, 0.355, 0.18),
    (0.97, 0.30, 0.19),
    (1.12, 0.25, 0.19),
)


@dataclass(frozen=True)
class Figure:
    """How one kind of person is dressed. `extras` names parts of `EXTRAS`."""

    top: Colour = BLUE
    bottom: Colour = NAVY
    hair: Colour | None = None
    long_hair: bool = False
    skirt: bool = False
    skin: Colour | None = None
    extras: tuple[str, ...] = ()


FIGURES = {
    "person-standing": Figure((0.10, 0.34, 0.30)), "man-standing": Figure(BLUE), "woman-standing": Figure((0.62, 0.12, 0.16), (0.62, 0.12, 0.16), long_hair=True, skirt=True),
    "boy": Figure((0.75, 0.42, 0.05), (0.07, 0.12, 0.26), extras=("child",)),
    "girl": Figure((0.76, 0.22, 0.36), (0.76, 0.22, 0.36), long_hair=True, skirt=True, extras=("child",)),
    "child": Figure((0.10, 0.42, 0.40), extras=("child",)),
    "old-man": Figure((0.25, 0.20, 0.14), GRAY, WHITE, extras=("beard",)), "old-woman": Figure((0.34, 0.16, 0.30), (0.34, 0.16, 0.30), WHITE, skirt=True),
    "astronaut": Figure(WHITE, WHITE, extras=("helmet",)), "man-astronaut": Figure(WHITE, WHITE, extras=("helmet",)), "woman-astronaut": Figure(WHITE, WHITE, extras=("helmet",)),
    "robot": Figure((0.36, 0.42, 0.48), (0.28, 0.33, 0.38), skin=(0.44, 0.50, 0.56), extras=("robot",)),
    "mage": Figure(PURPLE, PURPLE, WHITE, skirt=True, extras=("cone", "beard")), "ninja": Figure((0.030, 0.032, 0.045), (0.028, 0.030, 0.042), extras=("hood",)),
    "princess": Figure((0.80, 0.34, 0.50), (0.80, 0.34, 0.50), GOLD, long_hair=True, skirt=True, extras=("crown",)), "prince": Figure(NAVY, WHITE, extras=("crown",)),
    "person-with-crown": Figure(RED, RED, WHITE, skirt=True, extras=("crown", "beard")),
    "santa-claus": Figure(RED, RED, WHITE, extras=("cone", "beard")), "mrs-claus": Figure(RED, RED, WHITE, skirt=True),
    "police-officer": Figure(NAVY, (0.020, 0.030, 0.07), extras=("cap",)), "cook": Figure(WHITE, GRAY, extras=("chef",)), "farmer": Figure((0.45, 0.12, 0.06), BLUE, extras=("straw",)),
    "guard": Figure((0.40, 0.42, 0.46), (0.30, 0.31, 0.34), extras=("hood",)), "detective": Figure((0.30, 0.20, 0.11), (0.12, 0.08, 0.05), extras=("straw",)), "pilot": Figure(NAVY, NAVY, extras=("cap",)),
    "construction-worker": Figure((0.80, 0.36, 0.03), NAVY, extras=("cap",)), "firefighter": Figure((0.55, 0.30, 0.03), (0.10, 0.09, 0.08), extras=("cap",)),
    "health-worker": Figure(WHITE, (0.15, 0.42, 0.50)), "scientist": Figure(WHITE, GRAY), "student": Figure(GREEN, NAVY), "teacher": Figure((0.20, 0.28, 0.16), GRAY),
    "office-worker": Figure((0.10, 0.11, 0.14), (0.10, 0.11, 0.14)), "artist": Figure((0.55, 0.10, 0.30), NAVY, extras=("cap",)), "singer": Figure((0.50, 0.05, 0.30), BLACK),
    "mechanic": Figure(NAVY, NAVY, extras=("cap",)), "judge": Figure(BLACK, BLACK, WHITE, skirt=True), "superhero": Figure(BLUE, RED, extras=("cape",)), "supervillain": Figure(PURPLE, BLACK, extras=("cape",)),
    "vampire": Figure(BLACK, BLACK, skin=(0.66, 0.62, 0.62), extras=("cape",)), "zombie": Figure((0.20, 0.22, 0.16), (0.12, 0.12, 0.14), skin=(0.30, 0.44, 0.22)),
    "elf": Figure(GREEN, (0.16, 0.10, 0.05), GOLD, long_hair=True), "fairy": Figure((0.45, 0.62, 0.22), (0.45, 0.62, 0.22), GOLD, long_hair=True, skirt=True),
    "person-in-tuxedo": Figure(BLACK, BLACK), "person-with-veil": Figure(WHITE, WHITE, long_hair=True, skirt=True),
}  # fmt: skip


def make_figure(
    slug: str, rng: np.random.Generator, turn: float = 0.0, tint: Colour | None = None
) -> Body:
    """A standing person; the generator picks skin, hair and pose, tint colours the clothes."""
    figure = FIGURES[slug]
    build = Builder(turn, float(rng.uniform(-0.08, 0.08)))
    skin = figure.skin or SKINS[int(rng.integers(len(SKINS)))]
    hair = figure.hair or HAIRS[int(rng.integers(len(HAIRS)))]
    top, bottom = tint or figure.top, tint if tint and figure.skirt else figure.bottom
    build.skull = (0.31, 0.31)
    _add_lower(build, figure, bottom, skin, rng)
    _add_upper(build, top, skin, rng)
    _add_face(build, skin)
    if not {"helmet", "hood", "robot"} & set(figure.extras):
        _add_hair(build, hair, long=figure.long_hair)
    for extra in figure.extras:
        EXTRAS[extra](build, top, hair)
    return build.finish(0.0, WIDTH_TO_HEIGHT)


def _add_lower(
    build: Builder, figure: Figure, colour: Colour, skin: Colour, rng: np.random.Generator
) -> None:
    step, apart = STANCES[int(rng.integers(len(STANCES)))]
    for side in (-1.0, 1.0):
        leg = skin if figure.skirt else colour
        foot = (side * (0.16 + apart), 0.12, side * step)
        knee = (side * (0.17 + 0.6 * apart), 0.56, 0.45 * side * step + 0.03)
        build.limb(knee, (side * 0.15, 1.0, 0), (0.125, 0.165), leg, seam=0.06)
        build.limb(foot, knee, (0.10, 0.125), leg, seam=0.05)
        shoe = tuple(0.35 * c for c in colour) if not figure.extras else (0.05, 0.04, 0.04)
        at = (foot[0] + 0.01 * side, 0.08, foot[2] + 0.08)
        build.ball(at, (0.125, 0.085, 0.22), (shoe[0], shoe[1], shoe[2]), seam=0.03)
    if figure.skirt:
        for high, wide, thick in SKIRT:
            build.ball((0, high, 0), (wide, thick, 0.90 * wide), colour, seam=0.16)


def _add_upper(build: Builder, colour: Colour, skin: Colour, rng: np.random.Generator) -> None:
    build.ball((0, 1.30, 0), (0.31, 0.44, 0.22), colour, seam=0.10)
    build.limb((-0.22, 1.56, 0), (0.22, 1.56, 0), (0.13, 0.13), colour, seam=0.08)
    both = [ARMS[int(rng.integers(len(ARMS)))] for _ in range(2)]
    for side, (bend, reach) in zip((-1.0, 1.0), both, strict=True):
        elbow = (side * bend[0], bend[1], bend[2])
        hand = (side * reach[0], reach[1], reach[2])
        build.limb((side * 0.30, 1.57, 0), elbow, (0.115, 0.095), colour, seam=0.08)
        build.limb(elbow, hand, (0.095, 0.080), colour, seam=0.05)
        build.ball(hand, (0.095, 0.105, 0.095), skin, seam=0.03)
    build.limb((0, 1.60, 0), (0, 1.84, 0.02), (0.11, 0.10), skin, seam=0.05)


def _add_face(build: Builder, skin: Colour) -> None:
    build.ball(build.head((0, 2.09, 0.03)), (0.31, 0.35, 0.31), skin, seam=0.05)
    build.ball(build.head((0, 2.03, 0.345)), (0.042, 0.05, 0.045), skin, seam=0.05)
    mouth = (0.50 * skin[0], 0.28 * skin[1], 0.26 * skin[2])
    build.stroke(build.head((-0.08, 1.925, 0.32)), build.head((0, 1.905, 0.335)), 0.017, mouth)
    build.stroke(build.head((0.08, 1.925, 0.32)), build.head((0, 1.905, 0.335)), 0.017, mouth)
    for side in (-1.0, 1.0):
        build.ball(build.head((side * 0.31, 2.06, 0.02)), (0.05, 0.08, 0.06), skin, seam=0.03)
        build.gleam(build.head((side * 0.115, 2.10, 0.305)), (0.046, 0.060, 0.04), EYE)
        build.paint(
            build.head((side * 0.19, 1.98, 0.29)),
            (0.07, 0.05, 0.1),
            (min(1, skin[0] * 1.2), skin[1] * 0.75, skin[2] * 0.75),
        )


def _add_hair(build: Builder, hair: Colour, *, long: bool) -> None:
    build.ball(build.head((0, 2.22, -0.06)), (0.345, 0.31, 0.34), hair, seam=0.03, soft=0.02)
    for side in (-1.0, 1.0):
        build.stroke(
            build.head((side * 0.06, 2.20, 0.30)),
            build.head((side * 0.17, 2.20, 0.27)),
            0.018,
            hair,
        )
        brow = build.head((side * 0.07, 2.215, 0.31)), build.head((side * 0.17, 2.21, 0.27))
        build.stroke(*brow, 0.016, hair)
    if long:
        build.limb(build.head((0, 2.20, -0.14)), (0, 1.46, -0.17), (0.34, 0.24), hair, seam=0.05)
        for side in (-1.0, 1.0):
            root, tip = build.head((side * 0.28, 2.22, 0.06)), build.head((side * 0.31, 1.62, 0.12))
            build.limb(root, tip, (0.10, 0.055), hair, seam=0.04)


def _add_helmet(build: Builder, _top: Colour, _hair: Colour) -> None:
    build.ball(build.head((0, 2.09, 0.02)), (0.44, 0.45, 0.44), WHITE, seam=0.04)
    build.paint(build.head((0, 2.09, 0.42)), (0.35, 0.29, 0.26), (0.035, 0.030, 0.022), soft=0.02)
    build.paint(build.head((-0.12, 2.20, 0.42)), (0.10, 0.07, 0.16), (0.65, 0.48, 0.20), soft=0.04)
    build.ball((0, 1.35, -0.30), (0.32, 0.40, 0.18), (0.62, 0.63, 0.66), seam=0.04)
    build.paint((0, 1.32, 0.24), (0.14, 0.09, 0.12), (0.10, 0.22, 0.50), soft=0.02)


def _add_robot(build: Builder, _top: Colour, _hair: Colour) -> None:
    build.limb(
        build.head((0, 2.38, 0.02)), build.head((0, 2.68, 0.02)), (0.03, 0.025), GRAY, seam=0.02
    )
    build.ball(build.head((0, 2.72, 0.02)), (0.07, 0.07, 0.07), RED, seam=0.01)
    build.paint(build.head((0, 2.11, 0.36)), (0.25, 0.11, 0.18), (0.03, 0.035, 0.04), soft=0.02)
    for side in (-1.0, 1.0):
        build.ball(
            build.head((side * 0.115, 2.10, 0.325)),
            (0.06, 0.06, 0.05),
            (0.10, 0.85, 0.95),
            seam=0.01,
            soft=0.02,
        )
        build.ball(build.head((side * 0.33, 2.10, 0.02)), (0.07, 0.12, 0.12), GRAY, seam=0.02)
        build.ball((side * 0.33, 1.58, 0), (0.15, 0.15, 0.15), GRAY, seam=0.02)
    build.paint((0, 1.36, 0.24), (0.16, 0.13, 0.12), (0.04, 0.30, 0.36), soft=0.02)


def _add_cone(build: Builder, top: Colour, _hair: Colour) -> None:
    build.limb(
        build.head((0, 2.36, -0.02)), build.head((0.08, 2.84, -0.12)), (0.30, 0.03), top, seam=0.02
    )
    build.ball(build.head((0, 2.36, 0.0)), (0.47, 0.045, 0.47), top, seam=0.03)


def _add_crown(build: Builder, _top: Colour, _hair: Colour) -> None:
    build.ball(build.head((0, 2.48, -0.02)), (0.24, 0.07, 0.24), GOLD, seam=0.01)
    for k in range(5):
        x = 0.20 * (k - 2) / 2
        build.limb(
            build.head((x, 2.48, 0.10)),
            build.head((1.15 * x, 2.66, 0.12)),
            (0.045, 0.012),
            GOLD,
            seam=0.01,
        )


def _add_beard(build: Builder, _top: Colour, hair: Colour) -> None:
    build.limb(
        build.head((0, 1.90, 0.20)), build.head((0, 1.62, 0.26)), (0.20, 0.08), hair, seam=0.05
    )
    build.stroke(
        build.head((-0.06, 1.92, 0.42)), build.head((0.06, 1.92, 0.42)), 0.02, (0.40, 0.16, 0.13)
    )


def _add_hood(build: Builder, top: Colour, _hair: Colour) -> None:
    build.ball(build.head((0, 2.10, 0.0)), (0.35, 0.39, 0.35), top, seam=0.03)
    build.paint(build.head((0, 2.11, 0.34)), (0.24, 0.075, 0.16), SKINS[0], soft=0.02)
    build.limb((-0.26, 1.08, 0.15), (0.26, 1.08, 0.15), (0.07, 0.07), RED, seam=0.02)


def _add_cap(build: Builder, top: Colour, _hair: Colour) -> None:
    build.ball(build.head((0, 2.36, -0.02)), (0.34, 0.17, 0.34), top, seam=0.02)
    build.ball(build.head((0, 2.31, 0.28)), (0.24, 0.03, 0.20), (0.03, 0.03, 0.035), seam=0.02)


def _add_chef(build: Builder, _top: Colour, _hair: Colour) -> None:
    build.limb(
        build.head((0, 2.34, -0.02)), build.head((0, 2.56, -0.02)), (0.27, 0.25), WHITE, seam=0.02
    )
    build.ball(build.head((0, 2.66, -0.02)), (0.35, 0.20, 0.34), WHITE, seam=0.05)


def _add_straw(build: Builder, _top: Colour, _hair: Colour) -> None:
    straw = (0.56, 0.37, 0.14)
    build.ball(build.head((0, 2.42, -0.02)), (0.28, 0.17, 0.28), straw, seam=0.03)
    build.ball(build.head((0, 2.34, 0.0)), (0.52, 0.04, 0.52), straw, seam=0.03)


def _add_cape(build: Builder, _top: Colour, _hair: Colour) -> None:
    build.limb((0, 0.55, -0.30), (0, 1.55, -0.18), (0.42, 0.22), RED, seam=0.02)


def _add_child(build: Builder, _top: Colour, _hair: Colour) -> None:
    """Round cheeks; the small size is decided elsewhere."""
    for side in (-1.0, 1.0):
        build.paint(build.head((side * 0.18, 1.97, 0.30)), (0.06, 0.05, 0.1), (0.80, 0.34, 0.26))


EXTRAS = {
    "helmet": _add_helmet, "robot": _add_robot, "cone": _add_cone, "crown": _add_crown, "beard": _add_beard, "hood": _add_hood,
    "cap": _add_cap, "chef": _add_chef, "straw": _add_straw, "cape": _add_cape, "child": _add_child,
}  # fmt: skip
