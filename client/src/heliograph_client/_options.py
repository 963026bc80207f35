"""What can be asked for, as keyword arguments: once, for both clients and all methods."""

import os
from collections.abc import Sequence
from typing import IO, Any, Protocol, Required, TypedDict


class PillowImage(Protocol):
    """What tells a `PIL.Image.Image` from the rest."""

    def convert(self, mode: str) -> Any:
        """A copy in another mode."""
        ...


#: An address, or a picture on this machine: a path, its bytes, an open file, a Pillow image.
Reference = str | os.PathLike[str] | bytes | IO[bytes] | PillowImage


class ImageOptions(TypedDict, total=False):
    """What the images should be.

    `images`: 1 to 3 reference images, which make it image-to-image. `negative_prompt`: what not to
    draw. `aspect_ratio`: such as `16:9`; `1:1` by default. `num_images`: 1 to 4; 4 by default.
    """

    images: Sequence[Reference]
    negative_prompt: str | None
    aspect_ratio: str | None
    num_images: int | None


class QuoteOptions(ImageOptions, total=False):
    """What can be priced.

    `model`: `wan-2-5-image` by default. `callback_url`: where the result is posted. `retention_hours`:
    how long it is kept.
    """

    model: str
    callback_url: str | None
    retention_hours: int | None


class TaskOptions(QuoteOptions, total=False):
    """What can be submitted. `idempotency_key`: one of your own, instead of a fresh one."""

    idempotency_key: str | None


class BatchItem(ImageOptions, total=False):
    """One task of a batch. `client_item_id` is your own name for it; by default its place, from `0`."""

    prompt: Required[str]
    client_item_id: str
    idempotency_key: str


class TaskFilter(TypedDict, total=False):
    """Which tasks to list; times are Unix milliseconds. `limit`: how many at most; all by default."""

    state: str | None
    mode: str | None
    model: str | None
    batch_id: str | None
    created_after: int | None
    created_before: int | None
    limit: int | None
