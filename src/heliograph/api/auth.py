"""Who asks, and whether too often: the first two questions of every request that needs a key."""

from starlette.requests import Request

from heliograph.accounts.account import Key
from heliograph.accounts.keys import KeyReader
from heliograph.accounts.limits import RateLimiter
from heliograph.api.edge import ANSWER_HEADERS


class Gate:
    """Lets a request in when its key is good and within its rate."""

    def __init__(self, keys: KeyReader, limiter: RateLimiter) -> None:
        self._keys = keys
        self._limiter = limiter

    async def admit(self, request: Request) -> Key:
        """The key of `request`, counted; its rate-limit headers go with the answer, whatever it is.

        Raises Unauthorized, TooManyRequests, or Busy when the key cannot be looked up.
        """
        key = await self._keys.authenticate(request.headers.get("authorization"))
        limit, remaining, reset_seconds = self._limiter.check(key)
        request.scope[ANSWER_HEADERS] += (
            (b"x-ratelimit-limit", b"%d" % limit),
            (b"x-ratelimit-remaining", b"%d" % remaining),
            (b"x-ratelimit-reset", b"%d" % reset_seconds),
        )
        return key
