"""The pictures of a completed job, checked."""

import base64
import binascii
import io
from dataclasses import dataclass
from typing import Final

from PIL import Image

from heliograph.providers.provider import ImageJob, Images, Made, Missing
from heliograph.providers.sdcpp.wire import Status

NOT_MADE: Final = Missing("InternalError", "The image engine did not make this picture")


@dataclass(frozen=True)
class Yield:
    """One entry for each picture asked for, and what the customer should know about them."""

    images: Images
    warnings: tuple[str, ...]

    @property
    def made(self) -> int:
        """How many pictures there are."""
        return sum(isinstance(image, Made) for image in self.images)


def yield_of(status: Status, job: ImageJob) -> Yield:
    """The pictures that `status` brings for `job`, in order; `Missing` for what is no picture.

    A picture of another size is kept, and told: some models make only multiples of 64 pixels.
    Takes processor time: call it outside the event loop.
    """
    listed = status.result.images if status.result else ()
    found = {picture.index: _read(picture.b64_json) for picture in listed}
    pictures = [found.get(index) for index in range(job.request.num_images)]
    wanted = (job.request.width, job.request.height)
    warnings = dict.fromkeys(
        f"The image engine made {size[0]}x{size[1]} pixels instead of {wanted[0]}x{wanted[1]}"
        for _, size in filter(None, pictures)
        if size != wanted
    )
    images = tuple(NOT_MADE if picture is None else picture[0] for picture in pictures)
    return Yield(images, tuple(warnings))


def _read(text: str) -> tuple[Made, tuple[int, int]] | None:
    """A picture in base64 and its size in pixels; None for anything else."""
    try:
        data = base64.b64decode(text, validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            return Made(data), picture.size
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
