"""Where each subject stands: in rows, or as its relation to another one asks. Pure arithmetic."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heliograph_studio.draft import Subject

SPACING = 1.22
MOST_IN_A_ROW = 4
FREE = {None, "beside"}


@dataclass(frozen=True)
class Player:
    """One thing before it has a place. Sizes in metres."""

    subject: Subject
    number: int
    height: float
    width: float
    slot: int
    kind: str
    fur: float = 0.0
    yaw: float = 0.0
    # for what stands on it: height of its upper rim from left to right, as shares of its height
    crest: NDArray[np.float64] = field(default_factory=lambda: np.array([0.96]))


@dataclass(frozen=True)
class Spot:
    """A place on the ground; `lift` metres above it, or above the subject that carries it."""

    x: float
    z: float
    lift: float = 0.0
    carrier: int | None = None


def find_places(
    players: Sequence[Player], rng: np.random.Generator, camera_yaw: float = 0.0
) -> list[Spot]:
    """A spot for each player, in their order; `carrier` is the index of a player.

    `camera_yaw` is from where the camera looks: whoever stands behind is seen between others.
    """
    order = _order(players)
    free = [index for index in order if players[index].subject.relation in FREE]
    rows = _rows([players[k] for k in free], rng, camera_yaw)
    spots: dict[int, Spot] = dict(zip(free, rows, strict=True))
    for index in order:
        if index not in spots:
            spots[index] = _related(index, players, spots, rng)
    return [spots[index] for index in range(len(players))]


def _order(players: Sequence[Player]) -> list[int]:
    """Players after those that they are related to; circles are cut open."""
    depth = {p.number: _depth(p.subject, {q.number: q.subject for q in players}) for p in players}
    return sorted(range(len(players)), key=lambda index: depth[players[index].number])


def _depth(subject: Subject, others: dict[int, Subject]) -> int:
    steps = 0
    while subject.relation not in FREE and subject.to in others and steps < len(others):
        subject, steps = others[subject.to], steps + 1
    return steps


def _rows(players: Sequence[Player], rng: np.random.Generator, camera_yaw: float) -> list[Spot]:
    """Side by side; from five on in two rows, taller ones behind."""
    if len(players) <= 1:
        return [Spot(0.0, 0.0)] * len(players)
    rows = [players] if len(players) <= MOST_IN_A_ROW else [players[::2], players[1::2]]
    found: dict[int, Spot] = {}
    for number, row in enumerate(rows):
        total = sum(p.width for p in row) * SPACING
        # Rows of the same length would stand behind each other: each moves a quarter aside.
        aside = 0.25 * row[0].width if 2 * len(row) == len(players) else 0.0
        x = -total / 2 + (aside if number else -aside)
        for k, player in enumerate(row):
            half = player.width * SPACING / 2
            back = (0.5 + 1.2 * player.height) * number + max(0.0, player.height - 2.4) * 0.7
            # One behind the other in turn, as nobody stands on a line.
            sway = 0.16 * player.height * (1 if k % 2 else -1) * (len(row) > 1)
            depth = float(rng.uniform(-0.22, 0.22)) * player.height + sway - back
            position = k if len(rows) == 1 else 2 * k + number
            jitter = float(rng.uniform(-0.09, 0.09)) * player.width
            found[position] = Spot(x + half + jitter + depth * math.tan(camera_yaw), depth)
            x += 2 * half
    return [found[k] for k in range(len(players))]


def _related(
    index: int, players: Sequence[Player], spots: dict[int, Spot], rng: np.random.Generator
) -> Spot:
    player = players[index]
    mates = [k for k, p in enumerate(players) if p.number == player.number]
    place, count = mates.index(index), len(mates)
    carrier = next((k for k in spots if players[k].number == player.subject.to), None)
    if carrier is None:
        return Spot(1.2 * index, -0.5)
    other, at = players[carrier], spots[carrier]
    side = 1.0 if rng.random() < 0.5 else -1.0
    # Several of them share the breadth.
    spread = (place - (count - 1) / 2) * player.width * 1.05
    match player.subject.relation:
        case "on":
            share = 0.5 + spread / other.width
            return Spot(at.x + spread, at.z, _crest(other, share) - 0.05 * player.height, carrier)
        case "above":
            lift = other.height + 0.18 * min(other.height, player.height)
            return Spot(at.x + spread + side * 0.2 * other.width, at.z - 0.2, lift, carrier)
        case "behind":
            gap = 0.46 * other.width + 0.22 * player.width
            return Spot(at.x + side * gap + spread, at.z - 1.5)
        case "front":
            return Spot(at.x - side * 0.25 * other.width + spread, at.z + 1.6)
        case _:
            return Spot(at.x + side * 0.16 * other.width + spread, at.z + 0.5)


def _crest(player: Player, share: float) -> float:
    """How high the upper rim of a player is at a share of its width."""
    rim = player.crest
    column = int(np.clip(round(share * (len(rim) - 1)), 0, len(rim) - 1))
    return float(rim[column]) * player.height
