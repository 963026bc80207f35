"""A picture brought to an exact size: a crop around what matters, or more background."""

import io

import cv2
import numpy as np
from PIL import Image, ImageOps

from heliograph_studio.order import StudioError
from heliograph_studio.pixels import Pixels

# A crop may cost this much of the picture; beyond it the frame is extended instead.
LARGEST_LOSS = 0.28
# How much of a side is mirrored where a picture is extended; what stands farther in is not.
MIRRORED_RIM = 0.20


def decode(data: bytes, number: int) -> Pixels:
    """A reference as [h, w, 3] in 0..1; raises StudioError when it is no picture."""
    try:
        opened = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        picture = np.asarray(opened.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StudioError(f"image {number} cannot be read as a picture") from error
    return picture.astype(np.float32) / 255


def fit(picture: Pixels, width: int, height: int) -> tuple[Pixels, str | None]:
    """The picture at exactly width by height, and a warning when it was cut or extended."""
    own = picture.shape[1] / picture.shape[0]
    asked = width / height
    loss = 1 - min(own / asked, asked / own)
    if loss < 0.01:  # within rounding
        return _resized(picture, width, height), None
    if loss <= LARGEST_LOSS:
        return _cropped(picture, width, height), f"cropped by {loss:.0%} to reach the asked shape"
    return _extended(
        picture, width, height
    ), "extended with mirrored background to reach the asked shape"


def _resized(picture: Pixels, width: int, height: int) -> Pixels:
    shrinking = picture.shape[0] > height
    how = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
    resized = cv2.resize(picture, (width, height), interpolation=how)
    return np.clip(resized, 0, 1)


def _cropped(picture: Pixels, width: int, height: int) -> Pixels:
    scale = max(width / picture.shape[1], height / picture.shape[0])
    covered = _resized(
        picture,
        max(width, round(picture.shape[1] * scale)),
        max(height, round(picture.shape[0] * scale)),
    )
    weight = _interest(covered)
    x = _best_start(weight.sum(axis=0), width)
    y = _best_start(weight.sum(axis=1), height)
    return np.ascontiguousarray(covered[y : y + height, x : x + width])


def _interest(picture: Pixels) -> Pixels:
    """Where there is something to see: edges, and a little the middle."""
    light = picture.mean(axis=2)
    dx = cv2.Sobel(light, cv2.CV_32F, 1, 0)
    dy = cv2.Sobel(light, cv2.CV_32F, 0, 1)
    edges = cv2.GaussianBlur(np.hypot(dx, dy), (0, 0), 6)
    y = np.linspace(-1, 1, picture.shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, picture.shape[1], dtype=np.float32)[None, :]
    found: Pixels = edges * (1.4 - 0.5 * np.hypot(x, y))
    return found


def _best_start(weights: Pixels, length: int) -> int:
    totals = np.concatenate([[0], np.cumsum(weights, dtype=np.float64)])
    return int(np.argmax(totals[length:] - totals[:-length]))


def _extended(picture: Pixels, width: int, height: int) -> Pixels:
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner_width = min(width, max(2, round(picture.shape[1] * scale)))
    inner_height = min(height, max(2, round(picture.shape[0] * scale)))
    inner = _resized(picture, inner_width, inner_height)
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    x = _stretched(np.arange(width, dtype=np.float32) - left, inner_width)
    y = _stretched(np.arange(height, dtype=np.float32) - top, inner_height)
    columns, rows = np.meshgrid(x, y)
    wide = cv2.remap(inner, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(wide, (0, 0), max(width, height) * 0.012)
    inside = np.zeros((height, width), np.uint8)
    inside[top : top + inner_height, left : left + inner_width] = 1
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    share = np.clip(away / (0.10 * max(width, height)), 0, 1)[..., None]
    return (wide * (1 - share) + soft * share).astype(np.float32)


def _stretched(places: Pixels, length: int) -> Pixels:
    """Where to read for places before 0 and from `length` on: a rim mirrored, and drawn out."""
    rim = MIRRORED_RIM * length
    before, beyond = np.maximum(0, -places), np.maximum(0, places - (length - 1))
    found = np.clip(places, 0, length - 1)
    moved = found + rim * before / (before + rim) - rim * beyond / (beyond + rim)
    return moved.astype(np.float32)
