"""Reading a Generate Task body: raw JSON in, a checked request with every default filled out."""

import re
from collections.abc import Callable

from msgspec import UNSET, MsgspecError, Raw, Struct, UnsetType, ValidationError
from msgspec.json import Decoder

from heliograph.base.errors import BadRequest
from heliograph.base.unseen import without_unseen
from heliograph.catalog.body import GenerateTaskBody, Input
from heliograph.catalog.model import Mode, Model
from heliograph.catalog.reference import IMAGE_URL_START
from heliograph.catalog.refusal import explain, miscounted, missing, shown, unfit, unfit_images

__all__ = ["GenerateTaskBody", "ImageRequest", "Input", "Submission", "read_submission"]

MAX_SOURCE_CHARACTERS = 200
# Longer texts cannot be a number of images, and int() is not asked to read them.
_MAX_NUMBER_CHARACTERS = 9

UrlCheck = Callable[[str], None]

_BODY = Decoder(GenerateTaskBody)
_STRINGS = Decoder(tuple[str, ...])
_STRING = Decoder(str)
_NULL = Raw(b"null")
_IMAGE_URL = re.compile(IMAGE_URL_START)


class ImageRequest(Struct, frozen=True):
    """What a provider is to make. `width` and `height` are in pixels.

    The texts are trimmed, cut and free of NUL; `image_urls` is empty where the mode ignores it.
    """

    mode: str
    prompt: str
    negative_prompt: str | None
    aspect_ratio: str
    num_images: int
    image_urls: tuple[str, ...]
    width: int
    height: int


class Submission(Struct, frozen=True):
    """A checked request and what goes with it. `callback_url` is None when polling was asked for.

    `retention_hours` is None for as long as the operator keeps results.
    """

    model: str
    image: ImageRequest
    callback_url: str | None
    source: str | None
    retention_hours: int | None = None

    def check_retention(self, most_hours: float) -> None:
        """Raise BadRequest when the results shall be kept for longer than `most_hours`."""
        if self.retention_hours is not None and self.retention_hours > most_hours:
            raise BadRequest(
                f"retention_hours must be at most {most_hours:g}, but is {self.retention_hours}."
                f" Leave it out for {most_hours:g}.",
                "retention_hours",
            )


def read_submission(
    body: bytes, model: Model, *, check_callback: UrlCheck, check_image_url: UrlCheck
) -> Submission:
    """The submission that `body`, a JSON object in UTF-8, asks of `model`.

    The two checks raise ValueError with a sentence for a URL that may not be used.
    Raises BadRequest, and nothing else, with the path of the first wrong field. Of a key that is
    written twice the last one counts, as in JavaScript. The rules are those of the model's API page.
    """
    sent = _decode(body, model)
    return Submission(
        model=model.model_id,
        callback_url=_callback_url(sent, body, model, check_callback),
        image=_image_request(sent.input, body, model, check_image_url),
        source=_source(sent.source),
        retention_hours=sent.retention_hours or None,
    )


def _decode(body: bytes, model: Model) -> GenerateTaskBody:
    try:
        if not body.isascii():
            # The decoder passes over the bytes of fields that it does not know.
            body.decode()
        return _BODY.decode(body)
    except (MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise explain(body, model, fault) from fault


def _image_request(sent: Input, body: bytes, model: Model, check: UrlCheck) -> ImageRequest:
    mode = model.modes.get(sent.mode)
    if mode is None:
        raise unfit("input.mode", sent.mode, model)
    prompt = _text(sent.prompt, model.max_prompt_characters)
    if not any(one.isprintable() and one != " " for one in without_unseen(prompt)):
        raise unfit("input.prompt", sent.prompt, model)
    ratio = sent.aspect_ratio if isinstance(sent.aspect_ratio, str) else model.default_ratio
    if ratio not in mode.sizes:
        raise unfit("input.aspect_ratio", ratio, model, mode)
    width, height = mode.sizes[ratio]
    return ImageRequest(
        mode=mode.name,
        prompt=prompt,
        negative_prompt=_text(sent.negative_prompt or "", model.max_negative_prompt_characters)
        or None,
        aspect_ratio=ratio,
        num_images=_num_images(sent.num_images, model),
        image_urls=_image_urls(sent.image_urls, body, model, mode, check),
        width=width,
        height=height,
    )


def _text(sent: str, limit: int) -> str:
    """`sent` trimmed and cut at `limit` code points, without NUL, which PostgreSQL cannot store.

    NUL goes rather than being refused: it says nothing, and texts pasted from elsewhere carry it.
    """
    return sent.replace("\0", "").strip()[:limit]


def _num_images(sent: int | str | UnsetType | None, model: Model) -> int:
    if sent is None or sent is UNSET:
        return model.default_images
    number = _number(sent) if isinstance(sent, str) else sent
    if number is None or not model.min_images <= number <= model.max_images:
        raise unfit("input.num_images", sent, model)
    return number


def _number(text: str) -> int | None:
    """A whole number in ASCII digits, spaces around it allowed, or None."""
    digits = text.strip()
    # isdigit() alone is true of full-width and superscript digits too.
    plain = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_NUMBER_CHARACTERS
    return int(digits) if plain else None


def _image_urls(
    sent: Raw | UnsetType, body: bytes, model: Model, mode: Mode, check: UrlCheck
) -> tuple[str, ...]:
    if mode.max_references == 0:
        return ()
    if sent is UNSET or sent == _NULL:
        if mode.min_references == 0:
            return ()
        raise missing("input.image_urls", body, model, mode)
    try:
        urls = _STRINGS.decode(sent)
    except ValidationError as fault:
        raise unfit_images(sent, model, mode) from fault
    if not mode.min_references <= len(urls) <= mode.max_references:
        raise miscounted(len(urls), mode)
    for index, url in enumerate(urls):
        path = f"input.image_urls[{index}]"
        if not _IMAGE_URL.match(url):
            raise unfit(path, url, model, mode)
        check_url(path, url, check)
    return urls


def _callback_url(sent: GenerateTaskBody, body: bytes, model: Model, check: UrlCheck) -> str | None:
    """Where to post the result, or None: with `async`, a callback URL is not used at all."""
    if sent.request_type != "callback":
        return None
    if not sent.callback_url:
        raise missing("callback_url", body, model)
    check_url("callback_url", sent.callback_url, check)
    return sent.callback_url


def check_url(path: str, url: str, check: UrlCheck) -> None:
    """Raise BadRequest, naming `path`, when `url` holds a NUL or `check` refuses it."""
    if "\0" in url:
        raise BadRequest(f"{path} holds a NUL character, which no URL has. Remove it.", path)
    try:
        check(url)
    except ValueError as fault:
        raise BadRequest(f"{path} {shown(url)} cannot be used: {fault}", path) from fault


def _source(sent: Raw | UnsetType) -> str | None:
    """The client's tag: a string is kept, anything else is ignored."""
    if sent is UNSET or bytes(memoryview(sent)[:1]) != b'"':
        return None
    return _STRING.decode(sent).replace("\0", "")[:MAX_SOURCE_CHARACTERS]
