"""What operators see of the work, and do about it: queues, providers, webhooks, models, the audit."""

import datetime

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.admin.accounts import listed, text
from heliograph.api.admin.shown import (
    open_tasks_data,
    proof_data,
    provider_data,
    queue_data,
    switch_data,
    worker_data,
)
from heliograph.api.admin.wire import (
    AdminDelivery,
    AdminDeliveryList,
    AdminResendBody,
    AuditState,
    ProviderList,
    SwitchBody,
    SwitchList,
    WorkData,
)
from heliograph.api.auth import Gate
from heliograph.api.body import read_json
from heliograph.api.query import moment_of, read_query, whole_number
from heliograph.api.webhooks import cursor_of, read_place
from heliograph.api.webhooks_wire import Resent, delivery_data
from heliograph.api.wire import success
from heliograph.base.database import borrow
from heliograph.base.errors import NotFound
from heliograph.operators.proofs.store import read_proofs
from heliograph.operators.resend import resend_one, resend_since
from heliograph.operators.seen import read_seen
from heliograph.operators.store import read_open_tasks, read_queues
from heliograph.operators.switch import switch_off, switch_on
from heliograph.operators.switches.store import read_off
from heliograph.operators.workers.store import list_workers
from heliograph.runtime import Runtime
from heliograph.webhooks.deliveries.store import Delivery, Filter, Lost, list_deliveries

USUAL_DAYS = 30
MOST_DAYS = 366


class AdminOperatingRoutes:
    """Everything under /api/v1/admin but accounts, keys and the log."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def work(self, request: Request) -> Response:
        """What waits in which queue, and who works."""
        await self._gate.admit_operator(request)
        async with borrow(self._runtime.pool) as connection:
            queues = await read_queues(connection)
            tasks = await read_open_tasks(connection)
            workers = await list_workers(connection)
        return success(
            WorkData(
                [queue_data(one) for one in queues],
                [open_tasks_data(one) for one in tasks],
                [worker_data(one) for one in workers],
            )
        )

    async def providers(self, request: Request) -> Response:
        """How providers are, and what they did in the last `days`. Raises BadRequest."""
        await self._gate.admit_operator(request)
        days = read_query(request, "days", whole_number(1, MOST_DAYS)) or USUAL_DAYS
        runtime, now = self._runtime, self._runtime.clock.now()
        since = now - datetime.timedelta(days=days)
        async with borrow(runtime.pool) as connection:
            seen = await read_seen(
                connection, runtime.settings.providers, runtime.costs_micros, since
            )
        return success(ProviderList([provider_data(one, now) for one in seen]))

    async def webhooks(self, request: Request) -> Response:
        """The deliveries of all accounts that were given up. Raises BadRequest."""
        await self._gate.admit_operator(request)
        limit = listed(request)
        wanted = Filter(
            account_id=read_query(request, "accountId", text),
            state="dead",
            after=read_query(request, "cursor", read_place),
        )
        async with borrow(self._runtime.pool) as connection:
            found = await list_deliveries(connection, wanted, limit=limit + 1)
        shown = found[:limit]
        more = cursor_of(shown[-1]) if len(found) > limit else None
        return success(AdminDeliveryList([_owned(one) for one in shown], more))

    async def resend(self, request: Request) -> Response:
        """Send one again. Raises NotFound, or Conflict when its receiver is paused or disabled."""
        operator = await self._gate.admit_operator(request)
        delivery = await resend_one(
            self._runtime.pool, operator, request.path_params["id"], now=self._runtime.clock.now()
        )
        return success(_owned(delivery))

    async def resend_all(self, request: Request) -> Response:
        """Send all again that were given up since a time. Raises Conflict for a closed receiver."""
        operator = await self._gate.admit_operator(request)
        body = await read_json(request, AdminResendBody)
        lost = Lost(moment_of(body.since), body.account_id, body.url)
        resent = await resend_since(
            self._runtime.pool, operator, lost, now=self._runtime.clock.now()
        )
        return success(Resent(resent))

    async def models(self, request: Request) -> Response:
        """The models, and which are off."""
        await self._gate.admit_operator(request)
        return success(await self._switches())

    async def switch(self, request: Request) -> Response:
        """Switch a model on or off. Raises NotFound, and BadRequest for off without a reason."""
        operator = await self._gate.admit_operator(request)
        body = await read_json(request, SwitchBody)
        model, pool, now = (
            request.path_params["model"],
            self._runtime.pool,
            self._runtime.clock.now(),
        )
        if model not in self._runtime.models:
            raise NotFound("There is no such model on this server.")
        if body.on:
            await switch_on(pool, operator, model, now=now)
        else:
            await switch_off(pool, operator, model, body.reason, now=now)
        self._runtime.switches.forget()
        return success(await self._switches())

    async def audit(self, request: Request) -> Response:
        """Whether an audit is under way, and what the last one found."""
        await self._gate.admit_operator(request)
        async with borrow(self._runtime.pool) as connection:
            last, ended = await read_proofs(connection)
        running = last is not None and last.runs_at(self._runtime.clock.now())
        return success(AuditState(running, proof_data(ended) if ended else None))

    async def run_audit(self, request: Request) -> Response:
        """Begin an audit and answer at once. Raises Conflict while one is under way."""
        operator = await self._gate.admit_operator(request)
        ended = await self._runtime.prover.start(operator)
        # what has just begun is told as running, however soon it ends
        return success(AuditState(True, proof_data(ended) if ended else None))

    async def _switches(self) -> SwitchList:
        async with borrow(self._runtime.pool) as connection:
            off = await read_off(connection)
        return SwitchList(
            [switch_data(model, off.get(name)) for name, model in self._runtime.models.items()]
        )


def _owned(delivery: Delivery) -> AdminDelivery:
    return AdminDelivery(delivery.account_id, delivery_data(delivery))
