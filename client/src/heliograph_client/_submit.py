"""Asking for images: submit, quote, batch."""

import json
import os
from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack
from urllib.parse import quote as quoted

from heliograph_client._answers import Batch, Quote, read_batch
from heliograph_client._api import IDEMPOTENCY_KEY, Api
from heliograph_client._options import BatchItem, ImageOptions, QuoteOptions, Reference
from heliograph_client._reading import read
from heliograph_client._reference import image_url
from heliograph_client._wire import Request
from heliograph_client.errors import NoAnswer

DEFAULT_MODEL = "wan-2-5-image"


async def submit(
    api: Api,
    prompt: str,
    *,
    idempotency_key: str | None = None,
    **options: Unpack[QuoteOptions],
) -> str:
    """Submit a task, and give its id. All repetitions carry one idempotency key."""
    key = idempotency_key or _fresh_key()
    headers = {IDEMPOTENCY_KEY: key}
    request = await _task_request(api, "generateTask", headers, prompt, **options)
    try:
        return await api.get(lambda data: str(data["taskId"]), request)
    except NoAnswer as silence:
        if not silence.sent:
            raise
        raise NoAnswer(
            f"{silence} Whether the task was accepted is not known. On a server with idempotency"
            f" keys, the same request with idempotency_key={key!r} never pays twice; on another,"
            " look at the balance first.",
            sent=True,
            status=silence.status,
        ) from silence


async def quote(api: Api, prompt: str, **options: Unpack[QuoteOptions]) -> Quote:
    """The price of what `submit` would submit; moves no money."""
    return await api.get(
        partial(read, Quote), await _task_request(api, "quoteTask", {}, prompt, **options)
    )


async def batch(
    api: Api,
    items: Sequence[BatchItem],
    model: str,
    webhook_url: str | None,
    idempotency_key: str | None,
) -> Batch:
    """Submit 1 to 50 tasks: all of them or none."""
    key = idempotency_key or _fresh_key()
    body = {
        "items": [await _batch_item(api, item, key, place) for place, item in enumerate(items)],
        **_given(webhook_url=webhook_url),
    }
    # The key is part of the route itself, so a repetition never pays twice: `spends` is not needed.
    request = _post(
        f"/api/v1/generateTask/{quoted(model, safe='')}/batches", {IDEMPOTENCY_KEY: key}, body
    )
    return await api.get(read_batch, request)


async def batch_status(api: Api, batch_id: str, model: str) -> Batch:
    """The state of a batch and of its tasks."""
    path = f"/api/v1/generateTask/{quoted(model, safe='')}/batches/{quoted(batch_id, safe='')}"
    return await api.get(read_batch, Request("GET", path))


async def _task_request(  # noqa: PLR0913 - a request has as many parts
    api: Api,
    route: str,
    headers: dict[str, str],
    prompt: str,
    *,
    model: str = DEFAULT_MODEL,
    callback_url: str | None = None,
    retention_hours: int | None = None,
    **options: Unpack[ImageOptions],
) -> Request:
    body = {
        "request_type": "callback" if callback_url else "async",
        **_given(callback_url=callback_url, retention_hours=retention_hours),
        "input": await _input(api, prompt, **options),
    }
    return _post(f"/api/v1/{route}/{quoted(model, safe='')}", headers, body, spends=bool(headers))


async def _batch_item(api: Api, item: BatchItem, key: str, place: int) -> dict[str, Any]:
    options: Any = dict(item)
    return {
        "client_item_id": options.pop("client_item_id", str(place)),
        "idempotency_key": options.pop("idempotency_key", f"{key}-{place}"),
        "input": await _input(api, options.pop("prompt"), **options),
    }


async def _input(  # noqa: PLR0913 - an image has as many options
    api: Api,
    prompt: str,
    *,
    images: Sequence[Reference] = (),
    negative_prompt: str | None = None,
    aspect_ratio: str | None = None,
    num_images: int | None = None,
) -> dict[str, Any]:
    if isinstance(images, str | bytes | os.PathLike):
        images = [images]
    urls = [await image_url(api, one) for one in images]
    return {
        "mode": "image-to-image" if urls else "text-to-image",
        "prompt": prompt,
        **_given(
            negative_prompt=negative_prompt,
            aspect_ratio=aspect_ratio,
            num_images=num_images,
            image_urls=urls or None,
        ),
    }


def _fresh_key() -> str:
    return os.urandom(16).hex()


def _post(path: str, headers: dict[str, str], body: Any, *, spends: bool = False) -> Request:
    """A POST of JSON. Its bytes are made once, so that every repetition is the same."""
    return Request(
        "POST",
        path,
        headers={"Content-Type": "application/json", **headers},
        content=json.dumps(body).encode(),
        spends=spends,
    )


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
