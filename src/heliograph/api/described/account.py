"""Operations on the account and on what it can ask for."""

from collections.abc import Iterator, Mapping
from typing import Any

from heliograph.api.account import FORMATS, MOST_DAYS, USUAL_DAYS
from heliograph.api.account_wire import KeyUsage, Statement, UsageDays
from heliograph.api.described.operation import KEYED, TASK_ID, Operation, query_parameter
from heliograph.api.query import LATEST_MS
from heliograph.api.wire import ModelList, Success
from heliograph.base.errors import BadRequest

USAGE: Mapping[str, Any] = {
    "keyId": "4fQ9xZ1b",
    "name": "shop",
    "routing": "auto",
    "test": False,
    "rateLimitPerMinute": 10000,
    "monthlyCap": 50,
    "spentThisMonth": 12.36,
    "spentTotal": 140.07,
    "models": ["wan-2-5-image"],
    "networks": ["203.0.113.0/24"],
    "expiresTime": 1924992000000,
    "maxLiveTasks": 1000,
    "liveTasks": 2,
    "balance": 74.87,
    "held": 0.24,
}
STATEMENT: Mapping[str, Any] = {
    "items": [
        {
            "time": 1767965600104,
            "kind": "topup",
            "amount": 10,
            "moved": 10,
            "balance": 10,
            "note": "invoice 7",
        },
        {
            "time": 1767965610929,
            "kind": "hold",
            "amount": -0.06,
            "moved": 0.06,
            "balance": 9.94,
            "taskId": TASK_ID,
        },
        {
            "time": 1767965652317,
            "kind": "charge",
            "amount": 0,
            "moved": 0.03,
            "balance": 9.94,
            "taskId": TASK_ID,
        },
        {
            "time": 1767965652317,
            "kind": "release",
            "amount": 0.03,
            "moved": 0.03,
            "balance": 9.97,
            "taskId": TASK_ID,
        },
    ],
    "nextCursor": "104",
}
DAYS: Mapping[str, Any] = {
    "items": [
        {"date": "2026-01-08", "charged": 0, "tasks": 0},
        {"date": "2026-01-09", "charged": 12.36, "tasks": 103},
    ]
}
MOMENT = {"type": "integer", "minimum": 0}


def account_operations() -> Iterator[Operation]:
    """Balance, usage, statement and models."""
    yield Operation(
        "GET",
        "/api/v1/apikeys/current-balance",
        "currentBalance",
        "Account",
        "Read the balance of the key's account",
        "`data` is a bare number: US dollars that can be spent, exact to the micro-dollar.",
        KEYED,
        answer=Success[float],
        examples={"balance": 74.87},
        keyed=True,
        signed=True,
    )
    yield Operation(
        "GET",
        "/api/v1/apikeys/usage",
        "usage",
        "Account",
        "Read what the key may do and has spent",
        "Its limits, what it has spent of its caps, and what its account has. What it holds for open"
        " tasks counts as spent; what is given back does not.",
        KEYED,
        answer=Success[KeyUsage],
        examples={"a key with a monthly cap": USAGE},
        keyed=True,
    )
    yield _days()
    yield _statement()
    yield Operation(
        "GET",
        "/api/v1/models",
        "models",
        "Models",
        "List the models",
        "What can be asked of this server, with limits and the prices that the key pays.",
        KEYED,
        answer=Success[ModelList],
        keyed=True,
        signed=True,
    )


def _days() -> Operation:
    number = {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": USUAL_DAYS}
    return Operation(
        "GET",
        "/api/v1/usage",
        "usageDays",
        "Account",
        "Read what was charged day by day",
        "One entry for each of the last days up to today, in UTC, the oldest first; those without a charge"
        " too. Each task is charged once, at its end.",
        [BadRequest(f"days must be a whole number from 1 to {MOST_DAYS}", "days"), *KEYED],
        answer=Success[UsageDays],
        examples={"two days": DAYS},
        parameters=[query_parameter("days", "How many days.", number, 2)],
        keyed=True,
        signed=True,
    )


def _statement() -> Operation:
    return Operation(
        "GET",
        "/api/v1/statement",
        "statement",
        "Account",
        "Read every movement of the account's money",
        "The oldest first, 100 at a time as JSON, or all at once as a CSV file with a head"
        " (`format=csv`; times in UTC, dollars with six decimals).",
        [
            BadRequest(f"from must be a whole number from 0 to {LATEST_MS}", "from"),
            BadRequest(f"format must be one of {', '.join(FORMATS)}", "format"),
            *KEYED,
        ],
        answer=Success[Statement],
        media_type="text/csv",
        examples={"a task of two images, of which one was made": STATEMENT},
        parameters=[
            query_parameter("from", "From this moment on (Unix ms).", MOMENT, 1767225600000),
            query_parameter("to", "Before this moment (Unix ms).", MOMENT, 1769904000000),
            query_parameter(
                "format",
                "JSON in pages, or one CSV file.",
                {"type": "string", "enum": list(FORMATS), "default": "json"},
                "json",
            ),
            query_parameter("cursor", "`nextCursor` of the page before.", {"type": "string"}, "0"),
        ],
        keyed=True,
        signed=True,
    )
