"""What sd-server refuses at submit, as its source says."""

import base64
import binascii
import io
import json
from typing import Any

from PIL import Image

KINDS = {
    "prompt": str,
    "negative_prompt": str,
    "width": int,
    "height": int,
    "seed": int,
    "batch_count": int,
    "embed_image_metadata": bool,
    "output_format": str,
    "ref_images": list,
}
SIDES = (64, 4096)
MOST_PICTURES = 8


class Invalid(Exception):
    """The sentence that the server answers with."""


def checked_body(data: bytes) -> dict[str, Any]:
    """The body of a submit. Raises Invalid. Other fields than those of KINDS are refused here."""
    if not data:
        raise Invalid("empty body")
    try:
        body = json.loads(data)
    except ValueError as error:
        raise Invalid("invalid json") from error
    if not isinstance(body, dict) or not all(
        name in KINDS and type(value) is KINDS[name] for name, value in body.items()
    ):
        raise Invalid("invalid generation parameters")
    if body.get("output_format") not in ("png", "jpeg"):
        raise Invalid("invalid output_format, must be one of [png, jpeg]")
    sides = (body.get("width", 512), body.get("height", 512))
    if (
        not body.get("prompt")
        or not all(SIDES[0] <= side <= SIDES[1] for side in sides)
        or not 1 <= body.get("batch_count", 1) <= MOST_PICTURES
        or not all(map(is_picture, body.get("ref_images", [])))
    ):
        raise Invalid("invalid generation parameters")
    return body


def is_picture(text: Any) -> bool:
    """Whether it is a picture of three channels, in base64 without a head."""
    try:
        return Image.open(io.BytesIO(base64.b64decode(text, validate=True))).mode == "RGB"
    except (TypeError, binascii.Error, OSError):
        return False
