"""What was told to whom, telling it again, and what receivers need."""

import datetime
import math
import uuid

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.auth import Gate
from heliograph.api.body import read_json
from heliograph.api.query import moment_of, one_of, read_query, whole_number
from heliograph.api.webhooks_wire import (
    DeliveryList,
    Enabled,
    ReceiverList,
    ResendBody,
    Resent,
    RotateBody,
    RotatedSecret,
    UrlBody,
    delivery_data,
    receiver_data,
)
from heliograph.api.wire import success
from heliograph.base.clock import unix_ms
from heliograph.base.database import borrow, transaction
from heliograph.base.errors import BadRequest, Forbidden, TooManyRequests
from heliograph.runtime import Runtime
from heliograph.tasks.task import read_task_id
from heliograph.webhooks.deliveries.resend import no_such_delivery, resend, resend_lost
from heliograph.webhooks.deliveries.store import (
    STATES,
    Delivery,
    Filter,
    Lost,
    list_deliveries,
    read_delivery,
)
from heliograph.webhooks.event import trial_notice
from heliograph.webhooks.lanes import Later
from heliograph.webhooks.receivers.store import list_receivers, open_receiver
from heliograph.webhooks.rotate import rotate_secret

NOT_WITH_A_TEST_KEY = (
    "A test key cannot replace the secret that real notices are signed with."
    " Use a live key of the account, or the console, signed in by a link of the operator."
)

MAX_LISTED = 100
USUALLY_LISTED = 20


class WebhookRoutes:
    """Everything under /api/v1/webhooks but the inboxes."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def deliveries(self, request: Request) -> Response:
        """The account's deliveries, filtered. Raises BadRequest for a filter that cannot be read."""
        caller = await self._gate.admit_caller(request)
        limit = _limit(request)
        wanted = Filter(
            account_id=caller.account_id,
            task_id=read_query(request, "taskId", _task_id),
            state=read_query(request, "state", one_of(STATES)),
            after=read_query(request, "cursor", read_place),
        )
        async with borrow(self._runtime.pool) as connection:
            found = await list_deliveries(connection, wanted, limit=limit + 1)
        shown = found[:limit]
        cursor = cursor_of(shown[-1]) if len(found) > limit else None
        return success(DeliveryList([delivery_data(one) for one in shown], cursor))

    async def delivery(self, request: Request) -> Response:
        """One delivery of the caller's account; what the caller may not see is not there."""
        caller = await self._gate.admit_caller(request)
        async with borrow(self._runtime.pool) as connection:
            found = await read_delivery(
                connection, request.path_params["id"], account_id=caller.account_id
            )
        if found is None:
            raise no_such_delivery(request.path_params["id"])
        return success(delivery_data(found))

    async def resend(self, request: Request) -> Response:
        """Send one again. Raises NotFound, or Conflict when its receiver is paused or disabled."""
        caller = await self._gate.admit_caller(request)
        async with transaction(self._runtime.pool) as connection:
            resent = await resend(
                connection,
                request.path_params["id"],
                now=self._runtime.clock.now(),
                account_id=caller.account_id,
            )
        return success(delivery_data(resent))

    async def resend_all(self, request: Request) -> Response:
        """Send all again that died since a time. Raises Conflict for a receiver that is closed."""
        caller = await self._gate.admit_caller(request)
        body = await read_json(request, ResendBody)
        if body.url is not None:
            self._check(body.url)
        lost = Lost(moment_of(body.since), caller.account_id, body.url)
        async with transaction(self._runtime.pool) as connection:
            resent = await resend_lost(connection, lost, now=self._runtime.clock.now())
        return success(Resent(resent))

    async def test(self, request: Request) -> Response:
        """Send a test now and answer with the attempt. Raises TooManyRequests for a busy receiver."""
        caller = await self._gate.admit_caller(request)
        body = await read_json(request, UrlBody)
        self._check(body.url)
        notice = trial_notice(caller.account_id, body.url, self._runtime.clock.now())
        outcome = await self._runtime.deliverer.send_test(notice)
        if isinstance(outcome, Later):
            raise TooManyRequests(
                "The receiver is busy with other notices. Try again later.",
                math.ceil(outcome.seconds),
            )
        async with borrow(self._runtime.pool) as connection:
            delivery = await read_delivery(connection, notice.notice_id)
        assert delivery is not None
        return success(delivery_data(delivery))

    async def receivers(self, request: Request) -> Response:
        """The account's receivers in trouble."""
        caller = await self._gate.admit_caller(request)
        limit = _limit(request)
        after = read_query(request, "cursor", _url)
        async with borrow(self._runtime.pool) as connection:
            found = await list_receivers(
                connection, caller.account_id, after=after, limit=limit + 1
            )
        shown = found[:limit]
        cursor = shown[-1].url if len(found) > limit else None
        return success(ReceiverList([receiver_data(one) for one in shown], cursor))

    async def enable(self, request: Request) -> Response:
        """Let a receiver have notices again; harmless when it does already."""
        caller = await self._gate.admit_caller(request)
        body = await read_json(request, UrlBody)
        self._check(body.url)
        async with borrow(self._runtime.pool) as connection:
            await open_receiver(connection, caller.account_id, body.url)
        return success(Enabled(body.url))

    async def rotate(self, request: Request) -> Response:
        """Give the account a new signing secret; the present one counts for a time yet.

        Raises Forbidden for a test key, which may be in many hands.
        """
        caller = await self._gate.admit_caller(request)
        if caller.key is not None and caller.key.test:
            raise Forbidden(NOT_WITH_A_TEST_KEY)
        body = await read_json(request, RotateBody)
        async with transaction(self._runtime.pool) as connection:
            secret, previous_until = await rotate_secret(
                connection,
                caller.account_id,
                overlap_hours=body.overlap_hours,
                now=self._runtime.clock.now(),
            )
        return success(RotatedSecret(secret, unix_ms(previous_until)))

    def _check(self, url: str) -> None:
        try:
            self._runtime.check_callback(url)
        except ValueError as error:
            raise BadRequest(f"url: {error}", "url") from None


def _limit(request: Request) -> int:
    return read_query(request, "limit", whole_number(1, MAX_LISTED)) or USUALLY_LISTED


def _task_id(text: str) -> uuid.UUID:
    task_id = read_task_id(text)
    if task_id is None:
        raise ValueError("must be 32 lower-case hex digits, as generateTask answered")
    return task_id


def cursor_of(delivery: Delivery) -> str:
    """The place of a delivery in the list: its time to the microsecond, and its id."""
    since_epoch = delivery.created_at - moment_of(0)
    return f"{since_epoch // datetime.timedelta(microseconds=1)}-{delivery.notice_id.hex}"


def read_place(text: str) -> tuple[datetime.datetime, uuid.UUID]:
    """The place that a cursor names. Raises ValueError."""
    microseconds, _, notice_id = text.partition("-")
    try:
        since_epoch = datetime.timedelta(microseconds=int(microseconds[:18]))
        return moment_of(0) + since_epoch, uuid.UUID(notice_id)
    except (ValueError, OverflowError):
        raise ValueError("must be the nextCursor of an answer before") from None


def _url(text: str) -> str:
    if "\0" in text:
        raise ValueError("must be the nextCursor of an answer before")
    return text
