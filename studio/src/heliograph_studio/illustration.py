"""The drawings: one flat picture for each subject."""

import io
import json
import lzma
from functools import cache

import numpy as np
import resvg_py
from PIL import Image

from heliograph_studio.lexicon import ASSETS
from heliograph_studio.pixels import Pixels

VIEW_BOX = 128


@cache
def _bodies() -> dict[str, str]:
    bodies: dict[str, str] = json.loads(
        lzma.decompress((ASSETS / "illustrations.json.xz").read_bytes())
    )
    return bodies


def rasterise(slug: str, side_px: int) -> Pixels:
    """The drawing of a subject as RGBA [side, side, 4] in 0..1, not premultiplied."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {VIEW_BOX} {VIEW_BOX}" width="{side_px}" height="{side_px}">'
        f"{_bodies()[slug]}</svg>"
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=side_px, height=side_px))
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    return np.asarray(picture).astype(np.float32) / 255
