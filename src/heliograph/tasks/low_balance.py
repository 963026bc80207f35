"""Tell an account, once, that its balance is low; it is told again after it was higher in between."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from heliograph.accounts.store import read_account, set_webhook_url
from heliograph.base.database import Connection, Pool, transaction
from heliograph.base.errors import NotFound
from heliograph.base.log import log
from heliograph.ledger.money import Balance, Hold, dollars
from heliograph.ledger.store import lock_balance, mark_told, watch_balance
from heliograph.webhooks.event import add_event

EVENT = "balance.low"


class LowBalance(msgspec.Struct, frozen=True, rename="camel"):
    """What the notice says, in dollars: what is available, and what it fell below."""

    account_id: str
    balance: float
    threshold: float


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Where an account is told about itself, and below which balance; None: not. UNSET stays."""

    webhook_url: str | UnsetType | None = UNSET
    low_balance_micros: int | UnsetType | None = UNSET


async def watch_account(pool: Pool, account_id: str, watch: Watch) -> None:
    """Change what an account is told; one that is low already is told with its next task.

    Raises NotFound when there is no such account.
    """
    async with transaction(pool) as connection:
        # the account's row before its balance, as whoever changes a key locks them
        if watch.webhook_url is not UNSET:
            await set_webhook_url(connection, account_id, watch.webhook_url)
        balance = await lock_balance(connection, account_id)
        if balance is None:
            raise NotFound(f"There is no account {account_id}. heliograph account list names all.")
        threshold = watch.low_balance_micros
        kept = balance.low_balance_micros if threshold is UNSET else threshold
        await watch_balance(connection, account_id, kept)


async def tell_low_balances(
    connection: Connection,
    balances: Mapping[str, Balance],
    holds: Sequence[Hold],
    now: datetime.datetime,
) -> None:
    """Tell each of the locked `balances` that is low now that `holds` are taken off."""
    watched = [one for one in balances.values() if one.low_balance_micros is not None]
    if watched:
        held = Counter[str]()
        for hold in holds:
            held[hold.account_id] += hold.amount_micros
        for balance in watched:
            await tell_low_balance(connection, balance, held[balance.account_id], now)


async def tell_low_balance(
    connection: Connection, balance: Balance, held_micros: int, now: datetime.datetime
) -> None:
    """Tell the account, with the caller's transaction, if its `balance` less `held_micros` is low.

    An account without a webhook URL is not told; whoever sets one later is told then.
    """
    if not balance.must_be_told(held_micros):
        return
    assert balance.low_balance_micros is not None
    await mark_told(connection, balance.account_id)
    available_micros = balance.available_micros - held_micros
    log.info("account.balance_low", account_id=balance.account_id, micros=available_micros)
    account = await read_account(connection, balance.account_id)
    if account is None or account.webhook_url is None:
        return
    data = LowBalance(
        balance.account_id, dollars(available_micros), dollars(balance.low_balance_micros)
    )
    await add_event(connection, balance.account_id, account.webhook_url, EVENT, data, now)
