"""The picture that the rehearsal makes: plainly a test, different for each image and seed."""

import colorsys
import functools
import io

from PIL import Image, ImageDraw, ImageFont

_PALETTE_SIZE = 256
_STRIPES = 8


def draw_specimen(width: int, height: int, *, number: int, seed: int) -> bytes:
    """A PNG of `width` x `height` px with the word TEST, the image's number and its seed.

    The same arguments give the same bytes. One byte per pixel and flat areas keep it quick and
    small: a ramp of 256 colours of one hue takes the place of grey.
    """
    card = Image.new("L", (width, height), 40)
    pen = ImageDraw.Draw(card)
    _stripe(pen, width, height, seed)
    side = min(width, height)
    middle = (width / 2, height / 2)
    pen.text(middle, "TEST", fill=255, font=_font(side // 4), anchor="ms")
    label = f"image {number} · seed {seed}"
    pen.text(middle, label, fill=220, font=_font(side // 20), anchor="ma")
    card.putpalette(_ramp(seed, number))
    file = io.BytesIO()
    card.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _stripe(pen: ImageDraw.ImageDraw, width: int, height: int, seed: int) -> None:
    """Shades of the background, one stripe per bit group of the seed, so that seeds can be told apart."""
    for stripe in range(_STRIPES):
        shade = 24 + 6 * ((seed >> (4 * stripe)) % 16)
        left, right = width * stripe // _STRIPES, width * (stripe + 1) // _STRIPES
        pen.rectangle((left, height * 7 // 8, right, height), fill=shade)


def _ramp(seed: int, number: int) -> bytes:
    hue = (seed * 0.618034 + number * 0.25) % 1
    colours = (
        colorsys.hls_to_rgb(hue, level / (_PALETTE_SIZE - 1), 0.6) for level in range(_PALETTE_SIZE)
    )
    return bytes(round(part * 255) for colour in colours for part in colour)


@functools.lru_cache(maxsize=32)
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(10, size_px))
