"""Jobs as a worker would hand them to a provider."""

import io

from PIL import Image

from heliograph.catalog.reference import Reference
from heliograph.catalog.request import ImageRequest
from heliograph.providers.provider import ImageJob


def image_job(
    prompt: str = "a lake",
    *,
    num_images: int = 1,
    references: tuple[Reference, ...] = (),
    size: tuple[int, int] = (1280, 1280),
    seed: int = 7,
) -> ImageJob:
    """A job for pictures from the prompt alone, or for an edit where references are given."""
    request = ImageRequest(
        mode="image-to-image" if references else "text-to-image",
        prompt=prompt,
        negative_prompt=None,
        aspect_ratio="1:1",
        num_images=num_images,
        image_urls=tuple("https://pictures.example/in.png" for _ in references),
        width=size[0],
        height=size[1],
    )
    return ImageJob("0" * 32, request, references, seed)


def reference(picture: Image.Image, kind: str = "PNG") -> Reference:
    """`picture` as intake would hand it on."""
    file = io.BytesIO()
    picture.save(file, kind)
    return Reference(file.getvalue(), f"image/{kind.lower()}", picture.width, picture.height)


def ignore(_progress: float) -> None:
    """A report that nobody reads."""
