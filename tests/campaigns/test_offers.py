"""Every kind of offer is read, kept as it was, and judged by what it leaves of the margin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from campaigns.offers.margin import Trade, judge, liability
from campaigns.offers.offer import KINDS, offer_of
from campaigns.offers.ware import Ware
from campaigns.recipes import holiday_discount
from campaigns.schema import BadCampaign, dump, parse

SOAP = Ware("SABUN", "15", "Soap", 2_500_000, 1_000_000)
CLOTH = Ware("LAP", "16", "Cloth", 1_800_000, 900_000)
TRADE = Trade(20_000_000, 1_500_000, Decimal("0.40"), Decimal(1), {"SABUN": SOAP, "LAP": CLOTH})
WHOLE: dict[str, dict[str, Any]] = {
    "percentage": {"value": "10", "minimum": "100000", "by_rung": {"member": "15"}},
    "fixed": {"value": "25000", "minimum": "100000", "by_rung": {"member": "30000"}},
    "free_shipping": {"minimum": "100000"},
    "quantity_price": {"pieces": 3, "price": "70000", "products": ["SABUN"], "times": 2},
    "buy_get": {"buy": 10, "get": 1, "products": ["SABUN"], "get_products": ["LAP"]},
    "gift": {"spend": "350000", "product": "LAP"},
    "cashback": {"percent": "5", "most": "50000", "wait_days": 14, "elsewhere": "points"},
    "member_only": {"value": "15", "categories": [19], "until": "2027-03-01"},
    "early_access": {"products": ["SABUN"], "until": "2027-03-01", "link_may_spread": True},
    "team_deal": {"value": "15", "seats": 4, "days": 3, "unlock": "ordered", "who": "new", "comfort": "5"},
    "bring_a_friend": {"percent": "15", "own": "10", "minimum": "50000", "friends": 2, "days": 21},
}


def campaign(offer: dict[str, Any]) -> dict[str, Any]:
    wording = {"subject": "s", "html": "<p>h</p>"}
    return holiday_discount().document | {"offer": offer, "message": {"en": wording}}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_kept_as_it_was(kind: str) -> None:
    made = parse(campaign({"kind": kind, **WHOLE[kind]}))
    assert made.offer is not None
    assert made.offer.kind == kind
    assert parse(dump(made)) == made


def test_campaigns_saved_before_there_were_kinds_are_still_read() -> None:
    old = {"kind": "free_shipping", "value": None, "minimum": None, "budget": None, "code_prefix": None}
    assert parse(campaign(old)).offer == offer_of({"kind": "free_shipping"})


@pytest.mark.parametrize(
    ("offer", "fault"),
    [
        ({"value": "10"}, "offer.kind: is missing; write one of percentage, fixed"),
        ({"kind": "two_for_one"}, "offer.kind: there is no such kind; write one of percentage, fixed"),
        ({"kind": "percentage"}, "offer.value: is missing; add it."),
        ({"kind": "percentage", "value": 10, "by_rung": {"member": 120}}, "offer: value 120 is more than 100"),
        ({"kind": "fixed", "value": "5", "pieces": 3}, "offer.pieces: is not known here"),
        ({"kind": "quantity_price", "pieces": 1, "price": 5, "products": ["A"]}, "offer.pieces: "),
        ({"kind": "quantity_price", "pieces": 3, "price": 5, "products": []}, "offer.products: names no goods"),
        ({"kind": "buy_get", "buy": 2, "products": ["A", "A"]}, "offer.products: the same one stands here twice"),
        ({"kind": "gift", "spend": 0, "product": "A"}, "offer.spend: "),
        ({"kind": "cashback"}, "offer: say how much comes back: percent or amount, one of the two."),
        ({"kind": "cashback", "percent": 5, "amount": 5}, "offer: say how much comes back"),
        ({"kind": "cashback", "amount": 500}, "offer: 500 back needs a minimum of at least that"),
        ({"kind": "member_only", "value": 10}, "offer: name the goods: products or categories, one of the two."),
        ({"kind": "member_only", "value": 10, "products": ["A"], "until": "soon"}, "offer.until: "),
        ({"kind": "member_only", "value": 10, "products": ["A"], "by_rung": {"shopper": 5}}, "offer: by_rung names"),
        ({"kind": "early_access", "products": []}, "offer.products: names no goods"),
        ({"kind": "percentage", "value": 10, "budget": 0}, "offer.budget: "),
        ({"kind": "team_deal"}, "offer: say how much: value is missing"),
        ({"kind": "team_deal", "value": 10, "seats": 0}, "offer: a team has 2 to 50 seats, not 0"),
        ({"kind": "team_deal", "value": 10, "days": 90}, "offer: a team has 1 to 60 days to fill, not 90"),
        ({"kind": "team_deal", "value": 10, "comfort": 10}, "offer: comfort: give less than a full team gets"),
        ({"kind": "team_deal", "value": 10, "budget": 0}, "offer.budget: "),
        ({"kind": "bring_a_friend"}, "offer.percent: is missing; add it."),
        ({"kind": "bring_a_friend", "percent": 10, "own": 101}, "offer: own 101 is more than 100 percent"),
    ],
)
def test_a_fault_is_named_at_its_place(offer: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadCampaign) as caught:
        parse(campaign(offer))
    assert any(str(problem).startswith(fault) for problem in caught.value.problems), caught.value


@pytest.mark.parametrize(
    ("offer", "depth", "margin", "uplift", "extra"),
    [
        # 5,000 of 75,000; the soap costs 10,000 and sells for 25,000.
        ("quantity_price", "0.0667", "0.6000", "0.1250", "0.1111"),
        # A cloth of 18,000 with ten soaps of 250,000; cost 100,000 + 9,000.
        ("buy_get", "0.0672", "0.5933", "0.1277", "0.1132"),
        # The cloth with goods of 350,000 that cost the usual 60 %.
        ("gift", "0.0489", "0.4049", "0.1374", "0.1208"),
        ("cashback", "0.0500", "0.4000", "0.1429", "0.1250"),
        ("percentage", "0.1500", "0.4000", "0.6000", "0.3750"),
        ("fixed", "0.3000", "0.4000", "3.0000", "0.7500"),
    ],
)
def test_the_margin_of_each_kind(offer: str, depth: str, margin: str, uplift: str, extra: str) -> None:
    found = judge(offer_of({"kind": offer, **WHOLE[offer]}), "IDR", TRADE)
    figures = (found.discount, found.margin, found.uplift, found.extra)
    assert found.ok
    assert [f"{one:.4f}" for one in figures if one is not None] == [depth, margin, uplift, extra]


def test_goods_with_a_margin_of_their_own_are_judged_by_it() -> None:
    thin = Trade(20_000_000, 0, Decimal("0.40"), Decimal(1), {"A": Ware("A", "1", "A", 1_000_000, 900_000)})
    offer = {"kind": "percentage", "value": "15", "products": ["A"]}
    assert not judge(offer_of(offer), "IDR", thin).ok
    assert judge(offer_of({**offer, "products": []}), "IDR", thin).ok


@pytest.mark.parametrize(
    ("offer", "cost"),
    [("quantity_price", 1_000_000), ("buy_get", 1_800_000), ("gift", 1_800_000), ("cashback", 1_000_000)],
)
def test_what_one_code_may_cost(offer: str, cost: int) -> None:
    assert liability(offer_of({"kind": offer, **WHOLE[offer]}), "IDR", 20_000_000, trade=TRADE) == cost


def test_a_rung_has_its_own_depth_and_liability() -> None:
    offer = offer_of({"kind": "percentage", **WHOLE["percentage"]})
    assert liability(offer, "IDR", 20_000_000, rung="member") == 3_000_000
    assert liability(offer, "IDR", 20_000_000, rung="shopper") == 2_000_000


def test_the_most_a_cashback_comes_to() -> None:
    offer = offer_of({"kind": "cashback", **WHOLE["cashback"]})
    assert liability(offer, "IDR", 500_000_000) == 5_000_000


def test_an_offer_is_a_value() -> None:
    made = offer_of({"kind": "percentage", "value": 10})
    with pytest.raises(ValidationError):
        made.valid_days = 3  # type: ignore[misc,unused-ignore]
