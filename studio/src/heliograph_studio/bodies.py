"""Animals whose drawing is only a face: a body of round parts, one for all of them."""

import math

import numpy as np

from heliograph_studio.builder import Body, Builder
from heliograph_studio.kernels.layout import EYE, NOSE
from heliograph_studio.poses import MANE, POSES
from heliograph_studio.species import BLACK, SPECIES, Colour, Species

MOUTH: Colour = (0.045, 0.030, 0.028)


def make_body(
    slug: str, rng: np.random.Generator, turn: float, tint: Colour | None, pose_name: str
) -> Body:
    """The body of one animal in a pose of poses.py; tint recolours its coat.

    `turn` is how far the head turns to its left, in radians.
    """
    species, pose = SPECIES[slug], POSES[pose_name]
    build = Builder(turn, float(rng.uniform(-0.16, 0.16)), pose.rise + species.rise, pose.reach)
    build.skull = (species.head_width, 0.56)
    pose.add(build, species, rng)
    _add_head(build, species)
    _add_marks(build, species)
    _add_face(build, species)
    if tint is not None:
        build.recolour(tint)
    return build.finish(species.fur, pose.width, height=pose.height, shrink=pose.shrink)


def _add_head(build: Builder, species: Species) -> None:
    wide = species.head_width
    build.ball(
        build.head((0, 1.86, 0.16)), (wide, 0.56, 0.56), species.face, seam=0.18, tilt=build.tilt
    )
    for side in (-1.0, 1.0):
        build.ball(
            build.head((side * 0.34, 1.70, 0.27)), (0.31, 0.27, 0.30), species.face, seam=0.22
        )
    long = species.muzzle_length
    center = build.head((0, 1.71, 0.50 + 0.55 * long))
    build.ball(
        center,
        (species.muzzle_width, 0.175, 0.12 + 0.6 * long),
        species.muzzle,
        seam=0.14,
        soft=0.07,
    )
    _add_ears(build, species)


def _add_ears(build: Builder, species: Species) -> None:
    size = species.ear_size
    for side in (-1.0, 1.0):
        match species.ear_shape:
            case "eyes":
                at = build.head((side * 0.36, 2.30, 0.28))
                build.ball(at, (0.22, 0.22, 0.22), species.face, seam=0.12)
            case "pointed":
                top = build.head((side * 0.48, 2.30 + 1.15 * size, 0.06))
                thick = (0.52 * size, 0.12 * size)
                build.limb(
                    build.head((side * 0.36, 2.18, 0.10)), top, thick, species.ears, seam=0.06
                )
                inner = build.head((side * 0.42, 2.28, 0.26))
                build.paint(inner, (0.10, 0.17, 0.10), species.muzzle)
            case "long":
                top = build.head((side * 0.44, 3.00, -0.02))
                root = build.head((side * 0.25, 2.24, 0.10))
                build.limb(root, top, (0.17, 0.12), species.ears, seam=0.06)
                at = build.head((side * 0.36, 2.68, 0.20))
                build.paint(at, (0.075, 0.34, 0.14), (0.70, 0.42, 0.40))
            case "floppy":
                root, tip = (
                    build.head((side * 0.50, 2.16, 0.12)),
                    build.head((side * 0.74, 1.62, 0.26)),
                )
                build.limb(root, tip, (0.13, 0.21), species.ears, seam=0.05)
            case _:
                large = size >= 0.3 or "low-ears" in species.marks
                high, apart = (2.10, 0.68) if large else (2.34, 0.47)
                if "low-ears" in species.marks:
                    high = 1.92
                at = build.head((side * apart, high, 0.34 if "mane" in species.marks else 0.10))
                build.ball(at, (size, size, 0.60 * size), species.ears, seam=0.05)


