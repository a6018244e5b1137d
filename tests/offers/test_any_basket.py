"""Whatever goods cost, reduced or not, taxed or not, and however a basket is filled: the tills charge what we say."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.offers.baskets import pack_ware
from campaigns.offers.offer import deepest, offer_of
from campaigns.offers.realise import how
from campaigns.offers.till import Line
from campaigns.offers.till import given as taken
from tests.offers.shops import Counterpart, _wares

SCARF, SOCKS, TEA = "HJB-MELATI", "KKI-BAMBU", "JHM-15"
prices = st.integers(1, 400).map(lambda thousands: thousands * 1_000) | st.integers(1, 400_000)
sums = st.integers(1, 600_000)
shares = st.integers(1, 100) | st.decimals("0.01", "100", places=2)


least = st.none() | sums
OFFERS = st.one_of(
    st.builds(
        lambda value, minimum, products: {
            "kind": "percentage", "value": value, "minimum": minimum, "products": products,
        }, shares, least, st.sampled_from([[], [SCARF], [SCARF, SOCKS]]),
    ),
    st.builds(lambda value, minimum: {"kind": "fixed", "value": value, "minimum": minimum}, sums, least),
    st.builds(lambda minimum: {"kind": "free_shipping", "minimum": minimum}, least),
    st.builds(lambda value: {"kind": "member_only", "value": value, "products": [SOCKS, TEA]}, shares),
    st.builds(lambda spend: {"kind": "gift", "spend": spend, "product": SOCKS}, sums),
    st.builds(
        lambda buy, get, times, other: {
            "kind": "buy_get", "buy": buy, "get": get, "times": times, "products": [SCARF], "get_products": other,
        }, st.integers(1, 4), st.integers(1, 2), st.integers(1, 3), st.sampled_from([[], [SOCKS]]),
    ),
    st.builds(
        lambda pieces, times, share: {
            "kind": "quantity_price", "pieces": pieces, "times": times, "products": [SCARF], "price": share,
        }, st.integers(2, 5), st.integers(1, 3), st.integers(1, 99),
    ),
)  # fmt: skip
"""Every kind that takes something off at the till; the price of several scarves is a share of what they cost."""


def relabel(shop: Counterpart, sku: str, price: int, usual: int, tax: int) -> None:
    """New prices as an owner writes them; reduced from ``usual`` where that is more."""
    held: Any = shop.counter.shop  # type: ignore[attr-defined]
    product = held.products[int(shop.goods[sku].external_id)]
    if shop.platform == "shopify":
        product.variants[0].price = Decimal(price)
    else:
        held.tax_rate = Decimal(tax)
        product.price, product.regular_price = Decimal(price), Decimal(max(usual, price))
        product.sale_price = Decimal(price) if usual > price else None
    held.save(product)


@given(
    tags=st.fixed_dictionaries({SCARF: prices, SOCKS: prices, TEA: prices}), usual=prices, tax=st.sampled_from([0, 11]),
    document=OFFERS, counts=st.tuples(st.integers(0, 7), st.integers(0, 3), st.integers(0, 3)).filter(any),
    several=st.integers(0, 4),
)  # fmt: skip
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_basket_costs_what_was_promised(
    counterpart: Counterpart, tags: dict[str, int], usual: int, tax: int, document: dict[str, Any],
    counts: tuple[int, int, int], several: int,
) -> None:  # fmt: skip
    random.seed()  # each example begins with the same seed, and a shop refuses requests signed with the same nonce
    for sku, price in tags.items():
        relabel(counterpart, sku, price, usual, tax)
    counterpart.goods = _wares([one for page in counterpart.counter.store.products(since=None) for one in page.items])
    assert {sku: counterpart.goods[sku].price_minor for sku in tags} == {sku: tag * 100 for sku, tag in tags.items()}
    if document["kind"] == "quantity_price":
        worth = tags[SCARF] * document["pieces"] * document["price"] // 100
        document = {**document, "price": str(max(worth, 1))}
    if how(offer_of(document), counterpart.able, counterpart.goods, "IDR").refused:
        return
    offer, made, terms, packs = counterpart.carry_out(document)
    lines = [Line(counterpart.goods[sku], n) for sku, n in zip((SCARF, SOCKS, TEA), counts, strict=True) if n]
    lines += [Line(pack_ware(pack), several) for pack in made.packs if several]
    assert made.terms is not None
    own = replace(made.terms, products=tuple(pack.sku for pack in made.packs) or made.terms.products)
    off = taken(own, deepest(offer) if own.by_rung else own.value, lines, counterpart.till)
    full = sum(line.worth for line in lines)
    promised = None if off is None else Decimal(full - off) / 100
    assert counterpart.order(lines, packs, counterpart.code(offer, terms)) == promised
