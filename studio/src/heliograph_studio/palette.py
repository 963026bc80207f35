"""Colours of one picture moved onto another's."""

import cv2
import numpy as np
from numpy.typing import NDArray

from heliograph_studio.pixels import Pixels

Matrix = NDArray[np.float64]
SAMPLE_SIDE_PX = 320
# Lightness follows a mood by this much: a dark mood must not darken a pale picture.
LIGHTNESS_SHARE = 0.35
# Variance added to both clouds, so that a picture of a single colour stays tame.
CALM = 3.0
STRONGEST_STRETCH = 2.6


def to_lab(picture: Pixels) -> Pixels:
    """Pixels in 0..1 to lightness 0..100 and two axes of colour."""
    lab: Pixels = cv2.cvtColor(np.clip(picture, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)
    return lab


def from_lab(lab: Pixels) -> Pixels:
    """And back."""
    held = np.clip(lab, [0, -127, -127], [100, 127, 127]).astype(np.float32)
    return np.clip(cv2.cvtColor(held, cv2.COLOR_LAB2RGB), 0, 1)


def take_palette(picture: Pixels, mood: Pixels, amount: float = 1.0) -> Pixels:
    """The picture [h, w, 3] with the palette of `mood`.

    The linear map that carries one Gaussian cloud of colours onto another at the least cost
    (Monge and Kantorovich), in Lab: chroma in full, lightness by a share.
    """
    ours = to_lab(picture)
    cloud, target = _sample(picture), _sample(mood)
    plan = _plan(_spread(cloud), _spread(target))
    moved = (ours.reshape(-1, 3) - cloud.mean(axis=0)) @ plan.T + target.mean(axis=0)
    moved = moved.reshape(ours.shape)
    shares = amount * np.array([LIGHTNESS_SHARE, 1.0, 1.0])
    return from_lab((ours + (moved - ours) * shares).astype(np.float32))


def _sample(picture: Pixels) -> Matrix:
    scale = min(1.0, SAMPLE_SIDE_PX / max(picture.shape[:2]))
    size = (max(2, round(picture.shape[1] * scale)), max(2, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return to_lab(small).reshape(-1, 3).astype(np.float64)


def _spread(cloud: Matrix) -> Matrix:
    spread: Matrix = np.cov(cloud.T) + np.eye(3) * CALM
    return spread


def _root(matrix: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(matrix)
    root: Matrix = (vectors * np.sqrt(np.maximum(values, 1e-9))) @ vectors.T
    return root


def _plan(ours: Matrix, theirs: Matrix) -> Matrix:
    root = _root(ours)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ _root(root @ theirs @ root) @ inverse)
    plan: Matrix = (vectors * np.clip(values, 0, STRONGEST_STRETCH)) @ vectors.T
    return plan


def keep_light(styled: Pixels, content: Pixels, share: float) -> Pixels:
    """Give a styled picture back the light and shade of its content.

    Broad lightness returns by `share`, fine detail a little; in plain areas of the content the
    network's own texture is smoothed away.
    """
    broad = max(2.0, 0.03 * content.shape[1])
    ours, light = to_lab(styled), to_lab(content)[..., 0]
    tone = ours[..., 0]
    texture = tone - cv2.GaussianBlur(tone, (0, 0), 2.6)
    detail = light - cv2.GaussianBlur(light, (0, 0), 2.6)
    busy = cv2.GaussianBlur(np.abs(detail), (0, 0), 9.0)
    calm = np.clip(1 - busy / 1.2, 0, 1) * 0.85
    tone = tone - texture * calm
    tone = tone + share * (
        cv2.GaussianBlur(light, (0, 0), broad) - cv2.GaussianBlur(tone, (0, 0), broad)
    )
    ours[..., 0] = tone + 0.45 * detail
    return from_lab(ours)