def _add_marks(build: Builder, species: Species) -> None:
    marks = species.marks
    if "mane" in marks:
        _add_mane(build)
    if "snout" in marks:
        tip = 0.62 + 1.15 * species.muzzle_length
        build.ball(build.head((0, 1.74, tip)), (0.20, 0.165, 0.09), species.nose, seam=0.04)
        for side in (-1.0, 1.0):
            build.paint(
                build.head((side * 0.075, 1.75, tip + 0.08)),
                (0.035, 0.055, 0.08),
                (0.22, 0.06, 0.06),
            )
    if "cap" in marks:
        build.paint(build.head((0, 2.34, 0.10)), (0.80, 0.30, 0.70), species.coat)
        build.paint(build.head((0, 1.90, -0.30)), (0.80, 0.60, 0.52), species.coat)
    if "stripes" in marks:
        _add_stripes(build, species.stripe)
    for side in (-1.0, 1.0):
        _add_paired_marks(build, species, side)


def _add_paired_marks(build: Builder, species: Species, side: float) -> None:
    marks = species.marks
    if "bright-eyes" in marks:
        at = build.face((side * 0.245, 1.925, 0.64))
        build.ball(at, (0.115, 0.115, 0.075), (0.55, 0.55, 0.05), seam=0.01)
    if "patches" in marks:
        build.paint(
            build.face((side * 0.275, 1.90, 0.60)),
            (0.145, 0.205, 0.26),
            BLACK,
            soft=0.035,
            tilt=-0.55 * side,
        )
    if "brows" in marks:
        build.paint(
            build.head((side * 0.30, 2.16, 0.55)),
            (0.24, 0.07, 0.3),
            (0.75, 0.74, 0.72),
            soft=0.03,
        )
    if "cheeks" in marks:
        build.paint(
            build.head((side * 0.40, 1.63, 0.42)), (0.30, 0.20, 0.34), species.muzzle, soft=0.06
        )
    if "ear-tips" in marks:
        build.paint(build.head((side * 0.49, 2.60, 0.06)), (0.14, 0.14, 0.16), BLACK, soft=0.05)
    if "ear-tufts" in marks:
        build.paint(
            build.head((side * 0.64, 2.12, 0.30)),
            (0.22, 0.20, 0.18),
            (0.78, 0.76, 0.75),
            soft=0.07,
        )


def _add_mane(build: Builder) -> None:
    """Tufts in two rings around the face."""
    for ring, (wide, high, deep, size) in enumerate(
        ((0.74, 0.66, 0.10, 0.25), (0.84, 0.74, -0.16, 0.30))
    ):
        for k in range(14):
            angle = 2 * math.pi * (k + 0.5 * ring) / 14
            at = (wide * math.cos(angle), 1.82 + high * math.sin(angle), deep + 0.05 * (k % 2))
            build.ball(build.head(at), (size, size, size), MANE, seam=0.10)


def _add_stripes(build: Builder, colour: Colour) -> None:
    """Across brow and cheeks."""
    for at in (-0.15, 0.0, 0.15):
        root, tip = build.head((at, 2.46, 0.22)), build.head((at * 0.75, 2.20, 0.62))
        build.stroke(root, tip, 0.050, colour)
    for side in (-1.0, 1.0):
        for high in (1.62, 1.80):
            outer, inner = (
                build.head((side * 0.76, high, 0.12)),
                build.head((side * 0.52, high + 0.03, 0.56)),
            )
            build.stroke(outer, inner, 0.050, colour)


def _add_face(build: Builder, species: Species) -> None:
    eye = species.eye_size
    tip = 0.62 + 1.15 * species.muzzle_length
    for side in (-1.0, 1.0):
        if species.ear_shape == "eyes":
            build.gleam(build.face((side * 0.37, 2.32, 0.44)), (0.115, 0.125, 0.09), EYE)
        else:
            build.gleam(
                build.face((side * 0.245, 1.925, 0.655)),
                (0.066 * eye, 0.072 * eye, 0.062 * eye),
                EYE,
            )
        wide = 0.30 if "wide-mouth" in species.marks else 0.10
        corner = build.head((side * wide, 1.615, tip - 0.05 - 0.9 * wide))
        build.stroke(build.head((0, 1.60, tip)), corner, 0.020, MOUTH)
    if species.nose_size > 0:
        k = species.nose_size
        high = min(1.3, k)
        build.gleam(
            build.head((0, 1.775, tip + 0.02)),
            (0.105 * min(k, 1.25), 0.068 * k, 0.075 * high),
            NOSE,
        )
        build.stroke(build.head((0, 1.74, tip)), build.head((0, 1.60, tip)), 0.018, MOUTH)
