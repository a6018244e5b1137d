"""Money is rounded in one place, to the nearest minor unit, halves away from zero."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.types import Money, minor_units


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("27500", "IDR", 2_750_000),
        ("33333.335", "IDR", 3_333_334),
        ("-33333.335", "IDR", -3_333_334),
        ("1234.5", "JPY", 1235),
        ("1.2345", "KWD", 1235),
        ("10.005", "EUR", 1001),
    ],
)
def test_an_amount_becomes_minor_units(amount: str, currency: str, minor: int) -> None:
    assert minor_units(amount, currency) == minor


@pytest.mark.parametrize("text", ["", "10,5", "free", "1_000.0.0"])
def test_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidOperation):
        minor_units(text, "EUR")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_no_money(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        minor_units(text, "EUR")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["IDR", "EUR", "JPY", "KWD"]))
def test_money_goes_to_major_units_and_back_without_loss(minor: int, currency: str) -> None:
    assert minor_units(Money(minor, currency).amount, currency) == minor


def test_money_in_json_is_a_decimal_string_with_its_currency() -> None:
    assert Money(125_000_000, "IDR").as_json() == {"amount": "1250000.00", "currency": "IDR"}
    assert Money(5, "JPY").as_json() == {"amount": "5", "currency": "JPY"}
    assert Decimal(Money(-1, "EUR").as_json()["amount"]) == Decimal("-0.01")
