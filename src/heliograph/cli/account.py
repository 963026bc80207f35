"""`heliograph account`: customers and their balances."""

import datetime
from typing import TYPE_CHECKING

import typer

from heliograph.cli.output import AsJson, print_record, print_table
from heliograph.cli.spoken import tell

if TYPE_CHECKING:
    from heliograph.base.database import Pool
    from heliograph.ledger.statement.line import Line

MOST_NAME_CHARACTERS = 100

app = typer.Typer(help="Accounts: who pays.", no_args_is_help=True)


@app.command()
def create(
    name: str = typer.Argument(help="What the account is called."),
    as_json: AsJson = False,
) -> None:
    """Create an account with an empty balance."""
    from heliograph.accounts.store import create_account
    from heliograph.cli.service import with_pool

    if not 0 < len(name.strip()) <= MOST_NAME_CHARACTERS:
        raise typer.BadParameter(
            f"It must have 1 to {MOST_NAME_CHARACTERS} characters", param_hint="NAME"
        )
    account = with_pool(
        lambda settings, pool: create_account(
            pool, name, max_live_tasks=settings.max_live_tasks, now=_now()
        )
    )
    print_record(_record(account), as_json=as_json)
    if not as_json:
        typer.echo("")
        tell(f"Next: heliograph account credit {account.account_id} 10")


@app.command("list")
def list_accounts(as_json: AsJson = False) -> None:
    """List all accounts."""
    from heliograph.accounts.store import list_accounts as read_all
    from heliograph.cli.service import with_pool

    accounts = with_pool(lambda _, pool: read_all(pool))
    rows = [
        {"account_id": a.account_id, "name": a.name, "created_at": a.created_at} for a in accounts
    ]
    print_table(
        rows, as_json=as_json, nothing="No accounts yet. Create one: heliograph account create NAME"
    )


@app.command()
def show(account_id: str = typer.Argument(help="acc_…"), as_json: AsJson = False) -> None:
    """Show an account, its balance and its webhook secret."""
    print_record(_read(account_id), as_json=as_json)


@app.command("sign-in")
def sign_in(account_id: str = typer.Argument(help="acc_…"), as_json: AsJson = False) -> None:
    """Print a link that signs in at the console, once, within 15 minutes."""
    from heliograph.accounts.sessions.sign_in import offer_account_link
    from heliograph.cli.sign_in import print_link

    print_link(lambda pool: offer_account_link(pool, account_id, now=_now()), as_json=as_json)


@app.command()
def credit(
    account_id: str = typer.Argument(help="acc_…"),
    dollars: str = typer.Argument(help="How much, such as 10 or 0.25."),
    note: str = typer.Option("", help="Why, for the books."),
    as_json: AsJson = False,
) -> None:
    """Add money to an account."""
    from heliograph.cli.service import with_pool
    from heliograph.cli.whoami import operator_here
    from heliograph.ledger.money import Funding, micros_from_dollars
    from heliograph.operators.credit import Credit, credit_account

    try:
        amount = micros_from_dollars(dollars)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="DOLLARS") from None
    wish = Credit(account_id, Funding("topup", amount, note or None))
    with_pool(lambda _, pool: credit_account(pool, operator_here(), wish, now=_now()))
    print_record(_read(account_id), as_json=as_json)


@app.command("set")
def change(
    account_id: str = typer.Argument(help="acc_…"),
    webhook_url: str = typer.Option(None, help="Where notices about the account itself go."),
    low_balance: str = typer.Option(None, help="Below how many dollars it is told so."),
    as_json: AsJson = False,
) -> None:
    """Say where an account is told about itself, and when its balance is low; `none` stops it."""
    from heliograph.cli.service import with_pool
    from heliograph.cli.watching import read_watch
    from heliograph.tasks.low_balance import watch_account

    watch = read_watch(webhook_url, low_balance)
    with_pool(lambda _, pool: watch_account(pool, account_id, watch))
    print_record(_read(account_id), as_json=as_json)


@app.command()
def statement(
    account_id: str = typer.Argument(help="acc_…"),
    as_csv: bool = typer.Option(False, "--csv", help="Print a CSV file."),
    as_json: AsJson = False,
) -> None:
    """Show every movement of an account's money, the oldest first."""
    from heliograph.cli.service import with_pool
    from heliograph.ledger.statement.sheet import csv_head, csv_lines

    lines = with_pool(lambda _, pool: _read_statement(pool, account_id))
    if as_csv:
        typer.echo(csv_head() + csv_lines(lines), nl=False)
        return
    print_table([_line(line) for line in lines], as_json=as_json, nothing="No money has moved yet.")


async def _read_statement(pool: "Pool", account_id: str) -> "list[Line]":
    from heliograph.base.errors import NotFound
    from heliograph.ledger.statement.line import Period
    from heliograph.ledger.statement.store import read_all_lines
    from heliograph.ledger.store import read_balance

    if await read_balance(pool, account_id) is None:
        raise NotFound(f"There is no account {account_id}. heliograph account list names all.")
    parts = read_all_lines(pool, account_id, Period())
    return [line async for part in parts for line in part]


def _line(line: "Line") -> dict[str, object]:
    from heliograph.ledger.money import dollars

    transfer = line.transfer
    return {
        "time": transfer.created_at,
        "kind": transfer.kind,
        "amount": dollars(line.amount_micros),
        "moved": dollars(transfer.amount_micros),
        "balance": dollars(line.balance_micros),
        "task_id": transfer.task_id.hex if transfer.task_id else None,
        "note": transfer.note,
    }


def _read(account_id: str) -> dict[str, object]:
    from heliograph.accounts.store import read_account
    from heliograph.base.errors import NotFound
    from heliograph.cli.service import with_pool
    from heliograph.ledger.money import dollars
    from heliograph.ledger.store import read_balance

    async def read(_settings: object, pool: object) -> dict[str, object]:
        account = await read_account(pool, account_id)
        balance = await read_balance(pool, account_id)
        if account is None or balance is None:
            raise NotFound(f"There is no account {account_id}. heliograph account list names all.")
        low = balance.low_balance_micros
        return _record(account) | {
            "available": dollars(balance.available_micros),
            "held": dollars(balance.held_micros),
            "charged": dollars(balance.charged_micros),
            "funded": dollars(balance.funded_micros),
            "live_tasks": balance.live_tasks,
            "low_balance": None if low is None else dollars(low),
        }

    return with_pool(read)


def _record(account: object) -> dict[str, object]:
    import dataclasses

    return dataclasses.asdict(account)  # type: ignore[call-overload, no-any-return]


def _now() -> datetime.datetime:
    from heliograph.base.clock import Clock

    return Clock().now()
