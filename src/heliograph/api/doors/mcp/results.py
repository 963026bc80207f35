"""What the tools answer: extracts of the API's own JSON, and sentences about them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

ENDED = ("success", "failed")
Dollars = Annotated[float, Meta(description="In US dollars.")]


class MadePicture(Struct, frozen=True, rename="camel"):
    """A picture that was made; its size in pixels."""

    url: str
    width: int
    height: int


class TaskResult(Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """A task: `pending`, `processing`, `success` or `failed`, with its pictures and what they cost."""

    task_id: str
    state: str
    model: str
    num_images: int
    images: list[MadePicture] = []
    charged: Dollars | None = None
    fail_code: str | None = None
    fail_msg: str | None = None
    warnings: list[str] = []
    scene: str | None = None
    queue_position: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing about it will change any more."""
        return self.state in ENDED


class ExpectedSeconds(Struct, frozen=True):
    """Half of such tasks take at most `p50`, nine of ten at most `p90`."""

    p50: float
    p90: float


class QuoteResult(Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """What a task would cost and leave; sizes in pixels."""

    price: Dollars
    price_per_image: Dollars
    num_images: int
    balance: Dollars
    balance_after: Dollars
    affordable: bool
    width: int
    height: int
    expected_seconds: ExpectedSeconds | None = None


class BalanceResult(Struct, frozen=True):
    """What can be spent."""

    balance: Dollars


class ModeResult(Struct, frozen=True, rename="camel"):
    """One mode of a model; `price` is for one picture, `sizes` are in pixels."""

    mode: str
    description: str
    price: Dollars
    sizes: dict[str, tuple[int, int]]
    min_references: int
    max_references: int


class ModelResult(Struct, frozen=True, rename="camel"):
    """One model."""

    model_id: str
    title: str
    description: str
    max_images: int
    modes: list[ModeResult]


class ModelsResult(Struct, frozen=True):
    """All models of the server."""

    items: list[ModelResult]


def read_task(data: Mapping[str, Any]) -> TaskResult:
    """The task that the API's detail `data` tells of."""
    made = [image for image in data.get("images", ()) if "url" in image]
    charged = data["receipt"]["charged"] if data["state"] in ENDED else None
    return msgspec.convert({**data, "images": made, "charged": charged}, TaskResult)


def share_done(data: Mapping[str, Any]) -> float:
    """How much of the task is done, from 0 to 1."""
    shares: list[float] = data.get("progress") or []
    return sum(shares) / len(shares) if shares else 0.0


def describe_progress(task: TaskResult) -> str:
    """What is going on, in a few words that name the task."""
    if task.queue_position is not None:
        return f"Task {task.task_id} waits, number {task.queue_position} in the queue"
    return f"Task {task.task_id} is {task.state}"


def describe_task(task: TaskResult) -> str:
    """How the task stands, and what to do about it."""
    match task.state:
        case "success":
            return "\n".join(_success(task))
        case "failed":
            return (
                f"Task {task.task_id} failed with {task.fail_code}: {task.fail_msg}"
                " Nothing was charged."
            )
        case _:
            return (
                f"{describe_progress(task)}. It is not finished and goes on. Call get_task with"
                f" task_id {task.task_id} to wait for its pictures; to call generate_image again"
                " would make, and charge, others."
            )


def _success(task: TaskResult) -> Iterator[str]:
    yield (
        f"Made {len(task.images)} of {task.num_images} pictures for ${task.charged or 0:g}"
        f" (task {task.task_id}). Pictures shown here may be reduced; the originals:"
    )
    for image in task.images:
        yield f"{image.url} ({image.width}x{image.height})"
    if task.scene:
        yield f"Drawn: {task.scene}"
    yield from task.warnings


def describe_quote(quote: QuoteResult) -> str:
    """The price in a sentence."""
    return (
        f"{quote.num_images} pictures of {quote.width}x{quote.height} would cost ${quote.price:g},"
        f" which {_consequence(quote)}. Nothing was charged."
    )


def _consequence(quote: QuoteResult) -> str:
    if quote.affordable:
        return f"leaves ${quote.balance_after:g}"
    if quote.price > quote.balance:
        return f"is more than the balance of ${quote.balance:g}"
    return "is more than the key may still spend under its caps"


def describe_models(models: ModelsResult) -> str:
    """One line for each mode of each model."""
    return "\n".join(
        f"{model.model_id}, {mode.mode}: ${mode.price:g} a picture, up to {model.max_images} pictures,"
        f" ratios {', '.join(mode.sizes)}. {mode.description}"
        for model in models.items
        for mode in model.modes
    )
