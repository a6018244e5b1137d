"""What happened in the double is still there after a restart, to the field."""

from __future__ import annotations

from pathlib import Path

from plugin_server.demo.generator import generate
from plugin_server.demo.shop.journal import Journal, Origin
from plugin_server.demo.shopify_shop import ShopState, compliance, stock
from plugin_server.demo.shopify_shop.model_made import Discount, RedeemCode
from plugin_server.demo.shopify_shop.selling import give_back, leave, place, quote
from plugin_server.demo.shopify_shop.state import KINDS
from plugin_server.demo.shopify_shop.stocking import note
from tests.shopify_shop.conftest import NOW

DATA = generate(seed=3, customers=40, now=NOW)


def opened(path: Path) -> tuple[ShopState, Journal]:
    shop, journal = ShopState(clock=lambda: NOW), Journal(path, Origin(3, 40, NOW), KINDS)
    stock(shop, DATA)
    journal.restore(shop)
    return shop, journal


def test_a_restart_forgets_nothing_and_brings_nothing_back(tmp_path: Path) -> None:
    shop, journal = opened(tmp_path / "journal")
    terms = {"value": {"percentage": 0.1}, "items": {"all": True}}
    code = RedeemCode(shop.next_id("DiscountRedeemCode"), "LOY-1")
    shop.save(
        Discount(shop.next_id("Discount"), "Basic", False, "Thanks", NOW, None, NOW, NOW, {"all": "ALL"}, gets=terms,
                 codes=[code], usage_limit=1)
    )  # fmt: skip
    basket = {next(iter(shop.variants)): 3}
    order = place(shop, quote(shop, basket, code="LOY-1", email="a@b.test"), email="a@b.test", name="A")
    give_back(shop, order, line=order.lines[0])
    leave(shop, quote(shop, basket), email="c@d.test")
    compliance.declare(shop, "https://app.test/hook")
    gone = next(iter(shop.orders.values()))
    shop.remove(gone)
    note(shop, f"gid://shopify/Order/{order.id}", "seen", "yes", "single_line_text_field")
    shop.save(next(reversed(shop.metafields.values())))
    journal.close()

    again, second = opened(tmp_path / "journal")
    second.close()
    for kind in KINDS:
        assert again.shelf(kind.__name__) == shop.shelf(kind.__name__), kind
    assert gone.id not in again.orders
    assert again.codes == shop.codes
    assert quote(again, basket, code="loy-1", email="x@y.test").refused is not None
    assert again.next_id("Order") == shop.next_id("Order")
    assert again.next_id("number") == shop.next_id("number")
