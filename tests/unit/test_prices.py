"""What an image costs, and every mistake an operator can make in the prices file."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.base.errors import OperatorError
from heliograph.catalog.models import MODELS
from heliograph.catalog.prices import ROUTES, load_prices

TEXT = "[wan-2-5-image.text-to-image]\n"


def price(toml_text: str | None, mode: str = "text-to-image", route: str = "auto") -> int:
    return load_prices(toml_text, MODELS).unit_price_micros("wan-2-5-image", mode, route)


@pytest.mark.parametrize("toml_text", [None, "", "# nothing yet\n", "[wan-2-5-image]", TEXT])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("mode", ["text-to-image", "image-to-image"])
def test_without_a_price_of_the_operator_the_catalogue_s_holds(
    toml_text: str | None, mode: str, route: str
) -> None:
    assert price(toml_text, mode, route) == 30_000


def test_a_route_falls_back_to_the_mode_s_default_and_other_modes_are_untouched() -> None:
    text = TEXT + "default = 0.02\nofficial = 0.035\n"
    assert price(text, route="official") == 35_000
    assert price(text, route="auto") == price(text, route="value") == 20_000
    assert price(text, "image-to-image", "official") == 30_000


def test_a_route_alone_leaves_the_others_at_the_catalogue_s_price() -> None:
    assert price(TEXT + "value = 0.01", route="value") == 10_000
    assert price(TEXT + "value = 0.01", route="official") == 30_000


@pytest.mark.parametrize(
    ("dollars", "micros"),
    [
        ("0", 0),
        ("-0.0", 0),
        ("0.000001", 1),
        ("0.123457", 123_457),
        ("0.030000", 30_000),
        ("3e-2", 30_000),
        ("1", 1_000_000),
        ("1_0.5", 10_500_000),
        ("1000", 1_000_000_000),
    ],
)
def test_dollars_are_exact_to_the_micro_dollar(dollars: str, micros: int) -> None:
    assert price(TEXT + f"default = {dollars}") == micros


@given(st.integers(0, 1_000_000_000))
def test_every_whole_number_of_micro_dollars_can_be_a_price(micros: int) -> None:
    dollars = format(Decimal(micros).scaleb(-6), "f")
    assert price(TEXT + f"auto = {dollars}") == micros


@pytest.mark.parametrize(
    ("toml_text", "sentences"),
    [
        (TEXT + "default = -0.01", ["[wan-2-5-image.text-to-image] default", "0 to 1000", "-0.01"]),
        (TEXT + "default = 1000.01", ["0 to 1000"]),
        (TEXT + "default = 1e999999", ["0 to 1000"]),
        (TEXT + "default = 1e99999999999999999999", ["not valid TOML"]),
        (TEXT + "value = 0.0000001", ["text-to-image] value", "at most 6 decimals"]),
        (TEXT + "value = 1e-999999", ["at most 6 decimals"]),
        (TEXT + "value = inf", ["0 to 1000"]),
        (TEXT + "value = nan", ["0 to 1000"]),
        (TEXT + 'value = "0.03"', ["dollars such as 0.03, without quotes"]),
        (TEXT + "value = true", ["dollars such as 0.03"]),
        (TEXT + "value = [0.03]", ["dollars such as 0.03"]),
        (TEXT + "oficial = 0.03", ["'oficial'", "Did you mean official?"]),
        ("[wan-2-5-image.text2image]", ["[wan-2-5-image]", "Did you mean text-to-image?"]),
        ("[wan-2_5-image.text-to-image]", ["Did you mean wan-2-5-image?"]),
        ("[x]", ["'x'", "must be one of wan-2-5-image"]),
        ("wan-2-5-image = 0.03", ["[wan-2-5-image] must be a table"]),
        (
            "[wan-2-5-image]\ntext-to-image = 0.03",
            ["[wan-2-5-image.text-to-image] must be a table"],
        ),
        (TEXT + "auto = 0.01\nauto = 0.02", ["not valid TOML", "overwrite"]),
        (TEXT + "auto 0.01", ["not valid TOML", "line 2"]),
        (f"a = {'[' * 100_000}", ["not valid TOML"]),
    ],
)
def test_a_mistake_is_named_with_its_place(toml_text: str | None, sentences: list[str]) -> None:
    with pytest.raises(OperatorError) as caught:
        load_prices(toml_text, MODELS)
    for sentence in sentences:
        assert sentence in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_gives_prices_or_an_operator_error(text: str) -> None:
    with contextlib.suppress(OperatorError):
        assert price(text) >= 0
