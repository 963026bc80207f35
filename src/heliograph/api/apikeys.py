"""The keys of an account, in the hands of its owner: list, make, change, replace, revoke."""

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from heliograph.accounts.account import Key
from heliograph.accounts.issue import KeyWish, issue_key
from heliograph.accounts.keys import MintedKey, rotate_key
from heliograph.accounts.limit import limit_key
from heliograph.accounts.revoke import revoke_own_key
from heliograph.accounts.spending.budget import month_of
from heliograph.accounts.spending.store import read_budgets
from heliograph.accounts.store import list_recent_keys, read_keys_by_id
from heliograph.api.apikeys_wire import (
    KeyBody,
    KeyChange,
    KeyData,
    KeyList,
    NewKey,
    RotateKeyBody,
    asked_limits,
    key_data,
)
from heliograph.api.auth import Gate
from heliograph.api.body import read_json
from heliograph.api.wire import success
from heliograph.base.database import borrow
from heliograph.base.errors import BadRequest
from heliograph.runtime import Runtime

MOST_LISTED = 500

SECONDS_PER_HOUR = 3600


class KeyIdConvertor(Convertor[str]):
    """What a path must hold where it names a key; all else is another path."""

    regex = "[0-9A-Za-z]{8}"

    def convert(self, value: str) -> str:
        """The id as it stands there."""
        return value

    def to_string(self, value: str) -> str:
        """The id as it is written there."""
        return value


register_url_convertor("key_id", KeyIdConvertor())


class KeyRoutes:
    """Everything under /api/v1/apikeys that has to do with other keys than the one that asks."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def list_all(self, request: Request) -> Response:
        """The account's keys with their limits, and what those with a cap have spent."""
        account_id = await self._gate.admit_owner(request)
        now = self._runtime.clock.now()
        async with borrow(self._runtime.pool) as connection:
            keys = await list_recent_keys(connection, account_id, now=now, limit=MOST_LISTED)
        return success(KeyList(await self._shown(keys)))

    async def create(self, request: Request) -> Response:
        """Make a key. Raises BadRequest naming a field, Conflict when there are too many."""
        account_id = await self._gate.admit_owner(request)
        body = await read_json(request, KeyBody)
        now = self._runtime.clock.now()
        wish = KeyWish(
            account_id,
            body.name,
            body.test,
            body.routing,
            self._runtime.settings.rate_limit_per_minute,
            asked_limits(body, self._runtime.models, now),
        )
        minted = await issue_key(self._runtime.pool, wish, now=now, by_owner=True)
        return await self._once(minted)

    async def change(self, request: Request) -> Response:
        """Change name and limits of a key. Raises BadRequest naming a field, NotFound."""
        account_id = await self._gate.admit_owner(request)
        key_id = request.path_params["keyId"]
        body = await read_json(request, KeyChange)
        if body == KeyChange():
            raise BadRequest("The body names nothing that shall change")
        now = self._runtime.clock.now()
        limits = asked_limits(body, self._runtime.models, now)
        key = await limit_key(self._runtime.pool, key_id, limits, account_id=account_id, now=now)
        return success((await self._shown([key]))[0])

    async def rotate(self, request: Request) -> Response:
        """Replace a key by a new one; for a time both work. Raises NotFound, Conflict."""
        account_id = await self._gate.admit_owner(request)
        key_id = request.path_params["keyId"]
        body = await read_json(request, RotateKeyBody)
        minted = await rotate_key(
            self._runtime.pool,
            key_id,
            now=self._runtime.clock.now(),
            keep_seconds=body.keep_hours * SECONDS_PER_HOUR,
            account_id=account_id,
        )
        return await self._once(minted)

    async def revoke(self, request: Request) -> Response:
        """End a key for good; harmless when it has ended. Raises NotFound."""
        account_id = await self._gate.admit_owner(request)
        key = await revoke_own_key(
            self._runtime.pool,
            request.path_params["keyId"],
            account_id=account_id,
            now=self._runtime.clock.now(),
        )
        return success((await self._shown([key]))[0])

    async def _once(self, minted: MintedKey) -> Response:
        async with borrow(self._runtime.pool) as connection:
            stored = await read_keys_by_id(connection, [minted.key_id])
        (shown,) = await self._shown([stored[minted.key_id].key])
        return success(NewKey(minted.api_key, shown))

    async def _shown(self, keys: list[Key]) -> list[KeyData]:
        now = self._runtime.clock.now()
        async with borrow(self._runtime.pool) as connection:
            budgets = await read_budgets(connection, [key.key_id for key in keys], month_of(now))
        return [key_data(key, budgets.get(key.key_id), now) for key in keys]
