"""What one image costs: the catalogue's prices, and the operator's own above them.

The operator's file is TOML, in dollars per image, by model and mode, then by the route of the key:

    [wan-2-5-image.text-to-image]
    default = 0.03
    official = 0.035

    [costs]
    dashscope = 0.031

`costs` is what one image costs the operator at a provider, also in dollars.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from heliograph.base.errors import OperatorError
from heliograph.catalog.model import Mode, Model
from heliograph.catalog.spelling import did_you_mean

# The routing strategies that a key can have.
ROUTES = ("auto", "value", "official")
DEFAULT = "default"
COSTS = "costs"
MAX_DOLLARS = 1000
MICRO_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of one image for every model, mode and route, and its cost at providers, in micros."""

    micros: Mapping[tuple[str, str, str], int]
    costs_micros: Mapping[str, int]

    def unit_price_micros(self, model_id: str, mode: str, routing: str) -> int:
        """The price of one image. All three names must be of the catalogue (else KeyError)."""
        return self.micros[model_id, mode, routing]


def load_prices(
    toml_text: str | None, models: Mapping[str, Model], providers: Collection[str] = ()
) -> Prices:
    """The prices of `models`, with those in the operator's `toml_text` (None: no file) put first.

    Costs can be named for `providers`.

    A route that the file leaves out costs the mode's `default`, and without that the catalogue's
    price. Raises OperatorError, naming the place, for anything that it cannot take at its word.
    """
    tables = _parse(toml_text or "")
    _refuse_strangers("", tables, (*models, COSTS))
    costs = tables.get(COSTS, {})
    _refuse_strangers(COSTS, costs, tuple(providers))
    return Prices(
        {
            (model.model_id, mode.name, route): price
            for model in models.values()
            for mode, own in _modes(model, tables.get(model.model_id, {}))
            for route, price in _routes(mode, own)
        },
        {name: _micros(COSTS, name, dollars) for name, dollars in costs.items()},
    )


def _parse(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as fault:
        raise OperatorError(f"The prices file is not valid TOML: {fault}. Correct it.") from fault


def _modes(model: Model, table: Any) -> Iterator[tuple[Mode, Mapping[str, int]]]:
    """Each mode of `model` with the prices that the operator's `table` gives its routes."""
    _refuse_strangers(model.model_id, table, model.modes)
    for mode in model.modes.values():
        place = f"{model.model_id}.{mode.name}"
        entries = table.get(mode.name, {})
        _refuse_strangers(place, entries, (DEFAULT, *ROUTES))
        yield mode, {route: _micros(place, route, dollars) for route, dollars in entries.items()}


def _routes(mode: Mode, own: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    default = own.get(DEFAULT, mode.unit_price_micros)
    return ((route, own.get(route, default)) for route in ROUTES)


def _refuse_strangers(place: str, table: Any, known: Mapping[str, Any] | tuple[str, ...]) -> None:
    where = f"In the prices file, [{place}]" if place else "The prices file"
    if not isinstance(table, dict):
        raise OperatorError(f"{where} must be a table of {', '.join(known)}, but is {table!s:.40}.")
    for name in table:
        if name not in known:
            raise OperatorError(
                f"{where} has {name!r:.60}, which must be one of {', '.join(known)}."
                + did_you_mean(name, known)
            )


def _micros(place: str, route: str, sent: Any) -> int:
    """`sent` dollars in whole micro-dollars, exactly."""
    where = f"In the prices file, [{place}] {route}"
    if isinstance(sent, bool) or not isinstance(sent, int | Decimal):
        raise OperatorError(f"{where} must be dollars such as 0.03, without quotes.")
    dollars = Decimal(sent)
    if not (dollars.is_finite() and 0 <= dollars <= MAX_DOLLARS):
        raise OperatorError(
            f"{where} must be from 0 to {MAX_DOLLARS} dollars, but is {sent!s:.40}."
        )
    if int(dollars.as_tuple().exponent) < -MICRO_DECIMALS:
        raise OperatorError(
            f"{where} must have at most {MICRO_DECIMALS} decimals, but is {sent!s:.40}."
        )
    return int(dollars.scaleb(MICRO_DECIMALS))
