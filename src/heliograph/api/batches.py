"""Batches: submit one, read one."""

from starlette.requests import Request
from starlette.responses import Response

from heliograph.accounts.account import Key
from heliograph.api.auth import Gate
from heliograph.api.body import read_json_body
from heliograph.api.idempotency import HEADER, marked, read_idempotency_key
from heliograph.api.submission import asked_model
from heliograph.api.wire import success
from heliograph.base.database import borrow
from heliograph.base.errors import BadRequest, NotFound
from heliograph.catalog.batch import IS_KEY, read_batch
from heliograph.runtime import Runtime
from heliograph.tasks.batches.batch import batch_accepted, batch_data
from heliograph.tasks.batches.store import read_items, read_whole
from heliograph.tasks.batches.submit import NewBatch, submit_batch
from heliograph.tasks.task import read_task_id

NO_SUCH_BATCH = "Resource doesn't exist: check the model id and the batch id"
NO_KEY = (
    f"Missing required header: {HEADER}. It must be {IS_KEY}, new for each batch and the same"
    " when you send a batch again."
)


class BatchRoutes:
    """POST /api/v1/generateTask/{model}/batches and GET …/batches/{batchId}."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def submit(self, request: Request) -> Response:
        """Accept all items or none; answer the ids. The same batch again is answered the same."""
        key = await self._gate.admit(request)
        new = await self._read(request, key)
        accepted = await submit_batch(self._runtime, new)
        async with borrow(self._runtime.pool) as connection:
            items = await read_items(connection, accepted.batch_id)
        answer = success(batch_accepted(accepted.batch_id, items))
        return marked(answer, replayed=accepted.replayed)

    async def show(self, request: Request) -> Response:
        """A batch of the caller's account, with the state of each item."""
        caller = await self._gate.admit_caller(request)
        batch_id = read_task_id(request.path_params["batchId"])
        if batch_id is None:
            raise NotFound(NO_SUCH_BATCH)
        async with borrow(self._runtime.pool) as connection:
            batch, items = await read_whole(connection, batch_id)
        model = request.path_params["model"]
        if batch is None or (batch.account_id, batch.model) != (caller.account_id, model):
            raise NotFound(NO_SUCH_BATCH)
        return success(batch_data(batch, items, self._runtime.settings.public_url))

    async def _read(self, request: Request, key: Key) -> NewBatch:
        model = asked_model(request, self._runtime)
        idempotency_key = read_idempotency_key(request)
        if idempotency_key is None:
            raise BadRequest(NO_KEY, HEADER)
        batch = read_batch(
            await read_json_body(request),
            model,
            idempotency_key,
            check_callback=self._runtime.check_callback,
            check_image_url=self._runtime.check_image_url,
        )
        return NewBatch(key, batch, idempotency_key)
