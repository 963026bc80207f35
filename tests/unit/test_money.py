import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.ledger.money import (
    MAX_MICROS,
    Balance,
    Settlement,
    dollars,
    format_dollars,
    micros_from_dollars,
    settle,
)

amounts = st.integers(-MAX_MICROS, MAX_MICROS)


@given(amounts)
def test_dollars_of_the_json_lead_back_to_the_same_micros(micros: int):
    assert micros_from_dollars(dollars(micros), negative=True) == micros


@given(amounts)
def test_dollars_as_text_with_six_decimals_lead_back_to_the_same_micros(micros: int):
    text = f"{decimal.Decimal(micros).scaleb(-6):.6f}"
    assert micros_from_dollars(text, negative=True) == micros


@given(amounts)
def test_dollars_for_people_name_the_same_amount(micros: int):
    text = format_dollars(micros).replace("$", "").replace(",", "")
    assert micros_from_dollars(text, negative=True) == micros


@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 10**9))
def test_a_settlement_charges_what_was_made_and_releases_the_rest(
    asked: int, made: int, price: int
):
    made = min(made, asked)
    settlement = settle(asked * price, made, price)
    assert settlement.charge_micros == made * price
    assert settlement.charge_micros + settlement.release_micros == asked * price
    assert settlement.release_micros >= 0


def test_three_pictures_of_four_are_charged_at_the_frozen_price():
    assert settle(120_000, 3, 30_000) == Settlement(charge_micros=90_000, release_micros=30_000)


def test_everything_made_leaves_nothing_to_release():
    assert settle(120_000, 4, 30_000) == Settlement(charge_micros=120_000, release_micros=0)


@pytest.mark.parametrize(("hold", "made", "price"), [(60_000, 3, 30_000), (60_000, -1, 30_000)])
def test_a_charge_outside_the_hold_is_a_defect(hold: int, made: int, price: int):
    with pytest.raises(AssertionError, match="on a hold of 60000"):
        settle(hold, made, price)


@pytest.mark.parametrize(
    ("micros", "number"),
    [(74_870_000, 74.87), (30_000, 0.03), (75_000_000, 75), (0, 0), (1, 1e-06)],
)
def test_the_json_number_is_the_amount(micros: int, number: float):
    assert dollars(micros) == number


def test_whole_dollars_are_whole_numbers_in_the_json():
    assert repr(dollars(75_000_000)) == "75"


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (30_000, "$0.03"),
        (12_500, "$0.0125"),
        (1, "$0.000001"),
        (1_234_500_000, "$1,234.50"),
        (-2_000_000, "-$2.00"),
        (-30_000, "-$0.03"),
        (0, "$0.00"),
    ],
)
def test_money_for_people_has_two_decimals_and_more_only_when_needed(micros: int, text: str):
    assert format_dollars(micros) == text


@pytest.mark.parametrize(
    ("amount", "micros"),
    [
        ("12.50", 12_500_000),
        (" 5 ", 5_000_000),
        (12.5, 12_500_000),
        (3, 3_000_000),
        (1e-06, 1),
        (decimal.Decimal("0.0125"), 12_500),
        ("0", 0),
        ("1000000000", MAX_MICROS),
    ],
)
def test_plain_amounts_are_read(amount: str | float, micros: int):
    assert micros_from_dollars(amount) == micros


@pytest.mark.parametrize(
    "amount",
    [
        *("0.0000001", "1.1234567", 1e-07, "NaN", float("nan"), "inf", float("inf"), "1e3"),
        *("1_000", "$5", "", "5.", ".5", "+5", "1,000", True, "1 2", "--1", "1\n2", "99999999999"),
        "\N{ARABIC-INDIC DIGIT FIVE}",
    ],
)
def test_anything_but_a_plain_amount_is_refused(amount: str | float):
    with pytest.raises(ValueError, match="is not an amount of dollars"):
        micros_from_dollars(amount)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**9, places=7))
def test_nothing_is_ever_rounded(amount: decimal.Decimal):
    if amount == amount.quantize(decimal.Decimal("0.000001")):
        return
    with pytest.raises(ValueError, match="at most six decimals"):
        micros_from_dollars(amount)


def test_an_amount_below_zero_is_refused_unless_asked_for():
    with pytest.raises(ValueError, match="below zero"):
        micros_from_dollars("-0.01")
    assert micros_from_dollars("-0.01", negative=True) == -10_000


def test_more_than_a_billion_dollars_is_refused():
    with pytest.raises(ValueError, match=r"more than \$1,000,000,000\.00"):
        micros_from_dollars("1000000000.000001")


def balance(available: int, **told: object) -> Balance:
    return Balance("acc_0", available, 0, 0, available, 0, 1, **told)


@pytest.mark.parametrize(
    ("available", "held", "expected"),
    [(101, 0, False), (100, 0, False), (99, 0, True), (110, 10, False), (110, 11, True)],
)
def test_an_account_is_told_when_less_than_it_named_would_be_left(
    available: int, held: int, expected: bool
):
    assert balance(available, low_balance_micros=100).must_be_told(held) is expected


def test_an_account_is_told_of_what_it_has_now_unless_something_is_taken_off():
    assert balance(100, low_balance_micros=101).must_be_told()
    assert not balance(100, low_balance_micros=100).must_be_told()


def test_an_account_that_asked_for_nothing_or_knows_already_is_not_told():
    assert balance(0).must_be_told() is False
    assert balance(0, low_balance_micros=100, low_balance_told=True).must_be_told() is False
    assert not balance(0).has_caps
