"""Packs are made once, set right when somebody changed them, hidden, and leak nothing to whoever finds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest
import requests

from connectors.base import StoreServices
from connectors.offer_types import Pack
from connectors.woocommerce.packs import body
from plugin_server.demo.shop.faults import Lost
from plugin_server.demo.shop.model import Product
from tests.contract.counters import Counter, opened
from tests.offers.shops import DATA


@pytest.fixture(scope="module")
def counter() -> Iterator[Counter]:
    """A shop that cannot count pieces."""
    with opened("woocommerce", DATA) as made:
        yield made


def shelf(counter: Counter) -> dict[int, Product]:
    found: dict[int, Product] = counter.shop.products  # type: ignore[attr-defined]
    return found


def pack(counter: Counter, pieces: int = 3, sku: str = "KKI-BAMBU") -> Pack:
    """So many of one product, at their full price."""
    one = next(product for product in shelf(counter).values() if product.sku == sku)
    price = int(one.price) * pieces * 100
    return Pack(
        f"TANGGA-{one.id}X{pieces}", f"{one.name} × {pieces}", price, "IDR", ((str(one.id), pieces),), 4_200_000, 90
    )


def ensure(counter: Counter, *packs: Pack) -> list[Any]:
    return list(cast(StoreServices, counter.store).ensure_packs(packs))


def test_a_pack_is_made_once_and_read_back_with_cost_and_supply(counter: Counter) -> None:
    first, again = ensure(counter, pack(counter)), ensure(counter, pack(counter))
    assert first == again
    assert first[0].error is None
    made = [product for product in shelf(counter).values() if product.sku == first[0].sku]
    assert [(one.price, one.visibility, one.status) for one in made] == [(117_000, "hidden", "publish")]
    told = counter.store.products(since=None)
    read = next(one for page in told for one in page.items if one.external_id == first[0].external_id)
    assert (read.unit_cost_minor, read.days_of_supply, read.price_minor) == (4_200_000, 90, 11_700_000)


def test_it_is_not_on_show_but_sold_at_its_full_price_by_its_link(counter: Counter) -> None:
    [made] = ensure(counter, pack(counter, 4))
    base = counter.shop.base  # type: ignore[attr-defined]
    assert "× 4" not in requests.get(base, timeout=10).text
    page = requests.get(made.url, timeout=10)
    assert page.ok
    assert "156.000" in page.text


@pytest.mark.parametrize(
    "change",
    [
        {"price": Decimal(1), "regular_price": Decimal(1)},
        {"visibility": "visible"},
        {"status": "draft"},
        {"price": Decimal(1), "sale_price": Decimal(1)},
    ],
)
def test_what_somebody_changed_is_set_right(counter: Counter, change: dict[str, Any]) -> None:
    [made] = ensure(counter, pack(counter, 5))
    held = shelf(counter)[int(made.external_id)]
    for name, value in change.items():
        setattr(held, name, value)
    assert ensure(counter, pack(counter, 5)) == [made]
    assert (int(held.price), held.visibility, held.status) == (195_000, "hidden", "publish")


def test_a_new_price_of_the_goods_makes_no_second_pack(counter: Counter) -> None:
    [made] = ensure(counter, pack(counter, 6))
    [dearer] = ensure(counter, replace(pack(counter, 6), price_minor=24_000_000))
    assert dearer.external_id == made.external_id
    assert int(shelf(counter)[int(made.external_id)].price) == 240_000


def test_a_lost_answer_leaves_one_pack(counter: Counter) -> None:
    counter.store.info()
    counter.faults.once("/products", Lost(), method="POST")  # type: ignore[attr-defined]
    [made] = ensure(counter, pack(counter, 7))
    assert made.external_id
    assert len([one for one in shelf(counter).values() if one.sku == made.sku]) == 1


def test_a_product_of_the_shops_own_under_our_sku_is_left_alone(counter: Counter) -> None:
    [made] = ensure(counter, pack(counter, 8))
    held = shelf(counter)[int(made.external_id)]
    held.meta, held.price = [], held.price - 1
    [refused] = ensure(counter, pack(counter, 8))
    assert refused.error == f"The shop has a product of its own with the SKU {made.sku}. Give that another SKU."
    assert int(held.price) == 311_999


def test_a_pack_of_goods_that_are_gone_is_not_made(counter: Counter) -> None:
    [refused] = ensure(counter, replace(pack(counter), sku="TANGGA-999999X3", parts=(("999999", 3),)))
    assert "no longer has a product" in (refused.error or "")
    [other] = ensure(counter, replace(pack(counter), currency="EUR"))
    assert other.error == "The shop counts in IDR, the pack in EUR."


@pytest.mark.parametrize(
    ("pictures", "asked"),
    [
        ([{"id": 31}, {"id": 32}], [{"id": 31}]),
        ([{"id": 0, "src": "https://cdn.example/a.png"}], None),
        ([{}], None),
        ([], None),
    ],
)
def test_a_picture_that_the_shop_does_not_hold_is_left_out(counter: Counter, pictures: list[Any], asked: Any) -> None:
    # The shop answers 400 woocommerce_product_invalid_image_id to a picture that is not in its own library.
    assert body(pack(counter), {"images": pictures}).get("images") == asked
