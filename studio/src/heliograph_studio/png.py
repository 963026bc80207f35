"""PNG with words in it."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from heliograph_studio.order import Order
from heliograph_studio.version import __version__

# Higher levels save a few per cent and cost seconds.
COMPRESSION = 4


def encode_png(picture: NDArray[np.uint8], order: Order) -> bytes:
    """The picture [h, w, 3] as PNG; its metadata name the engine and what was asked."""
    words = PngImagePlugin.PngInfo()
    words.add_text("engine", "studio")
    words.add_text("version", __version__)
    words.add_text("seed", str(order.seed))
    words.add_itxt("prompt", order.prompt.encode("utf-8", "replace").decode().replace("\0", " "))
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", pnginfo=words, compress_level=COMPRESSION)
    return out.getvalue()
