"""`heliograph webhook`: what was told to whom, telling it again, and hearing it at home."""

import datetime
import enum
import uuid
from typing import Any

import typer

from heliograph.cli.output import AsJson, print_json, print_record, print_table
from heliograph.cli.spoken import tell

app = typer.Typer(help="Webhook deliveries.", no_args_is_help=True)

Account = typer.Argument(help="acc_…")


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
    from heliograph.webhooks.deliveries.store import Filter, list_deliveries

    wanted = Filter(account_id=account, state=state)
    found = with_pool(lambda _, pool: list_deliveries(pool, wanted, limit=limit))
    print_table([_line(one) for one in found], as_json=as_json, nothing="No deliveries.")


@app.command()
def show(webhook_id: uuid.UUID, as_json: AsJson = False) -> None:
    """Show a delivery with every attempt."""
    from heliograph.cli.service import with_pool
    from heliograph.webhooks.deliveries.store import read_delivery

    _print(with_pool(lambda _, pool: read_delivery(pool, webhook_id)), webhook_id, as_json=as_json)


@app.command()
def resend(
    webhook_id: uuid.UUID = typer.Argument(None),
    since: datetime.datetime = typer.Option(
        None, help="Instead of one: all that died since then, in local time."
    ),
    account: str = typer.Option(None, help="Of those, only this account's."),
    url: str = typer.Option(None, help="Of those, only the ones for this URL."),
    as_json: AsJson = False,
) -> None:
    """Send one delivery again, or all dead ones since a time; a running server or worker does it."""
    if (webhook_id is None) == (since is None):
        raise typer.BadParameter("Name one delivery, or give --since.", param_hint="WEBHOOK_ID")
    if since is None:
        _print(_resend_one(webhook_id), webhook_id, as_json=as_json)
        return
    try:
        moment = since.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{since} is no time of this calendar", param_hint="--since"
        ) from None
    resent = _resend_since(moment, account, url)
    if as_json:
        print_json({"resent": resent})
    else:
        tell(f"{resent} sent again.")


def _resend_one(webhook_id: uuid.UUID) -> Any:
    from heliograph.base.clock import Clock
    from heliograph.cli.service import with_pool
    from heliograph.cli.whoami import operator_here
    from heliograph.operators.resend import resend_one

    return with_pool(
        lambda _, pool: resend_one(pool, operator_here(), webhook_id, now=Clock().now())
    )


def _resend_since(since: datetime.datetime, account: str | None, url: str | None) -> int:
    from heliograph.base.clock import Clock
    from heliograph.cli.service import with_pool
    from heliograph.cli.whoami import operator_here
    from heliograph.operators.resend import resend_since
    from heliograph.webhooks.deliveries.store import Lost

    lost = Lost(since, account, url)
    return with_pool(lambda _, pool: resend_since(pool, operator_here(), lost, now=Clock().now()))


@app.command("test")
def try_receiver(
    account_id: str = Account,
    url: str = typer.Argument(help="The receiver to try."),
    as_json: AsJson = False,
) -> None:
    """Send an account's receiver a signed test now, and show what it answered."""
    from heliograph.base.errors import OperatorError
    from heliograph.cli.service import with_runtime

    delivery = with_runtime(lambda runtime: _try_receiver(runtime, account_id, url))
    _print(delivery, delivery.notice_id, as_json=as_json)
    if delivery.state != "delivered":
        raise OperatorError(f"The test failed. {delivery.attempts[-1].error}")


async def _try_receiver(runtime: Any, account_id: str, url: str) -> Any:
    from heliograph.accounts.store import read_account
    from heliograph.base.errors import NotFound
    from heliograph.webhooks.deliveries.store import read_delivery
    from heliograph.webhooks.event import trial_notice

    try:
        runtime.check_callback(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="URL") from None
    if await read_account(runtime.pool, account_id) is None:
        raise NotFound(f"There is no account {account_id}. heliograph account list names all.")
    notice = trial_notice(account_id, url, runtime.clock.now())
    await runtime.deliverer.send_test(notice)
    return await read_delivery(runtime.pool, notice.notice_id)


@app.command("rotate-secret")
def rotate_secret(
    account_id: str = Account,
    overlap_hours: int = typer.Option(
        24, min=0, max=168, help="How long the present secret still signs, too."
    ),
    as_json: AsJson = False,
) -> None:
    """Give an account a new secret; for a time notices are signed with both."""
    from heliograph.base.clock import Clock
    from heliograph.base.database import transaction
    from heliograph.cli.service import with_pool
    from heliograph.webhooks.rotate import rotate_secret as rotate

    async def replace(_settings: object, pool: Any) -> Any:
        async with transaction(pool) as connection:
            return await rotate(
                connection, account_id, overlap_hours=overlap_hours, now=Clock().now()
            )

    secret, previous_valid_until = with_pool(replace)
    print_record(
        {"webhook_secret": secret, "previous_valid_until": previous_valid_until}, as_json=as_json
    )


@app.command()
def listen(
    forward_to: str = typer.Option(
        help="The address on this machine, such as http://localhost:3000/hook."
    ),
) -> None:
    """Hear webhooks without a public address: forward them to this machine until Ctrl-C."""
    import asyncio
    import contextlib

    from heliograph.cli.listening import listen as hear

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(hear(forward_to))


def _print(delivery: Any, webhook_id: uuid.UUID, *, as_json: bool) -> None:
    from heliograph.base.errors import NotFound

    if delivery is None:
        raise NotFound(
            f"There is no delivery {webhook_id.hex}. heliograph webhook list names them."
        )
    attempts = [_attempt(one) for one in delivery.attempts]
    record = _line(delivery) | {"reason": delivery.reason}
    if as_json:
        print_json(record | {"attempts": attempts})
        return
    print_record(record, as_json=False)
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
