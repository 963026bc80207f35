"""One picture as it is asked of an engine, in the words of the engine's dialect.

Only the fields named here are ever sent: engines read server paths, adapters and addresses to fetch
from fields that nobody checks.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import aiohttp
import msgspec

from heliograph.catalog.reference import Reference
from heliograph.providers.provider import ImageJob

Dialect = Literal["vllm-omni", "sglang", "sd-server", "openai"]

Fields = Mapping[str, str | int]

_SUFFIXES: Final = {"image/png": "png", "image/jpeg": "jpg"}

# sd-server reads any of its parameters from such a tag in a prompt.
_TAG: Final = "sd_cpp_extra_args"
_TAGGED: Final = re.compile(rf"<{_TAG}>.*?(?:</{_TAG}>|\Z)|</{_TAG}>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Order:
    """One picture to make, with the references it starts from, if it is an edit."""

    prompt: str
    negative_prompt: str
    width: int
    height: int
    seed: int
    references: tuple[Reference, ...]

    @property
    def path(self) -> str:
        """Where it is asked for, below the engine's API."""
        return "images/edits" if self.references else "images/generations"


def orders_of(job: ImageJob) -> Iterator[Order]:
    """One order for each picture of `job`, each with a seed of its own."""
    request = job.request
    for index in range(request.num_images):
        yield Order(
            prompt=request.prompt,
            negative_prompt=request.negative_prompt or "",
            width=request.width,
            height=request.height,
            seed=job.seed + index,
            references=job.references,
        )


def fields_of(order: Order, dialect: Dialect, model: str | None) -> Fields:
    """Everything that is sent for `order` but its references. `model` None leaves it to the engine."""
    size = f"{order.width}x{order.height}"
    if dialect == "sd-server":
        prompt = without_tags(order.prompt) + _own_tag(order)
        return {"prompt": prompt, "n": 1, "size": size, "output_format": "png"}
    fields: dict[str, str | int] = {
        "prompt": order.prompt,
        "n": 1,
        "size": size,
        "response_format": "b64_json",
    }
    if model is not None:
        fields["model"] = model
    if dialect == "openai":
        return fields
    fields |= {"output_format": "png", "seed": order.seed}
    if order.negative_prompt:
        fields["negative_prompt"] = order.negative_prompt
    return fields


def form_of(fields: Fields, references: tuple[Reference, ...]) -> aiohttp.FormData:
    """The form of an edit. The files have neutral names, because engines store them under these."""
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, str(value))
    for number, reference in enumerate(references, 1):
        form.add_field(
            "image[]",
            reference.data,
            filename=f"reference-{number}.{_SUFFIXES[reference.content_type]}",
            content_type=reference.content_type,
        )
    return form


def without_tags(text: str) -> str:
    """`text` without anything that sd-server would take for parameters."""
    # what stood around a tag may be one when it is put together
    while _TAGGED.search(text):
        text = _TAGGED.sub("", text)
    return text


def _own_tag(order: Order) -> str:
    """Without a seed, sd-server makes every picture from the one it was started with."""
    parameters = {
        "seed": order.seed,
        "negative_prompt": without_tags(order.negative_prompt),
        "embed_image_metadata": False,
    }
    return f" <{_TAG}>{msgspec.json.encode(parameters).decode()}</{_TAG}>"
