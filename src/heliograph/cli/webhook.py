"""`heliograph webhook`: what was told to whom, and telling it again."""

import enum
import uuid
from typing import Any

import typer

from heliograph.cli.output import AsJson, print_json, print_record, print_table

app = typer.Typer(help="Webhook deliveries.", no_args_is_help=True)


class State(enum.StrEnum):
    """What can be asked for."""

    pending = "pending"
    delivered = "delivered"
    dead = "dead"


@app.command("list")
def list_webhooks(
    state: State = typer.Option(None, help="Only those in this state."),
    account: str = typer.Option(None, help="Only those of this account."),
    limit: int = typer.Option(50, min=1, max=1000),
    as_json: AsJson = False,
) -> None:
    """List deliveries, the youngest first."""
    from heliograph.cli.service import with_pool
    from heliograph.webhooks.store import Filter, list_deliveries

    wanted = Filter(account_id=account, state=state)
    found = with_pool(lambda _, pool: list_deliveries(pool, wanted, limit=limit))
    print_table([_line(one) for one in found], as_json=as_json, nothing="No deliveries.")


@app.command()
def show(webhook_id: uuid.UUID, as_json: AsJson = False) -> None:
    """Show a delivery with every attempt."""
    from heliograph.cli.service import with_pool
    from heliograph.webhooks.store import read_delivery

    _print(with_pool(lambda _, pool: read_delivery(pool, webhook_id)), webhook_id, as_json=as_json)


@app.command()
def resend(webhook_id: uuid.UUID, as_json: AsJson = False) -> None:
    """Send a delivery again, with the same id and body; a running server or worker does it."""
    from heliograph.base.clock import Clock
    from heliograph.base.database import transaction
    from heliograph.cli.service import with_pool
    from heliograph.webhooks import store

    async def again(_settings: object, pool: Any) -> Any:
        async with transaction(pool) as connection:
            return await store.resend(connection, webhook_id, now=Clock().now())

    _print(with_pool(again), webhook_id, as_json=as_json)


def _print(delivery: Any, webhook_id: uuid.UUID, *, as_json: bool) -> None:
    from heliograph.base.errors import NotFound

    if delivery is None:
        raise NotFound(
            f"There is no delivery {webhook_id.hex}. heliograph webhook list names them."
        )
    attempts = [_attempt(one) for one in delivery.attempts]
    if as_json:
        print_json(_line(delivery) | {"attempts": attempts})
        return
    print_record(_line(delivery), as_json=False)
    typer.echo("")
    print_table(attempts, as_json=False, nothing="No attempts yet.")


def _line(delivery: Any) -> dict[str, object]:
    return {
        "webhook_id": delivery.notice_id.hex,
        "task_id": delivery.task_id and delivery.task_id.hex,
        "event": delivery.event,
        "state": delivery.state,
        "attempts": len(delivery.attempts),
        "due_at": delivery.due_at,
        "url": delivery.url,
    }


def _attempt(attempt: Any) -> dict[str, object]:
    return {
        "attempt": attempt.attempt_no,
        "started_at": attempt.started_at,
        "status": attempt.status,
        "latency_ms": attempt.latency_ms,
        "error": attempt.error,
        "answer": attempt.answer,
    }
