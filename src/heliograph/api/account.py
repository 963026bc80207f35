"""What a key may do and has spent, and the statement of its account."""

import datetime
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from heliograph.accounts.spending.budget import month_of
from heliograph.accounts.spending.store import read_budgets
from heliograph.api.account_wire import (
    Statement,
    UsageDays,
    key_usage,
    statement_line,
    usage_day,
)
from heliograph.api.auth import Caller, Gate
from heliograph.api.query import LATEST_MS, moment_of, one_of, read_query, whole_number
from heliograph.api.wire import success
from heliograph.base.database import borrow
from heliograph.ledger.days.day import every_day
from heliograph.ledger.days.store import read_days
from heliograph.ledger.statement.line import Line, Period
from heliograph.ledger.statement.sheet import csv_head, csv_lines
from heliograph.ledger.statement.store import read_all_lines, read_lines
from heliograph.ledger.store import read_balance
from heliograph.runtime import Runtime

LINES_A_PAGE = 100
USUAL_DAYS = 30
MOST_DAYS = 366
FORMATS = ("json", "csv")
CSV_HEADERS = {
    "cache-control": "no-store",
    "content-disposition": 'attachment; filename="statement.csv"',
    "x-content-type-options": "nosniff",
}

_days = whole_number(1, MOST_DAYS)
_moment = whole_number(0, LATEST_MS)
_cursor = whole_number(0, 10**18 - 1)


class AccountRoutes:
    """GET /api/v1/apikeys/usage, GET /api/v1/usage and GET /api/v1/statement."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def usage(self, request: Request) -> Response:
        """The limits of the key that asks, its spending, and its account's balance."""
        key = await self._gate.admit(request)
        month = month_of(self._runtime.clock.now())
        async with borrow(self._runtime.pool) as connection:
            balance = await read_balance(connection, key.account_id)
            budgets = await read_budgets(connection, [key.key_id], month)
        assert balance is not None, "a key has an account, and an account a balance"
        return success(key_usage(key, balance, budgets.get(key.key_id)))

    async def days(self, request: Request) -> Response:
        """What the account was charged on each of the last days (UTC). Raises BadRequest naming `days`."""
        caller = await self._gate.admit_caller(request)
        count = read_query(request, "days", _days) or USUAL_DAYS
        today = self._runtime.clock.now().astimezone(datetime.UTC).date()
        first = today - datetime.timedelta(days=count - 1)
        async with borrow(self._runtime.pool) as connection:
            found = await read_days(connection, caller.account_id, first)
        return success(UsageDays([usage_day(day) for day in every_day(found, today, count)]))

    async def statement(self, request: Request) -> Response:
        """Every movement of the account's money: a page of JSON, or a whole CSV file.

        Raises BadRequest for a parameter that cannot be read.
        """
        caller = await self._gate.admit_caller(request)
        period = Period(_read_moment(request, "from"), _read_moment(request, "to"))
        after = read_query(request, "cursor", _cursor) or 0
        if read_query(request, "format", one_of(FORMATS)) == "csv":
            return await self._csv(caller, period, after)
        async with borrow(self._runtime.pool) as connection:
            lines = await read_lines(
                connection, caller.account_id, period, after=after, limit=LINES_A_PAGE + 1
            )
        page = lines[:LINES_A_PAGE]
        more = str(page[-1].transfer.transfer_id) if len(lines) > len(page) else None
        return success(Statement([statement_line(line) for line in page], more))

    async def _csv(self, caller: Caller, period: Period, after: int) -> Response:
        parts = read_all_lines(self._runtime.pool, caller.account_id, period, after=after)
        # what cannot be read at all is still an answer of its own, not half a file
        first = await anext(parts)
        return StreamingResponse(_file(first, parts), media_type="text/csv", headers=CSV_HEADERS)


async def _file(first: list[Line], rest: AsyncIterator[list[Line]]) -> AsyncIterator[str]:
    yield csv_head() + csv_lines(first)
    async for lines in rest:
        yield csv_lines(lines)


def _read_moment(request: Request, name: str) -> datetime.datetime | None:
    unix_ms = read_query(request, name, _moment)
    return None if unix_ms is None else moment_of(unix_ms)
