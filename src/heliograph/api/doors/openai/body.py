"""What OpenAI's clients send, and what it means here."""

import contextlib
import math
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from heliograph.api.body import read_json, room_for, unfit_body
from heliograph.api.form import FORM_BYTES, MULTIPART, media_type_of, read_form
from heliograph.base.errors import BadRequest
from heliograph.catalog.model import Mode, Model

DEFAULT_IMAGES = 1
MOST_IMAGES = 4

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_OUTWARD = (("input.image_urls", "image"), ("input.", ""))

Size = tuple[int, int]
"""Width and height in pixels."""


class GenerationBody(Struct, frozen=True):
    """Images from a prompt. Fields that are not listed, such as `quality` and `user`, are ignored."""

    prompt: Annotated[str, Meta(description="What the images show.", examples=["a red fox"])]
    model: Annotated[
        str | None, Meta(description="A model of this server, its first by default.")
    ] = None
    n: Annotated[
        int | None,
        Meta(
            description="How many images.",
            extra_json_schema={"default": DEFAULT_IMAGES, "minimum": 1, "maximum": MOST_IMAGES},
        ),
    ] = None
    size: Annotated[
        str | None,
        Meta(
            description="`WIDTHxHEIGHT` or `auto`. The images get the size of the nearest aspect ratio.",
            examples=["1024x1024"],
        ),
    ] = None
    response_format: Annotated[
        Literal["url", "b64_json"] | None, Meta(description="`url` by default.")
    ] = None
    negative_prompt: Annotated[
        str | None, Meta(description="What the images should not show. Not of OpenAI.")
    ] = None
    stream: Annotated[bool | None, Meta(description="Not offered: `true` is refused.")] = None

    @property
    def num_images(self) -> int:
        """How many images are asked for."""
        return DEFAULT_IMAGES if self.n is None else self.n

    def check(self) -> None:
        """Raise BadRequest for what cannot be offered."""
        if not 1 <= self.num_images <= MOST_IMAGES:
            raise BadRequest(
                f"n must be a whole number from 1 to {MOST_IMAGES}, but is {self.n}."
                f" Leave it out for {DEFAULT_IMAGES}.",
                "n",
            )
        if self.stream:
            raise BadRequest(
                "stream is not offered: the answer comes when all images are made. Leave it out.",
                "stream",
            )


class ImageSource(Struct, frozen=True):
    """A reference image at an address: `http(s)`, or `data:image/…;base64,…`."""

    image_url: str | None = None
    file_id: Annotated[str | None, Meta(description="Not offered: refused.")] = None


class EditBody(GenerationBody, frozen=True):
    """Images from a prompt and one to three images, in `image` or in `images`."""

    image: Annotated[
        str | list[str] | None,
        Meta(description="Addresses of images.", examples=[["https://example.com/base.png"]]),
    ] = None
    images: Annotated[
        list[ImageSource] | None, Meta(description="The same, as OpenAI's JSON has it.")
    ] = None
    mask: Annotated[Any, Meta(description="Not offered: refused.")] = None

    def check(self) -> None:
        """Raise BadRequest for what cannot be offered."""
        GenerationBody.check(self)
        if self.mask is not None:
            raise BadRequest(
                "mask is not offered: say in the prompt what to change, and leave mask out.", "mask"
            )
        if any(one.image_url is None for one in self.images or ()):
            raise BadRequest(
                "images must have an image_url each; files by file_id are not offered.", "images"
            )

    @property
    def addresses(self) -> list[str]:
        """The addresses of the images, in order."""
        named = [self.image] if isinstance(self.image, str) else self.image or []
        return [*named, *(one.image_url for one in self.images or () if one.image_url)]


@contextlib.asynccontextmanager
async def read_edit(request: Request, model: Model) -> AsyncIterator[tuple[EditBody, list[bytes]]]:
    """A request for an edit, as JSON or as a form, and the files in it, for the length of the block.

    Raises BadRequest, TooLarge, UnsupportedMediaType, and Busy when there is no room for the files.
    """
    if media_type_of(request) != MULTIPART:
        yield await read_json(request, EditBody), []
        return
    most = max(mode.max_references for mode in model.modes.values())
    # one more than is taken, and a mask: what is wrong with them can then be said
    most_bytes, most_files = most * model.references.max_bytes, most + 2
    async with (
        room_for(request, most_bytes + FORM_BYTES),
        read_form(request, most_bytes, most_files, "image") as form,
    ):
        files = [part for name in ("image", "image[]") for part in form.getlist(name)]
        yield (
            _read_fields(form),
            [await file.read() for file in files if isinstance(file, UploadFile)],
        )


def _read_fields(form: FormData) -> EditBody:
    """The fields of a form that are no images; all of them are text."""
    texts: dict[str, Any] = {
        name: part for name, part in form.multi_items() if isinstance(part, str)
    }
    for name, part in texts.items():
        _check_text(name, part)
    named = [part for part in form.getlist("image") if isinstance(part, str)]
    fields = texts | {"image": named or None, "mask": form.get("mask")}
    try:
        return msgspec.convert(fields, EditBody, strict=False)
    except msgspec.ValidationError as error:
        raise unfit_body(error) from None


def _check_text(name: str, text: str) -> None:
    """A form may be in an encoding of its own, in which half a character can be written."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"{name} is no proper text. Send the form in UTF-8.", name) from None


def read_size(size: str | None) -> Size | None:
    """What `WIDTHxHEIGHT` says, None for `auto` and for nothing. Raises BadRequest."""
    if size is None or size == "auto":
        return None
    numbers = _SIZE.fullmatch(size)
    if numbers is None:
        raise BadRequest(
            f"size must be WIDTHxHEIGHT in pixels, such as 1024x1024, or auto, but is {size[:40]!r}.",
            "size",
        )
    return int(numbers[1]), int(numbers[2])


def nearest_ratio(mode: Mode, size: Size) -> str:
    """The aspect ratio of `mode` that comes nearest to that of `size`, by the factor between them."""
    wanted = math.log(size[0] / size[1])
    return min(
        mode.sizes,
        key=lambda ratio: abs(math.log(mode.sizes[ratio][0] / mode.sizes[ratio][1]) - wanted),
    )


def outward(text: str) -> str:
    """`text` about a field of a task, with the name that the field has here."""
    for ours, theirs in _OUTWARD:
        text = text.replace(ours, theirs)
    return text
