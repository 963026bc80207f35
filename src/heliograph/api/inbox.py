"""Inboxes: receivers that lie here, for development without a public address."""

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.auth import Gate
from heliograph.api.body import read_body, room_for
from heliograph.api.query import LONGEST_NUMBER, read_query, whole_number
from heliograph.api.watching import wait_seconds
from heliograph.api.webhooks_wire import Accepted, InboxData, MessageList, message_data
from heliograph.api.wire import success
from heliograph.base.clock import unix_ms
from heliograph.base.database import borrow
from heliograph.base.errors import NotFound, TooLarge, TooManyRequests
from heliograph.runtime import Runtime
from heliograph.webhooks.inboxes.inbox import (
    MOST_BODY_BYTES,
    MOST_POSTS_A_MINUTE,
    Posted,
    inbox_url,
    is_inbox_id,
)
from heliograph.webhooks.inboxes.open import open_inbox, wait_for_messages
from heliograph.webhooks.inboxes.store import add_message, read_inbox

NO_SUCH_INBOX = "Resource doesn't exist: the inbox is gone or never was; it lives for 24 hours"

MOST_HEADER_BYTES = 16 * 1024
BUSY_SECONDS = 10

any_id = whole_number(0, 10**LONGEST_NUMBER - 1)


class InboxRoutes:
    """Opening and reading inboxes, and posting into them."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def open(self, request: Request) -> Response:
        """A new inbox of the caller's account."""
        caller = await self._gate.admit_caller(request)
        inbox_id, expires_at = await open_inbox(
            self._runtime.pool, caller.account_id, now=self._runtime.clock.now()
        )
        url = inbox_url(inbox_id, self._runtime.settings.public_url)
        return success(InboxData(inbox_id, url, unix_ms(expires_at)))

    async def messages(self, request: Request) -> Response:
        """What came in behind `after`, waiting for it if asked to. Raises NotFound when expired."""
        caller = await self._gate.admit_caller(request)
        inbox_id = _inbox_id(request)
        after = read_query(request, "after", any_id) or 0
        seconds = wait_seconds(request)
        async with borrow(self._runtime.pool) as connection:
            inbox = await read_inbox(
                connection, inbox_id, caller.account_id, now=self._runtime.clock.now()
            )
        if inbox is None:
            raise NotFound(NO_SUCH_INBOX)
        messages = await wait_for_messages(
            self._runtime.pool, self._runtime.changes, inbox.inbox_id, after=after, seconds=seconds
        )
        return success(MessageList([message_data(one, inbox) for one in messages]))

    async def post(self, request: Request) -> Response:
        """Take a message from outside, of any content type.

        Raises NotFound, TooLarge, and TooManyRequests for more than the inbox takes in a minute.
        """
        inbox_id = _inbox_id(request)
        headers = _headers(request)
        async with room_for(request, MOST_BODY_BYTES):
            body = await read_body(request, MOST_BODY_BYTES)
        posted = Posted(headers=headers, body=body, received_at=self._runtime.clock.now())
        async with borrow(self._runtime.pool) as connection:
            added = await add_message(
                connection, inbox_id, posted, most_a_minute=MOST_POSTS_A_MINUTE
            )
        if added is None:
            raise NotFound(NO_SUCH_INBOX)
        if not added:
            raise TooManyRequests(
                f"The inbox takes {MOST_POSTS_A_MINUTE} messages a minute from outside",
                BUSY_SECONDS,
            )
        return success(Accepted())


def _inbox_id(request: Request) -> str:
    inbox_id: str = request.path_params["inboxId"]
    if not is_inbox_id(inbox_id):
        raise NotFound(NO_SUCH_INBOX)
    return inbox_id


def _headers(request: Request) -> dict[str, str]:
    headers = request.headers.raw
    if sum(len(name) + len(value) for name, value in headers) > MOST_HEADER_BYTES:
        raise TooLarge(f"The headers are over the limit of {MOST_HEADER_BYTES:,} bytes")
    # PostgreSQL keeps no NUL in a text.
    return {
        name.decode("latin-1"): value.decode("latin-1").replace("\0", "\ufffd")
        for name, value in headers
    }
