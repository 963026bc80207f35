"""Operations on webhooks: deliveries, receivers, the signing secret, and inboxes."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from heliograph.api.described.inboxes import (
    DELIVERY_ID,
    MOMENT_MS,
    TAG,
    inbox_operations,
    path_parameter,
)
from heliograph.api.described.operation import (
    JSON_BODY,
    KEYED,
    TASK_ID,
    Operation,
    query_parameter,
)
from heliograph.api.webhooks import MAX_LISTED, NOT_WITH_A_TEST_KEY, USUALLY_LISTED
from heliograph.api.webhooks_wire import (
    DeliveryData,
    DeliveryList,
    Enabled,
    ReceiverList,
    ResendBody,
    Resent,
    RotateBody,
    RotatedSecret,
    UrlBody,
)
from heliograph.api.wire import Success
from heliograph.base.errors import (
    BadRequest,
    Conflict,
    Fault,
    Forbidden,
    TooManyRequests,
)
from heliograph.webhooks.deliveries.resend import MOST_RESENT, no_such_delivery
from heliograph.webhooks.deliveries.store import STATES

HOOK = "https://your-server.com/webhooks/heliograph"
CURSOR = f"{MOMENT_MS}000-{DELIVERY_ID}"

DELIVERED = {
    "id": DELIVERY_ID,
    "taskId": TASK_ID,
    "url": HOOK,
    "state": "delivered",
    "createTime": MOMENT_MS,
    "endTime": MOMENT_MS + 30_412,
    "attempts": [
        {
            "number": 1,
            "time": MOMENT_MS,
            "status": 503,
            "latencyMs": 84,
            "error": "The receiver answered 503; only 200 counts as delivered.",
            "answer": "starting",
        },
        {"number": 2, "time": MOMENT_MS + 30_360, "status": 200, "latencyMs": 52, "answer": "OK"},
    ],
}
TESTED = {
    "id": DELIVERY_ID,
    "event": "webhook.test",
    "url": HOOK,
    "state": "delivered",
    "createTime": MOMENT_MS,
    "endTime": MOMENT_MS + 52,
    "attempts": [{"number": 1, "time": MOMENT_MS, "status": 200, "latencyMs": 52, "answer": "OK"}],
}
CLOSED = Conflict(
    "The receiver answered 410, so it is disabled."
    " Enable it, or send it a test that succeeds, and it gets notices again."
)
DISABLED = {
    "url": HOOK,
    "state": "disabled",
    "failingSince": MOMENT_MS,
    "changedTime": MOMENT_MS,
    "reason": CLOSED.message,
}

BAD_URL = BadRequest("url: The URL must be https://.", "url")
BAD_LIMIT = BadRequest(f"limit must be a whole number from 1 to {MAX_LISTED}", "limit")
BODY = (*JSON_BODY,)


def webhook_operations() -> Iterator[Operation]:
    """Deliveries, receivers, secret, inboxes."""
    yield _deliveries()
    yield _delivery("GET", "", "webhook", "Read one delivery", "", [])
    yield _delivery(
        "POST",
        "/resend",
        "resendWebhook",
        "Send a delivery again",
        "With the same id and body, on a fresh schedule, whatever became of it. One that is being sent"
        " at this moment is left alone.",
        [CLOSED],
    )
    yield _resend_all()
    yield _test()
    yield _receivers()
    yield _enable()
    yield _rotate()
    yield from inbox_operations()


def _deliveries() -> Operation:
    return Operation(
        "GET",
        "/api/v1/webhooks",
        "webhooks",
        TAG,
        "List deliveries with every attempt",
        "What was told to your receivers, the youngest first: ends of tasks, and events.",
        [BAD_LIMIT, *KEYED],
        answer=Success[DeliveryList],
        examples={"page": {"items": [DELIVERED], "nextCursor": CURSOR}},
        parameters=[
            query_parameter(
                "state",
                "Only those in this state.",
                {"type": "string", "enum": list(STATES)},
                "dead",
            ),
            query_parameter(
                "taskId",
                "Only this task's.",
                {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                TASK_ID,
            ),
            *_paging(CURSOR),
        ],
        keyed=True,
        signed=True,
    )


def _delivery(  # noqa: PLR0913, PLR0917 - two operations that share all else
    method: str, path: str, name: str, summary: str, description: str, faults: list[Fault]
) -> Operation:
    return Operation(
        method,
        f"/api/v1/webhooks/{{id}}{path}",
        name,
        TAG,
        summary,
        description,
        [no_such_delivery(uuid.UUID(DELIVERY_ID)), *faults, *KEYED],
        answer=Success[DeliveryData],
        examples={"delivered": DELIVERED},
        parameters=[path_parameter("id", "The id of the delivery.", "^[0-9a-f]{32}$", DELIVERY_ID)],
        keyed=True,
        signed=True,
    )


def _resend_all() -> Operation:
    return Operation(
        "POST",
        "/api/v1/webhooks/resend",
        "resendWebhooks",
        TAG,
        "Send all again that died since a time",
        f"At most {MOST_RESENT} at a time, the oldest first: ask again until fewer are sent. Tests are"
        " left out, and what paused and disabled receivers would get.",
        [BadRequest("Missing required field: since", "since"), CLOSED, *BODY, *KEYED],
        answer=Success[Resent],
        examples={"resent": {"resent": 17}},
        body=ResendBody,
        body_examples={
            "all": {"since": MOMENT_MS},
            "one receiver": {"since": MOMENT_MS, "url": HOOK},
        },
        keyed=True,
        signed=True,
    )


def _test() -> Operation:
    return Operation(
        "POST",
        "/api/v1/webhooks/test",
        "testWebhook",
        TAG,
        "Send a receiver a test",
        "Sends the signed event `webhook.test` now, once, and answers with the attempt, whatever the"
        " receiver said. A success lets a paused or disabled receiver have notices again.",
        [
            BAD_URL,
            *BODY,
            TooManyRequests("The receiver is busy with other notices. Try again later.", 1),
            *KEYED,
        ],
        answer=Success[DeliveryData],
        examples={"delivered": TESTED},
        body=UrlBody,
        body_examples={"test": {"url": HOOK}},
        keyed=True,
        signed=True,
    )


def _receivers() -> Operation:
    return Operation(
        "GET",
        "/api/v1/webhooks/receivers",
        "receivers",
        TAG,
        "List receivers in trouble",
        "Those that fail, are paused because they have failed for long, or are disabled because they"
        " answered 410. A receiver that is not listed is in good order.",
        [BAD_LIMIT, *KEYED],
        answer=Success[ReceiverList],
        examples={"disabled": {"items": [DISABLED]}},
        parameters=_paging(HOOK),
        keyed=True,
        signed=True,
    )


def _enable() -> Operation:
    return Operation(
        "POST",
        "/api/v1/webhooks/receivers/enable",
        "enableReceiver",
        TAG,
        "Let a receiver have notices again",
        "What died meanwhile stays dead until you send it again. Harmless for a receiver in good order.",
        [BAD_URL, *BODY, *KEYED],
        answer=Success[Enabled],
        examples={"enabled": {"url": HOOK, "enabled": True}},
        body=UrlBody,
        body_examples={"enable": {"url": HOOK}},
        keyed=True,
        signed=True,
    )


def _rotate() -> Operation:
    return Operation(
        "POST",
        "/api/v1/webhooks/secret/rotate",
        "rotateSecret",
        TAG,
        "Replace the signing secret",
        "The answer is the only place that shows the new secret. For `overlapHours` notices carry two"
        " signatures, so that whoever has either secret can verify them; with 0 the present one is over"
        " at once. Not with a test key, nor for who signed in with one.",
        [
            BadRequest(
                "overlapHours: Expected `int` <= 168. /docs shows what this body holds.",
                "overlapHours",
            ),
            Forbidden(NOT_WITH_A_TEST_KEY),
            *BODY,
            *KEYED,
        ],
        answer=Success[RotatedSecret],
        examples={
            "rotated": {
                "secret": "whsec_S2VlcCB0aGlzIG9uZSB0byB5b3Vyc2VsZiE=",
                "previousValidUntil": MOMENT_MS + 24 * 3_600_000,
            }
        },
        body=RotateBody,
        body_examples={"a day": {"overlapHours": 24}},
        keyed=True,
        signed=True,
    )


def _paging(cursor: str) -> list[Mapping[str, Any]]:
    limits = {"type": "integer", "minimum": 1, "maximum": MAX_LISTED, "default": USUALLY_LISTED}
    return [
        query_parameter("limit", "How many at most.", limits, 50),
        query_parameter(
            "cursor", "The `nextCursor` of the page before.", {"type": "string"}, cursor
        ),
    ]
