"""The body of Generate Task as documented types: they decode requests, and OpenAPI is made of them.

Only what no single type can say is checked later, in `request.py`, against one model: which
ratios go with which mode, what a mode requires, and the length of texts, which are cut and never
refused. Where models differ, the schema names the union.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from heliograph.catalog.models import MODELS

_ALL = tuple(MODELS.values())
_FIRST = _ALL[0]
_MODES = tuple(mode for model in _ALL for mode in model.modes.values())
_MIN_IMAGES = min(model.min_images for model in _ALL)
_MAX_IMAGES = max(model.max_images for model in _ALL)
_MAX_REFERENCES = max(mode.max_references for mode in _MODES)


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


Ratio = Annotated[
    str,
    Meta(
        extra_json_schema={"enum": _distinct(ratio for mode in _MODES for ratio in mode.sizes)},
        examples=["1:1", "16:9"],
    ),
]
ImageCount = Annotated[int, Meta(ge=_MIN_IMAGES, le=_MAX_IMAGES)]
ImageCountText = Annotated[
    str,
    Meta(
        description="the number as a string",
        extra_json_schema={"enum": [str(n) for n in range(_MIN_IMAGES, _MAX_IMAGES + 1)]},
    ),
]

Hours = Annotated[int, Meta(ge=1)]


class Input(Struct, frozen=True):
    """What to make: the parameters of the model."""

    mode: Annotated[
        str,
        Meta(
            description="Generation mode.",
            extra_json_schema={"enum": _distinct(mode.name for mode in _MODES)},
            examples=["text-to-image"],
        ),
    ]
    prompt: Annotated[
        str,
        Meta(
            description="What the picture shows, in Chinese or English. Not empty after trimming; "
            f"beyond {_FIRST.max_prompt_characters} characters it is cut, not refused.",
            # A NUL is removed before trimming, so it does not count as text either.
            extra_json_schema={"pattern": r"[^\s\u0000]"},
            examples=["a cinematic panda in snow"],
        ),
    ]
    negative_prompt: Annotated[
        str | None,
        Meta(
            description="What the picture should not show, in Chinese or English. "
            f"Beyond {_FIRST.max_negative_prompt_characters} characters it is cut, not refused.",
            examples=["blurry, low quality"],
        ),
    ] = None
    aspect_ratio: Annotated[
        Ratio | UnsetType | None,
        Meta(
            description="Width to height. "
            + " ".join(f"`{mode.name}`: {', '.join(mode.sizes)}." for mode in _MODES),
            extra_json_schema={"default": _FIRST.default_ratio},
        ),
    ] = UNSET
    num_images: Annotated[
        ImageCount | ImageCountText | UnsetType | None,
        Meta(
            description="How many pictures to make.",
            extra_json_schema={"default": _FIRST.default_images},
            examples=[_FIRST.default_images],
        ),
    ] = UNSET
    # Raw stays unread, so that nothing in an ignored value can spoil a request.
    image_urls: Annotated[
        Raw | UnsetType,
        Meta(
            description=f"Reference images: `http(s)` URLs or `data:image/…;base64,…` URLs of "
            f"1 to {_MAX_REFERENCES} images. Required for `image-to-image`, "
            f"ignored in `text-to-image`. Each image: {_FIRST.references.description}.",
            extra_json_schema={
                "type": ["array", "null"],
                "items": {"type": "string"},
                "maxItems": _MAX_REFERENCES,
            },
            examples=[["https://example.com/base.png", "https://example.com/style.png"]],
        ),
    ] = UNSET


class GenerateTaskBody(Struct, frozen=True):
    """A generation task. Fields that are not listed are ignored."""

    input: Annotated[Input, Meta(description="What to make: the parameters of the model.")]
    request_type: Annotated[
        Literal["async", "callback"] | None,
        Meta(
            description="`async`: poll statusTask. `callback`: the final result is posted to "
            "`callback_url` as well.",
            examples=["async"],
        ),
    ] = "async"
    callback_url: Annotated[
        str | None,
        Meta(
            description="Where the final result is posted. Required when `request_type` is "
            "`callback`, otherwise not used.",
            examples=["https://your-server.com/webhooks/apixo"],
        ),
    ] = None
    source: Annotated[
        Raw | UnsetType,
        Meta(
            description="A free tag for your own statistics; kept up to 200 characters.",
            extra_json_schema={"type": ["string", "null"]},
            examples=["my-app"],
        ),
    ] = UNSET
    retention_hours: Annotated[
        Hours | UnsetType | None,
        Meta(
            description="For how many hours the results are kept, at most as long as the operator "
            "keeps them, which is the default.",
            examples=[24],
        ),
    ] = UNSET


EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "text-to-image": {
        "request_type": "async",
        "input": {
            "mode": "text-to-image",
            "prompt": "a cinematic panda in snow",
            "negative_prompt": "blurry, low quality",
            "aspect_ratio": "16:9",
            "num_images": 4,
        },
    },
    "image-to-image": {
        "request_type": "async",
        "input": {
            "mode": "image-to-image",
            "prompt": "merge style of image 2 into image 1 and keep image 3 color mood",
            "negative_prompt": "low quality",
            "aspect_ratio": "3:4",
            "num_images": 3,
            "image_urls": [
                "https://example.com/base.png",
                "https://example.com/style.png",
                "https://example.com/color.png",
            ],
        },
    },
    "callback": {
        "request_type": "callback",
        "callback_url": "https://your-server.com/webhooks/apixo",
        "input": {
            "mode": "image-to-image",
            "prompt": "turn this into a cinematic movie still",
            "aspect_ratio": "16:9",
            "num_images": 2,
            "image_urls": ["https://example.com/source-1.png"],
        },
    },
}
