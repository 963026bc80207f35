"""Every documented rule of the request body, in both modes."""

import json
from typing import Any

import pytest

from heliograph.base.errors import BadRequest
from heliograph.catalog.body import EXAMPLES
from heliograph.catalog.request import read_submission
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE
from support.submissions import ABSENT, EDIT, TEXT, accept, changed, field_of, read, refusal

TEXT_RATIOS = {"1:1", "3:4", "4:3", "9:16", "16:9"}
EDIT_RATIOS = {"1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "21:9"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_documented_body_is_accepted(name: str) -> None:
    sent = EXAMPLES[name]
    image = read(sent).image
    assert image.mode == sent["input"]["mode"]
    assert image.prompt == sent["input"]["prompt"]
    assert image.negative_prompt == sent["input"].get("negative_prompt")
    assert image.aspect_ratio == sent["input"]["aspect_ratio"]
    assert image.num_images == sent["input"]["num_images"]
    assert list(image.image_urls) == sent["input"].get("image_urls", [])


def test_the_smallest_body_gets_every_documented_default() -> None:
    submission = read({"input": TEXT})
    image = submission.image
    assert (submission.model, submission.callback_url, submission.source) == (
        "wan-2-5-image",
        None,
        None,
    )
    assert (image.aspect_ratio, image.num_images, image.negative_prompt) == ("1:1", 4, None)
    assert (image.width, image.height, image.image_urls) == (1280, 1280, ())


GOOD = [
    (TEXT, "num_images", 1, 1),
    (TEXT, "num_images", 4, 4),
    (EDIT, "num_images", "1", 1),
    (EDIT, "num_images", "4", 4),
    (TEXT, "num_images", " 3 ", 3),
    (TEXT, "num_images", "02", 2),
    (TEXT, "num_images", None, 4),
    (EDIT, "num_images", ABSENT, 4),
    (TEXT, "aspect_ratio", None, "1:1"),
    (EDIT, "aspect_ratio", ABSENT, "1:1"),
    *((TEXT, "aspect_ratio", ratio, ratio) for ratio in sorted(TEXT_RATIOS)),
    *((EDIT, "aspect_ratio", ratio, ratio) for ratio in sorted(EDIT_RATIOS)),
    (TEXT, "prompt", "  \n a panda \t", "a panda"),
    (EDIT, "prompt", "雪中的熊猫 🐼", "雪中的熊猫 🐼"),
    (TEXT, "prompt", "a\0 panda\0", "a panda"),
    (TEXT, "negative_prompt", " blurry ", "blurry"),
    (EDIT, "negative_prompt", "   ", None),
    (TEXT, "negative_prompt", "", None),
    (TEXT, "negative_prompt", "\0", None),
    (EDIT, "negative_prompt", None, None),
    (TEXT, "image_urls", None, ()),
    (TEXT, "image_urls", "not a list", ()),
    (TEXT, "image_urls", ["ftp://a", 5, {"b": [None]}], ()),
    (TEXT, "image_urls", ["https://example.com/1.png"] * 9, ()),
    (TEXT, "image_urls", 10**400, ()),
    (EDIT, "image_urls", ["https://a/1", "https://a/1"], ("https://a/1", "https://a/1")),
    (EDIT, "image_urls", ["HTTP://a/1", "http://b", "https://c"], None),
    (EDIT, "image_urls", ["data:image/png;base64,iVBORw0="], ("data:image/png;base64,iVBORw0=",)),
    (EDIT, "image_urls", ["data:image/PNG;charset=x;BASE64,iVBORw0="], None),
    (EDIT, "image_urls", [f"data:image/png;name={'n' * 80};charset={'c' * 80};base64,eA=="], None),
]


@pytest.mark.parametrize(("base", "field", "sent", "expected"), GOOD)
def test_a_value_within_the_documented_rules_is_taken(
    base: dict[str, Any], field: str, sent: Any, expected: Any
) -> None:
    taken = getattr(read(changed(base, **{field: sent})).image, field)
    assert taken == (tuple(sent) if expected is None and field == "image_urls" else expected)


BAD = [
    (TEXT, "mode", ABSENT, "Missing required field: input.mode"),
    (TEXT, "mode", None, "Missing required field: input.mode"),
    (TEXT, "mode", "", 'one of text-to-image, image-to-image, but is ""'),
    (TEXT, "mode", "text2image", "Did you mean text-to-image?"),
    (TEXT, "mode", "Text-To-Image", "Did you mean text-to-image?"),
    (TEXT, "mode", 7, "but is 7"),
    (TEXT, "mode", ["text-to-image"], 'but is ["text-to-image"]'),
    *(
        (base, "prompt", sent, message)
        for base in (TEXT, EDIT)
        for sent, message in [
            (ABSENT, "Missing required field: input.prompt"),
            (None, "Missing required field: input.prompt"),
            ("", "not empty after trimming"),
            (" \n\t\u3000\u00a0", "not empty after trimming"),
            ("\0 \0", "not empty after trimming"),
            ("\u200b\u2060 \ufeff", "not empty after trimming"),
            ("\ufe0f\u3164 \u2800\U000e0100", "not empty after trimming"),
            (5, "but is 5"),
            (True, "but is true"),
            (["a panda"], 'but is ["a panda"]'),
            ({"text": "a panda"}, "but is {"),
        ]
    ),
    (TEXT, "negative_prompt", 5, "but is 5"),
    (EDIT, "negative_prompt", ["blurry"], 'but is ["blurry"]'),
    *(
        (base, "num_images", sent, "a whole number from 1 to 4, but is ")
        for base in (TEXT, EDIT)
        for sent in [
            *(0, 5, -1, 1.5, 2.0, True, False, 10**30, 10**400, 1e300),
            *("0", "5", "x", "1.5", "2.0", "", " ", "-1", "+1", "1e0", "0x1", "1_0", "\uff14", "²", "٣"),
            *("9" * 400, [2], {"n": 2}),
        ]
    ),
    *((TEXT, "aspect_ratio", ratio, "1:1, 3:4, 4:3, 9:16, 16:9 in text") for ratio in
      (*sorted(EDIT_RATIOS - TEXT_RATIOS), "", "16x9", "auto", " 1:1")),
    (EDIT, "aspect_ratio", "4:5", "1:1, 2:3, 3:2, 3:4, 4:3, 9:16, 16:9, 21:9 in image-to-image"),
    (EDIT, "aspect_ratio", 1, "but is 1. Leave it out for 1:1."),
    (EDIT, "image_urls", ABSENT, "Missing required field: input.image_urls"),
    (EDIT, "image_urls", None, "a list of 1 to 3 image URLs"),
    (EDIT, "image_urls", [], "a list of 1 to 3 image URLs, but has 0. Add"),
    (EDIT, "image_urls", ["https://a"] * 4, "a list of 1 to 3 image URLs, but has 4"),
    (EDIT, "image_urls", "https://a", 'but is "https://a". Send for example ["'),
    (EDIT, "image_urls", {"url": "https://a"}, "a list of 1 to 3"),
]  # fmt: skip


@pytest.mark.parametrize(("base", "field", "sent", "message"), BAD)
def test_a_value_outside_the_documented_rules_is_refused_by_name(
    base: dict[str, Any], field: str, sent: Any, message: str
) -> None:
    fault = refusal(changed(base, **{field: sent}))
    assert field_of(fault) == f"input.{field}"
    assert f"input.{field}" in fault.message
    assert message in fault.message
    assert len(fault.message) < 400


@pytest.mark.parametrize(
    "sent",
    [5, None, True, [], {}, "", "a.png", "ftp://a/1.png", "data:image/png,raw", "data:text/plain;base64,eA==",
     "data:image/png,x;base64,eA==", "data:image/png;x;base64,eA==", "data:image/;base64,eA==",
     " https://a", "//a/1.png", "https://a/\0"],
)  # fmt: skip
def test_the_one_wrong_image_url_is_named_by_its_place(sent: Any) -> None:
    fault = refusal(changed(EDIT, image_urls=["https://a/1.png", sent]))
    assert field_of(fault) == "input.image_urls[1]"
    assert "input.image_urls[1]" in fault.message


def test_the_sentence_of_a_url_check_reaches_the_client_with_the_field() -> None:
    def refuse(url: str) -> None:
        raise ValueError(f"the host of {url[:9]} is missing")

    body = json.dumps(EXAMPLES["callback"]).encode()
    for checks, field in [
        ((refuse, accept), "callback_url"),
        ((accept, refuse), "input.image_urls[0]"),
    ]:
        with pytest.raises(BadRequest, match=r"the host of https://[ye] is missing") as caught:
            read_submission(
                body, WAN_2_5_IMAGE, check_callback=checks[0], check_image_url=checks[1]
            )
        assert field_of(caught.value) == field
        assert field in caught.value.message


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, None),
        ({"request_type": None}, None),
        ({"request_type": "async", "callback_url": "nonsense"}, None),
        ({"callback_url": "https://a"}, None),
        ({"request_type": "callback", "callback_url": "https://a"}, "https://a"),
    ],
)
def test_a_callback_url_counts_only_where_a_callback_is_asked_for(sent: Any, expected: Any) -> None:
    assert read({"input": TEXT, **sent}).callback_url == expected


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"request_type": "sync"}, "request_type"),
        ({"request_type": ""}, "request_type"),
        ({"request_type": 1}, "request_type"),
        ({"request_type": "callback"}, "callback_url"),
        ({"request_type": "callback", "callback_url": None}, "callback_url"),
        ({"request_type": "callback", "callback_url": ""}, "callback_url"),
        ({"request_type": "callback", "callback_url": ["https://a"]}, "callback_url"),
        ({"request_type": "callback", "callback_url": "https://a/\0"}, "callback_url"),
        ({"input": None}, "input"),
        ({"input": "a panda"}, "input"),
        ({"input": [TEXT]}, "input"),
    ],
)
def test_a_wrong_outer_field_is_named(sent: Any, field: str) -> None:
    fault = refusal({"input": TEXT, **sent})
    assert field_of(fault) == field
    assert field in fault.message


