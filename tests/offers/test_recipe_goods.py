"""Recipes that name goods are filled with the shop's own, and can be activated as they are."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, text

from campaigns.recipes import YOURS, recipes
from campaigns.schema import parse
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import preview, run
from plugin_server.jobs.campaigning.recipe_goods import filled, round_sum
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import add_order

GOODS = {
    "POT": ("Tea pot", 40_000_00, 15_000_00), "TEA": ("Green tea", 25_000_00, 10_000_00),
    "BAG": ("Small bag", 9_000_00, 4_000_00), "LOSS": ("Sold at a loss", 5_000_00, 9_000_00),
    "NEW": ("New blend", 30_000_00, 12_000_00),
}  # fmt: skip
SOLD = (
    (1, "2027-01-02", {"LOSS": 30, "TEA": 5, "BAG": 1}),
    (1, "2027-02-02", {"POT": 1}),
    (2, "2027-01-03", {"TEA": 5, "BAG": 1}),
    (3, "2027-01-03", {"POT": 2, "BAG": 2}),
    (3, "2027-01-20", {"POT": 1}),
)


@pytest.fixture
def shelf(app: Services, merchant: int) -> Services:
    """A shop with five goods, one of which sells most and earns nothing."""
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        for sku, (title, price, cost) in GOODS.items():
            conn.execute(
                text("INSERT INTO product (merchant_id, store_id, external_id, sku, title, price_minor, currency, "
                     "unit_cost_minor, category_ids) VALUES (:m, :s, :x, :sku, :t, :p, 'IDR', :c, '{}')"),
                {"m": merchant, "s": store, "x": f"x{sku}", "sku": sku, "t": title, "p": price, "c": cost},
            )  # fmt: skip
        conn.execute(text("UPDATE product SET url = 'https://shop.example/' || sku, listed = sku <> 'NEW'"))
        for number, (who, at, lines) in enumerate(SOLD):
            _sold(conn, merchant, store, number, who, at, lines)
    return app


def _sold(conn: Connection, merchant: int, store: Any, number: int, who: int, at: str, lines: dict[str, int]) -> None:
    whole = sum(GOODS[sku][1] * n for sku, n in lines.items())
    order = add_order(conn, merchant, who, store=store, external=f"g{number}", at=f"{at} 03:00+00", total_minor=whole)
    for place, (sku, n) in enumerate(lines.items()):
        conn.execute(
            text("INSERT INTO order_line (merchant_id, order_id, position, product_external_id, sku, title, quantity, "
                 "total_minor) VALUES (:m, :o, :l, :p, :sku, :sku, :n, :t)"),
            {"m": merchant, "o": order, "l": place, "p": f"x{sku}", "sku": sku, "n": n, "t": GOODS[sku][1] * n},
        )  # fmt: skip


def test_each_recipe_gets_goods_that_fit_it_and_passes_every_look(shelf: Services, merchant: int) -> None:
    found = {}
    with tenant(shelf.engine, merchant) as conn:
        for recipe in recipes():
            document, chosen = filled(conn, recipe.document, NOW)
            made = parse(document)
            preview.check(conn, made, public_url="https://x.example", now=NOW)
            run.check(conn, made, NOW, shelf.settings)
            if chosen:
                found[recipe.key] = (chosen.why, *chosen.refs)
                assert YOURS not in str(document["offer"])
            else:
                assert document == recipe.document
    assert found == {
        "three_for_less": ("best", "TEA"), "one_more": ("again", "POT"), "gift": ("along", "BAG"),
        "members_price": ("members", "TEA", "BAG", "POT"), "early_access": ("new", "NEW"),
    }  # fmt: skip


def test_three_cost_a_round_sum_and_the_shop_without_goods_keeps_the_place(
    app: Services, merchant: int, shelf: Services
) -> None:
    three = next(one.document for one in recipes() if one.key == "three_for_less")
    with tenant(app.engine, merchant) as conn:
        document, _ = filled(conn, three, NOW)
        assert (document["offer"]["price"], document["offer"]["pieces"]) == ("70000.00", 3)
        conn.execute(text("DELETE FROM product"))
        assert filled(conn, three, NOW) == (three, None)
    assert [round_sum(one) for one in (6_975_000, 2017, 99, 7, 0)] == [7_000_000, 2000, 99, 7, 0]
