"""A visitor fills a cart, tries codes and orders, without script."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

import pytest
import requests

from plugin_server.demo.shop import ShopState
from tests.demo.conftest import Client


@dataclass
class Visitor:
    """A browser that sends forms."""

    url: str
    browser: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str) -> requests.Response:
        return self.browser.get(self.url + path, timeout=5)

    def send(self, path: str, **form: object) -> requests.Response:
        return self.browser.post(self.url + path, data=form, timeout=5)

    def take(self, id: int, quantity: int = 1) -> None:
        self.send("/cart/add", id=id)
        self.send("/cart/change", **{f"quantity_{id}": quantity})

    def checkout(self, do: str = "place", **form: str) -> requests.Response:
        return self.send("/checkout/", do=do, **{"name": "Siti Rahma", "email": "siti@contoh.test", "code": "", **form})


@pytest.fixture
def visitor(url: str) -> Visitor:
    visitor = Visitor(url)
    visitor.get("/?lang=en")
    return visitor


def told(page: requests.Response, css: str) -> list[str]:
    found = re.findall(rf'class="{css}"[^>]*>(.*?)</', page.text, re.DOTALL)
    return [html.unescape(text).strip() for text in found]


def paid(shop: ShopState) -> list[int]:
    return [order.id for order in shop.orders.values() if order.paid]


def test_the_window_speaks_indonesian_until_told_otherwise(url: str) -> None:
    visitor = Visitor(url)
    assert "Keranjang" in visitor.get("/").text
    assert "Cart" in visitor.get("/?lang=en").text
    assert "Cart" in visitor.get("/").text


def test_the_buttons_of_the_cart_carry_words(visitor: Visitor) -> None:
    visitor.take(12)
    assert told(visitor.get("/cart/?lang=en"), "button plain") == ["Update"]


def test_an_order_is_placed_and_paid(visitor: Visitor, shop: ShopState, api: Client) -> None:
    visitor.take(11, 4)
    visitor.take(15)
    page = visitor.checkout()
    assert "Thank you, Siti." in page.text
    order = api.get("orders", status="processing").json()[0]
    assert (order["total"], order["created_via"]) == ("214000", "store-api")
    assert (order["billing"]["email"], order["date_paid"] is not None) == ("siti@contoh.test", True)
    assert [(line["name"], line["quantity"]) for line in order["line_items"]] == [("Sabun", 4), ("Kaos - XL", 1)]
    assert "Your cart is empty." in visitor.get("/cart/").text
    assert f"#{order['id']}" in visitor.get("/").text


def test_a_personal_code_works_for_its_address_alone_and_once(visitor: Visitor, api: Client, shop: ShopState) -> None:
    api.coupon("UNTUKSITI", email_restrictions=["siti@contoh.test"], usage_limit=1)
    visitor.take(11, 4)
    page = visitor.checkout(code="untuksiti", email="orang.lain@contoh.test")
    assert told(page, "fault") == [
        "Code UNTUKSITI belongs to another e-mail address. Use the one the code was sent to."
    ]
    assert paid(shop) == []
    assert "saved you Rp10.000" in visitor.checkout(code="UntukSiti", email="SITI@contoh.test").text
    visitor.take(11, 4)
    assert told(visitor.checkout(code="untuksiti"), "fault") == ["Code UNTUKSITI has been used already."]
    assert len(paid(shop)) == 1


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"minimum_amount": "350000"}, "Code X works from Rp350.000 on."),
        ({"maximum_amount": "50000"}, "Code X works up to Rp50.000."),
        ({"date_expires": "2020-01-01"}, "Code X has expired."),
        ({"product_ids": [12]}, "Code X does not apply to the goods in this cart."),
    ],
)
def test_a_code_that_does_not_fit_says_why(
    visitor: Visitor, api: Client, shop: ShopState, rules: dict[str, object], said: str
) -> None:
    api.coupon("X", **rules)
    visitor.take(11, 4)
    assert told(visitor.checkout(code="x"), "fault") == [said]
    assert paid(shop) == []


def test_trying_a_code_shows_its_worth_and_orders_nothing(visitor: Visitor, api: Client, shop: ShopState) -> None:
    api.coupon("HEMAT")
    visitor.take(11, 4)
    page = visitor.checkout("apply", code="hemat")
    assert "Code HEMAT applied: Rp10.000 off." in page.text
    assert paid(shop) == []


def test_the_basket_is_kept_as_a_draft_once_the_address_is_known(
    visitor: Visitor, shop: ShopState, api: Client
) -> None:
    visitor.take(11)
    visitor.checkout("apply")
    drafts = [order for order in shop.orders.values() if order.status == "checkout-draft"]
    assert [draft.billing["email"] for draft in drafts] == ["siti@contoh.test"]
    visitor.checkout()
    assert paid(shop) == [drafts[0].id]
    assert api.ids("orders") == [drafts[0].id]


def test_what_is_missing_is_said_at_its_place(visitor: Visitor, shop: ShopState) -> None:
    visitor.take(11)
    page = visitor.checkout(name="", email="siti", code="TIDAKADA")
    assert told(page, "fault") == [
        "Enter your name.",
        "Enter a whole e-mail address, such as siti@contoh.test.",
        "There is no code TIDAKADA. Check its spelling.",
    ]
    assert shop.orders == {}


def test_a_guest_who_wants_promotions_says_so_on_the_order(visitor: Visitor, shop: ShopState) -> None:
    visitor.take(11)
    visitor.checkout(promotions="yes")
    visitor.take(12)
    visitor.checkout()
    wanted, not_asked = (shop.orders[id].meta for id in paid(shop))
    assert {entry.key: entry.value for entry in wanted}["_tangga_consent"] == "subscribed"
    assert not_asked == []


def test_shipping_is_free_from_a_quarter_of_a_million(visitor: Visitor, api: Client) -> None:
    visitor.take(11)
    visitor.checkout()
    visitor.take(12, 4)
    visitor.checkout()
    assert [order["shipping_total"] for order in api.get("orders").json()] == ["0", "15000"]


def test_a_confirmation_needs_the_key_of_its_order(visitor: Visitor, shop: ShopState, url: str) -> None:
    visitor.take(11)
    shown = visitor.checkout()
    assert "key=" in shown.url
    assert requests.get(f"{url}/order/{paid(shop)[0]}/?key=wrong", timeout=5).status_code == 404


@pytest.mark.parametrize("path", ["/product/tidak-ada/", "/order/1/", "/apa-ini"])
def test_missing_pages_are_missing(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_what_visitors_type_never_becomes_markup(visitor: Visitor) -> None:
    visitor.take(11)
    page = visitor.checkout(name='<script>alert("x")</script>', code='"><b>')
    assert "<script>" not in page.text
    assert '"><b>' not in page.text