def test_fields_that_are_not_documented_are_ignored() -> None:
    extra = {"provider": "official", "seed": 1, "x": [{}] * 3}
    assert read({"input": TEXT | extra, **extra}) == read({"input": TEXT})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("mcp", "mcp"),
        ("", ""),
        ("é" * 201, "é" * 200),
        ("a\0b", "ab"),
        (None, None),
        (5, None),
        (["mcp"], None),
        ({"a": 10**400}, None),
    ],
)
def test_the_source_is_kept_when_it_is_a_string(sent: Any, kept: str | None) -> None:
    assert read({"source": sent, "input": TEXT}).source == kept


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        (
            {"input": {"mode": "text-to-image", "promt": "x"}},
            'input.prompt where you wrote "promt"',
        ),
        ({"input": {"Mode": "text-to-image", "prompt": "x"}}, 'input.mode where you wrote "Mode"'),
        ({"input": EDIT | {"image_urls": None, "imageUrls": ["https://a"]}}, '"imageUrls"'),
        ({"input": TEXT, "request_type": "callback", "callbackUrl": "https://a"}, '"callbackUrl"'),
        ({"inputs": TEXT}, 'Did you mean input where you wrote "inputs"?'),
        (TEXT, "Put mode, prompt inside `input`."),
        ({"input": {"mode": "text-to-image"}, "prompt": "x"}, "Put prompt inside `input`."),
        ({"input": {"mode": "text-to-image", "words": "x"}}, "Say what the picture should show."),
        ({"input": {"mode": "text-to-image", "prompt" * 9: "x"}}, "Say what the picture"),
    ],
)
def test_a_missing_field_comes_with_a_guess_at_what_was_meant(sent: Any, hint: str) -> None:
    assert hint in refusal(sent).message


CHARACTERS = ["a", "熊", "🐼", "e\u0301", "👩\u200d🚀"]


@pytest.mark.parametrize(("field", "limit"), [("prompt", 2000), ("negative_prompt", 500)])
@pytest.mark.parametrize("character", CHARACTERS)
def test_long_texts_are_cut_at_the_documented_number_of_unicode_characters(
    field: str, limit: int, character: str
) -> None:
    whole = (character * limit)[:limit]
    for sent in (whole, whole + character, f"  {whole}{character * 50}  "):
        assert getattr(read(changed(TEXT, **{field: sent})).image, field) == whole
    shorter = whole[:-1]
    assert getattr(read(changed(EDIT, **{field: f" {shorter} "})).image, field) == shorter
