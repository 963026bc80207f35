"""What a batch must look like, and what is said of one that does not."""

import json

import pytest

from heliograph.base.errors import BadRequest
from heliograph.catalog.batch import MAX_ITEMS, read_batch
from heliograph.catalog.models import MODELS

MODEL = MODELS["wan-2-5-image"]


def item(number, *, images=1, **fields):
    """One item of a body; `fields` stand beside or in place of the usual ones."""
    sent = {"mode": "text-to-image", "prompt": f"panda {number}", "num_images": images}
    return {
        "client_item_id": f"row-{number}",
        "idempotency_key": f"k-{number}",
        "input": sent,
    } | fields


def allow(_):
    """Any address will do."""


def refuse(_):
    raise ValueError("The host is not public.")


def read(items, check=allow, **fields):
    body = items if isinstance(items, bytes) else json.dumps({"items": items, **fields}).encode()
    return read_batch(body, MODEL, "batch-1", check_callback=check, check_image_url=check)


def test_a_batch_is_read_item_by_item_with_every_default_filled_out():
    hook = "https://example.com/batches"
    batch = read([item(n, images=n) for n in (1, 4)], webhook_url=hook, unknown="ignored")
    assert (batch.model, batch.webhook_url) == (MODEL.model_id, hook)
    assert [(one.client_item_id, one.idempotency_key) for one in batch.items] == [
        ("row-1", "k-1"),
        ("row-4", "k-4"),
    ]
    images = [one.submission.image for one in batch.items]
    assert [(one.num_images, one.aspect_ratio) for one in images] == [(1, "1:1"), (4, "1:1")]
    assert {one.submission.callback_url for one in batch.items} == {hook}
    assert len(read([item(n) for n in range(MAX_ITEMS)], webhook_url=None).items) == MAX_ITEMS


@pytest.mark.parametrize(
    ("items", "field", "words"),
    [
        (b"", None, "The request body is not valid JSON: it is empty. Send an object with `items`"),
        (b"[]", None, "The request body must be a JSON object with `items`, but is []"),
        (b"{}", "items", "Missing required field: items. It must be a list of 1 to 50 items"),
        ([], "items", "items must be a list of 1 to 50 items"),
        ([item(n) for n in range(51)], "items", "items must be a list of 1 to 50 items"),
        ([item(0), 7], "items[1]", "must be an object with client_item_id, idempotency_key and"),
        ([item(0, client_item_id=7)], "items[0].client_item_id", "a string of 1 to 255"),
        ([item(0, client_item_id="")], "items[0].client_item_id", "a string of 1 to 255"),
        ([item(0, client_item_id="\0")], "items[0].client_item_id", "NUL"),
        ([item(0), {"client_item_id": "x"}], "items[1].idempotency_key", "Missing required"),
        ([item(0, idempotency_key="a b")], "items[0].idempotency_key", "visible ASCII"),
        ([item(0), item(1, client_item_id="row-0")], "items[1].client_item_id", "of items[0] too"),
        ([item(0), item(1, idempotency_key="k-0")], "items[1].idempotency_key", "of items[0] too"),
        ([item(0, idempotency_key="batch-1")], "items[0].idempotency_key", "of the batch too"),
        (
            [item(0), item(1, input=None)],
            "items[1].input",
            "Missing required field: items[1].input.",
        ),
        ([item(0), item(1, input={})], "items[1].input.mode", "field: items[1].input.mode."),
        ([item(0, images=5)], "items[0].input.num_images", "items[0].input.num_images must be a"),
        (
            b'{"items":[{"client_item_id":"a","idempotency_key":"k","input":{"mode":"\\ud83d"}}]}',
            None,
            "not valid JSON",
        ),
    ],
)
def test_a_wrong_batch_is_refused_with_the_path_of_what_is_wrong(items, field, words):
    with pytest.raises(BadRequest) as refused:
        read(items)
    assert words in refused.value.message
    assert refused.value.data.get("field") == field


def test_an_address_that_may_not_be_reached_is_named():
    with pytest.raises(BadRequest) as refused:
        read([item(0)], refuse, webhook_url="https://10.0.0.1/")
    assert refused.value.data["field"] == "webhook_url"
    picture = {"mode": "image-to-image", "prompt": "x", "image_urls": ["https://10.0.0.1/a.png"]}
    with pytest.raises(BadRequest) as refused:
        read([item(0), item(1, input=picture)], refuse)
    assert refused.value.data["field"] == "items[1].input.image_urls[0]"
