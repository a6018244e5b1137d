"""Two codes in one order: what each shop's till makes of them, as the owner was told before."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from campaigns.offers.offer import offer_of
from campaigns.offers.realisation import Able, beside
from campaigns.offers.realise import how
from campaigns.offers.till import Line
from tests.offers.shops import Counterpart

TENTH = {"kind": "percentage", "value": "10"}
SCARF = {"kind": "percentage", "value": "20", "products": ["HJB-MELATI"]}
SUM = {"kind": "fixed", "value": "30000"}
FREE = {"kind": "free_shipping"}
WHOLE = 2 * 79_000 + 39_000


def basket(shop: Counterpart) -> list[Line]:
    return [Line(shop.goods["HJB-MELATI"], 2), Line(shop.goods["KKI-BAMBU"], 1)]


def codes(shop: Counterpart, *documents: dict[str, Any], combines: bool = True) -> str:
    made = []
    for document in documents:
        offer, _, terms, _ = shop.carry_out(document)
        made.append(shop.code(offer, terms, combines=combines))
    return ", ".join(made)


@pytest.mark.parametrize(
    ("documents", "elsewhere", "mutual"),
    [
        # Each takes its share of the full price; or the order's share is taken of what the goods' share has left.
        ((TENTH, SCARF), WHOLE - 19_700 - 31_600, WHOLE - 31_600 - 16_540),
        ((SUM, SCARF), WHOLE - 30_000 - 31_600, WHOLE - 30_000 - 31_600),
        ((FREE, TENTH), WHOLE - 19_700, WHOLE - 19_700),
        ((SCARF, {**SCARF, "value": "15"}), WHOLE - 31_600 - 23_700, WHOLE - 31_600),
    ],
)
def test_codes_that_combine_take_what_the_shop_says(
    counterpart: Counterpart, documents: tuple[dict[str, Any], ...], elsewhere: int, mutual: int
) -> None:
    paid = counterpart.order(basket(counterpart), {}, codes(counterpart, *documents))
    assert paid == Decimal(mutual if counterpart.able.mutual else elsewhere)


def test_a_code_that_stands_alone_is_worth_no_more_beside_another(counterpart: Counterpart) -> None:
    alone, free = codes(counterpart, SUM, combines=False), codes(counterpart, TENTH)
    paid = [
        counterpart.order(basket(counterpart), {}, both) for both in (f"{alone}, {free}", f"{free}, {alone}")
    ]  # fmt: skip
    # Entered last, it throws the other out where shops do that; never do both count.
    assert paid == ([None, None] if counterpart.able.mutual else [None, Decimal(WHOLE - 30_000)])


@pytest.mark.parametrize(
    ("document", "combine", "mutual", "key"),
    [(TENTH, False, True, "code_alone"), (TENTH, True, True, "code_beside_mutual"), (TENTH, True, False, "code_beside"),
     ({"kind": "team_deal", "value": "10"}, True, False, "code_alone"),
     ({"kind": "cashback", "percent": "5"}, True, True, None)],
)  # fmt: skip
def test_the_owner_is_told_before(document: dict[str, Any], combine: bool, mutual: bool, key: str | None) -> None:
    able = Able(mutual=mutual, credit=True)
    said = beside(how(offer_of(document), able, {}, "IDR"), able, combine=combine)
    assert (said.key if said else None) == key
