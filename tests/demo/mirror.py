"""A shop filled with what the recordings of a real shop show, so that its requests can be asked again."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from plugin_server.demo.shop.model import (
    Address,
    Category,
    CostLine,
    Coupon,
    CouponLine,
    Customer,
    Line,
    Meta,
    Order,
    Product,
    Refund,
)
from plugin_server.demo.shop.state import ShopState

Json = dict[str, Any]


def recorded(path: Path) -> Any:
    """The body of a recorded answer."""
    return json.loads(path.read_text())["response"]["body"]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _surely(text: str | None) -> datetime:
    return _moment(text) or datetime(2026, 11, 22, tzinfo=UTC)


def _metas(rows: list[Json]) -> list[Meta]:
    return [Meta(row["id"], row["key"], row["value"]) for row in rows]


def _price(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def product_of(row: Json, *, variation: bool = False) -> Product:
    return Product(
        row["id"], row["name"], row.get("slug", ""), row["sku"], Decimal(row["price"] or 0),
        _surely(row["date_created_gmt"]), _surely(row["date_modified_gmt"]),
        kind="variation" if variation else row["type"], parent_id=row.get("parent_id", 0),
        option=row["name"] if variation else None, category_ids=[one["id"] for one in row.get("categories", [])],
        variation_ids=row.get("variations", []), regular_price=_price(row["regular_price"]),
        sale_price=_price(row["sale_price"]), meta=_metas(row["meta_data"]),
    )  # fmt: skip


def order_of(row: Json) -> Order:
    address: Address = row["billing"]
    return Order(
        row["id"], row["status"], _surely(row["date_created_gmt"]), _surely(row["date_modified_gmt"]),
        currency=row["currency"], customer_id=row["customer_id"], billing=address, shipping=row["shipping"],
        payment=row["payment_method"], payment_title=row["payment_method_title"], created_via=row["created_via"],
        note=row["customer_note"], key=row["order_key"], paid=_moment(row["date_paid_gmt"]),
        completed=_moment(row["date_completed_gmt"]), meta=_metas(row["meta_data"]),
        lines=[_line(line) for line in row["line_items"]],
        shipping_lines=[CostLine(line["id"], line["method_title"], Decimal(line["total"]), line["method_id"])
                        for line in row["shipping_lines"]],
        fee_lines=[CostLine(line["id"], line["name"], Decimal(line["total"])) for line in row["fee_lines"]],
        coupon_lines=[_coupon_line(line) for line in row["coupon_lines"]],
        refunds=[Refund(one["id"], _surely(row["date_modified_gmt"]), -Decimal(one["total"]), one["reason"])
                 for one in row["refunds"]],
    )  # fmt: skip


def _line(line: Json) -> Line:
    option = next((one["value"] for one in line["meta_data"] if one["key"] == "ukuran"), None)
    ids = (line["id"], line["name"], line["product_id"], line["variation_id"], line["quantity"])
    return Line(*ids, Decimal(line["subtotal"]), Decimal(line["total"]), line["sku"], line["parent_name"], option)


def _coupon_line(line: Json) -> CouponLine:
    id, _, kind, amount, *_ = json.loads(line["meta_data"][0]["value"])
    return CouponLine(
        line["id"], line["code"], Decimal(line["discount"]), id, kind or "fixed_cart", Decimal(str(amount))
    )


def customer_of(row: Json) -> Customer:
    return Customer(row["id"], row["email"], _surely(row["date_created_gmt"]), _moment(row["date_modified_gmt"]),
                    row["first_name"], row["last_name"], row["role"], row["username"], row["billing"],
                    row["shipping"], row["is_paying_customer"], _metas(row["meta_data"]))  # fmt: skip


def coupon_of(row: Json) -> Coupon:
    return Coupon(row["id"], row["code"], _surely(row["date_created_gmt"]), _surely(row["date_modified_gmt"]),
                  Decimal(row["amount"]), row["status"], row["discount_type"], product_ids=row["product_ids"],
                  usage_limit=row["usage_limit"], email_restrictions=row["email_restrictions"],
                  uses=dict(enumerate(row["used_by"])))  # fmt: skip


def mirror(recordings: Path, *, legacy: bool = False) -> ShopState:
    """The shop as it stood when its reads were recorded, with the key pairs ``rw``, ``r``, ``w`` and ``customer``."""
    reads = recordings / "rest-reads"
    shop = ShopState(name="Toko Uji Senja", tax_rate=Decimal(11), legacy=legacy)
    for row in recorded(reads / "categories.json"):
        shop.place(Category(row["id"], html.unescape(row["name"]), row["slug"], row["parent"]))
    for row in recorded(reads / "products_full.json"):
        shop.place(product_of(row))
    for row in recorded(reads / "variations.json"):
        shop.place(product_of(row, variation=True))
    for row in recorded(reads / "customers_full.json"):
        shop.place(customer_of(row))
    for row in recorded(reads / "coupons.json"):
        shop.place(coupon_of(row))
    for page in ("orders_full_page1.json", "orders_full_page2.json", "orders_status_trash.json"):
        for row in recorded(reads / page):
            shop.place(order_of(row))
    for name, permissions in (("rw", "read_write"), ("r", "read"), ("w", "write"), ("customer", "read_write")):
        shop.add_key(f"ck_{name}", f"cs_{name}", permissions=permissions, privileged=name != "customer")
    return shop
