"""Who asks, from where, and whether too often: the first questions of every request for somebody's data."""

from typing import NamedTuple

from starlette.requests import Request

from heliograph.accounts.account import Key
from heliograph.accounts.limits import Counted
from heliograph.accounts.sessions.session import Session
from heliograph.api.body import BODY_OWNER
from heliograph.api.caller import caller_address, check_network
from heliograph.api.edge import ANSWER_HEADERS
from heliograph.api.header import header
from heliograph.api.session import NOBODY, Sessions, cookie_token
from heliograph.base.address import read_networks
from heliograph.base.errors import Unauthorized
from heliograph.runtime import Runtime


class Caller(NamedTuple):
    """Who may see an account's data: whoever has a key of it, or is signed in for it (`key` None).

    It is no key: what spends money asks for one.
    """

    account_id: str
    key: Key | None


class Gate:
    """Lets a request in when its key is good, within its rate, and used from one of its networks."""

    def __init__(self, runtime: Runtime, sessions: Sessions) -> None:
        self._keys = runtime.keys
        self._limiter = runtime.limiter
        self._proxies = read_networks(runtime.settings.trusted_proxies)
        self._sessions = sessions

    async def admit(self, request: Request) -> Key:
        """The key of `request`, counted; its rate-limit headers go with the answer, whatever it is.

        Raises Unauthorized, TooManyRequests, Forbidden, or Busy when the key cannot be looked up.
        """
        key = await self._keys.authenticate(header(request, b"authorization"))
        self._count(request, key)
        request.scope[BODY_OWNER] = key.account_id
        if key.networks is not None:
            check_network(key, caller_address(request, self._proxies))
        return key

    async def admit_caller(self, request: Request) -> Caller:
        """Whose data `request` is about: by its key, or else by the cookie of a session.

        Raises what `admit` does, and UnsupportedMediaType: a session's change must come from a page.
        """
        if _has_key(request):
            key = await self.admit(request)
            return Caller(key.account_id, key)
        session = await self._sessions.require_account(request)
        return Caller(self._counted(request, session), session.key)

    async def admit_again(self, request: Request) -> None:
        """Ask once more for who was admitted and has waited since; it counts as no request.

        Raises Unauthorized when the key or the session has ended meanwhile, Forbidden, Busy.
        """
        if _has_key(request):
            await self._keys.authenticate(header(request, b"authorization"))
        elif await self._sessions.signed_in(request) is None:
            raise Unauthorized(NOBODY)

    async def admit_owner(self, request: Request) -> str:
        """The account whose keys `request` may change, by the session of its owner alone.

        Raises Unauthorized, Forbidden, TooManyRequests, UnsupportedMediaType.
        """
        session = await self._sessions.require_owner(request)
        return self._counted(request, session)

    async def admit_operator(self, request: Request) -> str:
        """The name of the operator who sends `request`.

        Raises Unauthorized, Forbidden, TooManyRequests, UnsupportedMediaType.
        """
        session = await self._sessions.require_operator(request)
        self._count(request, session.counted)
        assert session.operator is not None, "an operator is signed in"
        return session.operator

    def _counted(self, request: Request, session: Session) -> str:
        self._count(request, session.counted)
        assert session.account_id is not None, "an account is signed in"
        request.scope[BODY_OWNER] = session.account_id
        return session.account_id

    def _count(self, request: Request, counted: Counted) -> None:
        limit, remaining, reset_seconds = self._limiter.check(counted)
        request.scope[ANSWER_HEADERS] += (
            (b"x-ratelimit-limit", b"%d" % limit),
            (b"x-ratelimit-remaining", b"%d" % remaining),
            (b"x-ratelimit-reset", b"%d" % reset_seconds),
        )


def _has_key(request: Request) -> bool:
    return cookie_token(request) is None or header(request, b"authorization") is not None
