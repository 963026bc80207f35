"""Who is signed in at the pages: the cookie of a session, and whether a page of ours sends it."""

import urllib.parse

from starlette.requests import Request

from heliograph.accounts.sessions.session import Session
from heliograph.accounts.sessions.sign_in import find_session
from heliograph.api.body import check_json_type
from heliograph.api.caller import caller_address, check_network
from heliograph.api.header import header
from heliograph.base.address import read_networks
from heliograph.base.errors import Forbidden, Unauthorized
from heliograph.runtime import Runtime

COOKIE = "heliograph_session"
STATE_FREE = ("GET", "HEAD")

NOBODY = (
    "Nobody is signed in, or no longer. Sign in at /console,"
    " or open the link of `heliograph account sign-in`, or of `heliograph admin sign-in`."
)
NOT_FROM_HERE = (
    "Only a page of this server may change something for who is signed in here."
    " Programs send an API key as Authorization: Bearer instead of the cookie."
)
NO_OPERATOR = (
    "Only operators may do this. Open the link of `heliograph admin sign-in` to become one."
)
NO_ACCOUNT = (
    "An operator is signed in, not an account."
    " Use an API key, or open the link of `heliograph account sign-in ACCOUNT_ID`."
)
NO_OWNER = (
    "An API key cannot change keys, nor can who signed in with one, so that one that leaked makes no"
    " others. Open the link of `heliograph account sign-in ACCOUNT_ID`, which the operator can give you."
)


class Sessions:
    """Finds the session of a request, and refuses what it may not."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._proxies = read_networks(runtime.settings.trusted_proxies)
        public = urllib.parse.urlsplit(runtime.settings.public_url)
        self._origin = f"{public.scheme}://{public.netloc}"

    async def signed_in(self, request: Request) -> Session | None:
        """The session whose cookie the request carries, if it has not ended.

        For what a request only reads; the three below ask more of one that changes something. Raises
        Forbidden when it was opened with a key that may not be used from there.
        """
        token = cookie_token(request)
        if token is None:
            return None
        runtime = self._runtime
        session = await find_session(runtime.pool, token, now=runtime.clock.now())
        if session is not None and session.key is not None:
            check_network(session.key, caller_address(request, self._proxies))
        return session

    async def require_operator(self, request: Request) -> Session:
        """The session of an operator. Raises Unauthorized, Forbidden, UnsupportedMediaType."""
        session = await self._require(request)
        if session.operator is None:
            raise Forbidden(NO_OPERATOR)
        return session

    async def require_account(self, request: Request) -> Session:
        """The session of an account. Raises Unauthorized, Forbidden, UnsupportedMediaType."""
        session = await self._require(request)
        if session.account_id is None:
            raise Forbidden(NO_ACCOUNT)
        return session

    async def require_owner(self, request: Request) -> Session:
        """The session of an account that a link has opened: it may decide which keys there are.

        Raises Unauthorized, Forbidden, UnsupportedMediaType.
        """
        if cookie_token(request) is None and header(request, b"authorization") is not None:
            raise Forbidden(NO_OWNER)
        session = await self.require_account(request)
        if not session.owns_account:
            raise Forbidden(NO_OWNER)
        return session

    async def _require(self, request: Request) -> Session:
        session = await self.signed_in(request)
        if session is None:
            raise Unauthorized(NOBODY)
        if request.method not in STATE_FREE:
            self.check_page(request)
            check_json_type(request)
        return session

    def check_page(self, request: Request) -> None:
        """Raise Forbidden unless the request comes from a page of this very origin.

        A browser sends the cookie along with what other ports of the same host ask for, too.
        """
        site = header(request, b"sec-fetch-site")
        if site is None:
            # Browsers leave that one out on plain HTTP; this one they send with whatever may change something.
            origin = header(request, b"origin") or ""
            host = origin.partition("://")[2]
            own = origin == self._origin or (host != "" and host == header(request, b"host"))
        else:
            own = site == "same-origin"
        if not own:
            raise Forbidden(NOT_FROM_HERE)


def cookie_token(request: Request) -> str | None:
    """What the cookie of a session holds, or None when there is none."""
    return request.cookies.get(COOKIE) if header(request, b"cookie") else None
