"""Operations on inboxes."""

from collections.abc import Iterator, Mapping
from typing import Any

from heliograph.api.described.operation import ALWAYS, KEYED, Operation, query_parameter
from heliograph.api.inbox import NO_SUCH_INBOX
from heliograph.api.webhooks_wire import Accepted, InboxData, MessageList
from heliograph.api.wire import Success
from heliograph.base.errors import BadRequest, NotFound, TooLarge, TooManyRequests
from heliograph.webhooks.inboxes.inbox import KEPT_HOURS, MOST_MESSAGES

TAG = "Webhooks"

DELIVERY_ID = "0b1f6c3e5a7d4f5e9c2a1d3b5f7e9a0c"
INBOX_ID = "q3wVn8yT0eK5uR2aZ7xC9bM4dJ6fH1sL"
MOMENT_MS = 1795692800000


def inbox_operations() -> Iterator[Operation]:
    """Opening, reading, posting."""
    yield _open_inbox()
    yield _messages()
    yield _post()


def _open_inbox() -> Operation:
    return Operation(
        "POST",
        "/api/v1/webhooks/inboxes",
        "openInbox",
        TAG,
        "Open an inbox",
        "A receiver that this server keeps, for development without a public address. Its `url` can be"
        f" a `callback_url`. It lives for {KEPT_HOURS} hours and keeps the last {MOST_MESSAGES}"
        " messages. `heliograph webhook listen` forwards them to your machine.",
        KEYED,
        answer=Success[InboxData],
        examples={
            "opened": {
                "inboxId": INBOX_ID,
                "url": f"https://images.example.com/inbox/{INBOX_ID}",
                "expiresTime": MOMENT_MS + KEPT_HOURS * 3_600_000,
            }
        },
        keyed=True,
        signed=True,
    )


def _messages() -> Operation:
    return Operation(
        "GET",
        "/api/v1/webhooks/inboxes/{inboxId}/messages",
        "inboxMessages",
        TAG,
        "Read an inbox",
        "The messages behind `after`, the oldest first. When there are none, waits up to `wait` seconds"
        " for one.",
        [
            BadRequest("wait must be a whole number of seconds from 0 to 60, not '61'", "wait"),
            NotFound(NO_SUCH_INBOX),
            *KEYED,
        ],
        answer=Success[MessageList],
        examples={"messages": {"items": [_message()]}},
        parameters=[
            _inbox_id(),
            query_parameter(
                "after", "The last id that you have.", {"type": "integer", "minimum": 0}, 4711
            ),
            query_parameter(
                "wait",
                "Seconds to wait for a message.",
                {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
                30,
            ),
        ],
        keyed=True,
        signed=True,
    )


def _message() -> dict[str, Any]:
    return {
        "id": 4711,
        "time": MOMENT_MS,
        "headers": {"content-type": "application/json", "webhook-id": DELIVERY_ID},
        "body": '{"code":200,"message":"success","data":{}}',
        "signatureValid": True,
    }


def _post() -> Operation:
    return Operation(
        "POST",
        "/inbox/{inboxId}",
        "postToInbox",
        TAG,
        "Put a message into an inbox",
        "What a `callback_url` of this server takes: a body of any type, up to 64 kB. No key is needed:"
        " nobody can guess an inbox.",
        [
            BadRequest("The body did not arrive within 30 seconds"),
            NotFound(NO_SUCH_INBOX),
            TooLarge("The body is over the limit of 65,536 bytes"),
            TooManyRequests("The inbox takes 120 messages a minute from outside", 10),
            *ALWAYS,
        ],
        answer=Success[Accepted],
        examples={"accepted": {"accepted": True}},
        parameters=[_inbox_id()],
    )


def _inbox_id() -> Mapping[str, Any]:
    return path_parameter("inboxId", "The id of the inbox.", "^[A-Za-z0-9_-]{32}$", INBOX_ID)


def path_parameter(name: str, description: str, pattern: str, example: str) -> Mapping[str, Any]:
    """A parameter in a path that has the form of an id."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
        "example": example,
    }
