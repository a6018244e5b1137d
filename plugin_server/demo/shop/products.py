"""/products, their variations and categories."""

from __future__ import annotations

import html
from decimal import Decimal
from urllib.parse import quote_plus

from flask import Blueprint

from plugin_server.demo.shop.answers import Answer, JsonObject, RestError, links
from plugin_server.demo.shop.clock import gmt_text, local_text, query_moment
from plugin_server.demo.shop.listing import choice_param, chosen, flag_param, id_list, list_param, page_answer
from plugin_server.demo.shop.model import Category, Product
from plugin_server.demo.shop.order_view import metas, money
from plugin_server.demo.shop.product_view import FIXED_FACTS, VARIATION_AS_PRODUCT, VARIATION_FACTS
from plugin_server.demo.shop.product_writing import ProductWriter
from plugin_server.demo.shop.routes import address_of, body, floor, query, rest
from plugin_server.demo.shop.state import ShopState

products = Blueprint("products", __name__)
_ORDERINGS = ("date", "id", "include", "title", "slug", "modified", "price", "popularity", "rating", "menu_order")


def _the_product(id: int) -> Product:
    found = floor().shop.products.get(id)
    if found is None:
        raise RestError(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
    return found


def permalink(shop: ShopState, product: Product) -> str:
    """Where a shopper would look at it."""
    parent = shop.products.get(product.parent_id)
    if parent is None:
        return f"{shop.base}/product/{product.slug}/"
    return f"{shop.base}/product/{parent.slug}/?attribute_ukuran={quote_plus(product.option or '')}"


def _dates(shop: ShopState, product: Product) -> JsonObject:
    return {
        "date_created": local_text(product.created, shop.zone),
        "date_created_gmt": gmt_text(product.created),
        "date_modified": local_text(product.modified, shop.zone),
        "date_modified_gmt": gmt_text(product.modified),
    }


def _prices(shop: ShopState, product: Product) -> JsonObject:
    def text(amount: Decimal | None) -> str:
        return "" if amount is None else money(amount, shop.decimals)

    own = product.regular_price if product.regular_price is not None else product.price
    return {
        "price": text(product.price),
        "regular_price": "" if product.kind == "variable" else text(own),
        "sale_price": text(product.sale_price),
        "on_sale": product.sale_price is not None,
    }


def _attributes(shop: ShopState, product: Product) -> list[JsonObject]:
    if product.kind == "variable":
        options = [shop.products[id].option for id in product.variation_ids if id in shop.products]
        return [{"id": 0, "name": "Ukuran", "slug": "Ukuran", "position": 0, "visible": True, "variation": True,
                 "options": options}]  # fmt: skip
    if product.option:
        return [{"id": 0, "name": "Ukuran", "slug": "ukuran", "option": product.option}]
    return []


def product_view(shop: ShopState, product: Product) -> JsonObject:
    """A product, or a variation asked for as a product."""
    parent = shop.products.get(product.parent_id)
    name = f"{parent.name} - {product.option}" if parent else product.name
    categories = [shop.categories[id] for id in product.category_ids if id in shop.categories]
    up = f"products/{product.parent_id}" if parent else None
    return {
        "id": product.id,
        "name": name,
        "slug": product.slug,
        "permalink": permalink(shop, product),
        **_dates(shop, product),
        "type": product.kind,
        "status": product.status,
        "short_description": product.short_description,
        "sku": product.sku,
        **_prices(shop, product),
        **FIXED_FACTS,
        "catalog_visibility": product.visibility,
        **product.facts,
        **(VARIATION_AS_PRODUCT if parent else {}),
        "parent_id": product.parent_id,
        "categories": [{"id": one.id, "name": html.escape(one.name), "slug": one.slug} for one in categories],
        "attributes": _attributes(shop, product),
        "variations": product.variation_ids,
        "meta_data": metas(product.meta),
        "has_options": product.kind == "variable",
        "_links": links(shop.base, f"products/{product.id}", up=up),
    }


def variation_view(shop: ShopState, product: Product) -> JsonObject:
    """A variation as /products/ID/variations shows it; its name is the option alone."""
    path = f"products/{product.parent_id}"
    return {
        "id": product.id,
        "type": "variation",
        **_dates(shop, product),
        "permalink": permalink(shop, product),
        "sku": product.sku,
        **_prices(shop, product),
        "status": product.status,
        **VARIATION_FACTS,
        "attributes": _attributes(shop, product),
        "meta_data": metas(product.meta),
        "name": product.option or product.name,
        "parent_id": product.parent_id,
        "_links": links(shop.base, f"{path}/variations/{product.id}", up=path),
    }


@rest(products, "GET", "/products", "view")
def list_products() -> Answer:
    """One page of products, variations left out unless asked for by SKU."""
    asked, shop = query(), floor().shop
    ordering = choice_param(asked, "orderby", "date", _ORDERINGS)
    rows = [row for row in shop.products.values() if row.status != "trash" and (not row.parent_id or "sku" in asked)]
    if asked.get("sku"):
        rows = [row for row in rows if row.sku in list_param(asked, "sku")]
    if asked.get("status", "any") != "any":
        rows = [row for row in rows if row.status == asked["status"]]
    if asked.get("search"):
        rows = [row for row in rows if asked["search"].lower() in row.name.lower()]
    if asked.get("category", "").isdigit():
        rows = [row for row in rows if int(asked["category"]) in row.category_ids]
    if wanted := set(id_list(asked, "include")):
        rows = [row for row in rows if row.id in wanted]
    if asked.get("modified_after"):
        gmt = flag_param(asked, "dates_are_gmt")
        limit = query_moment("modified_after", asked["modified_after"], dates_are_gmt=gmt, zone=shop.zone)
        rows = [row for row in rows if row.modified > limit]
    by_change, by_date = ordering == "modified", ordering == "date"
    rows.sort(key=lambda row: (row.modified if by_change else row.created if by_date else shop.now(), row.id),
              reverse=asked.get("order", "desc") == "desc")  # fmt: skip
    return page_answer(rows, lambda row: product_view(shop, row), address_of("products"), asked)


@rest(products, "GET", "/products/<int:id>", "view")
def get_product(id: int) -> Answer:
    """One product or variation."""
    return Answer(chosen(product_view(floor().shop, _the_product(id)), list_param(query(), "_fields")))


@rest(products, "PUT", "/products/<int:id>", "edit")
def update_product(id: int) -> Answer:
    """Change a product or variation; product.updated carries its own id."""
    shop = floor().shop
    return Answer(product_view(shop, ProductWriter(shop).update(_the_product(id), body())))


@rest(products, "POST", "/products", "create")
def create_product() -> Answer:
    """A new product."""
    shop = floor().shop
    made = ProductWriter(shop).create(body())
    return Answer(product_view(shop, made), 201, {"Location": address_of(f"products/{made.id}")})


@rest(products, "DELETE", "/products/<int:id>", "delete")
def delete_product(id: int) -> Answer:
    """To the trash (coupon webhooks hear of it too), or with force=true for ever; lines then lose their product."""
    shop, product = floor().shop, _the_product(id)
    gone = product_view(shop, product)
    if flag_param(query(), "force"):
        shop.remove(product)
    else:
        product.status = "trash"
        shop.save(product)
        shop.tell("product.deleted", id)
        shop.tell("coupon.deleted", id)
    return Answer(gone)


@rest(products, "GET", "/products/<int:id>/variations", "view")
def list_variations(id: int) -> Answer:
    """The variations of one product, newest first; an unknown product has none."""
    asked, shop = query(), floor().shop
    rows = [row for row in shop.products.values() if row.parent_id == id and row.status != "trash"]
    rows.sort(key=lambda row: -row.id)
    return page_answer(
        rows, lambda row: variation_view(shop, row), address_of(f"products/{id}/variations"), asked
    )  # fmt: skip


@rest(products, "GET", "/products/<int:id>/variations/<int:variation_id>", "view")
def get_variation(id: int, variation_id: int) -> Answer:
    """One variation."""
    product = _the_product(variation_id)
    if product.parent_id != id:
        raise RestError(404, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
    return Answer(variation_view(floor().shop, product))


@rest(products, "GET", "/products/categories", "view")
def list_categories() -> Answer:
    """Categories by name; the names come with HTML entities."""
    asked, shop = query(), floor().shop
    rows = sorted(shop.categories.values(), key=lambda row: (row.name, row.id))
    if wanted := set(id_list(asked, "include")):
        rows = [row for row in rows if row.id in wanted]
    return page_answer(rows, lambda row: _category_view(shop, row), address_of("products/categories"), asked)


def _category_view(shop: ShopState, category: Category) -> JsonObject:
    up = f"products/categories/{category.parent}" if category.parent else None
    return {
        "id": category.id,
        "name": html.escape(category.name),
        "slug": category.slug,
        "parent": category.parent,
        "description": "",
        "display": "default",
        "image": None,
        "menu_order": 0,
        "count": sum(category.id in product.category_ids for product in shop.products.values()),
        "_links": links(shop.base, f"products/categories/{category.id}", up=up),
    }
