"""What operators see of accounts, and do to them."""

import datetime
import math

from starlette.requests import Request
from starlette.responses import Response

from heliograph.accounts.store import list_recent_keys
from heliograph.api.admin.shown import account_data, action_data, key_data
from heliograph.api.admin.wire import (
    AccountDetail,
    AccountList,
    ActionList,
    CreditBody,
    LimitsBody,
    Revoked,
)
from heliograph.api.auth import Gate
from heliograph.api.body import read_json
from heliograph.api.idempotency import marked, read_idempotency_key
from heliograph.api.query import moment_of, read_query, whole_number
from heliograph.api.wire import success
from heliograph.base.database import borrow
from heliograph.base.errors import BadRequest, NotFound
from heliograph.ledger.money import Funding, micros_from_dollars
from heliograph.operators.credit import Credit, credit_account, no_such_account
from heliograph.operators.limit import limit_account
from heliograph.operators.log.store import list_actions
from heliograph.operators.revoke import revoke
from heliograph.operators.store import AccountSummary, Place, list_accounts, read_summary
from heliograph.runtime import Runtime

MAX_LISTED = 100
USUALLY_LISTED = 25
MOST_SEARCHED_CHARACTERS = 100
MOST_KEYS = 200

_number = whole_number(0, 10**18 - 1)


class AdminAccountRoutes:
    """Everything under /api/v1/admin/accounts, /api/v1/admin/keys and /api/v1/admin/log."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def accounts(self, request: Request) -> Response:
        """A page of accounts, searched. Raises BadRequest for a parameter that cannot be read."""
        await self._gate.admit_operator(request)
        limit = listed(request)
        search = read_query(request, "q", _search)
        after = read_query(request, "cursor", _place)
        async with borrow(self._runtime.pool) as connection:
            found = await list_accounts(
                connection, search, after=after, limit=limit + 1, now=self._runtime.clock.now()
            )
        shown = found[:limit]
        more = _cursor(shown[-1]) if len(found) > limit else None
        return success(AccountList([account_data(one) for one in shown], more))

    async def account(self, request: Request) -> Response:
        """One account with its keys. Raises NotFound."""
        await self._gate.admit_operator(request)
        return success(await self._detail(path_id(request, "accountId")))

    async def credit(self, request: Request) -> Response:
        """Put money in, or correct the balance; once for each Idempotency-Key."""
        operator = await self._gate.admit_operator(request)
        body = await read_json(request, CreditBody)
        account_id = path_id(request, "accountId")
        funding = Funding(body.kind, _micros(body), body.note.strip() or None)
        credit = Credit(account_id, funding, read_idempotency_key(request))
        _, replayed = await credit_account(
            self._runtime.pool, operator, credit, now=self._runtime.clock.now()
        )
        return marked(success(await self._detail(account_id)), replayed=replayed)

    async def limits(self, request: Request) -> Response:
        """Change how many tasks an account may have under way. Raises NotFound."""
        operator = await self._gate.admit_operator(request)
        body = await read_json(request, LimitsBody)
        account_id, now = path_id(request, "accountId"), self._runtime.clock.now()
        await limit_account(self._runtime.pool, operator, account_id, body.max_live_tasks, now=now)
        return success(await self._detail(account_id))

    async def revoke(self, request: Request) -> Response:
        """End a key of whatever account for good; harmless when it is over. Raises NotFound."""
        operator = await self._gate.admit_operator(request)
        key_id = path_id(request, "keyId")
        await revoke(self._runtime.pool, operator, key_id, now=self._runtime.clock.now())
        return success(Revoked(key_id))

    async def log(self, request: Request) -> Response:
        """What operators have done, the youngest first. Raises BadRequest."""
        await self._gate.admit_operator(request)
        limit = listed(request)
        account_id = read_query(request, "accountId", text)
        before_id = read_query(request, "cursor", _number)
        async with borrow(self._runtime.pool) as connection:
            found = await list_actions(connection, account_id, before_id=before_id, limit=limit + 1)
        shown = found[:limit]
        more = str(shown[-1].action_id) if len(found) > limit else None
        return success(ActionList([action_data(one) for one in shown], more))

    async def _detail(self, account_id: str) -> AccountDetail:
        now = self._runtime.clock.now()
        async with borrow(self._runtime.pool) as connection:
            account = await read_summary(connection, account_id, now=now)
            keys = await list_recent_keys(connection, account_id, now=now, limit=MOST_KEYS)
        if account is None:
            raise no_such_account(account_id)
        return AccountDetail(
            account=account_data(account), keys=[key_data(key, now) for key in keys]
        )


def path_id(request: Request, name: str) -> str:
    """An id in the path. Raises NotFound for what the database could not even look for."""
    given: str = request.path_params[name]
    if "\0" in given:
        raise NotFound("There is nothing of that name. The list of accounts has all.")
    return given


def listed(request: Request) -> int:
    """How many a page of a list shall have."""
    return read_query(request, "limit", whole_number(1, MAX_LISTED)) or USUALLY_LISTED


def text(words: str) -> str:
    """Words that the database can look for."""
    if "\0" in words or len(words) > MOST_SEARCHED_CHARACTERS:
        raise ValueError(f"must be at most {MOST_SEARCHED_CHARACTERS} characters, and no null")
    return words


def _search(words: str) -> str | None:
    return text(words).strip() or None


def _micros(body: CreditBody) -> int:
    amount = body.amount
    if isinstance(amount, float) and not math.isfinite(amount):
        raise BadRequest("amount must be a number of dollars", "amount")
    try:
        return micros_from_dollars(amount, negative=body.kind == "adjust")
    except ValueError as error:
        raise BadRequest(f"amount: {error}", "amount") from None


def _cursor(account: AccountSummary) -> str:
    """The place of an account in the list: its time to the microsecond, and its id."""
    since_epoch = account.created_at - moment_of(0)
    return f"{since_epoch // datetime.timedelta(microseconds=1)}-{account.account_id}"


def _place(words: str) -> Place:
    microseconds, _, account_id = text(words).partition("-")
    try:
        since_epoch = datetime.timedelta(microseconds=int(microseconds[:18]))
        return moment_of(0) + since_epoch, account_id
    except (ValueError, OverflowError):
        raise ValueError("must be the nextCursor of an answer before") from None
