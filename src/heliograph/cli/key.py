"""`heliograph key`: what acts for an account."""

import enum
from typing import Any

import typer

from heliograph.cli.limits import (
    ExpiresDays,
    Models,
    MonthlyCap,
    Networks,
    TotalCap,
    read_limits,
)
from heliograph.cli.output import AsJson, print_record, print_table
from heliograph.cli.spoken import tell

SECONDS_PER_HOUR = 3600
MOST_KEEP_HOURS = 10_000

app = typer.Typer(help="API keys: who may call.", no_args_is_help=True)


class Routing(enum.StrEnum):
    """Which providers serve a key."""

    auto = "auto"
    value = "value"
    official = "official"


@app.command()
def create(
    account: str = typer.Option(help="The account that pays: acc_…"),
    name: str = typer.Option("default", help="What the key is called."),
    test: bool = typer.Option(False, "--test", help="Rehearse: test pictures, nothing charged."),
    routing: Routing = typer.Option(Routing.auto, help="Which providers serve it."),
    monthly_cap: MonthlyCap = None,  # type: ignore[assignment]
    total_cap: TotalCap = None,  # type: ignore[assignment]
    models: Models = None,  # type: ignore[assignment]
    networks: Networks = None,  # type: ignore[assignment]
    expires_days: ExpiresDays = None,  # type: ignore[assignment]
    as_json: AsJson = False,
) -> None:
    """Create a key. It is shown this once; only its hash is kept."""
    from heliograph.accounts.issue import KeyWish, issue_key
    from heliograph.base.clock import Clock
    from heliograph.cli.service import with_pool

    limits = read_limits(monthly_cap, total_cap, models, networks, expires_days)
    minted = with_pool(
        lambda settings, pool: issue_key(
            pool,
            KeyWish(account, name, test, routing.value, settings.rate_limit_per_minute, limits),
            now=Clock().now(),
        )
    )
    _show_once(minted, account, as_json=as_json)


@app.command("list")
def list_keys(
    account: str = typer.Option(None, help="Only the keys of this account."),
    as_json: AsJson = False,
) -> None:
    """List keys; the keys themselves are not kept."""
    from heliograph.accounts.store import list_keys as read_all
    from heliograph.cli.service import with_pool

    keys = with_pool(lambda _, pool: read_all(pool, account))
    rows = [_record(key) for key in keys]
    print_table(
        rows, as_json=as_json, nothing="No keys yet. Create one: heliograph key create --account ID"
    )


@app.command()
def limit(
    key_id: str,
    monthly_cap: MonthlyCap = None,  # type: ignore[assignment]
    total_cap: TotalCap = None,  # type: ignore[assignment]
    models: Models = None,  # type: ignore[assignment]
    networks: Networks = None,  # type: ignore[assignment]
    expires_days: ExpiresDays = None,  # type: ignore[assignment]
    as_json: AsJson = False,
) -> None:
    """Change the limits of a key; `none` takes one away. What is not named stays."""
    from heliograph.accounts.limit import limit_key
    from heliograph.cli.service import with_pool

    limits = read_limits(monthly_cap, total_cap, models, networks, expires_days)
    key = with_pool(lambda _, pool: limit_key(pool, key_id, limits))
    print_record(_record(key), as_json=as_json)


@app.command()
def revoke(key_id: str, as_json: AsJson = False) -> None:
    """End a key for good; within one second no process accepts it any more."""
    from heliograph.base.clock import Clock
    from heliograph.cli.service import with_pool
    from heliograph.cli.whoami import operator_here
    from heliograph.operators.revoke import revoke as end_key

    with_pool(lambda _, pool: end_key(pool, operator_here(), key_id, now=Clock().now()))
    print_record({"key_id": key_id, "revoked": True}, as_json=as_json)


@app.command()
def rotate(
    key_id: str,
    keep_hours: float = typer.Option(
        0, min=0, max=MOST_KEEP_HOURS, help="How long the old key still works."
    ),
    as_json: AsJson = False,
) -> None:
    """Replace a key by a new one with the same rights, which goes on with what is spent."""
    from heliograph.accounts.keys import rotate_key
    from heliograph.base.clock import Clock
    from heliograph.cli.service import with_pool

    keep_seconds = keep_hours * SECONDS_PER_HOUR
    minted = with_pool(
        lambda _, pool: rotate_key(pool, key_id, now=Clock().now(), keep_seconds=keep_seconds)
    )
    _show_once(minted, None, as_json=as_json)


def _record(key: Any) -> dict[str, object]:
    """A key for people and programs: caps in dollars; what replaces what is of no use to them."""
    import dataclasses

    from heliograph.ledger.money import dollars

    record = dataclasses.asdict(key)
    for name in ("monthly_cap", "total_cap"):
        micros = record.pop(f"{name}_micros")
        record[name] = None if micros is None else dollars(micros)
    del record["first_key_id"]
    return record


def _show_once(minted: Any, account: str | None, *, as_json: bool) -> None:
    owner = {} if account is None else {"account_id": account}
    print_record({"key_id": minted.key_id, **owner, "api_key": minted.api_key}, as_json=as_json)
    if not as_json:
        typer.echo("")
        tell("Keep the key now: it is not shown again.")
