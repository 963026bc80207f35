"""What options say about the notices of an account: absent changes nothing, `none` stops them."""

from typing import TYPE_CHECKING

import typer

from heliograph.cli.limits import NONE

if TYPE_CHECKING:
    from heliograph.tasks.low_balance import Watch


def read_watch(webhook_url: str | None, low_balance: str | None) -> "Watch":
    """The wishes that the options name. Raises BadParameter, naming the option."""
    from msgspec import UNSET

    from heliograph.tasks.low_balance import Watch

    return Watch(
        webhook_url=UNSET if webhook_url is None else _url(webhook_url),
        low_balance_micros=UNSET if low_balance is None else _micros(low_balance),
    )


def _url(text: str) -> str | None:
    from heliograph.base.address import callback_policy, check_url
    from heliograph.base.errors import OutboundRefused
    from heliograph.cli.service import read_settings

    if text == NONE:
        return None
    settings = read_settings()
    allow_http = settings.allow_http_callbacks
    try:
        check_url(text, callback_policy(settings.trusted_networks, allow_http=allow_http))
    except OutboundRefused as error:
        raise typer.BadParameter(error.message, param_hint="--webhook-url") from None
    return text


def _micros(text: str) -> int | None:
    from heliograph.ledger.money import micros_from_dollars

    if text == NONE:
        return None
    try:
        return micros_from_dollars(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--low-balance") from None
