"""`heliograph account`: customers and their balances."""

import datetime

import typer

from heliograph.cli.output import AsJson, print_record, print_table

app = typer.Typer(help="Accounts: who pays.", no_args_is_help=True)


@app.command()
def create(
    name: str = typer.Argument(help="What the account is called."),
    as_json: AsJson = False,
) -> None:
    """Create an account with an empty balance."""
    from heliograph.accounts.store import create_account
    from heliograph.cli.service import with_pool

    account = with_pool(
        lambda settings, pool: create_account(
            pool, name, max_live_tasks=settings.max_live_tasks, now=_now()
        )
    )
    print_record(_record(account), as_json=as_json)
    if not as_json:
        typer.echo(f"\nNext: heliograph account credit {account.account_id} 10")


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


@app.command()
def credit(
    account_id: str = typer.Argument(help="acc_…"),
    dollars: str = typer.Argument(help="How much, such as 10 or 0.25."),
    note: str = typer.Option("", help="Why, for the books."),
    as_json: AsJson = False,
) -> None:
    """Add money to an account."""
    from heliograph.cli.service import with_pool
    from heliograph.ledger.money import micros_from_dollars
    from heliograph.ledger.store import top_up

    try:
        amount = micros_from_dollars(dollars)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="DOLLARS") from None
    with_pool(lambda _, pool: top_up(pool, account_id, amount, note=note or None, now=_now()))
    print_record(_read(account_id), as_json=as_json)


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
        return _record(account) | {
            "available": dollars(balance.available_micros),
            "held": dollars(balance.held_micros),
            "charged": dollars(balance.charged_micros),
            "funded": dollars(balance.funded_micros),
            "live_tasks": balance.live_tasks,
        }

    return with_pool(read)


def _record(account: object) -> dict[str, object]:
    import dataclasses

    return dataclasses.asdict(account)  # type: ignore[call-overload, no-any-return]


def _now() -> datetime.datetime:
    from heliograph.base.clock import Clock

    return Clock().now()
