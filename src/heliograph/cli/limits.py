"""What options say about the limits of a key: absent changes nothing, `none` takes a limit away."""

import datetime
import ipaddress
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from heliograph.accounts.limit import KeyLimits

NONE = "none"
MOST_DAYS = 36_500

MonthlyCap = Annotated[
    str, typer.Option(help="The most it may spend in a calendar month (UTC), in dollars.")
]
TotalCap = Annotated[str, typer.Option(help="The most it may spend in all, in dollars.")]
Models = Annotated[list[str], typer.Option("--model", help="A model that it may use; repeat it.")]
Networks = Annotated[
    list[str], typer.Option("--network", help="A network (CIDR) it may be used from; repeat it.")
]
ExpiresDays = Annotated[str, typer.Option(help="After how many days it ends.")]


def read_limits(
    monthly_cap: str | None,
    total_cap: str | None,
    models: Sequence[str] | None,
    networks: Sequence[str] | None,
    expires_days: str | None,
) -> "KeyLimits":
    """The limits that the options name. Raises BadParameter, naming the option."""
    from heliograph.accounts.limit import KeyLimits
    from heliograph.ledger.money import micros_from_dollars

    return KeyLimits(
        monthly_cap_micros=_read("--monthly-cap", monthly_cap, micros_from_dollars),
        total_cap_micros=_read("--total-cap", total_cap, micros_from_dollars),
        models=_read_all("--model", models, _model),
        networks=_read_all("--network", networks, _network),
        expires_at=_read("--expires-days", expires_days, _moment),
    )


def _read(option: str, text: str | None, read: Callable[[str], Any]) -> Any:
    from msgspec import UNSET

    if text is None:
        return UNSET
    if text == NONE:
        return None
    try:
        return read(text)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _read_all(option: str, texts: Sequence[str] | None, read: Callable[[str], str]) -> Any:
    from msgspec import UNSET

    if not texts:
        return UNSET
    if list(texts) == [NONE]:
        return None
    return tuple(_read(option, text, read) for text in texts)


def _model(text: str) -> str:
    from heliograph.catalog.models import MODELS

    if text not in MODELS:
        raise ValueError(f"{text!r} is no model of this server; it has {', '.join(MODELS)}")
    return text


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


def _moment(text: str) -> datetime.datetime:
    from heliograph.base.clock import Clock

    days = float(text)
    if not days > 0:
        raise ValueError(f"{text!r} is not a number of days above zero")
    if days > MOST_DAYS:
        raise ValueError(
            f"{text!r} days are more than {MOST_DAYS}; for a key without end say {NONE}"
        )
    return Clock().now() + datetime.timedelta(days=days)
