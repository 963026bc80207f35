"""What sd-server is asked and what it answers, as data."""

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from heliograph.providers.provider import ImageJob

#: The server takes a random seed for a negative one, and counts on from what it is given.
MAX_SEED: Final = 2_147_483_647


class Accepted(Struct):
    """The answer to a submit."""

    id: str


class Refusal(Struct):
    """The answer to what cannot be done."""

    error: str = ""
    message: str = ""


class Picture(Struct):
    """One picture of a job; `index` counts those that were made."""

    index: int
    b64_json: str


class Result(Struct):
    """What a completed job has made."""

    images: tuple[Picture, ...] = ()


class Fault(Struct):
    """Why a job has failed."""

    code: str = ""
    message: str = ""


class Status(Struct):
    """A job as the server tells it. Only servers that count steps send the two about progress."""

    status: Literal["queued", "generating", "completed", "failed", "cancelled"]
    queue_position: int = 0
    progress_step: int = 0
    progress_steps: int = 0
    result: Result | None = None
    error: Fault | None = None

    @property
    def progress(self) -> float | None:
        """The share done, 0 to 1, or None where the server does not tell."""
        if self.progress_steps <= 0:
            return None
        return min(1.0, max(0.0, self.progress_step / self.progress_steps))


class Loaded(Struct):
    """The model that the server has loaded."""

    name: str = ""


class Bounds(Struct):
    """What one job may ask of the server. A number that it does not tell is no bound."""

    max_width: int = MAX_SEED
    max_height: int = MAX_SEED
    max_batch_count: int = MAX_SEED
    max_queue_size: int = MAX_SEED


class Capabilities(Struct):
    """What the server says of itself."""

    model: Loaded
    supported_modes: tuple[str, ...]
    limits: Bounds


def payload_of(job: ImageJob) -> bytes:
    """The body of a submit: these fields alone, for others reach into the server's folders.

    Steps, sampler and guidance are the defaults that the server was started with. Encodes the
    references, which takes processor time: call it outside the event loop.
    """
    request = job.request
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt or "",
        "width": request.width,
        "height": request.height,
        "seed": job.seed & MAX_SEED,
        "batch_count": request.num_images,
        # the server would write the prompt into the file
        "embed_image_metadata": False,
        "output_format": "png",
    }
    if job.references:
        # bytes become base64
        body["ref_images"] = [reference.data for reference in job.references]
    return msgspec.json.encode(body)
