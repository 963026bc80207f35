"""The public JSON about who is signed in."""

from typing import Literal

import msgspec

from heliograph.accounts.account import Account
from heliograph.accounts.sessions.session import Session
from heliograph.api.account_wire import KeyUsage
from heliograph.base.clock import unix_ms
from heliograph.ledger.money import Balance, dollars


class SessionData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """Who is signed in: `nobody`, an `account` or an `operator`; what does not apply is absent.

    `ownsAccount`: it was opened by a link and may change keys. Else `key` is the key that it was
    opened with, and may no more than that. Money is in dollars.
    """

    role: Literal["nobody", "account", "operator"]
    name: str | None = None
    expires_time: int | None = None
    account_id: str | None = None
    owns_account: bool = False
    balance: float | None = None
    held: float | None = None
    live_tasks: int | None = None
    max_live_tasks: int | None = None
    key: KeyUsage | None = None


class SignedOut(msgspec.Struct, frozen=True, rename="camel"):
    """The session has ended."""

    signed_out: Literal[True] = True


NOBODY = SessionData(role="nobody")


def operator_data(session: Session) -> SessionData:
    """The public JSON of an operator's session."""
    return SessionData(
        role="operator", name=session.operator, expires_time=unix_ms(session.expires_at)
    )


def account_data(
    session: Session, account: Account, balance: Balance, usage: KeyUsage | None
) -> SessionData:
    """The public JSON of an account's session, with `usage` when a key has opened it."""
    return SessionData(
        role="account",
        name=account.name,
        expires_time=unix_ms(session.expires_at),
        account_id=account.account_id,
        owns_account=session.owns_account,
        balance=dollars(balance.available_micros),
        held=dollars(balance.held_micros),
        live_tasks=balance.live_tasks,
        max_live_tasks=balance.max_live_tasks,
        key=usage,
    )
