"""What a look at sd-server means for the operator."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from heliograph.catalog.models import MODELS
from heliograph.providers.provider import Finding
from heliograph.providers.sdcpp.server import Answer
from heliograph.providers.sdcpp.wire import Bounds, Capabilities

MODE: Final = "img_gen"
_ADDRESS: Final = "HELIOGRAPH_SDCPP_BASE_URL"


def silent(base: str, error: str) -> Finding:
    """Nobody answers at `base`."""
    return Finding(
        False, f"{base} does not answer ({error})", f"Start sd-server there, or correct {_ADDRESS}."
    )


def findings(base: str, answer: Answer, latency_ms: int, in_flight: int) -> list[Finding]:
    """What the capabilities say, if `answer` is that; `in_flight` jobs are kept there at a time."""
    told = answer.read(Capabilities) if answer.status == HTTPStatus.OK else None
    if told is None:
        return [
            Finding(
                False,
                f"{base} answers {answer.status}, but not as sd-server's own API does",
                f"Correct {_ADDRESS}, or update stable-diffusion.cpp: its server needs /sdcpp/v1.",
            )
        ]
    found = f"{told.model.name or 'a model'} at {base}, answered in {latency_ms} ms"
    return [Finding(True, found), *_mode(told), *_bounds(told.limits, in_flight)]


def _mode(told: Capabilities) -> Iterator[Finding]:
    if MODE not in told.supported_modes:
        modes = ", ".join(told.supported_modes) or "nothing"
        yield Finding(
            False,
            f"the loaded model makes no pictures, but {modes}",
            "Start sd-server with a model for pictures.",
        )


def _bounds(limits: Bounds, in_flight: int) -> Iterator[Finding]:
    models = MODELS.values()
    modes = [mode for model in models for mode in model.modes.values()]
    sizes = [size for mode in modes for size in mode.sizes.values()]
    wanted = {
        "pixels of width": (limits.max_width, max(width for width, _ in sizes)),
        "pixels of height": (limits.max_height, max(height for _, height in sizes)),
        "pictures in a job": (limits.max_batch_count, max(model.max_images for model in models)),
        "jobs in its queue": (limits.max_queue_size, in_flight),
    }
    for what, (most, needed) in wanted.items():
        if most < needed:
            yield Finding(
                False,
                f"it takes at most {most} {what}, but {needed} are asked for",
                "Use a build of sd-server that takes them; until then such jobs are refused.",
            )
