"""One server: asks it through a wire, asks again where that is safe, and unpacks what comes back."""

import json
import random
from collections.abc import Callable
from typing import Any, TypeVar

from heliograph_client._envelope import data_of, not_this_api, refusal
from heliograph_client._retry import may_pass, pause_seconds
from heliograph_client._wire import Answer, Request, Wire
from heliograph_client.errors import FIRST_SERVER_ERROR, ApiError, NoAnswer

Value = TypeVar("Value")
Check = Callable[[Answer], ApiError | NoAnswer | None]

IDEMPOTENCY_KEY = "Idempotency-Key"


class Api:
    """What all flows ask through. `max_retries` is how often one call is repeated at most."""

    def __init__(self, wire: Wire, max_retries: int) -> None:
        self.wire = wire
        self.takes_uploads = True
        self._max_retries = max_retries
        self._knows_keys: bool | None = None

    async def get(self, read: Callable[[Any], Value], request: Request) -> Value:
        """Do `request`, and give what `read` makes of the data in its answer."""
        return read_data(read, await self.send(request), request)

    async def send(self, request: Request, check: Check = refusal) -> Answer:
        """Do `request`, again and again if need be. `check` says why an answer is no good one.

        Raises ApiError for a refusal, NoAnswer for silence.
        """
        failures = 0
        while True:
            try:
                answer = await self.wire.send(request)
                error: ApiError | NoAnswer | None = check(answer)
            except NoAnswer as silence:
                error = silence
            if error is None:
                return answer
            failures += 1
            await self.pause_or_raise(error, failures, request)

    async def pause_or_raise(
        self, error: ApiError | NoAnswer, failures: int, request: Request
    ) -> None:
        """Wait until `request` may be tried again, or raise `error` when it may not."""
        if failures > self._max_retries or not await self._may_repeat(request, error):
            raise error
        # Not for secrets: it only spreads the load.
        jitter = random.random()  # noqa: S311
        await self.wire.sleep(pause_seconds(failures, error.retry_after_seconds, jitter))

    async def _may_repeat(self, request: Request, error: ApiError | NoAnswer) -> bool:
        if isinstance(error, ApiError):
            return may_pass(error.status, has_idempotency_key=IDEMPOTENCY_KEY in request.headers)
        if error.status is not None and error.status < FIRST_SERVER_ERROR:
            return False
        # A refusal in the API's own form was not paid for. After silence nobody knows, so a
        # request that spends is repeated only where its idempotency key is known to count.
        return not (request.spends and error.sent) or await self._server_knows_keys()

    async def _server_knows_keys(self) -> bool:
        """Whether the server's own description names the header; asked once."""
        if self._knows_keys is None:
            try:
                answer = await self.send(Request("GET", "/openapi.json", keyed=False), _outage)
            except NoAnswer:
                return False
            self._knows_keys = _describes_keys(answer)
        return self._knows_keys


def read_data(read: Callable[[Any], Value], answer: Answer, request: Request) -> Value:
    """What `read` makes of the data of a good answer. Raises NoAnswer when it can make nothing of it."""
    try:
        return read(data_of(answer))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise not_this_api(f"{request.method} {request.url}", answer) from None


def _outage(answer: Answer) -> ApiError | NoAnswer | None:
    return refusal(answer) if answer.status >= FIRST_SERVER_ERROR else None


def _describes_keys(openapi: Answer) -> bool:
    try:
        submit = json.loads(openapi.content)["paths"]["/api/v1/generateTask/{model}"]["post"]
        return IDEMPOTENCY_KEY in {parameter["name"] for parameter in submit["parameters"]}
    except (KeyError, TypeError, ValueError):
        return False
