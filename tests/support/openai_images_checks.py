"""What each kind of image server takes and refuses, field by field."""

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

DIALECTS = ("vllm-omni", "sglang", "sd-server", "openai")
MOST_REFERENCES = 4
MOST_PIXELS = 7680 * 4320
OPENAI_FIELDS = {"prompt", "model", "n", "size", "response_format", "image[]"}
SD_TAG = re.compile("<sd_cpp_extra_args>(.*?)</sd_cpp_extra_args>")


class Refusal(Exception):
    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True)
class File:
    """A file of a form, as it was sent."""

    field: str
    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Asked:
    """What a server understood. `as_url` is the answer by address instead of base64."""

    prompt: str
    n: int
    size: tuple[int, int]
    seed: int
    output_format: str
    as_url: bool = False


def read_object(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, "body is no JSON object")
    return body


def understood(
    dialect: str, model: str, fields: Mapping[str, Any], files: Sequence[File] | None
) -> Asked:
    """What `fields` ask for; `files` is None for a picture from the prompt alone. Raises Refusal."""
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise Refusal(400, "prompt required")
    if files is not None:
        check_files(dialect, files)
    match dialect:
        case "vllm-omni":
            return _vllm(model, prompt, fields, files)
        case "sglang":
            return _sglang(prompt, fields)
        case "sd-server":
            return _sd_server(prompt, fields)
        case _:
            return _openai(model, prompt, fields)


def check_files(dialect: str, files: Sequence[File]) -> None:
    taken = [file for file in files if file.field in {"image", "image[]"}]
    if not taken:
        status = 422 if dialect in {"vllm-omni", "sglang"} else 400
        raise Refusal(status, "Field 'image' or 'url' is required")
    if len(taken) > MOST_REFERENCES and dialect != "sd-server":
        raise Refusal(400, f"At most {MOST_REFERENCES} images are supported by this model.")
    for file in taken:
        try:
            Image.open(io.BytesIO(file.data)).load()
        except OSError:
            if dialect != "sd-server":  # which skips it without a word
                raise Refusal(400, "Failed to process image source") from None


def _vllm(
    model: str, prompt: str, fields: Mapping[str, Any], files: Sequence[File] | None
) -> Asked:
    asked_model = fields.get("model")
    if asked_model not in (None, model):
        message = f"Model mismatch: request specifies '{asked_model}', server runs '{model}'."
        raise Refusal(400, message)
    formats = {"b64_json", "file"} if files is None else {"b64_json"}
    if fields.get("response_format", "b64_json") not in formats:
        raise Refusal(400, "response_format is not supported")
    if fields.get("output_format", "png") not in {"png", "jpeg", "webp"}:
        raise Refusal(400, "output_format is not supported")
    n = whole(fields, "n", 1)
    if files is None and not 1 <= n <= 10:
        raise Refusal(400, "n must be between 1 and 10")
    size = _own_size(fields.get("size", "auto"), files)
    return Asked(prompt, n, size, whole(fields, "seed", 0), fields.get("output_format", "png"))


def _sglang(prompt: str, fields: Mapping[str, Any]) -> Asked:
    if fields.get("response_format", "b64_json") != "b64_json":
        raise Refusal(400, "response_format='url' requires cloud storage")
    n = min(max(whole(fields, "n", 1), 1), 10)
    size = parsed_size(fields.get("size", "1024x1024"))
    return Asked(prompt, n, size, whole(fields, "seed", 1024), fields.get("output_format", "jpeg"))


def _sd_server(prompt: str, fields: Mapping[str, Any]) -> Asked:
    if fields.get("output_format", "png") not in {"png", "jpeg"}:
        raise Refusal(400, "invalid output_format, must be one of [png, jpeg]")
    found = SD_TAG.search(prompt)
    try:
        parameters = json.loads(found[1]) if found else {}
    except ValueError:
        raise Refusal(400, "invalid sd_cpp_extra_args") from None
    try:
        size = parsed_size(fields.get("size"))
    except Refusal:
        size = (512, 512)
    return Asked(
        SD_TAG.sub("", prompt),
        max(whole(fields, "n", 1), 1),
        size,
        parameters.get("seed", 42),
        fields.get("output_format", "png"),
    )


def _openai(model: str, prompt: str, fields: Mapping[str, Any]) -> Asked:
    for name in fields:
        if name not in OPENAI_FIELDS:
            raise Refusal(400, f"Unknown parameter: '{name}'.", "unknown_parameter")
    if fields.get("model", model) != model:
        raise Refusal(404, f"The model '{fields['model']}' does not exist.", "model_not_found")
    n = whole(fields, "n", 1)
    if not 1 <= n <= 10:
        raise Refusal(400, "Invalid 'n': integer out of range.", "invalid_value")
    as_url = fields.get("response_format", "url") == "url"
    return Asked(prompt, n, parsed_size(fields.get("size", "1024x1024")), 0, "png", as_url)


def whole(fields: Mapping[str, Any], name: str, default: int) -> int:
    """A number; forms have it as text."""
    value = fields.get(name, default)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        return int(value)
    if type(value) is not int:
        raise Refusal(400, f"{name} must be an integer")
    return value


def parsed_size(text: object) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text) if isinstance(text, str) else None
    if found is None:
        raise Refusal(400, "size must be WIDTHxHEIGHT")
    width, height = int(found[1]), int(found[2])
    if width * height > MOST_PIXELS:
        raise Refusal(400, f"size must not exceed {MOST_PIXELS} pixels")
    return width, height


def _own_size(text: object, files: Sequence[File] | None) -> tuple[int, int]:
    """`auto` is the model's own size, or that of the first reference."""
    if text != "auto":
        return parsed_size(text)
    return Image.open(io.BytesIO(files[0].data)).size if files else (1024, 1024)
