"""Reading the body of a batch: raw JSON in, one checked submission for each item out."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, MsgspecError, Raw, Struct, ValidationError
from msgspec.json import Decoder
from msgspec.structs import replace

from heliograph.base.errors import BadRequest
from heliograph.catalog.body import EXAMPLES
from heliograph.catalog.model import Model
from heliograph.catalog.refusal import explain, shown
from heliograph.catalog.request import Submission, UrlCheck, check_url, read_submission

MAX_ITEMS = 50
MAX_ITEM_ID_CHARACTERS = 255

IDEMPOTENCY_KEY = "^[!-~]{1,255}$"
IS_KEY = "1 to 255 visible ASCII characters"

_ITEM_FIELD = re.compile(r"items\[\d+\]\.(\w+)")


class BatchItemBody(Struct, frozen=True):
    """One task of a batch."""

    client_item_id: Annotated[
        str,
        Meta(
            description="Your own name for the item, unique in the batch.",
            min_length=1,
            max_length=MAX_ITEM_ID_CHARACTERS,
            examples=["row-1"],
        ),
    ]
    idempotency_key: Annotated[
        str,
        Meta(
            description="Never used before by another task of the account in the last 24 hours.",
            extra_json_schema={"pattern": IDEMPOTENCY_KEY},
            examples=["catalogue-7-row-1"],
        ),
    ]
    # Raw stays unread, so that the item is read just as the body of a single task.
    input: Annotated[
        Raw,
        Meta(
            description="What to make: the parameters of the model.",
            extra_json_schema={"$ref": "#/components/schemas/Input"},
        ),
    ]


class BatchBody(Struct, frozen=True):
    """Tasks that are accepted together or not at all. Fields that are not listed are ignored."""

    items: Annotated[
        list[BatchItemBody],
        Meta(description="The tasks.", min_length=1, max_length=MAX_ITEMS),
    ]
    webhook_url: Annotated[
        str | None,
        Meta(
            description="Where the final result of each item, and at last that of the batch, is posted.",
            examples=["https://your-server.com/webhooks/batches"],
        ),
    ] = None


class BatchItem(Struct, frozen=True):
    """A checked item."""

    client_item_id: str
    idempotency_key: str
    submission: Submission


class BatchRequest(Struct, frozen=True):
    """A checked batch for one model."""

    model: str
    items: tuple[BatchItem, ...]
    webhook_url: str | None


_BODY = Decoder(BatchBody)

_WANTED = {
    "items": f"a list of 1 to {MAX_ITEMS} items",
    "webhook_url": "a string with a URL; leave it out to be told nothing",
    "client_item_id": f"a string of 1 to {MAX_ITEM_ID_CHARACTERS} characters",
    "idempotency_key": f"a string of {IS_KEY}",
    "input": 'an object such as {"mode": "text-to-image", "prompt": "a panda"}',
}
_WANTED_ITEM = "an object with client_item_id, idempotency_key and input"

EXAMPLE: Mapping[str, Any] = {
    "items": [
        {
            "client_item_id": f"row-{number}",
            "idempotency_key": f"catalogue-7-row-{number}",
            "input": EXAMPLES["text-to-image"]["input"] | {"num_images": number},
        }
        for number in (1, 2)
    ],
    "webhook_url": "https://your-server.com/webhooks/batches",
}


def is_idempotency_key(text: str) -> bool:
    """Whether `text` may be an idempotency key: 1 to 255 visible ASCII characters."""
    # a dollar sign alone would let a line feed through
    return "\n" not in text and re.match(IDEMPOTENCY_KEY, text) is not None


def read_batch(
    body: bytes,
    model: Model,
    idempotency_key: str,
    *,
    check_callback: UrlCheck,
    check_image_url: UrlCheck,
) -> BatchRequest:
    """The batch that `body`, a JSON object in UTF-8, asks of `model` under `idempotency_key`.

    The two checks are those of read_submission. Raises BadRequest, and nothing else, with the path
    of the first wrong field, such as `items[3].input.prompt`.
    """
    sent = _decode(body, model)
    if sent.webhook_url is not None:
        check_url("webhook_url", sent.webhook_url, check_callback)
    _check_names([item.client_item_id for item in sent.items])
    _check_keys([item.idempotency_key for item in sent.items], idempotency_key)
    items = [
        BatchItem(
            item.client_item_id,
            item.idempotency_key,
            replace(
                _submission(f"items[{index}]", item.input, model, check_image_url),
                callback_url=sent.webhook_url,
            ),
        )
        for index, item in enumerate(sent.items)
    ]
    return BatchRequest(model.model_id, tuple(items), sent.webhook_url)


def _decode(body: bytes, model: Model) -> BatchBody:
    try:
        if not body.isascii():
            # The decoder passes over the bytes of fields that it does not know.
            body.decode()
        return _BODY.decode(body)
    except ValidationError as fault:
        raise _unfit(body, str(fault)) from fault
    except (MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        said = explain(body, model, fault).message
        raise BadRequest(said.replace("`input`", "`items`")) from fault


def _unfit(body: bytes, fault: str) -> BadRequest:
    """What is wrong, from the words of the decoder: `Expected … - at `$.items[3].input``."""
    problem, _, place = fault.partition(" - at `$")
    path = place.strip(".`")
    missing = re.match("Object missing required field `(.+)`", problem)
    if missing:
        path = f"{path}.{missing[1]}".lstrip(".")
    if not path:
        return BadRequest(
            f"The request body must be a JSON object with `items`, but is {shown(Raw(body))}."
        )
    inside = _ITEM_FIELD.fullmatch(path)
    wanted = _WANTED.get(inside[1] if inside else path, _WANTED_ITEM)
    if missing:
        return BadRequest(f"Missing required field: {path}. It must be {wanted}.", path)
    return BadRequest(f"{path} must be {wanted}.", path)


def _check_names(names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        path = f"items[{index}].client_item_id"
        if "\0" in name:
            raise BadRequest(f"{path} holds a NUL character. Remove it.", path)
        if name in names[:index]:
            raise BadRequest(
                f"{path} {shown(name)} is that of items[{names.index(name)}] too. Each item needs its own.",
                path,
            )


def _check_keys(keys: Sequence[str], batch_key: str) -> None:
    for index, key in enumerate(keys):
        path = f"items[{index}].idempotency_key"
        if not is_idempotency_key(key):
            raise BadRequest(f"{path} must be {_WANTED['idempotency_key']}.", path)
        if key == batch_key or key in keys[:index]:
            other = "the batch" if key == batch_key else f"items[{keys.index(key)}]"
            raise BadRequest(
                f"{path} {shown(key)} is that of {other} too. Each item needs its own.", path
            )


def _submission(path: str, sent: Raw, model: Model, check: UrlCheck) -> Submission:
    body = b'{"input":' + bytes(memoryview(sent)) + b"}"
    try:
        return read_submission(body, model, check_callback=check, check_image_url=check)
    except BadRequest as fault:
        field = str((fault.data or {}).get("field") or "")
        if not field:
            raise BadRequest(f"{path}.input: {fault.message}", f"{path}.input") from fault
        named = f"{path}.{field}"
        raise BadRequest(fault.message.replace(field, named, 1), named) from fault
