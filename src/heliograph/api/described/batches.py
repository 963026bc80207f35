"""Operations on batches."""

from collections.abc import Iterator, Mapping
from typing import Any

from heliograph.api.batches import NO_KEY, NO_SUCH_BATCH
from heliograph.api.described.operation import (
    JSON_BODY,
    KEYED,
    NOTHING,
    TASK_ID,
    Operation,
    model_parameter,
)
from heliograph.api.described.repeating import (
    IDEMPOTENCY_KEY,
    KEY_IS_ANOTHERS,
    STILL_BEING_WRITTEN,
)
from heliograph.api.described.tasks import STATUS_EXAMPLES
from heliograph.api.idempotency import HEADER, REPLAYED
from heliograph.api.wire import Success
from heliograph.base.errors import (
    BadRequest,
    Fault,
    Forbidden,
    NotFound,
    PaymentRequired,
    TooManyRequests,
)
from heliograph.catalog.batch import EXAMPLE, BatchBody, read_batch
from heliograph.catalog.model import Model
from heliograph.tasks.batches.batch import BatchAccepted, BatchData

BATCH_ID = "0199c0de8f1d7a1b8c2d3e4f50617283"
OTHER_TASK_ID = "0199c0de8f1d7a1b8c2d3e4f50617285"


def batch_operations(models: Mapping[str, Model]) -> Iterator[Operation]:
    """Submit and status."""
    yield _submit(models)
    yield _show(models)


def _submit(models: Mapping[str, Model]) -> Operation:
    return Operation(
        "POST",
        "/api/v1/generateTask/{model}/batches",
        "submitBatch",
        "Batches",
        "Submit many tasks at once",
        "Accepts 1 to 50 tasks of one model, or none of them: one wrong item, or a sum that cannot be"
        " paid, refuses all. Each item is an ordinary task with its own hold and can be asked after by"
        " its `taskId`. The same batch again under the same key is answered with the same ids.",
        [
            *_bad_batches(models[min(models)]),
            PaymentRequired(
                "Insufficient balance: the batch needs $6.00, available is $5.40."
                " Add balance or ask for fewer images."
            ),
            Forbidden(
                "The key may not use wan-2-5-image, only wan-2-6-image."
                " Use a key that may, or have this one changed."
            ),
            NOTHING,
            STILL_BEING_WRITTEN,
            *JSON_BODY,
            KEY_IS_ANOTHERS,
            TooManyRequests(
                "The account has 970 unfinished tasks of at most 1000, and the batch has 50."
                " Wait until some have ended, or send fewer items.",
                5,
            ),
            *KEYED,
        ],
        answer=Success[BatchAccepted],
        examples={
            "accepted": {
                "batchId": BATCH_ID,
                "items": [
                    {"client_item_id": "row-1", "taskId": TASK_ID, "state": "pending"},
                    {"client_item_id": "row-2", "taskId": OTHER_TASK_ID, "state": "pending"},
                ],
            }
        },
        parameters=[model_parameter(models), {**IDEMPOTENCY_KEY, "required": True}],
        body=BatchBody,
        body_examples={"two items": EXAMPLE},
        keyed=True,
        headers=(REPLAYED,),
    )


def _show(models: Mapping[str, Model]) -> Operation:
    return Operation(
        "GET",
        "/api/v1/generateTask/{model}/batches/{batchId}",
        "batch",
        "Batches",
        "Read a batch",
        "The batch is `completed` when every item has ended, well or not. An item has the fields that"
        " statusTask shows. With `webhook_url`, the same object is posted as `batch.completed`.",
        [NotFound(NO_SUCH_BATCH), *KEYED],
        answer=Success[BatchData],
        examples={"half done": _half_done()},
        parameters=[model_parameter(models), _batch_id_parameter()],
        keyed=True,
        signed=True,
    )


def _half_done() -> dict[str, Any]:
    success, open_ = STATUS_EXAMPLES["success"], STATUS_EXAMPLES["processing"]
    return {
        "batchId": BATCH_ID,
        "state": "processing",
        "createTime": success["createTime"],
        "counts": {"pending": 0, "processing": 1, "success": 1, "failed": 0},
        "items": [
            success | {"client_item_id": "row-1"},
            open_ | {"taskId": OTHER_TASK_ID, "client_item_id": "row-2"},
        ],
    }


def _batch_id_parameter() -> Mapping[str, Any]:
    return {
        "name": "batchId",
        "in": "path",
        "required": True,
        "description": "The id that the submit answered.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "example": BATCH_ID,
    }


def _bad_batches(model: Model) -> Iterator[Fault]:
    """What is really said about some batches that are wrong."""
    yield BadRequest(NO_KEY, HEADER)
    for body in (
        b'{"items": []}',
        b'{"items": [{"client_item_id": "a", "idempotency_key": "k", "input": {"mode": "text-to-image"}}]}',
    ):
        try:
            read_batch(body, model, "order-7", check_callback=_allow, check_image_url=_allow)
        except BadRequest as fault:
            yield fault


def _allow(_: str) -> None:
    """Any URL will do: these batches are wrong in other ways."""
