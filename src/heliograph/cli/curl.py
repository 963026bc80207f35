"""The request of `generate`, as a command for curl."""

import json
import shlex
from collections.abc import Sequence
from urllib.parse import quote

from heliograph.base.errors import OperatorError

SCHEMES = ("http://", "https://", "data:")


def curl_command(
    base_url: str,
    model: str,
    prompt: str,
    *,
    images: Sequence[str],
    num_images: int,
    aspect_ratio: str,
    negative_prompt: str | None,
) -> str:
    """The command, with the key left to the shell.

    Raises OperatorError for a picture of this machine, which would have to be sent before.
    """
    for image in images:
        if not image.startswith(SCHEMES):
            raise OperatorError(
                f"{image} is a file, and would be uploaded first. With --curl, name the address of a picture."
            )
    asked = {
        "mode": "image-to-image" if images else "text-to-image",
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "image_urls": list(images) or None,
        "aspect_ratio": aspect_ratio,
        "num_images": num_images,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    body = json.dumps({"request_type": "async", "input": given}, ensure_ascii=False)
    address = f"{base_url}/api/v1/generateTask/{quote(model, safe='')}"
    return (
        f"curl -X POST {shlex.quote(address)} \\\n"
        '  -H "Authorization: Bearer $HELIOGRAPH_API_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}"
    )
