"""What the tools take. The descriptions are read by models, which choose and fill in by them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from heliograph.catalog.models import MODELS

_FIRST = next(iter(MODELS.values()))
_RATIOS = {mode.name: ", ".join(mode.sizes) for mode in _FIRST.modes.values()}
_MOST_REFERENCES = max(mode.max_references for mode in _FIRST.modes.values())

Mode = Literal["text-to-image", "image-to-image"]
Prompt = Annotated[
    str,
    Meta(
        description="What the pictures show, in English or Chinese: subject, setting, style, light,"
        f" composition. At most {_FIRST.max_prompt_characters} characters count."
    ),
]
TaskId = Annotated[
    str,
    Meta(
        description="The taskId that generate_image answered: 32 hex digits.",
        pattern="^[0-9a-f]{32}$",
    ),
]


class ImageArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """What to make."""

    prompt: Prompt
    mode: Annotated[
        Mode | None,
        Meta(
            description="Leave it out: it is image-to-image when image_urls are given,"
            " text-to-image when not."
        ),
    ] = None
    aspect_ratio: Annotated[
        str | None,
        Meta(
            description=f"Width to height, {_FIRST.default_ratio} by default. "
            + " ".join(f"{mode}: {ratios}." for mode, ratios in _RATIOS.items())
        ),
    ] = None
    num_images: Annotated[
        int,
        Meta(
            description="How many variants to make. Each one is paid for.",
            ge=_FIRST.min_images,
            le=_FIRST.max_images,
        ),
    ] = 1
    image_urls: Annotated[
        list[str],
        Meta(
            description=f"1 to {_MOST_REFERENCES} pictures to change or to merge: http(s) addresses, such"
            f" as those of earlier results. Each: {_FIRST.references.description}.",
            max_length=_MOST_REFERENCES,
        ),
    ] = []
    negative_prompt: Annotated[
        str | None, Meta(description="What the pictures should not show.")
    ] = None
    model: Annotated[
        str,
        # it becomes a part of a path, where a dot at the start could lead elsewhere
        Meta(
            description="A model that list_models names. The default is good.",
            pattern="^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$",
        ),
    ] = _FIRST.model_id

    def __post_init__(self) -> None:
        """Raise ValueError for a model with a newline at its end."""
        _check_end("model", self.model)


class TaskArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Which task."""

    task_id: TaskId

    def __post_init__(self) -> None:
        """Raise ValueError for a task id with a newline at its end."""
        _check_end("task_id", self.task_id)


class NoArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is asked."""


def _check_end(field: str, text: str) -> None:
    # patterns cannot: in Python $ lets a newline at the end pass, and \Z means nothing to clients
    if text.endswith("\n"):
        raise ValueError(f"Expected no newline at the end - at `$.{field}`")
