"""The tills of both shops charge exactly what the examples promise, over real HTTP, by every kind of offer."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.offers.baskets import Shelf, examples
from campaigns.offers.till import Line
from connectors.types import Money
from tests.offers.shops import Counterpart

OFFERS: dict[str, dict[str, Any]] = {
    "3 for 100,000, twice": {
        "kind": "quantity_price", "pieces": 3, "price": "100000", "products": ["KKI-BAMBU"], "times": 2,
    },
    "buy 2 get 1": {"kind": "buy_get", "buy": 2, "products": ["JHM-15"]},
    "buy 2 get 1 of another, twice": {
        "kind": "buy_get", "buy": 2, "products": ["HJB-MELATI"], "get_products": ["KKI-BAMBU"], "times": 2,
    },
    "gift from 350,000": {"kind": "gift", "spend": "350000", "product": "KKI-BAMBU"},
    "7 % from 100,000": {"kind": "percentage", "value": "7", "minimum": "100000"},
    "15 % off one thing": {"kind": "percentage", "value": "15", "products": ["HJB-MELATI"]},
    "25,000 off": {"kind": "fixed", "value": "25000", "minimum": "80000"},
    "free shipping": {"kind": "free_shipping"},
}  # fmt: skip


ALWAYS = ("15 % off one thing", "free shipping")


def shelf(shop: Counterpart) -> Shelf:
    goods = shop.goods
    return Shelf(goods, goods["HJB-MELATI"], goods["VTC-30"], None, 1_500_000)


@pytest.mark.parametrize("name", OFFERS)
def test_the_till_charges_what_the_examples_promise(counterpart: Counterpart, name: str) -> None:
    offer, made, terms, packs = counterpart.carry_out(OFFERS[name])
    found = examples(offer, made, shelf(counterpart), counterpart.till)
    assert {one.holds for one in found} == ({True} if name in ALWAYS else {True, False})
    for one in found:
        paid = counterpart.order(one.lines, packs, counterpart.code(offer, terms))
        promised = Money(one.pays_minor, "IDR").amount if one.holds else None
        assert paid == promised, (one.pieces, one.others, [(line.ware.title, line.count) for line in one.lines])


def test_members_goods_by_category(counterpart: Counterpart) -> None:
    category = counterpart.goods["VTC-30"].categories[-1]
    offer, made, terms, packs = counterpart.carry_out({"kind": "member_only", "value": "20", "categories": [category]})
    vitamin, scarf = Line(counterpart.goods["VTC-30"], 2), Line(counterpart.goods["HJB-MELATI"], 1)
    assert counterpart.order([vitamin, scarf], packs, counterpart.code(offer, terms)) == 178_000 * 4 // 5 + 79_000
    assert counterpart.order([scarf], packs, counterpart.code(offer, terms)) is None
    assert made.terms is not None


def test_a_code_that_counts_pieces_is_for_its_customer_alone(counterpart: Counterpart) -> None:
    offer, made, terms, packs = counterpart.carry_out(OFFERS["buy 2 get 1"])
    lines = examples(offer, made, shelf(counterpart), counterpart.till)[4].lines
    code = counterpart.code(offer, terms)
    assert counterpart.order(lines, packs, code, email="stranger@contoh.test") is None
    assert counterpart.order(lines, packs, code) is not None
    assert counterpart.order(lines, packs, code) is None


def test_the_gifts_own_price_does_not_bring_it_closer(counterpart: Counterpart) -> None:
    """340,000 of goods and a gift of 18,000 make 358,000 in a shop that counts the gift too."""
    offer, _, terms, packs = counterpart.carry_out({"kind": "gift", "spend": "237001", "product": "KKI-BAMBU"})
    scarves, gift = Line(counterpart.goods["HJB-MELATI"], 3), Line(counterpart.goods["KKI-BAMBU"], 1)
    assert counterpart.order([scarves, gift], packs, counterpart.code(offer, terms)) is None
    more = Line(counterpart.goods["HJB-MELATI"], 4)
    assert counterpart.order([more, gift], packs, counterpart.code(offer, terms)) == 4 * 79_000
