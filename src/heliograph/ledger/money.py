"""Money as whole micro-dollars: $1 is 1,000,000 and $0.03 is 30,000. Inside, never a float."""

import dataclasses
import datetime
import decimal
import re
import uuid

import msgspec

MICROS_PER_DOLLAR = 1_000_000

# A billion dollars. Up to here a float still tells two neighbouring micro-dollars apart, so the
# number in the JSON is exact.
MAX_MICROS = 10**15

_DOLLARS = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,6})?")


@dataclasses.dataclass(frozen=True, slots=True)
class Balance:
    """What an account has, in micros (funded = available + held + charged), and its open tasks.

    `has_caps`: the spending of some of its keys is counted. The account wants to be told when less
    than `low_balance_micros` is available, and has been told if `low_balance_told`.
    """

    account_id: str
    available_micros: int
    held_micros: int
    charged_micros: int
    funded_micros: int
    live_tasks: int
    max_live_tasks: int
    has_caps: bool = False
    low_balance_micros: int | None = None
    low_balance_told: bool = False

    def must_be_told(self, held_micros: int = 0) -> bool:
        """Whether the account does not know yet that it has little left, `held_micros` taken off."""
        if self.low_balance_micros is None or self.low_balance_told:
            return False
        return self.available_micros - held_micros < self.low_balance_micros


@dataclasses.dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of `amount_micros` from `debit` to `credit`; never changed, never deleted."""

    transfer_id: int
    account_id: str
    task_id: uuid.UUID | None
    kind: str
    debit: str
    credit: str
    amount_micros: int
    note: str | None
    created_at: datetime.datetime


class Hold(msgspec.Struct, frozen=True):
    """What one task sets aside at submit. A test task holds nothing: `amount_micros` is 0."""

    account_id: str
    task_id: uuid.UUID
    amount_micros: int


@dataclasses.dataclass(frozen=True, slots=True)
class Settlement:
    """How a hold is resolved: `charge_micros` is earned, `release_micros` goes back."""

    charge_micros: int
    release_micros: int


@dataclasses.dataclass(frozen=True, slots=True)
class Funding:
    """Money from or, below zero, back to the outside: `kind` is `topup` or `adjust`."""

    kind: str
    amount_micros: int
    note: str | None


def settle(hold_micros: int, made: int, unit_price_micros: int) -> Settlement:
    """Charge `made` pictures at the price frozen on the task and give the rest of the hold back.

    A charge outside 0 … hold is a defect of ours and raises AssertionError, before money moves.
    A test task holds nothing, so its price is 0 here.
    """
    charge_micros = made * unit_price_micros
    if not 0 <= charge_micros <= hold_micros:
        raise AssertionError(f"a charge of {charge_micros} micros on a hold of {hold_micros}")
    return Settlement(charge_micros, hold_micros - charge_micros)


def dollars(micros: int) -> float:
    """`micros` as the dollars of the public JSON: exact to six decimals up to MAX_MICROS.

    Whole dollars come as an int (`75`, not `75.0`).
    """
    if micros % MICROS_PER_DOLLAR == 0:
        return micros // MICROS_PER_DOLLAR
    return micros / MICROS_PER_DOLLAR


def format_dollars(micros: int) -> str:
    """`micros` for people: `$0.03`, `$0.0125`, `-$2.00`, `$1,234.50`."""
    whole, rest = divmod(abs(micros), MICROS_PER_DOLLAR)
    cents, finer = divmod(rest, 10_000)
    sign = "-" if micros < 0 else ""
    return f"{sign}${whole:,}.{cents:02}" + (f"{finer:04}".rstrip("0") if finer else "")


def micros_from_dollars(amount: str | float | decimal.Decimal, *, negative: bool = False) -> int:
    """Dollars as typed or read (`"12.50"`, `12.5`, `3`) in micros, never rounded.

    Raises ValueError, with a sentence for the person who typed it, for anything that is not a plain
    number, has more than six decimals, is over MAX_MICROS, or is below zero without `negative`.
    """
    text = _plain(amount)
    if not _DOLLARS.fullmatch(text):
        raise ValueError(f"{text!r} is not an amount of dollars with at most six decimals")
    micros = int(decimal.Decimal(text).scaleb(6))
    if micros < 0 and not negative:
        raise ValueError(f"{text!r} is below zero")
    if abs(micros) > MAX_MICROS:
        raise ValueError(f"{text!r} is more than {format_dollars(MAX_MICROS)}")
    return micros


def _plain(amount: str | float | decimal.Decimal) -> str:
    """`amount` without an exponent: a float of 1e-06 is the dollars 0.000001."""
    if isinstance(amount, str):
        return amount.strip()
    if isinstance(amount, bool):
        return str(amount)
    return format(decimal.Decimal(str(amount)), "f")
