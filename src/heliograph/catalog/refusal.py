"""Why a request is refused: the field, the value that came, the limit and the fix, in a sentence.

Nothing here runs for a good request, so it may take its time: it reads the body a second time,
field by field, with the same types.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import MsgspecError, Raw, ValidationError
from msgspec.json import Decoder, encode
from msgspec.structs import fields

from heliograph.base.errors import BadRequest
from heliograph.catalog.body import GenerateTaskBody, Input
from heliograph.catalog.model import Mode, Model
from heliograph.catalog.spelling import did_you_mean, nearest

MAX_SHOWN_CHARACTERS = 60
# A body may hold a hundred thousand made-up names; a misspelt one stands among the first.
_MAX_NAMES_COMPARED = 50

_ANYTHING = Decoder(Raw)
_OBJECT = Decoder(dict[str, Raw])
_LIST = Decoder(list[Raw])
_STRING = Decoder(str)

_BODY_NAMES = tuple(field.encode_name for field in fields(GenerateTaskBody))
_INPUT_NAMES = tuple(field.encode_name for field in fields(Input))
_REQUIRED = {"input"} | {f"input.{each.encode_name}" for each in fields(Input) if each.required}
_READERS: Mapping[str, Decoder[Any]] = {
    **{each.encode_name: Decoder(each.type) for each in fields(GenerateTaskBody)},
    "input": Decoder(dict[str, Raw]),
    **{f"input.{each.encode_name}": Decoder(each.type) for each in fields(Input)},
}


def explain(body: bytes, model: Model, fault: Exception) -> BadRequest:
    """What is wrong with a `body` that the documented types refused with `fault`."""
    try:
        found = _wrong_field(body, model)
    except (MsgspecError, UnicodeDecodeError, RecursionError) as broken:
        return BadRequest(_broken(body, broken))
    return found or BadRequest(_broken(body, fault))


def unfit(path: str, sent: object, model: Model, mode: Mode | None = None) -> BadRequest:
    """The field at `path` holds `sent`, a value or the JSON that was sent, and must not."""
    wanted, fix = _wanted(path, model, mode)
    hint = did_you_mean(sent, model.modes) if path == "input.mode" and isinstance(sent, str) else ""
    return BadRequest(f"{path} must be {wanted}, but is {shown(sent)}. {fix}{hint}", path)


def unfit_images(sent: Raw, model: Model, mode: Mode) -> BadRequest:
    """What keeps `sent` from being a list of strings."""
    items = _LIST.decode(sent) if _reads(_LIST, sent) else []
    for index, item in enumerate(items):
        if not _reads(_STRING, item):
            return unfit(f"input.image_urls[{index}]", item, model, mode)
    return unfit("input.image_urls", sent, model, mode)


def miscounted(count: int, mode: Mode) -> BadRequest:
    """Say that `image_urls` has `count` images, which is too few or too many for `mode`."""
    limit = f"{mode.min_references} to {mode.max_references}"
    fix = "Leave some out." if count else "Add the image to start from."
    return BadRequest(
        f"input.image_urls must be a list of {limit} image URLs, but has {count}. {fix}",
        "input.image_urls",
    )


def missing(path: str, body: bytes, model: Model, mode: Mode | None = None) -> BadRequest:
    """The field at `path` is required and not in `body`, or null there."""
    wanted, fix = _wanted(path, model, mode)
    hint = _misplaced(path, _OBJECT.decode(body))
    return BadRequest(f"Missing required field: {path}. It must be {wanted}. {hint or fix}", path)


def shown(sent: object) -> str:
    """`sent` as JSON, shortened, and with nothing that could disturb a terminal or a log line."""
    if isinstance(sent, Raw):
        text = memoryview(sent)[: 4 * MAX_SHOWN_CHARACTERS].tobytes().decode(errors="ignore")
        text = " ".join(text.split())
    else:
        text = encode(sent[:MAX_SHOWN_CHARACTERS] if isinstance(sent, str) else sent).decode()
    if len(text) > MAX_SHOWN_CHARACTERS:
        text = text[: MAX_SHOWN_CHARACTERS - 1] + "…"
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def _wrong_field(body: bytes, model: Model) -> BadRequest | None:
    body.decode()
    try:
        sent = _OBJECT.decode(body)
    except ValidationError:
        # Raises where the body, besides being no object, is no JSON either.
        _ANYTHING.decode(body)
        return BadRequest(
            f"The request body must be a JSON object with `input`, but is {shown(Raw(body))}."
        )
    return _check("", _BODY_NAMES, sent, body, model) or _check(
        "input.", _INPUT_NAMES, _OBJECT.decode(sent["input"]), body, model
    )


def _broken(body: bytes, fault: Exception) -> str:
    """What is wrong with a body no single field of which is to blame."""
    match fault:
        case UnicodeDecodeError():
            return f"The request body is not UTF-8 (byte {fault.start}). Send JSON in UTF-8."
        case RecursionError():
            return "The request body is nested too deeply. No field goes that deep."
        case ValidationError():
            # Each field is right when read alone, so a later one has replaced the wrong one.
            return f"The request body names a field twice. Send every field once. ({fault})"
    return f"The request body is not valid JSON: {_syntax_fault(body, fault)}"


def _syntax_fault(body: bytes, fault: Exception) -> str:
    if not body.strip():
        return "it is empty. Send an object with `input`."
    if body.startswith(b"\xef\xbb\xbf"):
        return "it starts with a byte order mark. Send it without one."
    if re.search(rb"\\u[dD][89a-fA-F]", body):
        return "an escape such as \\ud83d stands without its second half. Send both halves."
    reason = str(fault).removeprefix("JSON is malformed: ")
    return f"{reason}. Send an object in double-quoted JSON, without NaN, Infinity or comments."


def _check(
    prefix: str, names: Iterable[str], sent: Mapping[str, Raw], body: bytes, model: Model
) -> BadRequest | None:
    for name in names:
        path, value = prefix + name, sent.get(name)
        if path in _REQUIRED and (value is None or value == Raw(b"null")):
            return missing(path, body, model)
        if value is not None and not _reads(_READERS[path], value):
            return unfit(path, value, model)
    return None


def _reads(reader: Decoder[Any], value: Raw) -> bool:
    try:
        reader.decode(value)
    except MsgspecError:
        return False
    return True


def _misplaced(path: str, sent: Mapping[str, Raw]) -> str:
    """A hint at what was probably meant for `path`: another place, or another spelling."""
    if path == "input":
        inside = [name for name in _INPUT_NAMES if name in sent]
        if inside:
            return f"Put {', '.join(inside)} inside `input`."
    name = path.removeprefix("input.")
    if name != path and name in sent:
        return f"Put {name} inside `input`."
    known = _BODY_NAMES if name == path else _INPUT_NAMES
    here = sent if name == path else _OBJECT.decode(sent["input"])
    strangers = [each for each in list(here)[:_MAX_NAMES_COMPARED] if each not in known]
    found = nearest(name, strangers)
    return f"Did you mean {path} where you wrote {shown(found)}?" if found else ""


def _wanted(path: str, model: Model, mode: Mode | None) -> tuple[str, str]:
    """What the field at `path` must be, and the way out."""
    if path.startswith("input.image_urls["):
        return ("a string with an http, https or data:image/…;base64 URL", "One string per image.")
    if path == "input.image_urls":
        return _wanted_images(model, mode)
    if path == "input.aspect_ratio":
        return _wanted_ratio(model, mode)
    return {
        "input": ("an object", 'Send for example {"mode": "text-to-image", "prompt": "a panda"}.'),
        "request_type": ('"async" or "callback"', "Leave it out for async."),
        "retention_hours": (
            "a whole number of hours, at least 1",
            "Leave it out to keep the results as long as possible.",
        ),
        "callback_url": ("a string with a URL", "It is needed with request_type callback only."),
        "input.mode": (f"one of {', '.join(model.modes)}", "Choose one of them."),
        "input.prompt": (
            "a string that is not empty after trimming",
            "Say what the picture should show.",
        ),
        "input.negative_prompt": ("a string", "Leave it out to exclude nothing."),
        "input.num_images": (
            f"a whole number from {model.min_images} to {model.max_images}",
            f"Leave it out for {model.default_images}.",
        ),
    }[path]


def _wanted_images(model: Model, mode: Mode | None) -> tuple[str, str]:
    asking = [mode] if mode else [each for each in model.modes.values() if each.max_references]
    counts = {f"{each.min_references} to {each.max_references}" for each in asking}
    return (
        f"a list of {' or '.join(sorted(counts))} image URLs",
        'Send for example ["https://example.com/base.png"], a list for a single image too.',
    )


def _wanted_ratio(model: Model, mode: Mode | None) -> tuple[str, str]:
    asked = [mode] if mode else model.modes.values()
    sets = " and ".join(f"one of {', '.join(each.sizes)} in {each.name}" for each in asked)
    return (sets, f"Leave it out for {model.default_ratio}.")
