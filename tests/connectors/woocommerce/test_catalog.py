"""Accounts, products, categories, reviews, and writing rungs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import Store
from connectors.errors import ConnectorError
from connectors.woocommerce import connect
from tests.connectors.server import Answer, Asked
from tests.connectors.woocommerce.shop import KEY, NOW, SECRET, Shop, open_shop
from tests.connectors.woocommerce.test_mapping import customer_row, product_row


def test_a_woocommerce_shop_is_a_store() -> None:
    store: Store = connect("https://toko.example", KEY, SECRET)
    assert store


def test_all_accounts_but_staffs() -> None:
    shop = Shop()
    shop.lists["customers"] = [customer_row(id=number) for number in range(1, 150)]
    shop.lists["customers"].append(customer_row(id=200, role="administrator"))
    shop.lists["customers"].append(customer_row(id=201, email="", billing={}))
    with open_shop(shop) as (store, server):
        found = [customer for page in store.customers(since=NOW) for customer in page.items]
    assert [customer.external_id for customer in found] == [*(str(number) for number in range(1, 150)), "201"]
    assert found[-1].email is None
    assert {asked.query["role"] for asked in server.asked} == {"all"}


def test_one_account_afresh() -> None:
    shop = Shop()
    shop.lists["customers"] = [customer_row(id=7), customer_row(id=8, role="administrator")]
    with open_shop(shop) as (store, _):
        found = store.customer("7")
        assert found is not None
        assert found.email == "BUDI@Contoh.test"
        assert (store.customer("8"), store.customer("9"), store.customer("x")) == (None, None, None)


def test_products_with_their_variations() -> None:
    shop = Shop()
    shop.lists["products"] = [product_row(id=20), product_row(id=22, type="variable", variations=[23], name="Kaos")]
    shop.lists["products/22/variations"] = [product_row(id=23, name="S", parent_id=22), product_row(id=24, price="x")]
    with open_shop(shop) as (store, server):
        page = next(store.products(since=None))
    assert [(item.external_id, item.title) for item in page.items] == [
        ("20", "Gula & Aren 500g"),
        ("22", "Kaos"),
        ("23", "Kaos - S"),
    ]
    assert [place for place, _ in page.faults] == ["products/24.price"]
    assert not [asked for asked in server.asked if "/20/variations" in asked.path]


def test_products_changed_since() -> None:
    with open_shop(Shop()) as (store, server):
        list(store.products(since=NOW))
    asked = server.asked[-1]
    assert (asked.query["modified_after"], asked.query["dates_are_gmt"]) == ("2026-11-22T06:58:59", "true")


def test_one_product_afresh_or_none() -> None:
    shop = Shop()
    shop.lists["products"] = [product_row(id=20)]
    with open_shop(shop) as (store, _):
        found = store.product("20")
        assert found is not None
        assert (found.currency, found.price_minor) == ("IDR", 3_000_000)
        assert store.product("196") is None


@pytest.mark.parametrize("most", [100, 40], ids=["a hundred on a page", "a host that allows forty"])
def test_categories_beyond_one_page(most: int) -> None:
    shop = Shop()
    shop.most = most
    shop.lists["products/categories"] = [{"id": number, "name": "A &amp; B", "parent": 1} for number in range(1, 131)]
    with open_shop(shop) as (store, _):
        found = [item for page in store.categories() for item in page.items]
    assert len(found) == 130
    assert (found[5].name, found[5].parent_external_id) == ("A & B", "1")


def test_a_list_that_never_ends_is_not_read_for_ever() -> None:
    shop = Shop()
    rows = [{"id": number, "name": "A", "parent": 0} for number in range(1, 101)]
    shop.before = lambda asked: Answer(rows) if asked.path.endswith("categories") else None
    with open_shop(shop) as (store, server), pytest.raises(ConnectorError) as caught:
        list(store.categories())
    assert (caught.value.code, len(server.asked)) == ("no_paging", 2)


def test_reviews_look_back_for_what_was_approved_late() -> None:
    shop = Shop()
    shop.lists["products/reviews"] = [
        {
            "id": 1,
            "product_id": 20,
            "reviewer_email": "a@b.test",
            "review": "<p>Ok</p>",
            "rating": 4,
            "status": "approved",
            "date_created_gmt": "2026-11-01T00:00:00",
        },
        {"id": 2, "rating": 9, "date_created_gmt": "2026-11-01T00:00:00"},
    ]
    with open_shop(shop) as (store, server):
        page = next(store.reviews(since=NOW))
    assert [review.rating for review in page.items] == [4]
    assert [place for place, _ in page.faults] == ["reviews/2.rating"]
    assert server.asked[-1].query["after"] == (NOW - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S")


def rung_shop(refuse: set[int]) -> Shop:
    def batch(asked: Asked) -> Answer | None:
        if not asked.path.endswith("customers/batch"):
            return None
        error = {"code": "wc_user_invalid_id", "message": "Invalid user ID.", "data": {"status": 400}}
        items = [{"id": 0, "error": error} if item["id"] in refuse else item for item in asked.json["update"]]
        return Answer({"update": items})

    shop = Shop()
    shop.before = batch
    return shop


def test_rungs_are_written_in_hundreds_and_refusals_named() -> None:
    rungs = {str(number): ("member", "Anggota") for number in range(1, 251)} | {"tamu": ("suspect", "Calon")}
    with open_shop(rung_shop({7, 208})) as (store, server):
        refused = store.write_rungs(rungs).refused
    assert refused == {
        "7": "Invalid user ID.",
        "208": "Invalid user ID.",
        "tamu": "This is not a customer's number.",
    }
    batches = [asked.json["update"] for asked in server.asked if asked.method == "POST"]
    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert batches[0][0] == {
        "id": 1,
        "meta_data": [{"key": "tangga_rung", "value": "member"}, {"key": "tangga_rung_name", "value": "Anggota"}],
    }


def test_an_unreadable_answer_to_rungs_is_an_error() -> None:
    shop = Shop()
    shop.before = lambda asked: Answer({"update": []}) if asked.method == "POST" else None
    with open_shop(shop) as (store, _), pytest.raises(ConnectorError) as caught:
        store.write_rungs({"1": ("member", "Member")})
    assert caught.value.code == "shape"


def test_a_list_that_is_no_list_is_an_error() -> None:
    shop = Shop()
    shop.before = lambda asked: Answer({"orders": []})
    with open_shop(shop) as (store, _), pytest.raises(ConnectorError, match="something else than a list"):
        list(store.orders(since=None))
