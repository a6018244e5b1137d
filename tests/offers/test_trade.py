"""The margin that the guard goes by, reckoned by hand: goods without a cost, and goods priced in other money."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import text

from campaigns.offers.margin import judge
from campaigns.offers.offer import offer_of
from plugin_server.db.offers import codes
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import add_order

PRODUCT = """
INSERT INTO product (merchant_id, store_id, external_id, sku, title, price_minor, unit_cost_minor, currency)
VALUES (:m, :s, :x, :x, :x, 100000, :c, :money)
"""
LINE = """
INSERT INTO order_line (merchant_id, order_id, position, product_external_id, quantity, total_minor, discount_minor)
VALUES (:m, :o, :place, :x, 1, 90000, 10000)
"""


def test_the_margin_rests_on_what_has_a_cost_in_the_same_money(app: Services, merchant: int) -> None:
    goods = (("beans", "IDR", 60_000), ("cup", "IDR", None), ("mug", "EUR", 50_000), ("tin", "IDR", 95_000))
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        order = add_order(conn, merchant, 1, store=store, external="mixed", at="2027-02-01 00:00+00")
        for place, (sku, money, cost) in enumerate(goods):
            told = {"m": merchant, "s": store, "x": sku, "c": cost, "money": money, "o": order, "place": place}
            conn.execute(text(PRODUCT), told)
            if sku != "tin":
                conn.execute(text(LINE), told)
        trade = codes.trade(conn, NOW)
        plain = judge(offer_of({"kind": "percentage", "value": "10"}), "IDR", trade)
        dear = judge(offer_of({"kind": "percentage", "value": "40"}), "IDR", trade)
        named = [
            judge(offer := offer_of({"kind": "percentage", "value": "10", "products": [sku]}), "IDR",
                  codes.trade(conn, NOW, offer))
            for sku in ("cup", "tin")
        ]  # fmt: skip
    # Of three lines of 100,000 one has a cost in rupiah: 60,000. The mug's cost is in euro and says nothing here.
    assert (trade.margin, trade.covered) == (Decimal("0.4"), Decimal(1) / 3)
    assert (plain.ok, plain.uplift, plain.extra, plain.guessed) == (True, Decimal(1) / 3, Decimal("0.25"), True)
    assert (dear.ok, dear.uplift, dear.guessed) == (False, None, True)
    # Goods without a cost are taken to earn what the others do; those with one, what they do.
    assert [(one.ok, one.margin, one.guessed) for one in named] == [
        (True, Decimal("0.4"), True), (False, Decimal("0.05"), False),
    ]  # fmt: skip
