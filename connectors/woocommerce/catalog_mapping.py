"""WooCommerce's products, categories and reviews in our words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connectors.errors import BadPayload
from connectors.types import Category, Product, Review
from connectors.woocommerce.values import (
    LONG,
    Row,
    decimal,
    email,
    identity,
    meta,
    moment,
    money,
    obj,
    reference,
    text,
    title,
)

PRODUCT_FIELDS = (
    "id,name,permalink,type,status,sku,price,parent_id,categories,images,image,attributes,meta_data,date_modified_gmt,"
    "cost_of_goods_sold,variations,catalog_visibility"
)
COST_KEYS = ("tangga_unit_cost", "_wc_cog_cost")
LONGEST_SUPPLY_DAYS = 3650


def product(raw: object, *, currency: str, now: datetime, parent: Product | None = None) -> Product:
    """One product or variation. ``currency`` is the shop's; ``parent`` gives a variation its title and categories."""
    row = obj(raw, "product")
    number = identity(row, "product")
    path = f"products/{number}"
    extra = meta(row)
    parent_id = parent.external_id if parent else reference(row, "parent_id")
    return Product(
        external_id=number,
        title=_title(row, parent) or f"#{number}",
        price_minor=_price(row, currency, path),
        currency=currency,
        parent_external_id=parent_id,
        sku=text(row, "sku", 100) or None,
        unit_cost_minor=_cost(row, extra, currency, path),
        days_of_supply=_days(extra.get("tangga_days_of_supply")),
        category_ids=_category_ids(row) or (parent.category_ids if parent else ()),
        image_url=_image(row) or (parent.image_url if parent else None),
        url=_link(row.get("permalink")),
        active=row.get("status") == "publish",
        updated_at=moment(row, "date_modified_gmt", path, now),
        # Who knows the address of hidden goods can buy them; variations are shown with their product.
        listed=parent.listed if parent else row.get("catalog_visibility", "visible") != "hidden",
    )


def category(raw: object) -> Category:
    """One product category; its name arrives HTML-escaped."""
    row = obj(raw, "category")
    number = identity(row, "category")
    return Category(number, title(row, "name") or f"#{number}", reference(row, "parent"))


def review(raw: object, *, now: datetime) -> Review:
    """One review. ``approved`` says whether the shop shows it; the shop's own ``verified`` is not to be relied on."""
    row = obj(raw, "review")
    number = identity(row, "review")
    path = f"reviews/{number}"
    written = moment(row, "date_created_gmt", path, now)
    rating = row.get("rating")
    if written is None:
        raise BadPayload("The review has no time.", path=f"{path}.date_created_gmt")
    if isinstance(rating, bool) or not isinstance(rating, int) or not 0 <= rating <= 5:
        raise BadPayload("The rating is not between 0 and 5.", path=f"{path}.rating")
    return Review(
        external_id=number,
        product_external_id=reference(row, "product_id") or "",
        email=email(row, "reviewer_email") or "",
        rating=rating,
        text=title(row, "review", LONG * 5),
        created_at=written,
        approved=row.get("status") == "approved",
    )


def _title(row: Row, parent: Product | None) -> str:
    own = title(row, "name")
    if parent is None:
        return own
    if not own:  # Older shops give variations no name, only their attributes.
        attributes = row.get("attributes")
        entries = attributes if isinstance(attributes, list) else []
        own = ", ".join(title(entry, "option") for entry in entries if isinstance(entry, dict))
    return f"{parent.title} - {own}"[:200] if own else parent.title


def _price(row: Row, currency: str, path: str) -> int | None:
    return None if row.get("price") in (None, "") else money(row, "price", currency, path)


def _cost(row: Row, extra: dict[str, str], currency: str, path: str) -> int | None:
    """What one unit costs the shop: its own cost field where that feature is on, else meta data."""
    given = row.get("cost_of_goods_sold")
    if isinstance(given, dict):
        values = given.get("values")
        first = values[0] if isinstance(values, list) and values and isinstance(values[0], dict) else {}
        for name, holder in (("total_value", given), ("effective_value", first), ("defined_value", first)):
            if holder.get(name) not in (None, "", 0):
                return money(holder, name, currency, f"{path}.cost_of_goods_sold")
    for key in COST_KEYS:
        if extra.get(key):
            return _free_amount(extra[key], currency)
    return None


def _free_amount(value: str, currency: str) -> int | None:
    try:
        amount = money({"cost": value}, "cost", currency, "meta")
    except BadPayload:
        return None  # Meta data is free text; an odd cost must not cost the product.
    return amount if amount >= 0 else None


def _days(value: str | None) -> int | None:
    try:
        days = int(decimal(value, "meta")) if value else 0
    except BadPayload:
        return None
    return days if 0 < days <= LONGEST_SUPPLY_DAYS else None


def _category_ids(row: Row) -> tuple[str, ...]:
    entries = row.get("categories")
    found = (reference(entry, "id") for entry in (entries if isinstance(entries, list) else []) if _is_row(entry))
    return tuple(number for number in found if number)


def _is_row(value: Any) -> bool:
    return isinstance(value, dict)


def _image(row: Row) -> str | None:
    images = row.get("images")
    candidates = [*(images if isinstance(images, list) else []), row.get("image")]
    for entry in candidates:
        if isinstance(entry, dict) and (link := _link(entry.get("src"))):
            return link
    return None


def _link(value: Any) -> str | None:
    good = isinstance(value, str) and value.startswith(("https://", "http://")) and len(value) <= 2000
    return value if good and value.isprintable() else None
