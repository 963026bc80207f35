"""The public JSON of keys, as an account's owner makes and changes them."""

import datetime
import ipaddress
from collections.abc import Collection
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from heliograph.accounts.account import Key
from heliograph.accounts.limit import KeyLimits
from heliograph.accounts.spending.budget import Budget
from heliograph.api.account_wire import spending
from heliograph.api.query import LATEST_MS, moment_of
from heliograph.base.clock import unix_ms
from heliograph.base.errors import BadRequest
from heliograph.ledger.money import micros_from_dollars

MOST_NAME_CHARACTERS = 100
MOST_ENTRIES = 100
MOST_KEEP_HOURS = 168

# No control characters: a name is shown in tables and terminals.
Name = Annotated[
    str, Meta(min_length=1, max_length=MOST_NAME_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f-\x9f]*\Z")
]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000_000)]
Models = Annotated[list[str], Meta(min_length=1, max_length=MOST_ENTRIES)]
Networks = Annotated[list[str], Meta(min_length=1, max_length=MOST_ENTRIES)]
Moment = Annotated[int, Meta(ge=0, le=LATEST_MS)]


class KeyChange(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What of a key shall change: null takes a limit away, and what is absent stays.

    Caps are in dollars, networks in CIDR notation, the end in Unix milliseconds. Caps are shared
    with the keys that replaced each other by rotation.
    """

    name: Name | UnsetType = UNSET
    monthly_cap: Dollars | UnsetType | None = UNSET
    total_cap: Dollars | UnsetType | None = UNSET
    models: Models | UnsetType | None = UNSET
    networks: Networks | UnsetType | None = UNSET
    expires_time: Moment | UnsetType | None = UNSET


class KeyBody(KeyChange, frozen=True, rename="camel", kw_only=True):
    """A new key. A `test` key rehearses and pays nothing; a limit that is absent is none."""

    name: Name
    test: bool = False
    routing: Literal["auto", "value", "official"] = "auto"


class RotateKeyBody(msgspec.Struct, frozen=True, rename="camel"):
    """For how many hours the present key still works."""

    keep_hours: Annotated[int, Meta(ge=0, le=MOST_KEEP_HOURS)] = 0


class KeyData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """One key, of which `prefix` is all that is known. Limits that it does not have are absent.

    What it has spent is told if it has a cap. `lastUsedTime` may be two minutes old, and is absent
    as long as the key was not used. `expiresTime` may be past: then `state` is `expired`.
    """

    key_id: str
    prefix: str
    name: str
    state: Literal["active", "expired", "revoked"]
    test: bool
    routing: str
    rate_limit_per_minute: int
    created_time: int
    last_used_time: int | None = None
    expires_time: int | None = None
    revoked_time: int | None = None
    monthly_cap: float | None = None
    spent_this_month: float | None = None
    total_cap: float | None = None
    spent_total: float | None = None
    models: list[str] | None = None
    networks: list[str] | None = None


class KeyList(msgspec.Struct, frozen=True):
    """The keys of the account: those that can be used, then those that have ended, the youngest first."""

    items: list[KeyData]


class NewKey(msgspec.Struct, frozen=True, rename="camel"):
    """A key that was made just now. `apiKey` is shown this once and kept nowhere."""

    api_key: str
    key: KeyData


def key_data(key: Key, budget: Budget | None, now: datetime.datetime) -> KeyData:
    """The public JSON of a key at `now`; `budget` when it has a cap."""
    return KeyData(
        key_id=key.key_id,
        prefix=f"hg_{'test' if key.test else 'live'}_{key.key_id}",
        name=key.name,
        state=_state(key, now),
        test=key.test,
        routing=key.routing,
        rate_limit_per_minute=key.rate_limit_per_minute,
        created_time=unix_ms(key.created_at),
        last_used_time=unix_ms(key.last_used_at) if key.last_used_at else None,
        expires_time=unix_ms(key.expires_at) if key.expires_at else None,
        revoked_time=unix_ms(key.revoked_at) if key.revoked_at else None,
        **spending(budget) if budget else {},
        models=list(key.models) if key.models is not None else None,
        networks=list(key.networks) if key.networks is not None else None,
    )


def _state(key: Key, now: datetime.datetime) -> Literal["active", "expired", "revoked"]:
    if key.usable_at(now):
        return "active"
    return "revoked" if key.revoked_at else "expired"


def asked_limits(asked: KeyChange, models: Collection[str], now: datetime.datetime) -> KeyLimits:
    """The limits that are asked for. Raises BadRequest naming the field that cannot be."""
    return KeyLimits(
        name=asked.name,
        monthly_cap_micros=_cap("monthlyCap", asked.monthly_cap),
        total_cap_micros=_cap("totalCap", asked.total_cap),
        models=_models(asked.models, models),
        networks=_networks(asked.networks),
        expires_at=_end(asked.expires_time, now),
    )


def _cap(field: str, dollars: float | UnsetType | None) -> int | UnsetType | None:
    if dollars is None or isinstance(dollars, UnsetType):
        return dollars
    try:
        return micros_from_dollars(dollars)
    except ValueError as error:
        raise BadRequest(f"{field}: {error}", field) from None


def _models(
    asked: list[str] | UnsetType | None, models: Collection[str]
) -> tuple[str, ...] | UnsetType | None:
    if asked is None or isinstance(asked, UnsetType):
        return asked
    for model in asked:
        if model not in models:
            raise BadRequest(
                f"models: {model[:60]!r} is no model of this server; it has {', '.join(models)}",
                "models",
            )
    return tuple(dict.fromkeys(asked))


def _networks(asked: list[str] | UnsetType | None) -> tuple[str, ...] | UnsetType | None:
    if asked is None or isinstance(asked, UnsetType):
        return asked
    try:
        return tuple(dict.fromkeys(str(ipaddress.ip_network(text[:60])) for text in asked))
    except ValueError as error:
        raise BadRequest(
            f"networks: {error}. Write networks like 203.0.113.0/24 or 2001:db8::/32", "networks"
        ) from None


def _end(
    unix_time_ms: int | UnsetType | None, now: datetime.datetime
) -> datetime.datetime | UnsetType | None:
    if unix_time_ms is None or isinstance(unix_time_ms, UnsetType):
        return unix_time_ms
    moment = moment_of(unix_time_ms)
    if moment <= now:
        raise BadRequest("expiresTime must lie ahead. To end a key now, revoke it", "expiresTime")
    return moment
