"""What the server answers besides tasks: models, prices, uploads, batches. Money is in dollars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heliograph_client._reading import read
from heliograph_client._task import plain


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One mode of a model. `sizes` maps an aspect ratio to width and height in pixels.

    `price` is for one image, as this key pays it.
    """

    mode: str
    price: float
    description: str = ""
    aspect_ratios: tuple[str, ...] = ()
    sizes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    min_references: int = 0
    max_references: int = 0


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model, with its modes and limits."""

    model_id: str
    title: str = ""
    category: str = ""
    description: str = ""
    max_images: int
    default_images: int
    max_prompt_characters: int | None = None
    modes: tuple[Mode, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExpectedSeconds:
    """How long such tasks have taken: half of them at most `p50`, nine of ten at most `p90`."""

    p50: float
    p90: float


@dataclass(frozen=True, kw_only=True)
class ReferenceImage:
    """A reference image as the server found it; its sides in pixels, upright."""

    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a task would cost; nothing was moved. `width` and `height` are those of each image.

    `affordable`: what is left of the balance, and under the caps of the key, would do.
    """

    price: float
    price_per_image: float
    num_images: int
    balance: float
    balance_after: float
    affordable: bool
    width: int
    height: int
    expected_seconds: ExpectedSeconds | None = None
    images: tuple[ReferenceImage, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A picture on the server. `url` can be a reference image until `expires_time` (Unix ms)."""

    url: str
    width: int
    height: int
    size_bytes: int
    expires_time: int


@dataclass(frozen=True, kw_only=True)
class BatchTask:
    """One task of a batch, under the name that it was given."""

    client_item_id: str
    task_id: str
    state: str
    urls: tuple[str, ...] = ()
    fail_code: str | None = None
    fail_message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Tasks that were submitted together. `counts` has the number of tasks in each state."""

    batch_id: str
    items: tuple[BatchTask, ...]
    state: str = "processing"
    create_time: int | None = None
    complete_time: int | None = None
    counts: dict[str, int] = field(default_factory=dict)


def read_batch(data: Mapping[str, Any]) -> Batch:
    """A batch of the API as a value."""
    return read(Batch, {**data, "items": [plain(one) for one in data["items"]]})


def read_models(data: Mapping[str, Any]) -> tuple[Model, ...]:
    """The list of models of the API as values."""
    return tuple(read(Model, one) for one in data["items"])
