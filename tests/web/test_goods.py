"""Choosing the goods of an offer: searched and ticked without a script; what no shop has is refused at its field."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import text

from campaigns.recipes import recipes
from plugin_server.db.session import tenant
from plugin_server.db.shops import goods_search
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.filled import filled

PATH = "offer.quantity_price.products"
GOODS = (
    ("1", None, "SOAP", "Sabun Sirih", 25000, 9000, "https://pictures.example/soap.jpg", True),
    ("2", None, "SOAP-XL", "Sabun Besar 100%", 40000, None, "http://unsafe.example/x.jpg", True),
    ("3", None, "", "Kemeja", 90000, 50000, "https://pictures.example/shirt.jpg", True),
    ("31", "3", "K-M", "Kemeja - M", 90000, None, None, True),
    ("32", "3", "K-L", "Kemeja - L", 95000, None, None, True),
    ("4", None, "OLD", "Sabun Lama", 1000, None, None, False),
    ("5", None, "1", "Sabun Aneh", 7000, None, None, True),
    ("6", None, "TANGGA-1X3", "Sabun Sirih (3×)", 75000, None, None, True),
)


@pytest.fixture
def shelf(app: Services, merchant: int, woo: int) -> int:
    with tenant(app.engine, merchant) as connection:
        connection.execute(
            text("""INSERT INTO product (merchant_id, store_id, external_id, parent_external_id, sku, title,
                price_minor, currency, unit_cost_minor, image_url, active, category_ids)
                VALUES (:m, :s, :id, :up, :sku, :title, :price, 'IDR', :cost, :picture, :active, '{}')"""),
            [
                {"m": merchant, "s": woo, "id": number, "up": up, "sku": sku, "title": title, "price": price * 100,
                 "cost": cost and cost * 100, "picture": picture, "active": active}
                for number, up, sku, title, price, cost, picture, active in GOODS
            ],
        )  # fmt: skip
    return woo


def plain(page: str) -> str:
    return " ".join(unescape(re.sub("<[^>]*>", " ", page)).split())


RECIPE = next(one.campaign for one in recipes() if one.key == "three_for_less")


def fields(**changed: str | list[str]) -> dict[str, object]:
    return {**filled(RECIPE), PATH: [], "base": "recipe:three_for_less", **changed}


@pytest.mark.parametrize(
    ("wish", "refs"),
    [("sabun", ["5", "SOAP-XL", "SOAP"]), ("SOAP", ["SOAP-XL", "SOAP"]), ("100%", ["SOAP-XL"]), ("_", []),
     ("kemeja", ["3", "K-L", "K-M"]), ("m kemeja", ["3", "K-L", "K-M"]), ("k-m", ["K-M"]), ("", []), ("\\", [])],
)  # fmt: skip
def test_a_search_finds_what_is_sold_by_name_and_sku(
    app: Services, merchant: int, shelf: int, wish: str, refs: list[str]
) -> None:
    with tenant(app.engine, merchant) as connection:
        assert [good.ref for good in goods_search.found(connection, wish).goods] == refs


def test_what_a_search_does_not_show_is_counted_and_each_ref_means_the_same_goods(
    app: Services, merchant: int, shelf: int
) -> None:
    with tenant(app.engine, merchant) as connection:
        first = goods_search.found(connection, "sabun", limit=1)
        assert ([good.ref for good in first.goods], first.more) == (["5"], 2)
        shown = goods_search.found(connection, "a").goods
        meant = goods_search.named(connection, [good.ref for good in shown])
        assert {good.ref: good for good in shown} == meant
        shirt = meant["3"]
        assert (shirt.low_minor, shirt.high_minor, shirt.sizes, shirt.cost_minor) == (9000000, 9500000, 2, 5000000)


def test_goods_are_searched_ticked_and_saved_without_a_script(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int, shelf: int
) -> None:
    visitor = logged_in("marketer")
    assert "YOUR-SKU" not in visitor.get("/campaigns/new?recipe=three_for_less").text
    # Enter in the search field presses the form's first button, and must search rather than save.
    answer = visitor.post("/campaigns/new", fields(**{"do": "enter", f"find.{PATH}": "sabun"}))
    assert answer.status_code == 200
    assert "img-src 'self' https:;" in answer.headers["Content-Security-Policy"]
    shown = plain(answer.text)
    assert "Sabun Sirih SOAP Rp25,000 · costs you Rp9,000" in shown
    assert "Sabun Besar 100% SOAP-XL Rp40,000 · cost not known" in shown
    assert f'name="{PATH}" value="SOAP">' in answer.text
    assert "https://pictures.example/soap.jpg" in answer.text
    assert "unsafe.example" not in answer.text
    ticked = visitor.post("/campaigns/build", fields(**{"do": "find", PATH: ["SOAP"], f"find.{PATH}": "sabun"})).text
    assert f'name="{PATH}" value="SOAP" checked>' in ticked
    assert ticked.count('value="SOAP"') == 1
    saved = visitor.post("/campaigns/new", fields(**{"do": "save", PATH: ["SOAP"], f"find.{PATH}": "sabun"}))
    assert saved.status_code == 302, plain(saved.text)
    with tenant(app.engine, merchant) as connection:
        kept = connection.scalar(text("SELECT definition -> 'offer' ->> 'products' FROM campaign_version"))
    assert kept == '["SOAP"]'


def test_goods_are_found_and_ticked_within_a_step_of_a_series(logged_in: Callable[[str], Visitor], shelf: int) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new?recipe=three_for_less")
    step = {f"s0.{name}": value for name, value in fields().items() if name.startswith("offer.")}
    sent = {**fields(), **step, "shape": "series", "s0.kind": "offer", "s0.key": "gift", f"s0.find.{PATH}": "sabun"}
    shown = visitor.post("/campaigns/build", {**sent, "do": "find", f"s0.{PATH}": ["SOAP"]}).text
    assert f'name="s0.{PATH}" value="SOAP" checked>' in shown
    assert f'name="s0.{PATH}" value="SOAP-XL">' in shown
    assert "Sabun Besar" in plain(shown)


@pytest.mark.parametrize(
    ("refs", "price", "place", "sentence"),
    [(["NIX"], "70000", PATH, "The shop has no NIX with a price."),
     (["OLD"], "70000", PATH, "Sabun Lama is not on sale in this shop."),
     (["3"], "70000", PATH, "The sizes of Kemeja cost differently. Name one size by its SKU."),
     (["SOAP", "SOAP-XL"], "70000", PATH, "The products cost differently"),
     (["SOAP"], "75000", "offer.quantity_price.price", "the offer takes nothing off")],
)  # fmt: skip
def test_what_no_shop_can_give_is_not_saved_and_says_why_at_its_field(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int, shelf: int, refs: list[str], price: str,
    place: str, sentence: str,
) -> None:  # fmt: skip
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")
    given = fields(**{"do": "save", PATH: refs, "offer.quantity_price.price": price})
    answer = visitor.post("/campaigns/new", given)
    assert answer.status_code == 422
    [fault] = re.findall(rf'<p class="fault" id="h-{re.escape(place)}">(.*?)</p>', answer.text)
    assert sentence in unescape(fault)
    assert sentence in plain(visitor.post("/campaigns/build/told", given).text)
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM campaign")) == 0
        connection.execute(text("UPDATE user_account SET locale = 'id'"))
    assert sentence not in visitor.post("/campaigns/new", given).text
