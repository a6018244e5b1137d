"""Sliders: a share of each rung climbs, at a margin of one's own. Sums stay exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.ladder.simulate import PARTS, scaled

MONEY = st.integers(0, 10**12).map(lambda minor: {"amount": str(Decimal(minor).scaleb(-2)), "currency": "IDR"})
FIGURES = st.fixed_dictionaries({"extra_orders": st.integers(0, 10**6), "extra_revenue": MONEY, "extra_margin": MONEY})
SHARE = st.integers(0, 100).map(lambda percent: Decimal(percent) / 100)


def whole(steps: list[dict[str, Any]]) -> dict[str, Any]:
    def total(part: str) -> dict[str, Any]:
        def money(name: str) -> dict[str, str]:
            amounts = [Decimal(step[part][name]["amount"]) for step in steps]
            return {"amount": str(sum(amounts, Decimal("0.00"))), "currency": "IDR"}

        orders = sum(step[part]["extra_orders"] for step in steps)
        return {"extra_orders": orders, **{name: money(name) for name in ("extra_revenue", "extra_margin")}}

    return {**{part: total(part) for part in PARTS}, "per_rung": steps, "assumptions": {"margin_rate": 0.3}}


STEPS = st.lists(st.fixed_dictionaries(dict.fromkeys(PARTS, FIGURES)), min_size=1, max_size=6).map(
    lambda made: [{"rung": f"r{place}", **step} for place, step in enumerate(made)]
)


@given(STEPS)
def test_everybody_climbing_is_the_simulation_itself(steps: list[dict[str, Any]]) -> None:
    found = whole(steps)
    same = scaled(found, {})
    assert {part: same[part] for part in PARTS} == {part: found[part] for part in PARTS}


@given(STEPS, st.lists(SHARE, min_size=6, max_size=6), st.none() | SHARE)
def test_sums_are_those_of_the_steps(steps: list[dict[str, Any]], shares: list[Decimal], rate: Decimal | None) -> None:
    by_rung = {f"r{place}": share for place, share in enumerate(shares)}
    found = scaled(whole(steps), by_rung, rate)
    assert {part: found[part] for part in PARTS} == {part: whole(found["per_rung"])[part] for part in PARTS}
    for before, after in zip(steps, found["per_rung"], strict=True):
        share, told = by_rung[after["rung"]], after["headline"]
        revenue = Decimal(before["headline"]["extra_revenue"]["amount"]) * share
        assert abs(Decimal(told["extra_revenue"]["amount"]) - revenue) <= Decimal("0.005")
        if rate is not None:
            assert abs(Decimal(told["extra_margin"]["amount"]) - revenue * rate) <= Decimal("0.005")


@pytest.mark.parametrize("part", PARTS)
def test_nobody_climbing_brings_nothing(part: str) -> None:
    figures = {
        "extra_orders": 3,
        "extra_revenue": {"amount": "9.99", "currency": "EUR"},
        "extra_margin": {"amount": "3.33", "currency": "EUR"},
    }
    found = whole([{"rung": "shopper", "headline": figures, "upper_bound": figures}])
    nothing = scaled(found | {part: figures}, {"shopper": Decimal(0)})[part]
    assert (nothing["extra_orders"], nothing["extra_revenue"]["amount"]) == (0, "0.00")
