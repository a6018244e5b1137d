"""From WooCommerce's JSON to our words: the tables, and what is refused with its place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import AT_THE_TILL
from connectors.errors import BadPayload
from connectors.types import OrderStatus, Refund
from connectors.woocommerce import catalog_mapping, mapping
from tests.connectors.woocommerce.shop import NOW, Row, order_row


def customer_row(**more: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "email": "BUDI@Contoh.test",
        "first_name": "Budi",
        "last_name": "Santoso",
        "role": "customer",
        "billing": {"phone": "0812", "country": "ID", "email": "lain@contoh.test"},
        "date_created_gmt": "2025-01-02T03:04:05",
        "date_modified_gmt": None,
        "meta_data": [],
        **more,
    }


def product_row(**more: Any) -> dict[str, Any]:
    return {
        "id": 20,
        "name": "Gula &amp; Aren <b>500g</b>",
        "permalink": "https://toko.test/gula",
        "type": "simple",
        "status": "publish",
        "sku": "GULA",
        "price": "30000",
        "parent_id": 0,
        "categories": [{"id": 3, "name": "Bahan"}],
        "images": [{"src": "https://toko.test/gula.jpg"}],
        "meta_data": [],
        "date_modified_gmt": "2026-11-20T00:00:00",
        **more,
    }


def meta(**values: Any) -> list[dict[str, Any]]:
    return [{"id": 1, "key": key, "value": value} for key, value in values.items()]


@pytest.mark.parametrize(
    ("raw", "status", "paid"),
    [
        ("pending", OrderStatus.PENDING, False),
        ("on-hold", OrderStatus.PENDING, False),
        ("checkout-draft", OrderStatus.DRAFT, False),
        ("processing", OrderStatus.PAID, True),
        ("completed", OrderStatus.COMPLETED, True),
        ("refunded", OrderStatus.REFUNDED, True),
        ("cancelled", OrderStatus.CANCELLED, False),
        ("failed", OrderStatus.FAILED, False),
        ("trash", OrderStatus.TRASHED, False),
        ("wc-completed", OrderStatus.COMPLETED, True),
    ],
)
def test_statuses(raw: str, status: OrderStatus, paid: bool) -> None:
    order = mapping.order(order_row(1, status=raw), now=NOW)
    known = {"pending": AT_THE_TILL}.get(raw, raw.removeprefix("wc-"))
    assert (order.status, order.paid, order.raw_status) == (status, paid, known)


@pytest.mark.parametrize(("paid_at", "paid"), [("2026-05-01T03:05:00", True), (None, False)])
def test_a_status_of_the_shops_own_making_is_paid_where_it_was_paid(paid_at: str | None, paid: bool) -> None:
    order = mapping.order(order_row(1, status="dikirim-kurir", date_paid_gmt=paid_at), now=NOW)
    assert (order.status, order.raw_status, order.paid) == (OrderStatus.UNKNOWN, "dikirim-kurir", paid)


def test_an_order_in_full() -> None:
    line = {
        "id": 480,
        "name": "Kopi &#8211; 250 g",
        "product_id": 26,
        "variation_id": 27,
        "quantity": 3,
        "subtotal": "180000",
        "total": "162000",
        "sku": "KOPI",
        "price": 54000,
    }
    refunds = [{"id": 40, "reason": "Rusak", "total": "-5000"}]
    row = order_row(
        164, customer_id=5, line_items=[line], coupon_lines=[{"code": "HEMAT10"}, {"code": "hemat10"}], refunds=refunds
    )
    told = {"40": mapping.RefundTold(NOW, Decimal(2000), Decimal(5000))}
    order = mapping.order(row, now=NOW, refunds_told=told)
    assert order.customer_external_id == "5"
    assert order.coupon_codes == ("hemat10",)
    assert order.placed_at == datetime(2026, 5, 1, 3, tzinfo=UTC)
    assert order.refunds == (Refund("40", 500_000, NOW, 200_000),)
    item = order.lines[0]
    assert (item.title, item.quantity, item.product_external_id) == ("Kopi – 250 g", Decimal(3), "26")
    assert (item.variant_external_id, item.total_minor, item.discount_minor) == ("27", 16_200_000, 1_800_000)


@pytest.mark.parametrize(
    ("told", "shipping"),
    [
        ([{}], [100_000]),  # A mere sum: a tenth of what was paid is a tenth of the shipping.
        ([{"line_items": [{"total": "-9009", "total_tax": "-991"}]}], [0]),
        ([{"fee_lines": [{"total": "-10000"}]}], [0]),
        ([{"line_items": [{"total": "-4000"}]}], [62_500]),  # More than its lines: the rest is a mere sum.
        ([{"shipping_lines": [{"total": "-10000", "total_tax": "0"}]}], [1_000_000]),
        ([{"shipping_lines": [{"total": "-10000"}]}, {}], [1_000_000, 0]),  # No shipping is left to be given back.
        ([{}, {}], [100_000, 100_000]),
        ([None], [100_000]),  # The shop does not show the refund itself.
    ],
)
def test_a_mere_sum_is_shared_over_goods_and_shipping(told: list[Row | None], shipping: list[int]) -> None:
    line = {"id": 1, "name": "Kopi", "quantity": 3, "subtotal": "90000", "total": "90000"}
    back = [{"id": n, "reason": "Kompensasi", "total": "-10000"} for n in range(1, len(told) + 1)]
    row = order_row(1, total="100000", shipping_total="10000", total_tax="0", line_items=[line], refunds=back)
    known = {
        str(n): found
        for n, more in enumerate(told, 1)
        if more is not None and (found := mapping.refund_told({"date_created_gmt": "2026-06-01T00:00:00", **more}, NOW))
    }
    order = mapping.order(row, now=NOW, refunds_told=known)
    assert [one.shipping_minor for one in order.refunds] == shipping
    assert {one.amount_minor for one in order.refunds} == {1_000_000}
    assert (order.total_minor, order.lines[0].quantity, order.lines[0].total_minor) == (10_000_000, 3, 9_000_000)


def test_the_address_is_kept_as_typed() -> None:
    order = mapping.order(order_row(1, billing={"email": " Siti.RAHMA@Contoh.Test "}), now=NOW)
    assert order.email == "Siti.RAHMA@Contoh.Test"


def test_an_order_without_anybody() -> None:
    order = mapping.order(order_row(1, billing=[]), now=NOW)
    assert (order.email, order.name, order.phone, order.country) == (None, None, None, None)


def test_a_deleted_product_leaves_its_name() -> None:
    line = {"id": 1, "name": "Lama", "product_id": 0, "variation_id": 0, "quantity": 2, "total": "20000", "sku": None}
    item = mapping.order(order_row(1, line_items=[line]), now=NOW).lines[0]
    assert (item.title, item.product_external_id, item.variant_external_id, item.sku) == ("Lama", None, None, None)


@pytest.mark.parametrize(
    ("code", "total", "minor"), [("IDR", "33333.335", 3_333_334), ("JPY", "500", 500), ("KWD", "1.2345", 1235)]
)
def test_money_by_the_exponent_of_each_orders_own_currency(code: str, total: str, minor: int) -> None:
    order = mapping.order(order_row(1, currency=code, total=total), now=NOW)
    assert (order.currency, order.total_minor) == (code, minor)


def test_consent_and_referral_at_the_till() -> None:
    order = mapping.order(order_row(1, meta_data=meta(_tangga_consent="yes", _tangga_referred_by="17")), now=NOW)
    assert (order.consent, order.referred_by) == ("subscribed", "17")
    assert mapping.order(order_row(1), now=NOW).consent is None


@pytest.mark.parametrize(
    ("values", "test"),
    [
        ({"_wcpay_mode": "test"}, True),
        ({"_wcpay_mode": "prod"}, False),
        ({"_ppcp_paypal_payment_mode": "sandbox"}, True),
        ({"_ppcp_paypal_payment_mode": "live"}, False),
        ({}, False),
    ],
)
def test_orders_paid_with_play_money_are_test_orders(values: dict[str, str], test: bool) -> None:
    assert mapping.order(order_row(1, meta_data=meta(**values)), now=NOW).test is test


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("date_created_gmt", "0000-00-00T00:00:00"),
        ("date_created_gmt", "20000-01-01T00:00:00"),
        ("date_created_gmt", "1970-01-01T00:00:00"),
        ("date_created_gmt", "2026-11-25T00:00:00"),
        ("date_created_gmt", "besok"),
        ("date_created_gmt", None),
        ("date_modified_gmt", "2099-01-01T00:00:00"),
        ("total", "-1"),
        ("total", ""),
        ("total", "1.000.000"),
        ("total", "1e999999999"),
        ("total", "9" * 30),
        ("total", "NaN"),
        ("total", True),
        ("total", []),
        ("currency", "rupiah"),
        ("currency", None),
        ("status", ""),
        ("id", 0),
        ("line_items", "none"),
        ("refunds", [1]),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_place(field: str, value: object) -> None:
    with pytest.raises(BadPayload) as caught:
        mapping.order(order_row(8, **{field: value}), now=NOW)
    assert caught.value.path.startswith(("orders/8." + field, "order." + field))


def test_a_name_of_ten_megabytes_is_cut_and_cleaned() -> None:
    billing = {"first_name": "A\x00b\u202e\ud800" + "x" * 10_000_000, "last_name": "\r\nB"}
    name = mapping.order(order_row(1, billing=billing), now=NOW).name
    assert name is not None
    assert name.startswith("A b xxx")
    assert name.endswith("x B")
    assert len(name) == 202
    name.encode()


def test_an_emoji_family_survives_cleaning() -> None:
    assert mapping.customer(customer_row(first_name="👨‍👩‍👧 Nyoman"), now=NOW).first_name == "👨‍👩‍👧 Nyoman"


def test_a_customer_in_full() -> None:
    values = {
        "tangga_member_since": "2025-03-01 00:00:00",
        "tangga_member_number": "A-17",
        "tangga_referred_by": "teman@contoh.test",
        "tangga_consent": "subscribed",
        "tangga_consent_at": "2025-02-01T10:00:00+07:00",
        "tangga_consent_source": "kasir",
        "tangga_birthday": "1990-05-17",
        "tangga_language": "id_ID",
    }
    customer = mapping.customer(customer_row(meta_data=meta(**values)), now=NOW)
    assert (customer.email, customer.phone, customer.country) == ("BUDI@Contoh.test", "0812", "ID")
    assert (customer.member_since, customer.member_number) == (date(2025, 3, 1), "A-17")
    assert (customer.consent, customer.consent_source) == ("subscribed", "kasir")
    assert customer.consent_at == datetime(2025, 2, 1, 3, tzinfo=UTC)
    assert (customer.birthday, customer.language) == (date(1990, 5, 17), "id")
    assert customer.referred_by == "teman@contoh.test"


@pytest.mark.parametrize(
    ("values", "consent"),
    [
        ({}, None),
        ({"tangga_consent": ""}, None),
        ({"tangga_consent": "maybe"}, None),
        ({"mailchimp_woocommerce_is_subscribed": "1"}, "subscribed"),
        ({"mailchimp_woocommerce_is_subscribed": "0"}, "unsubscribed"),
        ({"mailchimp_woocommerce_is_subscribed": ""}, None),
        ({"tangga_consent": "unsubscribed", "mailchimp_woocommerce_is_subscribed": "1"}, "unsubscribed"),
    ],
)
def test_consent_is_read_and_never_assumed(values: dict[str, str], consent: str | None) -> None:
    assert mapping.customer(customer_row(meta_data=meta(**values)), now=NOW).consent == consent


@pytest.mark.parametrize("key", ["tangga_birthday", "tangga_member_since", "tangga_consent_at"])
@pytest.mark.parametrize("value", ["0000-00-00", "17 Mei", {"a": 1}, "9999-99-99T99:99:99", 12])
def test_odd_meta_data_does_not_cost_the_customer(key: str, value: object) -> None:
    rows = meta(**{"tangga_consent": "yes", key: value})
    customer = mapping.customer(customer_row(meta_data=rows), now=NOW)
    assert (customer.birthday, customer.member_since, customer.consent_at) == (None, None, None)


def test_our_own_rung_in_the_meta_data_changes_nothing() -> None:
    plain = mapping.customer(customer_row(), now=NOW)
    assert mapping.customer(customer_row(meta_data=meta(tangga_rung="member")), now=NOW) == plain


def test_people_who_run_the_shop_are_told_apart() -> None:
    assert mapping.is_staff(customer_row(role="shop_manager"))
    assert not mapping.is_staff(customer_row(role="subscriber"))


def test_a_product_in_plain_text() -> None:
    product = catalog_mapping.product(product_row(), currency="IDR", now=NOW)
    assert (product.title, product.price_minor, product.category_ids) == ("Gula & Aren 500g", 3_000_000, ("3",))
    assert (product.image_url, product.active) == ("https://toko.test/gula.jpg", True)


def test_a_variation_borrows_from_its_parent() -> None:
    parent = catalog_mapping.product(product_row(), currency="IDR", now=NOW)
    row = product_row(id=21, name="", attributes=[{"option": "XL &mdash; Ekstra"}], categories=None, images=None)
    variation = catalog_mapping.product(row, currency="IDR", now=NOW, parent=parent)
    assert (variation.title, variation.parent_external_id) == ("Gula & Aren 500g - XL — Ekstra", "20")
    assert (variation.category_ids, variation.image_url) == (("3",), "https://toko.test/gula.jpg")


@pytest.mark.parametrize(
    ("more", "minor"),
    [
        ({"cost_of_goods_sold": {"values": [{"defined_value": 12000}], "total_value": 12500.5}}, 1_250_050),
        ({"cost_of_goods_sold": {"values": [{"defined_value": 12000}]}}, 1_200_000),
        ({"cost_of_goods_sold": {"values": []}, "meta_data": meta(tangga_unit_cost="9000")}, 900_000),
        ({"meta_data": meta(_wc_cog_cost="8000")}, 800_000),
        ({"meta_data": meta(tangga_unit_cost="murah")}, None),
        ({"meta_data": meta(tangga_unit_cost="-5")}, None),
        ({}, None),
    ],
)
def test_unit_cost_where_the_shop_keeps_it(more: dict[str, Any], minor: int | None) -> None:
    assert catalog_mapping.product(product_row(**more), currency="IDR", now=NOW).unit_cost_minor == minor


@pytest.mark.parametrize(
    ("value", "days"), [("30", 30), (30, 30), ("0", None), ("-3", None), ("x", None), ("1e9", None)]
)
def test_days_of_supply(value: object, days: int | None) -> None:
    row = product_row(meta_data=meta(tangga_days_of_supply=value))
    assert catalog_mapping.product(row, currency="IDR", now=NOW).days_of_supply == days


def test_a_product_without_a_price_has_none() -> None:
    assert catalog_mapping.product(product_row(price=""), currency="IDR", now=NOW).price_minor is None


def test_a_category_is_unescaped() -> None:
    category = catalog_mapping.category({"id": 18, "name": "Sabun &amp; Lilin", "parent": 0})
    assert (category.name, category.parent_external_id) == ("Sabun & Lilin", None)


def test_a_review_is_plain_text() -> None:
    row = {
        "id": 150,
        "product_id": 13,
        "reviewer_email": "Siti@contoh.test",
        "review": "<p>Wangi &amp; halus!</p>\n",
        "rating": 5,
        "status": "hold",
        "verified": True,
        "date_created_gmt": "2026-11-01T07:37:42",
    }
    review = catalog_mapping.review(row, now=NOW)
    assert (review.text, review.rating, review.approved, review.email) == (
        "Wangi & halus!",
        5,
        False,
        "Siti@contoh.test",
    )


def test_an_order_was_delivered_when_the_shop_completed_it() -> None:
    done = mapping.order(order_row(1, status="completed", date_completed_gmt="2026-11-01T02:03:04"), now=NOW)
    assert done.delivered_at == datetime(2026, 11, 1, 2, 3, 4, tzinfo=UTC)
    assert mapping.order(order_row(1, date_completed_gmt=None), now=NOW).delivered_at is None


@pytest.mark.parametrize(
    ("told", "days"),
    [
        ({"status": "checkout-draft"}, 1), ({"status": "pending"}, 30), ({"status": "processing"}, None),
        ({"status": "cancelled"}, None), ({"status": "pending", "needs_payment": False}, None),
        ({"status": "pending", "payment_url": "javascript:alert(1)"}, None),
        ({"status": "pending", "payment_url": None}, None),
    ],
)  # fmt: skip
def test_an_unpaid_order_tells_where_it_can_be_paid(told: dict[str, Any], days: int | None) -> None:
    url = "https://toko.example/checkout/order-pay/1/?pay_for_order=true&key=wc_order_x"
    row = {"payment_url": url, "needs_payment": True, "date_modified_gmt": "2026-11-01T02:03:04"} | told
    way = mapping.order(order_row(1, **row), now=NOW).way_back
    assert way == (days and (url, datetime(2026, 11, 1, 2, 3, 4, tzinfo=UTC) + timedelta(days=days)))
