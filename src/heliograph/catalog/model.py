"""What a model is: its modes, limits and catalogue prices, as data that everything else reads."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to use a model. `sizes` maps an aspect ratio to (width, height) in pixels.

    A mode whose `max_references` is 0 ignores `image_urls`, whatever they are.
    """

    name: str
    description: str
    sizes: Mapping[str, tuple[int, int]]
    min_references: int
    max_references: int
    unit_price_micros: int


@dataclass(frozen=True, slots=True)
class ReferenceLimits:
    """What a reference image may be. `formats` are the names that Pillow uses."""

    formats: tuple[str, ...]
    min_side_px: int
    max_side_px: int
    max_bytes: int
    description: str


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the catalogue.

    `deadline_seconds` is the model's own time limit for a task, or None for the service's.
    `first_poll_seconds` and `poll_interval_seconds` are advice to clients.
    """

    model_id: str
    title: str
    description: str
    category: str
    modes: Mapping[str, Mode]
    default_ratio: str
    min_images: int
    max_images: int
    default_images: int
    max_prompt_characters: int
    max_negative_prompt_characters: int
    references: ReferenceLimits
    deadline_seconds: int | None
    first_poll_seconds: int
    poll_interval_seconds: int
