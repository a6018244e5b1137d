"""A visitor of the double: the shop is the judge of a code."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from plugin_server.demo.shopify_shop.model import Customer
from plugin_server.demo.shopify_shop.model_made import Discount, RedeemCode
from plugin_server.demo.shopify_shop.selling import place, quote
from tests.shopify_shop.conftest import NOW, Client

HOUR = timedelta(hours=1)


def discount(shopify: Client, code: str = "LOY-1", **terms: Any) -> Discount:
    shop = shopify.shop
    id = shop.next_id("Discount")
    given = {
        "context": {"all": "ALL"}, "gets": {"value": {"percentage": 0.1}, "items": {"all": True}},
        "codes": [RedeemCode(shop.next_id("DiscountRedeemCode"), code)], **terms,
    }  # fmt: skip
    form = given.pop("form", "Basic")
    made = Discount(id, form, False, code, NOW - HOUR, None, NOW, NOW, **given)
    shop.save(made)
    return made


def dearest(shopify: Client) -> int:
    return max(shopify.shop.variants.values(), key=lambda one: one.price).id


def visit(shopify: Client, code: str, email: str, *, do: str = "place") -> requests.Response:
    """Put the dearest thing into the cart, type name, address and code, and press the button."""
    visitor = requests.Session()
    visitor.post(f"{shopify.origin}/cart/add?lang=en", data={"id": dearest(shopify)}, timeout=10)
    form = {"name": "Wati Utami", "email": email, "code": code, "promotions": "yes", "do": do}
    answer = visitor.post(f"{shopify.origin}/checkout/?lang=en", data=form, timeout=10)
    visitor.close()
    return answer


def test_a_code_is_applied_and_the_order_carries_it(shopify: Client) -> None:
    made = discount(shopify)
    answer = visit(shopify, "loy-1", "wati@contoh.test")
    assert "Thank you, Wati." in answer.text
    order = max(shopify.shop.orders.values(), key=lambda one: one.id)
    price = shopify.shop.variants[dearest(shopify)].price
    assert (order.codes, order.discounts) == (["LOY-1"], (price / 10).quantize(Decimal(1)))
    assert made.codes[0].uses == {order.id: "wati@contoh.test"}
    buyer = shopify.shop.customer_by_email("wati@contoh.test")
    assert buyer is not None
    assert (buyer.email_state, order.customer_id) == ("SUBSCRIBED", buyer.id)


def test_the_till_refuses_a_code_that_does_not_hold_and_says_why(shopify: Client) -> None:
    shop = shopify.shop
    owner = Customer(shop.next_id("Customer"), "owner@contoh.test", NOW, NOW)
    shop.save(owner)
    discount(shopify, "MINE", context={"customers": [owner.id]})
    discount(shopify, "OVER", usage_limit=1).codes[0].uses[1] = "other@contoh.test"
    discount(shopify, "RICH", minimum={"subtotal": "9000000"})
    late = discount(shopify, "LATE")
    late.ends_at = NOW
    discount(shopify, "ELSE", gets={"value": {"percentage": 0.5}, "items": {"products": [1]}})
    before = len(shop.orders)
    for code, said in (
        ("NONE", "There is no code NONE."), ("MINE", "belongs to another e-mail address"), ("LATE", "has expired"),
        ("OVER", "has been used already"), ("RICH", "works from Rp9.000.000 on"), ("ELSE", "does not apply"),
    ):  # fmt: skip
        answer = visit(shopify, code, "wati@contoh.test")
        assert (answer.status_code, said in answer.text) == (422, True), code
    assert len(shop.orders) == before
    assert "Thank you" in visit(shopify, "MINE", "Owner@Contoh.test").text


def test_once_per_customer_and_fixed_amounts_and_free_shipping(shopify: Client) -> None:
    shop = shopify.shop
    once = discount(
        shopify, "ONCE", once_per_customer=True, gets={"value": {"amount": "20000"}, "items": {"all": True}}
    )
    cheapest = min(shop.variants.values(), key=lambda one: one.price).id
    first = quote(shop, {cheapest: 1}, code="ONCE", email="a@contoh.test")
    assert (first.discount, first.shipping) == (Decimal(20_000), Decimal(15_000))
    place(shop, first, email="a@contoh.test", name="A")
    again = quote(shop, {cheapest: 1}, code="ONCE", email="A@contoh.test").refused
    assert again is not None
    assert again.kind == "limit"
    assert len(once.codes[0].uses) == 1
    discount(shopify, "SHIP", form="FreeShipping", gets={})
    free = quote(shop, {cheapest: 1}, code="SHIP", email="a@contoh.test")
    assert (free.discount, free.shipping) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize(("pieces", "free"), [(2, 0), (3, 1), (5, 1), (6, 2)])
def test_buy_two_get_one(shopify: Client, pieces: int, free: int) -> None:
    discount(
        shopify, "B2G1", form="Bxgy",
        buys={"items": {"all": True}, "value": {"quantity": 2}},
        gets={"items": {"all": True}, "value": {"quantity": 1, "effect": {"percentage": 1.0}}},
    )  # fmt: skip
    id = dearest(shopify)
    priced = quote(shopify.shop, {id: pieces}, code="B2G1", email=None)
    assert priced.discount == shopify.shop.variants[id].price * free
    assert (priced.refused is None) is bool(free)


def test_every_page_answers_and_a_basket_left_behind_is_a_checkout(shopify: Client) -> None:
    handle = next(iter(shopify.shop.products.values())).handle
    for path in ("/", f"/products/{handle}", "/cart/", "/checkout/", "/assets/shop.css", "/discount/LOY-1"):
        assert requests.get(f"{shopify.origin}{path}", timeout=10).status_code == 200
    assert requests.get(f"{shopify.origin}/products/nothing", timeout=10).status_code == 404
    before = len(shopify.shop.checkouts)
    visit(shopify, "", "left@contoh.test", do="apply")
    assert len(shopify.shop.checkouts) == before + 1
