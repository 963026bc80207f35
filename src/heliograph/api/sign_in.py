"""Signing in and out: by a link, by a key, and who is signed in."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from heliograph.accounts.account import Key
from heliograph.accounts.sessions.session import Session, is_link_token
from heliograph.accounts.sessions.sign_in import Opened, close_session, open_with_key, use_link
from heliograph.accounts.spending.budget import month_of
from heliograph.accounts.spending.store import read_budgets
from heliograph.accounts.store import read_account
from heliograph.api.account_wire import KeyUsage, key_usage
from heliograph.api.auth import Gate
from heliograph.api.console.page import ConsoleRoutes
from heliograph.api.session import COOKIE, Sessions, cookie_token
from heliograph.api.session_wire import NOBODY, SessionData, SignedOut, account_data, operator_data
from heliograph.api.wire import success
from heliograph.base.database import Connection, borrow
from heliograph.ledger.money import Balance
from heliograph.ledger.store import read_balance
from heliograph.runtime import Runtime

#: Where a link leads that has been used or is too old: a page that says so.
OVER = "/sign-in/over"


class SignInRoutes:
    """/sign-in/{token} and /api/v1/session."""

    def __init__(
        self, runtime: Runtime, gate: Gate, sessions: Sessions, console: ConsoleRoutes
    ) -> None:
        self._runtime = runtime
        self._gate = gate
        self._sessions = sessions
        self._console = console

    async def page(self, request: Request) -> Response:
        """The page of a link, with one button. It asks nothing, so that a preview uses nothing up."""
        usable = is_link_token(request.path_params["token"])
        return self._console.sign_in(request, "sign-in" if usable else "over")

    async def follow(self, request: Request) -> Response:
        """Use a link up and go to where it leads, signed in. Raises Forbidden for another site's form."""
        self._sessions.check_page(request)
        now = self._runtime.clock.now()
        opened = await use_link(self._runtime.pool, request.path_params["token"], now=now)
        if opened is None:
            return RedirectResponse(OVER, status_code=303)
        there = "/console" if opened.session.operator is None else "/admin"
        return self._signed(RedirectResponse(there, status_code=303), opened)

    async def open(self, request: Request) -> Response:
        """Sign in with an API key: a session that may what the key may, for as long as it may."""
        key = await self._gate.admit(request)
        now = self._runtime.clock.now()
        opened = await open_with_key(self._runtime.pool, key, now=now)
        return self._signed(success(await self._data(opened.session)), opened)

    async def show(self, request: Request) -> Response:
        """Who is signed in; that nobody is, is an answer too."""
        session = await self._sessions.signed_in(request)
        return success(NOBODY if session is None else await self._data(session))

    async def close(self, request: Request) -> Response:
        """Sign out, for good and everywhere that cookie has got to; harmless when nobody is signed in."""
        self._sessions.check_page(request)
        token = cookie_token(request)
        if token is not None:
            await close_session(self._runtime.pool, token)
        answer = success(SignedOut())
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return answer

    async def _data(self, session: Session) -> SessionData:
        if session.operator is not None:
            return operator_data(session)
        assert session.account_id is not None
        async with borrow(self._runtime.pool) as connection:
            account = await read_account(connection, session.account_id)
            balance = await read_balance(connection, session.account_id)
            assert account is not None, "accounts stay"
            assert balance is not None, "an account has a balance"
            usage = await self._usage(connection, session.key, balance) if session.key else None
        return account_data(session, account, balance, usage)

    async def _usage(self, connection: Connection, key: Key, balance: Balance) -> KeyUsage:
        month = month_of(self._runtime.clock.now())
        budgets = await read_budgets(connection, [key.key_id], month)
        return key_usage(key, balance, budgets.get(key.key_id))

    def _signed(self, answer: Response, opened: Opened) -> Response:
        # No age: the browser forgets it when it ends, the server after the life of a session.
        answer.set_cookie(
            COOKIE,
            opened.token,
            path="/",
            secure=self._runtime.settings.public_url.startswith("https://"),
            httponly=True,
            samesite="strict",
        )
        return answer
