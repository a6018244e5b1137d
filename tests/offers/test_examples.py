"""What examples may never say, for any offer, shop and prices; and what each shop makes of an offer."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.offers.baskets import Example, Shelf, examples
from campaigns.offers.offer import KINDS, Offer, offer_of
from campaigns.offers.realisation import Able
from campaigns.offers.realise import how
from campaigns.offers.till import Line, Till
from campaigns.offers.till import given as taken
from campaigns.offers.ware import Ware

COUNTS = Able(counts_pieces=True, credit=True, by_line=True)
PACKS = Able(packs=True)
NEITHER = Able()
prices = st.integers(1, 5_000).map(lambda n: n * 10_000)
pieces = st.integers(2, 12)


def ware(ref: str, price: int, cost: int | None = None) -> Ware:
    return Ware(ref, f"{ord(ref)}", ref, price, cost)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Offer, Able, Shelf]:
    """An offer of any kind, a shop, and goods A and B with a usual product and another one."""
    price = draw(prices)
    goods = {"A": ware("A", price, draw(st.none() | st.just(price // 2))), "B": ware("B", draw(prices))}
    goods["E"] = replace(goods["A"], ref="E", listed=False, url="https://shop.example/e")
    n, m = draw(pieces), draw(st.integers(1, 3))
    full = Decimal(price * n) / 100
    offers: dict[str, dict[str, Any]] = {
        "percentage": {"value": draw(st.integers(1, 100)), "minimum": draw(st.integers(0, 10**6))},
        "fixed": {"value": draw(st.integers(1, 10**6)), "minimum": draw(st.integers(0, 10**6))},
        "free_shipping": {},
        "quantity_price": {
            "pieces": n, "price": (full * draw(st.integers(50, 99)) / 100).quantize(Decimal(1)), "products": ["A"],
            "times": m,
        },
        "buy_get": {"buy": n, "get": m, "products": ["A"], "get_products": draw(st.sampled_from([[], ["B"]])),
                    "times": draw(st.integers(1, 3))},
        "gift": {"spend": draw(st.integers(1, 10**6)), "product": "B"},
        "cashback": {"percent": draw(st.integers(1, 100)), "minimum": draw(st.integers(0, 10**6))},
        "member_only": {"value": draw(st.integers(1, 100)), "products": ["A"]},
        "early_access": {"products": ["E"], "link_may_spread": True, "value": draw(st.none() | st.integers(1, 90))},
        "team_deal": {"value": draw(st.integers(1, 100)), "minimum": draw(st.integers(0, 10**6)), "seats": n},
        "bring_a_friend": {"percent": draw(st.integers(1, 100)), "minimum": draw(st.integers(0, 10**6))},
    }  # fmt: skip
    kind = draw(st.sampled_from(KINDS))
    shelf = Shelf(goods, ware("C", draw(prices)), draw(st.none() | st.just(ware("D", draw(prices)))), Decimal("0.4"))
    return (
        offer_of({"kind": kind, **offers[kind]}),
        draw(st.sampled_from([COUNTS, PACKS])),
        shelf,
    )


@given(worlds())
@settings(max_examples=120, deadline=None)
def test_nobody_is_paid_to_buy_and_small_baskets_get_nothing(world: tuple[Offer, Able, Shelf]) -> None:
    offer, able, shelf = world
    made = how(offer, able, shelf.goods, "IDR")
    found = examples(offer, made, shelf, Till(able, "IDR", 100))
    assert bool(found) is not made.refused
    for one in found:
        assert 0 <= one.pays_minor <= one.full_minor
        assert one.holds or (one.pays_minor == one.full_minor and one.gives_minor == 0)
        assert one.full_minor == sum(line.worth for line in one.lines)
        assert one.left_minor is not None
        if offer.kind != "cashback":
            assert one.gives_minor >= one.full_minor - one.pays_minor
        _by_kind(offer, one)


def _by_kind(offer: Offer, one: Example) -> None:
    if offer.kind == "quantity_price":
        off = one.full_minor - one.pays_minor
        each = next(line.ware.price_minor for line in one.lines) * offer.pieces
        assert off == 0 or one.pieces >= offer.pieces
        assert off <= offer.times * each
        if one.pieces == offer.pieces and not one.others and one.holds:
            assert one.pays_minor == int(offer.price * 100)
    if offer.kind == "gift" and one.holds:
        assert one.pays_minor >= int(offer.spend * 100)
    if offer.kind == "buy_get" and one.holds:
        assert one.pieces >= offer.buy


@given(worlds(), st.lists(st.tuples(st.sampled_from("ABD"), st.integers(1, 9)), min_size=1, max_size=3))
@settings(max_examples=120, deadline=None)
def test_no_basket_however_filled_gets_more_than_the_goods_are_worth(
    world: tuple[Offer, Able, Shelf], filled: list[tuple[str, int]]
) -> None:
    offer, able, shelf = world
    made = how(offer, able, shelf.goods, "IDR")
    if made.refused or made.terms is None:
        return
    goods = {**shelf.goods, "D": shelf.other or shelf.usual}
    lines = [Line(goods[ref], count) for ref, count in dict(filled).items()]
    off = taken(made.terms, made.terms.value or Decimal(100), lines, Till(able, "IDR", 100))
    assert off is None or 0 <= off <= sum(line.worth for line in lines)


SIZES = Ware("S", "1", "Shirt", 100, sizes=(100, 200))
SAME = Ware("S", "1", "Shirt", 100, sizes=(100, 100))
HIDDEN = replace(ware("H", 100), listed=False, url="https://shop.example/h")
GOODS = {
    "A": ware("A", 2_500_000), "B": ware("B", 1_800_000), "S": SIZES, "H": HIDDEN, "P": replace(HIDDEN, url=None),
}  # fmt: skip
EARLY = {"kind": "early_access", "products": ["H"], "link_may_spread": True}
THREE = {"kind": "quantity_price", "pieces": 3, "price": "70000", "products": ["A"]}


@pytest.mark.parametrize(
    ("offer", "able", "key"),
    [
        (THREE, COUNTS, "offer_counted_price"),
        (THREE, PACKS, "offer_packed"),
        (THREE, NEITHER, "offer_no_packs"),
        (THREE | {"price": "75000"}, COUNTS, "offer_no_gain"),
        (THREE | {"products": ["A", "B"]}, PACKS, "offer_prices_differ"),
        (THREE | {"products": ["S"]}, COUNTS, "offer_sizes_differ"),
        (THREE | {"products": ["X"]}, COUNTS, "offer_no_goods"),
        (THREE | {"price": "0.01", "pieces": 2}, COUNTS, "offer_uneven_price"),
        ({"kind": "buy_get", "buy": 10, "products": ["S"]}, COUNTS, "offer_counted_get"),
        ({"kind": "buy_get", "buy": 10, "products": ["S"]}, PACKS, "offer_sizes_differ"),
        ({"kind": "gift", "spend": 350_000, "product": "S"}, PACKS, "offer_gift_size"),
        ({"kind": "gift", "spend": 350_000, "product": "B"}, PACKS, "offer_gift_by_code"),
        ({"kind": "gift", "spend": 350_000, "product": "B"}, COUNTS, "offer_counted_gift"),
        ({"kind": "cashback", "percent": 5}, COUNTS, "offer_credit"),
        ({"kind": "cashback", "percent": 5}, PACKS, "offer_later_code"),
        ({"kind": "cashback", "percent": 5, "elsewhere": "points"}, PACKS, "offer_no_points"),
        ({"kind": "cashback", "percent": 5, "elsewhere": "points"}, Able(points=True), "offer_as_points"),
        (EARLY | {"link_may_spread": False}, PACKS, "offer_link_spreads"),
        (EARLY, PACKS, "offer_by_link"),
        (EARLY | {"value": "10"}, COUNTS, "offer_by_link_and_code"),
        (EARLY | {"products": ["H", "A"]}, PACKS, "offer_listed"),
        (EARLY | {"products": ["P"]}, PACKS, "offer_no_page"),
        ({"kind": "member_only", "value": 10, "products": ["A"]}, NEITHER, "offer_by_code"),
    ],
)
def test_what_a_shop_makes_of_it(offer: dict[str, Any], able: Able, key: str) -> None:
    made = how(offer_of(offer), able, GOODS, "IDR")
    assert made.told.key == key
    assert made.refused is (key not in {
        "offer_counted_price", "offer_packed", "offer_counted_get", "offer_gift_by_code", "offer_counted_gift",
        "offer_credit", "offer_later_code", "offer_as_points", "offer_by_link", "offer_by_code",
        "offer_by_link_and_code",
    })  # fmt: skip


def test_a_pack_is_sold_at_its_full_price_and_knows_what_it_costs() -> None:
    soap = Ware("A", "15", "Soap", 2_500_000, 1_000_000, supply_days=30)
    made = how(offer_of(THREE), PACKS, {"A": soap}, "IDR")
    [pack] = made.packs
    assert (pack.sku, pack.title, pack.price_minor) == ("TANGGA-15X3", "Soap (3×)", 7_500_000)
    assert (pack.cost_minor, pack.supply_days, pack.parts) == (3_000_000, 90, (("15", 3),))
    assert made.terms is not None
    assert (made.terms.kind, made.terms.value, made.terms.reach.times) == ("fixed", Decimal(5_000), 1)


def test_a_product_whose_sizes_cost_the_same_is_counted_but_not_packed() -> None:
    offer = offer_of(THREE | {"products": ["S"], "price": "2"})
    assert how(offer, COUNTS, {"S": SAME}, "IDR").told.key == "offer_counted_price"
    assert how(offer, PACKS, {"S": SAME}, "IDR").told.key == "offer_name_size"
