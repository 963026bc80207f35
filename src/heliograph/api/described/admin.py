"""Operations of operators: their pages' own calls, which need the session of an operator."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heliograph.api.admin.wire import (
    AccountDetail,
    AccountList,
    ActionList,
    AdminDelivery,
    AdminDeliveryList,
    AdminResendBody,
    AuditState,
    CreditBody,
    LimitsBody,
    ProviderList,
    Revoked,
    SwitchBody,
    SwitchList,
    WorkData,
)
from heliograph.api.described.admin_examples import (
    ACCOUNT,
    ACCOUNT_ID,
    ACTION,
    AUDIT,
    DELIVERY,
    DETAIL,
    PENDING,
    PROVIDER,
    SWITCHES,
    WORK,
)
from heliograph.api.described.operation import (
    JSON_BODY,
    SIGNED,
    Operation,
    query_parameter,
)
from heliograph.api.session import NO_OPERATOR
from heliograph.api.webhooks_wire import Resent
from heliograph.api.wire import Success
from heliograph.base.errors import (
    BadRequest,
    Conflict,
    Fault,
    Forbidden,
    NotFound,
    PaymentRequired,
    UnprocessableEntity,
)

OPERATORS = (Forbidden(NO_OPERATOR), *SIGNED)
NO_ACCOUNT = NotFound("There is no account acc_0. heliograph account list names all.")
NO_NUMBER = BadRequest("limit must be a whole number from 1 to 100", "limit")
CLOSED = Conflict("It has failed for 72 hours and is paused. Enable it when it works again.")

LIMIT = query_parameter(
    "limit",
    "How many at most.",
    {"type": "integer", "minimum": 1, "maximum": 100, "default": 25},
    25,
)
CURSOR = query_parameter("cursor", "`nextCursor` of the page before.", {"type": "string"}, "7")
OF_ACCOUNT = query_parameter("accountId", "Only of this account.", {"type": "string"}, ACCOUNT_ID)


def admin_operations() -> Iterator[Operation]:
    """All of them, the pages left out."""
    yield from _accounts()
    yield from _acts_on_accounts()
    yield from _sights()
    yield from _webhooks()
    yield from _switches()


def _accounts() -> Iterator[Operation]:
    search = query_parameter(
        "q", "Part of a name or of an id, or the id of a key.", {"type": "string"}, "shop"
    )
    yield _operation(
        "GET accounts",
        "adminAccounts",
        "List and search the accounts",
        answer=Success[AccountList],
        examples={"one account": {"items": [ACCOUNT]}},
        faults=[NO_NUMBER],
        parameters=[search, LIMIT, CURSOR],
    )
    yield _operation(
        "GET accounts/{accountId}",
        "adminAccount",
        "Read an account and its keys",
        answer=Success[AccountDetail],
        examples={"an account with a key": DETAIL},
        faults=[NO_ACCOUNT],
        parameters=[_path("accountId", ACCOUNT_ID)],
    )
    yield _operation(
        "GET log",
        "adminLog",
        "Read what operators have done",
        answer=Success[ActionList],
        examples={"a top-up": {"items": [ACTION]}},
        faults=[NO_NUMBER],
        parameters=[OF_ACCOUNT, LIMIT, CURSOR],
    )


def _acts_on_accounts() -> Iterator[Operation]:
    repeat = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The money moves once for each.",
        "schema": {"type": "string"},
        "example": "invoice-7",
    }
    yield _operation(
        "POST accounts/{accountId}/credit",
        "adminCredit",
        "Put money into an account, or correct its balance",
        answer=Success[AccountDetail],
        examples={"the account afterwards": DETAIL},
        faults=[
            BadRequest("amount: 'ten' is not an amount of dollars", "amount"),
            PaymentRequired("$60.01 cannot be taken: $60.00 is available"),
            UnprocessableEntity("The Idempotency-Key was used for another movement of money."),
            NO_ACCOUNT,
        ],
        parameters=[_path("accountId", ACCOUNT_ID), repeat],
        body=CreditBody,
        body_examples={
            "paid in": {"amount": 50, "note": "invoice 7"},
            "a correction": {"kind": "adjust", "amount": -40, "note": "paid twice"},
        },
        headers=["Idempotent-Replayed"],
    )
    yield _operation(
        "POST accounts/{accountId}/limits",
        "adminLimits",
        "Change how many tasks an account may have under way",
        answer=Success[AccountDetail],
        examples={"the account afterwards": DETAIL},
        faults=[BadRequest("maxLiveTasks: Expected `int` >= 1.", "maxLiveTasks"), NO_ACCOUNT],
        parameters=[_path("accountId", ACCOUNT_ID)],
        body=LimitsBody,
        body_examples={"a thousand": {"maxLiveTasks": 1000}},
    )
    yield _operation(
        "POST keys/{keyId}/revoke",
        "adminRevoke",
        "End a key of whatever account for good",
        answer=Success[Revoked],
        examples={"over": {"keyId": "4fQ9xZ1b", "revoked": True}},
        faults=[NotFound("There is no key 4fQ9xZ1b. heliograph key list names all.")],
        parameters=[_path("keyId", "4fQ9xZ1b")],
    )


def _sights() -> Iterator[Operation]:
    days = {"type": "integer", "minimum": 1, "maximum": 366, "default": 30}
    yield _operation(
        "GET work",
        "adminWork",
        "Read what waits in which queue, and who works",
        answer=Success[WorkData],
        examples={"a busy worker": WORK},
    )
    yield _operation(
        "GET providers",
        "adminProviders",
        "Read how providers are, what they were asked, and what they cost and brought in",
        answer=Success[ProviderList],
        examples={"one in trouble": {"items": [PROVIDER]}},
        faults=[BadRequest("days must be a whole number from 1 to 366", "days")],
        parameters=[query_parameter("days", "Of the last so many days.", days, 30)],
    )
    yield _operation(
        "GET audit",
        "adminAudit",
        "Read what the last audit found",
        answer=Success[AuditState],
        examples={"clean": AUDIT},
    )
    yield _operation(
        "POST audit",
        "adminRunAudit",
        "Begin an audit; its result is read later",
        answer=Success[AuditState],
        examples={"under way": {"running": True, "last": AUDIT["last"]}},
        faults=[Conflict("An audit is under way. Wait for its result.")],
    )


def _webhooks() -> Iterator[Operation]:
    delivery_id = _path("id", DELIVERY["delivery"]["id"])
    yield _operation(
        "GET webhooks",
        "adminWebhooks",
        "List the webhooks of all accounts that were given up",
        answer=Success[AdminDeliveryList],
        examples={"given up": {"items": [DELIVERY]}},
        faults=[NO_NUMBER],
        parameters=[OF_ACCOUNT, LIMIT, CURSOR],
    )
    yield _operation(
        "POST webhooks/{id}/resend",
        "adminResend",
        "Send a webhook of whatever account again",
        answer=Success[AdminDelivery],
        examples={"on its way": PENDING},
        faults=[NotFound("There is no delivery"), CLOSED],
        parameters=[delivery_id],
    )
    yield _operation(
        "POST webhooks/resend",
        "adminResendAll",
        "Send all webhooks again that were given up since a time",
        answer=Success[Resent],
        examples={"three": {"resent": 3}},
        faults=[BadRequest("Missing required field: since", "since"), CLOSED],
        body=AdminResendBody,
        body_examples={"of one account": {"since": 1767225600000, "accountId": ACCOUNT_ID}},
    )


def _switches() -> Iterator[Operation]:
    yield _operation(
        "GET models",
        "adminModels",
        "Read which models are on",
        answer=Success[SwitchList],
        examples={"one is off": SWITCHES},
    )
    yield _operation(
        "POST models/{model}/switch",
        "adminSwitch",
        "Switch a model off, or on again",
        answer=Success[SwitchList],
        examples={"off": SWITCHES},
        faults=[
            BadRequest("reason must say why, for those who call the model", "reason"),
            NotFound("There is no such model on this server."),
        ],
        parameters=[_path("model", "wan-2-5-image")],
        body=SwitchBody,
        body_examples={"off": {"on": False, "reason": "Back at 14:00 UTC."}, "on": {"on": True}},
    )


def _operation(
    route: str,
    name: str,
    summary: str,
    faults: Sequence[Fault] = (),
    **more: Any,
) -> Operation:
    method, _, path = route.partition(" ")
    body = JSON_BODY if method == "POST" else ()
    return Operation(
        method,
        f"/api/v1/admin/{path}",
        name,
        "Operators",
        summary,
        "Needs the session of an operator, by the cookie that `heliograph admin sign-in` leads to.",
        [*faults, *body, *OPERATORS],
        signed=True,
        **more,
    )


def _path(name: str, example: str) -> Mapping[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "example": example,
    }
