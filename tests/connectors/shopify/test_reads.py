"""What a shop says of itself, its name, its customers, products, collections and left baskets."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.errors import ForbiddenHost
from connectors.shopify import connect, mapping
from connectors.shopify.catalog import CatalogReader
from connectors.shopify.names import shop_name
from connectors.types import Customer, OrderStatus, Product
from tests.connectors.server import Answer
from tests.connectors.shopify.shop import NOW, TOKEN, Row, a_client, customer_row, money, page, running, top_error

SHOP = {
    "shop": {
        "name": "Toko Kopi", "myshopifyDomain": "toko.myshopify.com", "url": "https://toko.myshopify.com",
        "primaryDomain": {"url": "https://toko.example"}, "currencyCode": "IDR", "ianaTimezone": "Asia/Jakarta",
        "plan": {"publicDisplayName": "Basic", "partnerDevelopment": False, "shopifyPlus": False},
        "customerAccountsV2": {"customerAccountsVersion": "NEW_CUSTOMER_ACCOUNTS"},
    },
    "currentAppInstallation": {"accessScopes": [{"handle": handle} for handle in (
        "read_orders", "write_customers", "read_products", "write_discounts",
        "write_store_credit_account_transactions")]},
    "storeCreditConfiguration": {"storeCreditEnabled": True},
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "name"),
    [("toko", "toko"), (" TOKO.myshopify.com ", "toko"), ("https://toko.myshopify.com/admin?x=1", "toko"),
     ("https://admin.shopify.com/store/toko/orders", "toko")],
)  # fmt: skip
def test_the_shop_is_found_in_what_an_owner_pastes(typed: str, name: str) -> None:
    assert shop_name(typed) == f"{name}.myshopify.com"


@pytest.mark.parametrize(
    "typed",
    ["", "evil.com", "toko.myshopify.com.evil.com", "toko.myshopify.com@evil.com", "evil.com/toko.myshopify.com",
     "toko.myshopify.com:8080", "toko.myshopify.com\nX: y", "tökö", "a" * 400, "admin.shopify.com/store/../evil"],
)  # fmt: skip
def test_anything_else_is_no_shop_and_gets_no_token(typed: str) -> None:
    with pytest.raises(ForbiddenHost):
        connect(typed, lambda: TOKEN)


def test_a_shop_tells_of_itself_and_of_what_it_granted() -> None:
    with running() as (shop, server):
        shop.answers["Shop"] = lambda v: SHOP
        store = connect("toko", lambda: TOKEN, origin=server.url, allow_private=True, clock=lambda: NOW)
        info = store.info()
        assert store.currency() == "IDR"
        store.close()
    assert shop.names() == ["Shop"]
    assert (info.name, info.url, info.timezone) == ("Toko Kopi", "https://toko.myshopify.com", "Asia/Jakarta")
    assert info.platform_version == "2026-10"
    assert info.capabilities == {
        "codes", "automatic_discounts", "bulk_codes", "unit_cost", "abandoned_checkouts", "consent", "rungs", "tags",
        "store_credit",
        "credit_switched_on",
        "new_accounts",
    }  # fmt: skip


def test_a_customer_in_our_words() -> None:
    assert mapping.customer(customer_row(42), now=NOW) == Customer(
        external_id="42", email="c42@contoh.test", first_name="Sari", last_name="Dewi", country="ID", language="id",
        created_at=datetime(2026, 1, 2, tzinfo=UTC), updated_at=datetime(2026, 11, 1, tzinfo=UTC),
        birthday=date(1990, 5, 17), consent="subscribed", consent_at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        consent_source="shopify confirmed_opt_in", tags=("vip",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "consent"),
    [("SUBSCRIBED", "subscribed"), ("UNSUBSCRIBED", "unsubscribed"), ("PENDING", "pending"), ("NOT_SUBSCRIBED", None),
     ("INVALID", None), ("SOMETHING_NEW", None)],
)  # fmt: skip
def test_consent_is_never_assumed(state: str, consent: str | None) -> None:
    mail = {**customer_row(1)["defaultEmailAddress"], "marketingState": state}
    found = mapping.customer(customer_row(1, defaultEmailAddress=mail), now=NOW)
    assert found.consent == consent
    assert (found.consent_at is None) == (consent is None)


def test_a_customer_whose_data_is_hidden_is_known_by_his_number() -> None:
    row = customer_row(1, firstName=None, lastName=None, defaultEmailAddress=None, birthday={"value": "soon"})
    found = mapping.customer(row, now=NOW)
    assert (found.external_id, found.email, found.first_name, found.birthday) == ("1", None, "", None)


def test_changed_customers_are_asked_for_by_whole_days() -> None:
    asked: list[Row] = []
    with running() as (shop, server):
        shop.answers["Customers"] = lambda v: asked.append(v) or {"customers": page([customer_row(1)])}  # type: ignore[func-returns-value]
        shop.answers["CustomerAfresh"] = lambda v: {"customer": None}
        reader = CatalogReader(a_client(server))
        assert [one.external_id for found in reader.customers(NOW) for one in found.items] == ["1"]
        assert reader.customer("9") is None
    assert asked[0]["query"] == "updated_at:>='2026-11-21T00:00:00Z'"


SARI, OTHER = {"emailAddress": "Sari@contoh.test"}, {"emailAddress": "other@contoh.test"}


@pytest.mark.parametrize(
    ("answer", "found"),
    [(None, None), ({"id": "gid://shopify/Customer/42", "defaultEmailAddress": SARI}, "42"),
     ({"id": "gid://shopify/Customer/43", "defaultEmailAddress": OTHER}, None),
     ({"id": "gid://shopify/Customer/44", "defaultEmailAddress": None}, "44")],
)  # fmt: skip
def test_a_customer_is_found_by_his_address_and_by_no_other(answer: Any, found: str | None) -> None:
    with running() as (shop, server):
        shop.answers["CustomerByEmail"] = lambda v: {"customerByIdentifier": answer}
        assert CatalogReader(a_client(server)).customer_id("sari@contoh.test") == found


def variant(number: int, price: str, cost: str | None, **more: Any) -> Row:
    unit_cost = {"amount": cost, "currencyCode": "EUR"} if cost else None
    return {"id": f"gid://shopify/ProductVariant/{number}", "title": f"{number} g", "sku": f"K{number}",
            "price": price, "updatedAt": "2026-11-01T00:00:00Z", "inventoryItem": {"unitCost": unit_cost},
            "daysOfSupply": None, **more}  # fmt: skip


def product_row(number: int, variants: Row) -> Row:
    return {"id": f"gid://shopify/Product/{number}", "title": "Kopi", "status": "ACTIVE", "isGiftCard": False,
            "onlineStoreUrl": "https://toko.example/kopi", "updatedAt": "2026-11-02T00:00:00Z",
            "featuredMedia": {"preview": {"image": {"url": "https://cdn.example/k.jpg"}}},
            "daysOfSupply": {"value": "30"}, "collections": page([{"id": "gid://shopify/Collection/3"}]),
            "variants": variants}  # fmt: skip


def test_a_product_and_its_variants_with_what_they_cost_the_shop() -> None:
    several = page([variant(250, "9.9", "4.5"), variant(1000, "30", None, daysOfSupply={"value": "90"})])
    single = page([variant(1, "5", "2", title="Default Title")])
    with running() as (shop, server):
        shop.answers["Products"] = lambda v: {"products": page([product_row(7, several), product_row(8, single)])}
        pages = list(CatalogReader(a_client(server)).products(None, "EUR"))
    at = datetime(2026, 11, 1, tzinfo=UTC)
    common: dict[str, Any] = {
        "currency": "EUR", "category_ids": ("3",), "image_url": "https://cdn.example/k.jpg",
        "url": "https://toko.example/kopi", "days_of_supply": 30,
    }  # fmt: skip
    newer = datetime(2026, 11, 2, tzinfo=UTC)
    assert pages[0].items == (
        Product("7", "Kopi", 990, **common, updated_at=newer),
        Product("250", "Kopi - 250 g", 990, **common, parent_external_id="7", sku="K250", unit_cost_minor=450,
                updated_at=at),
        Product("1000", "Kopi - 1000 g", 3000, **{**common, "days_of_supply": 90}, parent_external_id="7", sku="K1000",
                updated_at=at),
        Product("8", "Kopi", 500, **common, sku="K1", unit_cost_minor=200, updated_at=newer),
        Product("1", "Kopi", 500, **common, parent_external_id="8", sku="K1", unit_cost_minor=200, updated_at=at),
    )  # fmt: skip


def test_a_product_of_many_variants_is_read_to_its_end_and_collections_are_categories() -> None:
    with running() as (shop, server):
        shop.answers["ProductAfresh"] = lambda v: {"product": product_row(7, page([variant(1, "1", None)], "c1"))}
        shop.answers["ProductVariants"] = lambda v: {"product": {"variants": page([variant(2, "2", None)])}}
        row = {"id": "gid://shopify/Collection/3", "title": "Kopi"}
        shop.answers["Collections"] = lambda v: {"collections": page([row, {"id": None}])}
        reader = CatalogReader(a_client(server))
        assert [one.external_id for one in reader.product("7", "EUR")] == ["7", "1", "2"]
        groups = next(reader.categories())
    assert [(group.external_id, group.name) for group in groups.items] == [("3", "Kopi")]
    assert len(groups.faults) == 1


def test_left_baskets_come_with_their_way_back() -> None:
    asked: list[Row] = []
    row = {
        "id": "gid://shopify/AbandonedCheckout/5", "createdAt": "2026-11-20T00:00:00Z", "completedAt": None,
        "updatedAt": "2026-11-20T01:00:00Z", "abandonedCheckoutUrl": "https://toko.example/checkouts/ac/x/recover?key=y",
        "discountCodes": ["LOY"], "customer": {"id": "gid://shopify/Customer/42", "locale": "nl",
        "defaultEmailAddress": {"emailAddress": "c@contoh.test", "marketingState": "SUBSCRIBED"}},
        "totalPriceSet": {"shopMoney": {"amount": "12.5", "currencyCode": "EUR"}},
        "lineItems": page([{"title": "Kopi", "sku": None, "quantity": 2, "product": None, "variant": None,
                            "image": None, "originalTotalPriceSet": money("12.5")}]),
    }  # fmt: skip
    with running() as (shop, server):
        shop.answers["AbandonedCheckouts"] = lambda v: asked.append(v) or {"abandonedCheckouts": page([row])}  # type: ignore[func-returns-value]
        found = next(CatalogReader(a_client(server)).abandoned(NOW)).items[0]
        reader = CatalogReader(a_client(server))
        row_back, row_nobody = row | {"completedAt": "2026-11-20T02:00:00Z"}, row | {"customer": None}
        left, back, nobody = (
            next(reader.baskets(None)).items if not row.update(one) else () for one in ({}, row_back, row_nobody)
        )
        shop.before = lambda call: Answer(
            {"errors": [top_error("ACCESS_DENIED", "Access denied for abandonedCheckouts")]}
        )
        closed = next(reader.baskets(None))
    assert asked[0]["query"] == "updated_at:>='2026-11-22T06:58:59Z'"
    assert asked[1]["query"] == "recovery_state:not_recovered"
    assert [(one.external_id, one.status, one.paid, one.total_minor) for one in (*left, *back)] == [
        ("checkout-5", OrderStatus.DRAFT, False, 1250), ("checkout-5", OrderStatus.TRASHED, False, 1250)
    ]  # fmt: skip
    assert (left[0].email, left[0].coupon_codes, left[0].lines[0].quantity) == ("c@contoh.test", ("loy",), 2)
    assert nobody == ()
    way = ("https://toko.example/checkouts/ac/x/recover?key=y", datetime(2026, 12, 20, tzinfo=UTC))
    assert (left[0].way_back, back[0].way_back) == (way, None)
    assert (closed.items, closed.faults[0][0]) == ((), "checkouts")
    assert (found.external_id, found.email, found.language, found.total_minor) == ("5", "c@contoh.test", "nl", 1250)
    assert (found.lines[0].title, found.lines[0].total_minor) == ("Kopi", 1250)
