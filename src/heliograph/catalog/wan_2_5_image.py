"""Wan 2.5 Image: the limits of its public API page, the picture sizes of the upstream models."""

from types import MappingProxyType

from heliograph.catalog.model import Mode, Model, ReferenceLimits

# The API page names ratios only; these are the sizes that Alibaba publishes for
# wan2.5-t2i-preview and wan2.5-i2i-preview, whose two ratio sets are the page's.
_TEXT_SIZES = {
    "1:1": (1280, 1280),
    "3:4": (1104, 1472),
    "4:3": (1472, 1104),
    "9:16": (960, 1696),
    "16:9": (1696, 960),
}
_EDIT_SIZES = {
    "1:1": (1280, 1280),
    "2:3": (800, 1200),
    "3:2": (1200, 800),
    "3:4": (960, 1280),
    "4:3": (1280, 960),
    "9:16": (720, 1280),
    "16:9": (1280, 720),
    "21:9": (1344, 576),
}

_TEXT_TO_IMAGE = Mode(
    name="text-to-image",
    description="Make pictures from a prompt. `image_urls` is ignored.",
    sizes=MappingProxyType(_TEXT_SIZES),
    min_references=0,
    max_references=0,
    unit_price_micros=30_000,
)
_IMAGE_TO_IMAGE = Mode(
    name="image-to-image",
    description="Change or merge 1 to 3 reference images as the prompt says.",
    sizes=MappingProxyType(_EDIT_SIZES),
    min_references=1,
    max_references=3,
    unit_price_micros=30_000,
)

WAN_2_5_IMAGE = Model(
    model_id="wan-2-5-image",
    title="Wan 2.5 Image",
    description="Alibaba image generation API for text-to-image and image-to-image workflows",
    category="image",
    modes=MappingProxyType({mode.name: mode for mode in (_TEXT_TO_IMAGE, _IMAGE_TO_IMAGE)}),
    default_ratio="1:1",
    min_images=1,
    max_images=4,
    default_images=4,
    max_prompt_characters=2000,
    max_negative_prompt_characters=500,
    references=ReferenceLimits(
        formats=("JPEG", "PNG", "BMP", "WEBP"),
        min_side_px=384,
        max_side_px=5000,
        max_bytes=10 * 1024 * 1024,
        description="JPEG, PNG without alpha, BMP or WEBP; "
        "width and height 384 to 5000 px; at most 10 MB",
    ),
    deadline_seconds=None,
    first_poll_seconds=10,
    poll_interval_seconds=5,
)
