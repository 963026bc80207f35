"""What DashScope refuses at submit, as its documents say."""

import base64
import binascii
import io
import json
import re
from collections.abc import Mapping
from typing import Any

from PIL import Image

MODELS = {"text2image": "wan2.5-t2i-preview", "image2image": "wan2.5-i2i-preview"}
PIXELS = {"text2image": (589_824, 2_073_600), "image2image": (589_824, 1_638_400)}
STATUS_OF = {
    "InvalidApiKey": 401,
    "AccessDenied": 403,
    "AccessDenied.Unpurchased": 403,
    "Model.AccessDenied": 403,
    "Workspace.AccessDenied": 403,
    "AllocationQuota.FreeTierOnly": 403,
    "ModelNotFound": 404,
    "Throttling": 429,
    "Throttling.RateQuota": 429,
    "Throttling.BurstRate": 429,
    "Throttling.AllocationQuota": 429,
    "LimitRequests": 429,
    "CommodityNotPurchased": 429,
    "PrepaidBillOverdue": 429,
    "PostpaidBillOverdue": 429,
    "InternalError": 500,
    "InternalError.Algo": 500,
    "InternalError.Timeout": 500,
    "RequestTimeOut": 500,
    "SystemError": 500,
    "ModelServingError": 503,
    "ModelUnavailable": 503,
}
MAX_DATA_URL_BYTES = 10_485_760


class Refusal(Exception):
    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status or STATUS_OF.get(code, 400)


def read_object(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal("BadRequest.IllegalInput", "input json error.")
    return body


def checked_model(kind: str, body: Mapping[str, Any]) -> None:
    if body.get("model") not in MODELS.values():
        raise Refusal("InvalidParameter", "Model not exist.", 404)
    if MODELS.get(kind) != body["model"]:
        raise Refusal("InvalidParameter", "url error, please check url!")


def checked_input(kind: str, content: Any) -> str:
    """The prompt. Raises Refusal."""
    if not isinstance(content, dict):
        raise Refusal("BadRequest.EmptyInput", "Required parameter(input) missing or invalid")
    prompt = content.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise Refusal("InvalidParameter", "Required parameter(prompt) missing or invalid")
    if not isinstance(content.get("negative_prompt", ""), str):
        raise Refusal(
            "InvalidParameter", "The type or value of negative_prompt is out of definition."
        )
    if kind == "image2image":
        images = content.get("images")
        if not isinstance(images, list) or not 1 <= len(images) <= 3:
            raise Refusal("InvalidParameter", "Field required: input.images")
        for image in images:
            check_image(image)
    elif "images" in content:
        raise Refusal("InvalidParameter", "url error, please check url!")
    return prompt


def check_image(image: Any) -> None:
    if isinstance(image, str) and image.startswith(("http://", "https://")):
        return
    found = (
        re.match(r"data:image/(png|jpeg|bmp|webp);base64,", image)
        if isinstance(image, str)
        else None
    )
    if found is None:
        raise Refusal("InvalidURL", "The provided URL does not appear to be valid.")
    if len(image) > MAX_DATA_URL_BYTES:
        raise Refusal("InvalidParameter", f"max bytes per data-uri item {MAX_DATA_URL_BYTES}")
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(image[found.end() :], validate=True)))
    except (binascii.Error, OSError) as error:
        raise Refusal("InvalidParameter", "read image error.") from error
    if (picture.format or "").lower() != found[1]:
        raise Refusal("InvalidParameter", "image format error")
    if not all(384 <= side <= 5000 for side in picture.size):
        raise Refusal("InvalidParameter", "the size of input image is too small or too large.")


def checked_size(kind: str, size: Any) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d{0,4})\*([1-9]\d{0,4})", size) if isinstance(size, str) else None
    if found is None:
        raise Refusal("InvalidParameter", "The size must be W*H")
    width, height = int(found[1]), int(found[2])
    least, most = PIXELS[kind]
    if not least <= width * height <= most or not 0.25 <= width / height <= 4:
        raise Refusal("InvalidParameter", f"Total pixels must be between {least} and {most}.")
    return width, height


def checked_int(
    parameters: Mapping[str, Any], name: str, default: int, limits: tuple[int, int]
) -> int:
    value = parameters.get(name, default)
    if type(value) is not int or not limits[0] <= value <= limits[1]:
        raise Refusal("InvalidParameter", f"Range of {name} should be {list(limits)}")
    return value


def checked_flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    for flag in (name, "watermark"):
        if not isinstance(parameters.get(flag, default), bool):
            raise Refusal("InvalidParameter", f"The type or value of {flag} is out of definition.")
    return bool(parameters.get(name, default))
