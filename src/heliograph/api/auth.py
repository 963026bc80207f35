"""Who asks, from where, and whether too often: the first questions of every request that needs a key."""

from collections.abc import Sequence

from starlette.requests import Request

from heliograph.accounts.account import Key
from heliograph.accounts.keys import KeyReader
from heliograph.accounts.limits import RateLimiter
from heliograph.api.caller import caller_address, check_network
from heliograph.api.edge import ANSWER_HEADERS
from heliograph.api.header import header
from heliograph.base.address import Network


class Gate:
    """Lets a request in when its key is good, within its rate, and used from one of its networks."""

    def __init__(
        self, keys: KeyReader, limiter: RateLimiter, proxies: Sequence[Network] = ()
    ) -> None:
        self._keys = keys
        self._limiter = limiter
        self._proxies = proxies

    async def admit(self, request: Request) -> Key:
        """The key of `request`, counted; its rate-limit headers go with the answer, whatever it is.

        Raises Unauthorized, TooManyRequests, Forbidden, or Busy when the key cannot be looked up.
        """
        key = await self._keys.authenticate(header(request, b"authorization"))
        limit, remaining, reset_seconds = self._limiter.check(key)
        request.scope[ANSWER_HEADERS] += (
            (b"x-ratelimit-limit", b"%d" % limit),
            (b"x-ratelimit-remaining", b"%d" % remaining),
            (b"x-ratelimit-reset", b"%d" % reset_seconds),
        )
        if key.networks is not None:
            check_network(key, caller_address(request, self._proxies))
        return key
