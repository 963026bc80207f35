"""What is sent to DashScope for one job: the path and the JSON body."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from heliograph.catalog.reference import Reference
from heliograph.providers.provider import ImageJob

TEXT_PATH: Final = "services/aigc/text2image/image-synthesis"
EDIT_PATH: Final = "services/aigc/image2image/image-synthesis"
MAX_DATA_URL_BYTES: Final = 10_485_760
MAX_SEED: Final = 2_147_483_647

# Each step is tried only when the one before is still too large; the last one makes at most
# 2000 x 2000 px, whose JPEG fits with room to spare even if it shows nothing but noise.
_JPEG_STEPS: Final = ((92, 5000), (80, 5000), (80, 3200), (75, 2000))


@dataclass(frozen=True)
class Options:
    """What the operator decides.

    The upstream names, for previews are retired at a month's notice; whether prompts are extended
    upstream (3 to 4 s more), whether pictures carry the mark "AI Generated", whether our seeds are sent.
    """

    text_model: str = "wan2.5-t2i-preview"
    edit_model: str = "wan2.5-i2i-preview"
    prompt_extend: bool = True
    watermark: bool = False
    send_seed: bool = True


def path_of(job: ImageJob) -> str:
    """The path below the base URL; the two modes have one each."""
    return EDIT_PATH if job.request.mode == "image-to-image" else TEXT_PATH


def model_of(job: ImageJob, options: Options) -> str:
    """The upstream's name of the model that serves the job's mode."""
    editing = job.request.mode == "image-to-image"
    return options.edit_model if editing else options.text_model


def body_of(job: ImageJob, options: Options) -> dict[str, Any]:
    """The JSON body. `n` is always there, because DashScope makes and bills four without it.

    Encodes the references, which takes processor time: call it outside the event loop.
    """
    request = job.request
    content: dict[str, Any] = {"prompt": request.prompt}
    if request.negative_prompt:
        content["negative_prompt"] = request.negative_prompt
    if request.mode == "image-to-image":
        content["images"] = [data_url(reference) for reference in job.references]
    parameters: dict[str, Any] = {
        "size": f"{request.width}*{request.height}",
        "n": request.num_images,
        "prompt_extend": options.prompt_extend,
        "watermark": options.watermark,
    }
    if options.send_seed:
        # DashScope counts on from here; the mask keeps any seed of ours in its range.
        parameters["seed"] = job.seed & MAX_SEED
    return {"model": model_of(job, options), "input": content, "parameters": parameters}


def data_url(reference: Reference, limit_bytes: int = MAX_DATA_URL_BYTES) -> str:
    """`reference` as a data URL of at most `limit_bytes`, as JPEG where it would be longer.

    Raises ValueError when even the smallest form is too long, which takes a limit below 2 MB.
    """
    for content_type, data in _forms(reference):
        head = f"data:{content_type};base64,"
        if len(head) + (len(data) + 2) // 3 * 4 <= limit_bytes:
            return head + base64.b64encode(data).decode()
    raise ValueError(f"a reference of {len(reference.data)} bytes does not fit {limit_bytes}")


def _forms(reference: Reference) -> Iterator[tuple[str, bytes]]:
    yield reference.content_type, reference.data
    picture = Image.open(io.BytesIO(reference.data)).convert("RGB")
    for quality, side_px in _JPEG_STEPS:
        picture.thumbnail((side_px, side_px))
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        yield "image/jpeg", file.getvalue()
