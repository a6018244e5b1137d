"""Goods out of the catalogue: both shops tell it, sell them by their link, and show them to nobody else."""

from __future__ import annotations

from typing import Any

import requests

from campaigns.offers.offer import offer_of
from campaigns.offers.realise import how
from campaigns.offers.till import Line
from tests.offers.shops import Counterpart, _wares

EARLY = {"kind": "early_access", "products": ["TAS-PURUN"], "value": "10", "link_may_spread": True}


def hide(counterpart: Counterpart, sku: str) -> None:
    """As an owner does it: hidden from the catalogue, or unlisted."""
    shop: Any = counterpart.counter.shop  # type: ignore[attr-defined]
    product = shop.products[int(counterpart.goods[sku].external_id)]
    if counterpart.platform == "shopify":
        product.status = "UNLISTED"
    else:
        product.visibility = "hidden"
    shop.save(product)
    pages = counterpart.counter.store.products(since=None)
    counterpart.goods = _wares([one for page in pages for one in page.items])


def test_early_access_is_for_goods_out_of_the_catalogue_and_its_price_for_the_code_alone(
    counterpart: Counterpart,
) -> None:
    assert how(offer_of(EARLY), counterpart.able, counterpart.goods, "IDR").told.key == "offer_listed"
    hide(counterpart, "TAS-PURUN")
    bag = counterpart.goods["TAS-PURUN"]
    assert (bag.active, bag.listed) == (True, False)
    assert bag.url is not None
    offer, made, terms, packs = counterpart.carry_out(EARLY)
    assert made.told.key == "offer_by_link_and_code"
    assert made.url == bag.url
    name = bag.title
    assert name not in requests.get(counterpart.url, timeout=10).text
    assert name in requests.get(bag.url, timeout=10).text
    code = counterpart.code(offer, terms)
    assert counterpart.order([Line(bag, 1)], packs, code, email="stranger@contoh.test") is None
    assert counterpart.order([Line(bag, 1)], packs, code) == 149_000 * 9 // 10
    assert counterpart.order([Line(bag, 1)], packs, "") == 149_000
