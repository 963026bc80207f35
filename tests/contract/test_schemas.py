"""The documents that tools of agents read say what the service takes: no more, and no less."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from contract.service import GENERATE, MODEL, Customer, Service
from heliograph.api.schemas import build_schema
from heliograph.base.errors import BadRequest
from heliograph.base.unseen import without_unseen
from heliograph.catalog.body import EXAMPLES
from heliograph.catalog.models import MODELS
from heliograph.catalog.prices import load_prices
from heliograph.catalog.request import read_submission

INDEX = "/docs/models/schemas/index.json"
RETENTION_HOURS = 168.5
SCHEMA = build_schema(MODELS[MODEL], load_prices(None, MODELS), RETENTION_HOURS)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def is_seen(text: str) -> bool:
    """Whether it has no character that nobody sees: of what a prompt is without them no schema can tell."""
    return without_unseen(text) == text and all(one.isprintable() or one.isspace() for one in text)


text = st.text(max_size=5).filter(is_seen)
# 1.0 is a whole number to a schema, and none to who reads the body
fractions = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not number.is_integer()
)
anything = st.none() | st.booleans() | st.integers(-1, 6) | fractions | text
USUALLY = 15
LONG_HEAD = f"data:image/png;name={'n' * 80};charset=utf-8;base64,AAAA"
URLS = ("https://example.com/a.png", "data:image/png;base64,AAAA", "HTTP://a", LONG_HEAD)
NO_URLS = ("data:image/png,AAAA", "data:image/png;x;base64,AAAA", "ftp://a", "")
urls = st.lists(st.sampled_from(URLS) | st.sampled_from(NO_URLS), max_size=4)


def nearly_always(usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> Any:
    """So that what is wrong with a body is seldom more than one thing."""
    return st.sampled_from([other] + [usual] * USUALLY).flatmap(lambda strategy: strategy)


def mostly(good: Sequence[Any]) -> Any:
    return nearly_always(st.sampled_from(good), anything)


nearly_input = st.fixed_dictionaries(
    {
        "mode": mostly(["text-to-image", "image-to-image"]),
        "prompt": mostly(["a panda"]),
        "image_urls": nearly_always(mostly([URLS[:1], URLS[1:]]), urls),
    },
    optional={
        "negative_prompt": mostly(["blurry", None]),
        "aspect_ratio": mostly(["1:1", "21:9", "16:9", "2:3", None]),
        "num_images": mostly([1, 4, "1", "4"]),
    },
)
nearly_body = st.fixed_dictionaries(
    {"input": nearly_always(nearly_input, anything)},
    optional={
        "request_type": mostly(["async", "callback", None]),
        "callback_url": mostly(["https://example.com/hook", "\0", "a\0b\n"]),
        "source": text | st.none(),
        "retention_hours": mostly([1, 168, None]),
    },
)


def any_url(_: str) -> None:
    """What an address is good for, no schema can say."""


def is_taken(body: Mapping[str, Any]) -> bool:
    try:
        submission = read_submission(
            json.dumps(body).encode(),
            MODELS[MODEL],
            check_callback=any_url,
            check_image_url=any_url,
        )
        submission.check_retention(RETENTION_HOURS)
    except BadRequest:
        return False
    return True


def test_the_index_leads_to_a_schema_without_a_key(service: Service):
    index = service.http.get(INDEX).json()
    assert index["total_models"] == len(index["models"]) == len(MODELS)
    (listed,) = index["models"]
    assert (listed["model_id"], listed["slug"], listed["category"]) == (MODEL, MODEL, "image")
    assert listed["integration_type"] == "task_api"
    schema = service.http.get(listed["schema_path"])
    assert schema.headers["content-type"] == "application/json"
    assert schema.json()["title"] == listed["title"]
    assert service.http.get(listed["doc_path"]).status_code == 200


def test_a_model_is_found_however_its_id_is_capitalised(service: Service):
    assert service.http.get("/docs/models/schemas/WAN-2-5-Image.json").json()["model_id"] == MODEL
    assert service.http.get("/docs/models/schemas/dall-e-3.json").status_code == 404


def test_a_schema_is_one_and_tells_sizes_limits_and_prices(service: Service, customer: Customer):
    schema = service.http.get(f"/docs/models/schemas/{MODEL}.json").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    text_mode, edit_mode = schema["properties"]["input"]["oneOf"]
    assert text_mode["sizes_px"]["16:9"] == [1696, 960]
    assert "image_urls" not in text_mode["properties"]
    assert edit_mode["properties"]["image_urls"]["maxItems"] == 3
    assert edit_mode["limits"]["max_reference_bytes"] == 10 * 1024 * 1024
    (model,) = customer.http.get("/api/v1/models").json()["data"]["items"]
    for mode in model["modes"]:
        assert schema["pricing"]["modes"][mode["mode"]]["auto"] == mode["price"]


def test_the_examples_of_a_schema_fit_it_and_are_accepted(customer: Customer):
    assert SCHEMA["examples"] == list(EXAMPLES.values())
    for example in SCHEMA["examples"]:
        VALIDATOR.validate(example)
        assert customer.http.post(GENERATE, json=example).status_code == 200


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_default_is_in_the_schema(name: str):
    mode = EXAMPLES[name]["input"]["mode"]
    (schema,) = (one for one in SCHEMA["properties"]["input"]["oneOf"] if one["title"] == mode)
    assert schema["properties"]["aspect_ratio"]["default"] == "1:1"
    assert schema["properties"]["num_images"]["default"] == 4


@settings(max_examples=1000, deadline=None)
@given(body=nearly_body)
def test_what_fits_the_schema_is_taken_and_nothing_else(body: dict[str, Any]):
    event("taken" if is_taken(body) else "refused")
    assert VALIDATOR.is_valid(json.loads(json.dumps(body))) == is_taken(body)
