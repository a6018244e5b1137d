"""Whatever goods cost, reduced or not, taxed or not, and however a basket is filled: the tills charge what we say."""

from __future__ import annotations

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


def offers(price: int) -> st.SearchStrategy[dict[str, Any]]:
    """Every kind that takes something off at the till; ``price`` is that of one scarf."""
    minimum = st.fixed_dictionaries({}, optional={"minimum": sums})
    kinds = {
        "percentage": {"value": shares, "products": st.sampled_from([[], [SCARF], [SCARF, SOCKS]])},
        "fixed": {"value": sums},
        "free_shipping": {},
        "member_only": {"value": shares, "products": st.just([SOCKS, TEA])},
        "gift": {"spend": sums, "product": st.just(SOCKS)},
        "buy_get": {
            "buy": st.integers(1, 4), "get": st.integers(1, 2), "products": st.just([SCARF]),
            "times": st.integers(1, 3),
            "get_products": st.sampled_from([[], [SOCKS]]),
        },
    }  # fmt: skip
    plain = [
        st.tuples(
            st.fixed_dictionaries(own), minimum if kind in ("percentage", "fixed", "free_shipping") else st.just({})
        ).map(lambda told, kind=kind: {"kind": kind, **told[0], **told[1]})
        for kind, own in kinds.items()
    ]  # fmt: skip
    several = st.tuples(st.integers(2, 5), st.integers(1, 3), st.integers(1, 99)).map(
        lambda told: {"kind": "quantity_price", "pieces": told[0], "times": told[1], "products": [SCARF],
                      "price": str(max(price * told[0] * told[2] // 100, 1))}
    )  # fmt: skip
    return st.one_of(*plain, several)


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


@given(st.data())
@settings(max_examples=14, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_basket_costs_what_was_promised(counterpart: Counterpart, data: st.DataObject) -> None:
    tags = {sku: data.draw(prices, sku) for sku in (SCARF, SOCKS, TEA)}
    usual, tax = data.draw(prices, "usual"), data.draw(st.sampled_from([0, 11]), "tax")
    for sku, price in tags.items():
        relabel(counterpart, sku, price, usual, tax)
    counterpart.goods = _wares([one for page in counterpart.counter.store.products(since=None) for one in page.items])
    assert {sku: counterpart.goods[sku].price_minor for sku in tags} == {sku: tag * 100 for sku, tag in tags.items()}
    document = data.draw(offers(tags[SCARF]), "offer")
    if how(offer_of(document), counterpart.able, counterpart.goods, "IDR").refused:
        return
    offer, made, terms, packs = counterpart.carry_out(document)
    counts = data.draw(st.tuples(st.integers(0, 7), st.integers(0, 3), st.integers(0, 3)).filter(any), "counts")
    lines = [Line(counterpart.goods[sku], n) for sku, n in zip((SCARF, SOCKS, TEA), counts, strict=True) if n]
    for pack in made.packs:
        if several := data.draw(st.integers(0, 4), "packs"):
            lines.append(Line(pack_ware(pack), several))
    assert made.terms is not None
    own = replace(made.terms, products=tuple(pack.sku for pack in made.packs) or made.terms.products)
    off = taken(own, deepest(offer) if own.by_rung else own.value, lines, counterpart.till)
    full = sum(line.worth for line in lines)
    promised = None if off is None else Decimal(full - off) / 100
    assert counterpart.order(lines, packs, counterpart.code(offer, terms)) == promised
