"""An alarm: something about a provider that only the operator can mend."""

import asyncio
from http import HTTPStatus

import aiohttp

from heliograph.base.clock import Clock, unix_ms
from heliograph.base.database import Pool, borrow
from heliograph.base.errors import Busy
from heliograph.base.log import log
from heliograph.providers.alarms.store import claim_telling, note_alarm

#: The operator is told of the same alarm at most this often.
QUIET_SECONDS = 300
POST_SECONDS = 10.0


class Alarms:
    """Raises alarms: each is logged and counted; the operator's webhook hears of it now and then."""

    def __init__(self, pool: Pool, clock: Clock, url: str | None) -> None:
        """`url` is the operator's own receiver, or None."""
        self._pool = pool
        self._clock = clock
        self._url = url
        self._posts: set[asyncio.Task[None]] = set()

    async def __call__(self, provider: str, code: str, remedy: str) -> None:
        """Raise the alarm `code` about `provider`, with what is to be done. Never fails."""
        log.error("provider.alarm", provider=provider, code=code, remedy=remedy)
        try:
            async with borrow(self._pool) as connection:
                now = self._clock.now()
                number = await note_alarm(connection, provider, code, remedy, now)
                telling = self._url is not None and await claim_telling(
                    connection, provider, code, now, QUIET_SECONDS
                )
        except Busy as busy:
            log.warning("provider.alarm_not_counted", error=busy.message)
            return
        if telling:
            post = asyncio.create_task(self._post(provider, code, remedy, number))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)

    async def close(self) -> None:
        """Let what is being told be told."""
        await asyncio.gather(*self._posts)

    async def _post(self, provider: str, code: str, remedy: str, number: int) -> None:
        """One attempt: the log and the metric tell it too. `text` is what chat services show."""
        assert self._url is not None
        body = {
            "type": "provider.alarm",
            "provider": provider,
            "code": code,
            "remedy": remedy,
            "number": number,
            "time": unix_ms(self._clock.now()),
            "text": f"Heliograph, provider {provider}: {code}. {remedy}",
        }
        timeout = aiohttp.ClientTimeout(total=POST_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self._url, json=body, allow_redirects=False) as answer,
            ):
                refused = answer.status >= HTTPStatus.MULTIPLE_CHOICES
                error = f"HTTP {answer.status}" if refused else None
        except (aiohttp.ClientError, TimeoutError) as fault:
            error = type(fault).__name__
        if error is not None:
            log.error("provider.alarm_not_told", error=error)
