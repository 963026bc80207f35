"""The public JSON about a key and the money of its account."""

import msgspec

from heliograph.accounts.account import Key
from heliograph.accounts.spending.budget import Budget
from heliograph.base.clock import unix_ms
from heliograph.ledger.days.day import Day
from heliograph.ledger.money import Balance, dollars
from heliograph.ledger.statement.line import Line


class KeyUsage(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """What the key may do, what it has spent, and what its account has, in dollars.

    Limits that the key does not have are absent, and so is its spending when it has no cap. Caps
    and spending are shared with the keys that replaced each other by rotation.
    """

    key_id: str
    name: str
    routing: str
    test: bool
    rate_limit_per_minute: int
    monthly_cap: float | None = None
    spent_this_month: float | None = None
    total_cap: float | None = None
    spent_total: float | None = None
    models: list[str] | None = None
    networks: list[str] | None = None
    expires_time: int | None = None
    max_live_tasks: int
    live_tasks: int
    balance: float
    held: float


class StatementLine(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """One movement of money in dollars. `kind`: `topup`, `hold`, `charge`, `release` or `adjust`.

    `amount` is the change of what is available, `balance` what is available after it. `moved` is the
    size of the movement: a `charge` moves what was held before, so its `amount` is 0.
    """

    time: int
    kind: str
    amount: float
    moved: float
    balance: float
    task_id: str | None = None
    note: str | None = None


class Statement(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Movements of the account's money, the oldest first; `nextCursor` leads on if there are more."""

    items: list[StatementLine]
    next_cursor: str | None = None


class UsageDay(msgspec.Struct, frozen=True):
    """What the account was charged on a day (UTC), in dollars, and for how many tasks."""

    date: str
    charged: float
    tasks: int


class UsageDays(msgspec.Struct, frozen=True):
    """One entry for each day up to today, the oldest first."""

    items: list[UsageDay]


def usage_day(day: Day) -> UsageDay:
    """The public JSON of a day."""
    return UsageDay(day.date.isoformat(), dollars(day.charged_micros), day.tasks)


def key_usage(key: Key, balance: Balance, budget: Budget | None) -> KeyUsage:
    """The public JSON of a key with its account's balance; `budget` when it has a cap."""
    return KeyUsage(
        key_id=key.key_id,
        name=key.name,
        routing=key.routing,
        test=key.test,
        rate_limit_per_minute=key.rate_limit_per_minute,
        **spending(budget) if budget else {},
        models=list(key.models) if key.models is not None else None,
        networks=list(key.networks) if key.networks is not None else None,
        expires_time=unix_ms(key.expires_at) if key.expires_at else None,
        max_live_tasks=balance.max_live_tasks,
        live_tasks=balance.live_tasks,
        balance=dollars(balance.available_micros),
        held=dollars(balance.held_micros),
    )


def statement_line(line: Line) -> StatementLine:
    """The public JSON of a line."""
    transfer = line.transfer
    return StatementLine(
        time=unix_ms(transfer.created_at),
        kind=transfer.kind,
        amount=dollars(line.amount_micros),
        moved=dollars(transfer.amount_micros),
        balance=dollars(line.balance_micros),
        task_id=transfer.task_id.hex if transfer.task_id else None,
        note=transfer.note,
    )


def spending(budget: Budget) -> dict[str, float]:
    """What is known of the caps: those that there are, with what is spent of each."""
    known = {"spent_this_month": budget.month_micros, "spent_total": budget.total_micros}
    caps = {"monthly_cap": budget.monthly_cap_micros, "total_cap": budget.total_cap_micros}
    known |= {name: micros for name, micros in caps.items() if micros is not None}
    return {name: dollars(micros) for name, micros in known.items()}
